/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine: the calling process gives up, for good, everything but computing and one descriptor.
 *
 * For code that may be taken over by what it reads. Afterwards it can read and write that
 * descriptor, get and return memory, and end. Files, sockets, other processes, executable memory
 * and every other system call end it at once by SIGSYS. Writing to another descriptor fails with
 * EBADF, so that last words on standard error are lost rather than fatal.
 *
 * What libraries read at their first use (seeds, time zones) has to be read before. The way out is
 * _exit: handlers of exit() may want more than there is.
 *
 * Sanitized builds keep standard error and the calls that the run-time of the sanitizer makes;
 * opening files fails there instead of ending the process, and memory has no ceiling, since the
 * sanitizer reserves terabytes of addresses.
 */
#ifndef HAVEN_BASE_CONFINE_H
#define HAVEN_BASE_CONFINE_H

#include "base/err.h"

#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CONFINE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CONFINE_SANITIZED 1
#endif
#endif
#ifndef CONFINE_SANITIZED
#define CONFINE_SANITIZED 0
#endif

struct confine {
    int fd; /* stays, for read and write: a stream socket whose other end the parent holds */
    uint64_t memory; /* bytes of addresses, with those in use already */
    uint64_t cpu_s;  /* seconds of the processor, with those used already */
};

/* The process also ends with the thread that started it (PR_SET_PDEATHSIG), and is the first to go
 * when the machine has no memory left. UNAVAILABLE: the kernel cannot confine, or nobody holds the
 * other end any more; much is given up then already, and nothing of a stranger's may be read. */
int confine_self(const struct confine *c, struct err *e);

#endif
