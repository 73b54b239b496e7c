/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/signals.h"

#include "base/err.h"

#include <signal.h>

static atomic_bool cancel;
static _Atomic(int) caught;

static void on_signal(int number)
{
    int none = 0;
    if (atomic_compare_exchange_strong(&caught, &none, number)) {
        atomic_store(&cancel, true);
        return;
    }
    const struct sigaction deflt = {.sa_handler = SIG_DFL};
    (void)sigaction(number, &deflt, NULL);
    (void)raise(number); /* takes effect when this handler returns */
}

static void watch(int number)
{
    struct sigaction before, now = {.sa_handler = on_signal};
    (void)sigemptyset(&now.sa_mask);
    BUG_ON(sigaction(number, NULL, &before) != 0);
    if (before.sa_handler != SIG_IGN)
        BUG_ON(sigaction(number, &now, NULL) != 0);
}

atomic_bool *signals_watch(void)
{
    watch(SIGINT);
    watch(SIGTERM);
    return &cancel;
}

int signals_caught(void)
{
    return atomic_load(&caught);
}
