/* SPDX-License-Identifier: Apache-2.0 */
/* Sources: RFC 6265 (cookies), RFC 6454 (Origin), and the names that Harbor's portal uses. */
#include "api/browser.h"

#include "access/session.h"
#include "base/random.h"

#define SESSION_COOKIE "sid"
#define CSRF_COOKIE    "_gorilla_csrf"
#define CSRF_HEADER    "X-Harbor-CSRF-Token"
#define CSRF_CHARS     32

static struct str cookie(const struct http_req *rq, const char *name)
{
    for (size_t i = 0; i < rq->n_headers; i++) {
        struct str rest = rq->headers[i].value;
        if (!str_ieq(rq->headers[i].key, STR("Cookie")))
            continue;
        while (rest.p) {
            struct str value = str_trim(str_cut(&rest, ';')), key = str_cut(&value, '=');
            if (str_eqz(key, name) && value.n)
                return value;
        }
    }
    return STR_NULL;
}

static void set_cookie(struct http_req *rq, const char *name, struct str value,
                       const char *same_site)
{
    http_set_headerf(rq, "Set-Cookie", "%s=%.*s; Path=/; HttpOnly; SameSite=%s%s%s", name, S(value),
                     same_site, str_eqz(rq->scheme, "https") ? "; Secure" : "",
                     value.n ? "" : "; Max-Age=0");
}

struct str browser_session(const struct http_req *rq)
{
    return cookie(rq, SESSION_COOKIE);
}

/* Lax: a link from another page leads to where one is signed in; forms of other pages do not. */
void browser_set_session(struct http_req *rq, struct str secret)
{
    set_cookie(rq, SESSION_COOKIE, secret, "Lax");
}

/* ---- CSRF ---- */

static bool is_browser(const struct http_req *rq)
{
    return str_starts(rq->path, STR("/c/")) || cookie(rq, SESSION_COOKIE).n ||
           cookie(rq, CSRF_COOKIE).n || (rq->route && strcmp(rq->route->name, "system.info") == 0);
}

void browser_offer_token(struct http_req *rq)
{
    char made[CSRF_CHARS + 1], token[SESSION_CSRF_MAX];
    struct str secret = cookie(rq, CSRF_COOKIE);

    if (!is_browser(rq))
        return;
    if (secret.n != CSRF_CHARS) {
        random_alnum(made, CSRF_CHARS);
        secret = str_from(made);
        set_cookie(rq, CSRF_COOKIE, secret, "Strict");
    }
    session_csrf(api_app(rq)->access, secret, token);
    http_set_header(rq, CSRF_HEADER, str_from(token));
}

/* Pages say where they come from; the host is compared, since a proxy may have changed the scheme.
 */
static bool from_here(const struct http_req *rq)
{
    struct str origin = http_header(rq, "Origin");
    ptrdiff_t at = str_chr(origin, '/');

    if (origin.n == 0)
        return true;
    return at > 0 && str_ieq(str_skip(origin, (size_t)at + 2), rq->host);
}

int browser_check_token(struct http_req *rq, struct err *e)
{
    if (!from_here(rq))
        return ERR(e, DENIED, "a page of another origin asks for this");
    if (!session_csrf_right(api_app(rq)->access, cookie(rq, CSRF_COOKIE),
                            http_header(rq, CSRF_HEADER)))
        return ERR(e, DENIED,
                   "a browser must send the header " CSRF_HEADER
                   " of an earlier answer, with the cookies that came with it");
    return 0;
}

/* ---- sessions ---- */

int browser_authenticate(struct http_req *rq, struct identity *id, struct err *e)
{
    struct str secret = browser_session(rq);
    struct identity known;

    if (secret.n == 0)
        return 0;
    bool renew = !http_header(rq, "X-Harbor-No-Session-Renewal").p;
    int found = session_find(api_app(rq)->access, &rq->arena, secret, renew, &known, e);
    if (found <= 0)
        return found;
    known.address = rq->peer;
    *id = known;
    return rq->method == HTTP_GET ? 0 : browser_check_token(rq, e);
}
