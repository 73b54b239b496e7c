/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/prompt.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

enum { CTRL_C = 3, CTRL_D = 4, CTRL_U = 21, BACKSPACE = 8, DELETE = 127 };

static int read_char(int fd, char *ret, struct err *e)
{
    ssize_t n;
    do {
        n = read(fd, ret, 1);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return ERR_SYS(e, "reading from the terminal");
    return n == 0 ? ERR(e, CANCELLED, "cancelled") : 0;
}

/* With echo off the terminal edits nothing for us: its signals are off too, so that it can be set
 * right again whatever is typed. */
static int read_hidden(int fd, struct buf *out, struct err *e)
{
    for (;;) {
        char c;
        if (read_char(fd, &c, e) < 0)
            return -1;
        switch (c) {
        case '\n':
        case '\r':
            return 0;
        case CTRL_C:
        case CTRL_D:
            return ERR(e, CANCELLED, "cancelled");
        case CTRL_U:
            prompt_wipe(out);
            break;
        case BACKSPACE:
        case DELETE:
            if (out->n)
                buf_cut(out, out->n - 1);
            break;
        default:
            buf_addc(out, c);
        }
    }
}

static int read_shown(int fd, struct buf *out, struct err *e)
{
    for (;;) {
        char c;
        if (read_char(fd, &c, e) < 0)
            return -1;
        if (c == '\n')
            return 0;
        buf_addc(out, c);
    }
}

int prompt_line(const char *question, bool hidden, struct buf *out, struct err *e)
{
    struct termios before, quiet;
    AUTOFD tty = file_open_at(AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY, 0, NULL);

    if (tty < 0)
        return ERR(e, USAGE, "there is no terminal to ask at");
    if (!hidden)
        return file_write_all(tty, question, strlen(question), e) < 0 ? -1
                                                                      : read_shown(tty, out, e);
    if (tcgetattr(tty, &before) != 0)
        return ERR_SYS(e, "asking the terminal");
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
    quiet.c_cc[VMIN] = 1;
    quiet.c_cc[VTIME] = 0;
    if (tcsetattr(tty, TCSAFLUSH, &quiet) != 0)
        return ERR_SYS(e, "setting the terminal");
    /* Only now: what is typed before the echo is off would be shown, and is thrown away. */
    int rc = file_write_all(tty, question, strlen(question), e);
    if (rc == 0)
        rc = read_hidden(tty, out, e);
    (void)tcsetattr(tty, TCSAFLUSH, &before);
    (void)file_write_all(tty, "\n", 1, NULL);
    if (rc == 0 && !buf_ok(out))
        return ERR(e, LIMIT, "the answer is too long");
    return rc;
}

int prompt_stdin(struct buf *out, struct err *e)
{
    char piece[4096];
    for (;;) {
        ssize_t n = read(STDIN_FILENO, piece, sizeof(piece));
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            return ERR_SYS(e, "reading standard input");
        if (n > 0)
            buf_add(out, piece, (size_t)n);
        if (!buf_ok(out))
            return ERR(e, LIMIT, "standard input holds more than %zu bytes", out->max);
    }
    explicit_bzero(piece, sizeof(piece));
    if (out->n && out->p[out->n - 1] == '\n')
        buf_cut(out, out->n - 1);
    if (out->n && out->p[out->n - 1] == '\r')
        buf_cut(out, out->n - 1);
    return 0;
}

void prompt_wipe(struct buf *secret)
{
    if (secret->cap)
        explicit_bzero(secret->p, secret->cap);
    buf_reset(secret);
}
