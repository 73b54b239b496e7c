/* SPDX-License-Identifier: Apache-2.0 */
#include "api/error.h"

#include "api/harbor/harbor.h"
#include "base/json.h"

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
    struct buf out;
    struct json_writer w;

    buf_init(&out, 64 * KIB);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    jsonw_key(&w, "errors");
    jsonw_list(&w);
    jsonw_object(&w);
    jsonw_kstrz(&w, "code", code_of(info));
    jsonw_kstr(&w, "message", api_error_message(rq, e));
    jsonw_object_done(&w);
    jsonw_list_done(&w);
    jsonw_object_done(&w);
    api_error_headers(rq, e);
    (void)http_reply_buf(rq, info->status, "application/json; charset=utf-8", &out);
}
