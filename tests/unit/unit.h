/* SPDX-License-Identifier: Apache-2.0 */
/* unit: cmocka with what it needs before it, and helpers that several tests use. */
#ifndef HAVEN_TESTS_UNIT_H
#define HAVEN_TESTS_UNIT_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* The view s holds exactly the text. */
#define assert_str(s, text)                                                                        \
    do {                                                                                           \
        struct str assert_s_ = (s);                                                                \
        if (!str_eqz(assert_s_, (text)))                                                           \
            fail_msg("\"%.*s\" is not \"%s\"", S(assert_s_), (text));                              \
    } while (0)

/* What the calls inside assert_err and assert_fine fill: assert_fine(file_sync(fd, &unit_e)). */
static struct err unit_e __attribute__((unused));

/* The call fails with the code, and its message holds the text. */
#define assert_err(call, sym, text)                                                                \
    do {                                                                                           \
        unit_e = (struct err){.code = ERR_OK};                                                     \
        if ((call) >= 0)                                                                           \
            fail_msg("no error from %s", #call);                                                   \
        if (unit_e.code != ERR_##sym || !strstr(unit_e.msg, (text)))                               \
            fail_msg("%s: %s: %s", #call, err_info(unit_e.code)->symbol, unit_e.msg);              \
    } while (0)

/* The call succeeds; its error, if any, is shown. */
#define assert_fine(call)                                                                          \
    do {                                                                                           \
        unit_e = (struct err){.code = ERR_OK};                                                     \
        if ((call) < 0)                                                                            \
            fail_msg("%s: %s: %s", #call, err_info(unit_e.code)->symbol, unit_e.msg);              \
    } while (0)

/* fn(arg) ends its process by abort(). */
static inline void assert_dies(void (*fn)(void *arg), void *arg)
{
    int status = 0;
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGABRT, SIG_DFL);
        (void)!freopen("/dev/null", "w", stderr);
        fn(arg);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static inline int unit_remove_entry(const char *path, const struct stat *st, int kind,
                                    struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

/* A directory of its own for one test program: its path goes to out. */
static inline void unit_make_dir(char out[32])
{
    (void)snprintf(out, 32, "/tmp/haven-unit-XXXXXX");
    assert_non_null(mkdtemp(out));
}

static inline void unit_remove_dir(const char *path)
{
    assert_int_equal(nftw(path, unit_remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

#endif
