/* SPDX-License-Identifier: Apache-2.0 */
#include "client/retry.h"

#include "base/clock.h"
#include "base/random.h"
#include "client/transfer.h"

#include <stdio.h>

bool retry_status(int status)
{
    return status == 408 || status == 425 || status == 429 || status == 500 || status == 502 ||
           status == 503 || status == 504 || (status >= 520 && status <= 599);
}

bool retry_error(const struct err *e)
{
    return e->code == ERR_NETWORK;
}

/* In slices, so that a cancelled command does not sit it out. */
static bool wait_ms(int64_t ms, const atomic_bool *cancel)
{
    int64_t end = clock_mono_ms() + ms;
    for (;;) {
        if (cancel && atomic_load(cancel))
            return false;
        int64_t left = end - clock_mono_ms();
        if (left <= 0)
            return true;
        if (left > 100)
            left = 100;
        clock_sleep_us(left * 1000);
    }
}

static void tell(const struct retry *r, const struct http_answer *a, int64_t ms)
{
    char why[ERR_MSG_MAX] = "the connection broke";
    if (a)
        (void)snprintf(why, sizeof(why), "the registry answers %d", a->status);
    else if (r->err)
        (void)snprintf(why, sizeof(why), "%s", r->err->msg);
    transfer_retry(r->failed + 1, RETRY_ATTEMPTS, ms, why);
}

bool retry_wait(struct retry *r, const struct http_answer *a, const atomic_bool *cancel)
{
    uint32_t chance;

    if (++r->failed >= RETRY_ATTEMPTS)
        return false;
    int64_t ms = (int64_t)RETRY_FIRST_MS << (r->failed - 1);
    random_bytes(&chance, sizeof(chance));
    ms = ms * 3 / 4 + (int64_t)(chance % (uint32_t)(ms / 2));
    int64_t asked = a ? http_answer_retry_after_ms(a) : -1;
    if (asked > RETRY_WAIT_MAX_MS)
        return false;
    if (asked > ms)
        ms = asked;
    tell(r, a, ms);
    TRANSFER_PHASE(TRANSFER_PAUSE);
    return wait_ms(ms, cancel);
}
