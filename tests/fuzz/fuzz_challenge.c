/* SPDX-License-Identifier: Apache-2.0 */
/* WWW-Authenticate, and the addresses in it: whatever a registry sends, reading ends, stays inside
 * the text, and only http and https addresses without a user name come out. */
#include "base/buf.h"
#include "base/err.h"
#include "http/challenge.h"
#include "http/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_address(struct str text)
{
    AUTO(buf) url = {0};
    AUTO(buf) origin = {0};
    buf_init(&url, LIMIT_CLIENT_URL);
    buf_init(&origin, LIMIT_CLIENT_URL);
    if (http_url_resolve("https://registry.example.org/v2/", text, &url, NULL) < 0)
        return;
    BUG_ON(!str_starts(buf_str(&url), STR("https://")) &&
           !str_starts(buf_str(&url), STR("http://")));
    BUG_ON(http_url_origin(url.p, &origin, NULL) == 0 && memchr(origin.p, '@', origin.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_challenge c;
    struct str rest = str_of((const char *)data, size);
    size_t before = rest.n + 1;
    while (http_challenge_next(&rest, &c) > 0) {
        BUG_ON(rest.n >= before); /* each one takes something */
        before = rest.n;
        BUG_ON(c.n_params > HTTP_CHALLENGE_PARAMS || c.text_n > sizeof(c.text) ||
               c.scheme[0] == '\0');
        for (size_t i = 0; i < c.n_params; i++) {
            struct str v = http_challenge_param(&c, c.params[i].name);
            BUG_ON(!v.p || v.p < c.text || v.p + v.n > c.text + c.text_n);
        }
        check_address(http_challenge_param(&c, "realm"));
    }
    check_address(str_of((const char *)data, size));
    (void)http_host_is_loopback(str_of((const char *)data, size));
    return 0;
}
