/* SPDX-License-Identifier: Apache-2.0 */
#include "server/notify.h"

#include "base/mem.h"
#include "base/str.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int64_t watchdog_ms(void)
{
    uint64_t us, pid;
    const char *who = getenv("WATCHDOG_PID");
    if (!str_u64(str_from(getenv("WATCHDOG_USEC")), 1000, INT64_MAX, &us))
        return 0;
    if (who && (!str_u64(str_from(who), 1, INT32_MAX, &pid) || (pid_t)pid != getpid()))
        return 0;
    return (int64_t)(us / 1000);
}

void notify_open(struct notify *n)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct str path = str_from(getenv("NOTIFY_SOCKET"));

    *n = (struct notify){.fd = -1};
    if (path.n < 2 || path.n >= sizeof(to.sun_path) || (path.p[0] != '/' && path.p[0] != '@'))
        return;
    memcpy(to.sun_path, path.p, path.n);
    if (path.p[0] == '@') /* an abstract socket */
        to.sun_path[0] = '\0';
    AUTOFD fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.n);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, size) < 0)
        return;
    n->fd = TAKE_FD(fd);
    n->watchdog_ms = watchdog_ms();
}

void notify_close(struct notify *n)
{
    if (n->fd >= 0)
        (void)close(n->fd);
    n->fd = -1;
}

void notify_send(const struct notify *n, const char *state)
{
    if (n->fd >= 0)
        (void)send(n->fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT);
}
