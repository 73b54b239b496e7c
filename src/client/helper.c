/* SPDX-License-Identifier: Apache-2.0 */
#include "client/helper.h"

#include "base/clock.h"
#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Names come from a file; anything but a plain word could be a path. */
static bool is_name(struct str s)
{
    if (s.n == 0 || s.n > 100 || s.p[0] == '-' || s.p[0] == '.')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_' || c == '.'))
            return false;
    }
    return true;
}

struct child {
    pid_t pid;
    int in, out; /* our ends */
};

static void child_autodone(struct child *c)
{
    mem_autoclose(&c->in);
    mem_autoclose(&c->out);
    if (c->pid > 0) {
        (void)kill(c->pid, SIGKILL);
        (void)waitpid(c->pid, NULL, 0);
    }
}

static int start(char *program, const char *verb, struct child *c, struct err *e)
{
    int in[2], out[2];
    char word[16];
    char *argv[] = {program, word, NULL};
    posix_spawn_file_actions_t actions;

    (void)snprintf(word, sizeof(word), "%s", verb);
    if (pipe2(in, O_CLOEXEC) != 0)
        return ERR_SYS(e, "making a pipe");
    AUTOFD in_read = in[0];
    c->in = in[1];
    if (pipe2(out, O_CLOEXEC) != 0)
        return ERR_SYS(e, "making a pipe");
    AUTOFD out_write = out[1];
    c->out = out[0];
    BUG_ON(posix_spawn_file_actions_init(&actions) != 0);
    int rc = posix_spawn_file_actions_adddup2(&actions, in_read, STDIN_FILENO);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&actions, out_write, STDOUT_FILENO);
    if (rc == 0)
        rc = posix_spawnp(&c->pid, program, &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (rc != 0) {
        c->pid = 0;
        errno = rc;
        return err_set(e, ERR_CONFIG, rc, __FILE__, __LINE__,
                       "the credential helper %s cannot be started", program);
    }
    return 0;
}

/* Sends input and collects the answer until the helper closes its output. */
static int converse(const char *program, struct child *c, struct str input, struct buf *out,
                    struct err *e)
{
    int64_t deadline = clock_mono_ms() + HELPER_TIMEOUT_MS;
    char piece[4096];

    if (fcntl(c->in, F_SETFL, O_NONBLOCK) != 0)
        return ERR_SYS(e, "making a pipe");
    for (;;) {
        if (input.n == 0) {
            mem_autoclose(&c->in);
            c->in = -1;
        }
        struct pollfd fds[2] = {{.fd = c->out, .events = POLLIN}, {.fd = c->in, .events = POLLOUT}};
        int64_t left = deadline - clock_mono_ms();
        if (left <= 0)
            return ERR(e, CONFIG, "the credential helper %s does not answer", program);
        if (poll(fds, 2, (int)left) < 0 && errno != EINTR)
            return ERR_SYS(e, "waiting for the credential helper %s", program);
        if (c->in >= 0 && fds[1].revents) {
            ssize_t n = write(c->in, input.p, input.n);
            if (n > 0)
                input = str_skip(input, (size_t)n);
            else if (errno != EAGAIN && errno != EINTR)
                input = STR_NULL; /* it does not want more */
        }
        if (!fds[0].revents)
            continue;
        ssize_t n = read(c->out, piece, sizeof(piece));
        if (n == 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return ERR_SYS(e, "reading from the credential helper %s", program);
        if (n > 0)
            buf_add(out, piece, (size_t)n);
        if (!buf_ok(out))
            return ERR(e, CONFIG, "the credential helper %s prints too much", program);
    }
}

int helper_run(struct str name, const char *verb, struct str input, struct buf *out, bool *ret_ok,
               struct err *e)
{
    __attribute__((cleanup(child_autodone))) struct child c = {.in = -1, .out = -1};
    char program[128];
    int status;

    if (!is_name(name))
        return ERR(e, CONFIG,
                   "docker's configuration names a credential helper that is no plain name");
    (void)snprintf(program, sizeof(program), "docker-credential-%.*s", S(name));
    if (start(program, verb, &c, e) < 0 || converse(program, &c, input, out, e) < 0)
        return -1;
    pid_t pid;
    do {
        pid = waitpid(c.pid, &status, 0);
    } while (pid < 0 && errno == EINTR);
    c.pid = 0;
    if (pid < 0)
        return ERR_SYS(e, "waiting for the credential helper %s", program);
    *ret_ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return 0;
}
