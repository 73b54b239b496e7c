/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole server: the input is what one client sends on a connection, several requests or half of
 * one. Every answer begins as one should, and the server goes on serving.
 */
#include "base/config.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/server.h"
#include "server/app.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX (64 * KIB)
#define ANSWER_MS 5000

static char dir[64];
static struct server_app app;

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static void stop(void)
{
    http_server_stop(app.app.http, 0);
    server_app_close(&app);
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void start(void)
{
    static struct config c;
    struct err e = {.code = ERR_OK};

    (void)snprintf(dir, sizeof(dir), "%s/haven-fuzz-http-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    BUG_ON(!mkdtemp(dir));
    log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_ERROR, false);
    config_init(&c);
    c.data = dir;
    c.listen = "127.0.0.1:0";
    c.http_idle_timeout = 1000;
    c.http_head_timeout = 1000;
    if (server_app_open(&app, &c, STR("Fuzz-Horse-9"), &e) < 0 ||
        server_app_listen(&app, &c, &e) < 0) {
        (void)fprintf(stderr, "%s\n", e.msg);
        abort();
    }
    (void)atexit(stop);
}

static int dial(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)http_server_port(app.app.http)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    BUG_ON(fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    char got[4096];
    bool first = true;

    if (size > INPUT_MAX)
        return 0;
    if (!started) {
        start();
        started = true;
    }
    int fd = dial();
    /* What the server does not take, because it has refused the request, it does not need. */
    for (size_t at = 0; at < size;) {
        ssize_t n = send(fd, data + at, size - at, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    (void)shutdown(fd, SHUT_WR);
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        BUG_ON(poll(&p, 1, ANSWER_MS) == 0); /* it hangs */
        ssize_t n = recv(fd, got, sizeof(got), 0);
        if (n <= 0)
            break;
        BUG_ON(first && n >= 9 && memcmp(got, "HTTP/1.", 7) != 0);
        first = false;
    }
    (void)close(fd);
    return 0;
}
