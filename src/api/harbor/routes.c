/* SPDX-License-Identifier: Apache-2.0 */
/* Harbor's API, version 2.0, and its token service, one row an operation. */
#include "api/harbor/harbor.h"

static const struct http_route api_routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/ping",
     .name = "system.ping",
     .permission = PERM_PUBLIC,
     .handler = harbor_ping,
     .doc = "Say that the server runs, whatever the state of its parts.",
     .contract = &(const struct api_contract){.operation = "getPing", .text = "text/plain"}},
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/health",
     .name = "system.health",
     .permission = PERM_PUBLIC,
     .handler = harbor_health,
     .doc = "Check the parts of the server; always 200, the body tells.",
     .contract =
         &(const struct api_contract){.operation = "getHealth", .gives = &harbor_health_object}},
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/openapi.json",
     .name = "system.openapi",
     .permission = PERM_PUBLIC,
     .handler = harbor_openapi,
     .doc = "Give the OpenAPI file of this server."},
};

const struct http_group harbor_group = {
    .prefix = "/api/v2.0/",
    .routes = api_routes,
    .n = ARRAY_LEN(api_routes),
    .error = harbor_error,
};

static const struct http_route service_routes[] = {
    /* POST is answered with 405, upon which clients that try it first (containerd) come back with
       GET. */
    {.method = HTTP_GET,
     .pattern = "/service/token",
     .name = "token.get",
     .permission = PERM_TOKEN,
     .handler = harbor_token,
     .doc = "Get a registry token for the scopes named; without credentials it holds what anybody "
            "may do."},
};

const struct http_group service_group = {
    .prefix = "/service/",
    .routes = service_routes,
    .n = ARRAY_LEN(service_routes),
    .error = harbor_error,
};
