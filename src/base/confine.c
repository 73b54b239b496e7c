/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order matters: first what needs files (the score of the killer of memory), then descriptors,
 * then ceilings, the filter of system calls last, since it allows none of the others.
 */
#include "base/confine.h"

#include "base/limits.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define UNCONFINED "this machine cannot confine a process: "

/* ---- what goes before the filter ---- */

/* Best effort: without /proc it is like any other process. */
static void go_first(void)
{
    AUTOFD fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0)
        (void)!write(fd, "1000", 4);
}

static int close_between(unsigned first, unsigned last, struct err *e)
{
    if (first <= last && close_range(first, last, 0) != 0)
        return ERR(e, UNAVAILABLE, UNCONFINED "close_range: errno %d", errno);
    return 0;
}

static int close_others(int fd, struct err *e)
{
    unsigned keep = (unsigned)fd, from = 0;
    if (CONFINE_SANITIZED && fd > STDERR_FILENO) { /* reports go there */
        if (close_between(0, STDERR_FILENO - 1, e) < 0)
            return -1;
        from = STDERR_FILENO + 1;
    }
    if (keep > from && close_between(from, keep - 1, e) < 0)
        return -1;
    return close_between(keep + 1, UINT_MAX, e);
}

static int lower(__rlimit_resource_t what, rlim_t to, struct err *e)
{
    struct rlimit now;
    if (getrlimit(what, &now) != 0)
        return ERR(e, UNAVAILABLE, UNCONFINED "getrlimit: errno %d", errno);
    to = MIN_OF(to, now.rlim_max);
    /* At the hard limit of time the end is by SIGKILL, which would not say why. */
    rlim_t hard = what == RLIMIT_CPU && to < now.rlim_max ? to + 1 : to;
    if (setrlimit(what, &(struct rlimit){to, hard}) != 0)
        return ERR(e, UNAVAILABLE, UNCONFINED "setrlimit: errno %d", errno);
    return 0;
}

static int lower_all(const struct confine *c, struct err *e)
{
    if (!CONFINE_SANITIZED &&
        (lower(RLIMIT_AS, c->memory, e) < 0 || lower(RLIMIT_DATA, c->memory, e) < 0))
        return -1;
    if (lower(RLIMIT_STACK, 8 * MIB, e) < 0 || lower(RLIMIT_CPU, c->cpu_s, e) < 0 ||
        lower(RLIMIT_FSIZE, 0, e) < 0 || lower(RLIMIT_NOFILE, 0, e) < 0 ||
        lower(RLIMIT_NPROC, 0, e) < 0 || lower(RLIMIT_MEMLOCK, 0, e) < 0)
        return -1;
    return lower(RLIMIT_CORE, 0, e);
}

/* Ends with who started it; had that one died before, its end of the socket is closed. */
static int follow_parent(int fd, struct err *e)
{
    struct pollfd end = {.fd = fd, .events = POLLRDHUP};
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return ERR(e, UNAVAILABLE, UNCONFINED "PR_SET_PDEATHSIG: errno %d", errno);
    if (poll(&end, 1, 0) != 0)
        return ERR(e, UNAVAILABLE, "who started this process is gone");
    return 0;
}

/* ---- the filter ---- */

/* Calls that take nothing but what the process has: memory, time, random bytes, its end. */
static const char *const allowed[] = {
    "munmap",
    "mremap",
    "madvise",
    "brk",
    "futex",
    "exit",
    "exit_group",
    "rt_sigreturn",
    "restart_syscall",
    "clock_gettime",
    "gettimeofday",
    "getrandom",
    "sysinfo", /* qsort of glibc 2.36 asks how much memory there is */
    /* abort() */
    "rt_sigprocmask",
    "getpid",
    "gettid",
#if CONFINE_SANITIZED
    "sigaltstack",
    "rt_sigaction",
    "sched_yield",
    "nanosleep", /* TSan's thread in the background */
    "clock_nanosleep",
    "prctl", /* names of mappings */
    "getrlimit",
    "prlimit64",
    "sched_getaffinity",
    "close",
#endif
};

