/* SPDX-License-Identifier: Apache-2.0 */
#include "server/beside.h"

#include "base/mem.h"
#include "base/sys.h"

#include <errno.h>

int beside_open(const char *path, const struct config *config, struct beside *ret, struct err *e)
{
    struct beside b = {.data_dir = -1, .registry = {.lease_ms = config->collect_grace}};

    /* Like the server's: what it makes is for the owner alone. */
    (void)umask(0077);
    b.data_dir = sys->openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (b.data_dir < 0)
        return errno == ENOENT
                   ? ERR(e, CONFIG, "there is no data directory %s; --data names another", path)
                   : ERR_SYS(e, "opening data directory %s", path);
    if (db_open_as_is(b.data_dir, SERVER_DB_FILE, false, &b.registry.db, e) < 0 ||
        store_open(b.data_dir, &b.registry.store, e) < 0) {
        beside_autodone(&b);
        return err_wrap(e, "data directory %s", path);
    }
    *ret = b;
    return 0;
}

void beside_autodone(struct beside *b)
{
    store_close(b->registry.store);
    db_close(b->registry.db);
    mem_autoclose(&b->data_dir);
}
