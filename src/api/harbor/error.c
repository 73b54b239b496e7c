/* SPDX-License-Identifier: Apache-2.0 */
#include "api/error.h"

#include "api/harbor/harbor.h"

/* Harbor names most errors after their status; its own words for single ones are in err.def. */
static const char *code_of(const struct err_info *info)
{
    static const char *const kept[] = {"DIGEST_INVALID", "MANIFEST_INVALID", "UNSUPPORTED"};
    for (size_t i = 0; info->status == 400 && i < ARRAY_LEN(kept); i++)
        if (strcmp(info->wire, kept[i]) == 0)
            return kept[i];
    switch (info->status) {
    case 400:
        return "BAD_REQUEST";
    case 401:
        return "UNAUTHORIZED";
    case 403:
        return "FORBIDDEN";
    case 404:
        return "NOT_FOUND";
    case 405:
        return "METHOD_NOT_ALLOWED";
    case 409:
        return "CONFLICT";
    case 413:
        return "REQUEST_ENTITY_TOO_LARGE";
    case 414:
        return "REQUEST_URI_TOO_LONG";
    case 415:
        return "UNSUPPORTED_MEDIA_TYPE";
    case 429:
        return "TOO_MANY_REQUEST";
    default:
        return info->status >= 500 ? "UNKNOWN" : info->wire;
    }
}

void harbor_error(struct http_req *rq, const struct err *e)
{
    const struct err_info *info = err_info(e->code);
    const char *code = e->code == ERR_POLICY ? info->wire : code_of(info);
    api_error_reply(rq, e, info->status, code, "application/json; charset=utf-8");
}