/* Calls that fail, where ending the process would hide what it was about to report. */
static const char *const failing[] = {
    "writev", /* glibc's last words */
#if CONFINE_SANITIZED
    "open", /* /proc/self/maps and the program itself, for reports */
    "openat", "readlink", "readlinkat", "stat", "fstat", "newfstatat", "lseek", "ioctl",
#endif
};

/* A call that this machine does not have needs no rule. */
static int rule(scmp_filter_ctx f, uint32_t action, const char *name, unsigned n,
                const struct scmp_arg_cmp *args)
{
    int nr = seccomp_syscall_resolve_name(name);
    return nr < 0 ? 0 : seccomp_rule_add_array(f, action, nr, n, args);
}

static int add_rules(scmp_filter_ctx f, int fd)
{
    const struct scmp_arg_cmp this_fd[] = {SCMP_A0_64(SCMP_CMP_EQ, (scmp_datum_t)fd)};
    const struct scmp_arg_cmp other_fd[] = {SCMP_A0_64(SCMP_CMP_NE, (scmp_datum_t)fd)};
    const struct scmp_arg_cmp itself[] = {SCMP_A0_64(SCMP_CMP_EQ, (scmp_datum_t)getpid())};
    const struct scmp_arg_cmp no_exec[] = {SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)};
    const struct scmp_arg_cmp plain_map[] = {
        SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
        SCMP_A3_64(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS)};
    int rc = 0;

    for (size_t i = 0; i < ARRAY_LEN(allowed) && rc == 0; i++)
        rc = rule(f, SCMP_ACT_ALLOW, allowed[i], 0, NULL);
    for (size_t i = 0; i < ARRAY_LEN(failing) && rc == 0; i++)
        rc = rule(f, SCMP_ACT_ERRNO(EBADF), failing[i], 0, NULL);
    if (rc == 0)
        rc = rule(f, SCMP_ACT_ALLOW, "read", 1, this_fd);
    if (rc == 0)
        rc = rule(f, SCMP_ACT_ALLOW, "write", 1, this_fd);
    if (rc == 0)
        rc = rule(f, CONFINE_SANITIZED ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EBADF), "write", 1,
                  other_fd);
    if (rc == 0)
        rc = rule(f, SCMP_ACT_ALLOW, "tgkill", 1, itself);
    if (rc == 0)
        rc = rule(f, SCMP_ACT_ALLOW, "mmap", 2, plain_map);
    if (rc == 0)
        rc = rule(f, SCMP_ACT_ALLOW, "mprotect", 1, no_exec);
    return rc;
}

static int load_filter(int fd, struct err *e)
{
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!f)
        return ERR(e, UNAVAILABLE, UNCONFINED "no filter of system calls can be made");
    int rc = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (rc == 0)
        rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1); /* whatever threads there are */
    if (rc == 0)
        rc = seccomp_attr_set(f, SCMP_FLTATR_API_SYSRAWRC, 1);
    if (rc == 0)
        rc = add_rules(f, fd);
    if (rc == 0)
        rc = seccomp_load(f);
    /* The filter is in the kernel now; its memory is of no use to a process that never ends
     * otherwise than at once. */
    seccomp_release(f);
    if (rc != 0)
        return ERR(e, UNAVAILABLE,
                   UNCONFINED "the kernel takes no filter of system calls (seccomp: error %d)",
                   -rc);
    return 0;
}

int confine_self(const struct confine *c, struct err *e)
{
    go_first();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return ERR(e, UNAVAILABLE, UNCONFINED "PR_SET_NO_NEW_PRIVS: errno %d", errno);
    if (prctl(PR_SET_DUMPABLE, 0) != 0)
        return ERR(e, UNAVAILABLE, UNCONFINED "PR_SET_DUMPABLE: errno %d", errno);
    if (follow_parent(c->fd, e) < 0 || close_others(c->fd, e) < 0 || lower_all(c, e) < 0)
        return -1;
    return load_filter(c->fd, e);
}
