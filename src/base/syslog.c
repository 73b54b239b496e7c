/* SPDX-License-Identifier: Apache-2.0 */
#include "base/syslog.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"

#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAIT_S = 5, HOST_MAX = 256 };

/* Facility 13 "log audit", severity 6 "informational": RFC 5424 6.2.1. */
#define PRIORITY "<110>1"
/* Structured data of no registered enterprise: the number that RFC 5612 keeps for examples. */
#define DATA_ID "haven@32473"

/* Host without brackets, and port. */
static int split(struct str endpoint, char host[HOST_MAX], char port[8], struct err *e)
{
    ptrdiff_t colon = str_rchr(endpoint, ':');
    struct str name = colon < 0 ? STR_NULL : str_head(endpoint, (size_t)colon);
    struct str number = colon < 0 ? STR_NULL : str_skip(endpoint, (size_t)colon + 1);

    if (name.n > 2 && name.p[0] == '[' && name.p[name.n - 1] == ']')
        name = str_of(name.p + 1, name.n - 2);
    if (name.n == 0 || name.n >= HOST_MAX || number.n == 0 || number.n > 5)
        return ERR(e, BAD_REQUEST, "\"%.*s\" is not host:port", S(str_head(endpoint, HOST_MAX)));
    snprintf(host, HOST_MAX, "%.*s", S(name));
    snprintf(port, 8, "%.*s", S(number));
    return 0;
}

static int try_address(const struct addrinfo *a)
{
    const struct timeval limit = {.tv_sec = WAIT_S};
    AUTOFD fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);

    if (fd < 0)
        return -1;
    /* Linux counts it for connect as well. */
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    return connect(fd, a->ai_addr, a->ai_addrlen) == 0 ? TAKE_FD(fd) : -1;
}

int syslog_connect(struct str endpoint, struct err *e)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char host[HOST_MAX], port[8];
    int fd = -1;

    if (split(endpoint, host, port, e) < 0)
        return -1;
    int rc = getaddrinfo(host, port, &hints, &found);
    if (rc != 0)
        return ERR(e, NETWORK, "syslog server %s: %s", host, gai_strerror(rc));
    for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next)
        fd = try_address(a);
    int why = errno;
    freeaddrinfo(found);
    if (fd < 0) {
        errno = why;
        return ERR(e, NETWORK, "syslog server %s port %s cannot be reached", host, port);
    }
    return fd;
}

int syslog_send(int fd, struct str bytes, struct err *e)
{
    while (bytes.n) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR(e, NETWORK, "the syslog server does not take more");
        bytes = str_skip(bytes, (size_t)n);
    }
    return 0;
}

/* RFC 5424 6.3.3: '"', '\' and ']' are escaped; control characters would only confuse readers. */
static void add_value(struct buf *out, struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c == '"' || c == '\\' || c == ']')
            buf_addc(out, '\\');
        buf_addc(out, (unsigned char)c < 0x20 || c == 0x7f ? '?' : c);
    }
}

void syslog_add(struct buf *out, int64_t at_ms, const char *id, const struct syslog_param *params,
                size_t n, struct str text)
{
    AUTO(buf) message = {0};
    char when[CLOCK_TEXT_MAX], host[HOST_MAX] = "-";

    buf_init(&message, 64 * KIB);
    if (gethostname(host, sizeof(host) - 1) != 0)
        snprintf(host, sizeof(host), "-");
    buf_addf(&message, PRIORITY " %s %s haven %ld %s [" DATA_ID, clock_rfc3339(at_ms, when), host,
             (long)getpid(), id);
    for (size_t i = 0; i < n; i++) {
        buf_addf(&message, " %s=\"", params[i].name);
        add_value(&message, params[i].value);
        buf_addc(&message, '"');
    }
    buf_addz(&message, "] ");
    for (size_t i = 0; i < text.n; i++)
        buf_addc(&message, (unsigned char)text.p[i] < 0x20 ? ' ' : text.p[i]);
    buf_addf(out, "%zu ", message.n);
    buf_adds(out, buf_str(&message));
}
