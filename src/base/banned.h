/* SPDX-License-Identifier: Apache-2.0 */
/*
 * banned: C library functions that this code base does not use, turned into compile errors.
 *
 * Force-included before every C file (see the top meson.build). The system headers that declare the
 * functions come first (only those: their names are then everybody's); after that a call of one
 * reads as an undeclared name that says what to use. A file with a reason writes #undef at its top
 * and states the reason there (mem.c owns malloc).
 */
#ifndef HAVEN_BASE_BANNED_H
#define HAVEN_BASE_BANNED_H

#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#define BANNED(name, instead) name##_is_banned_use_##instead

/* Unbounded or silently truncating copies. */
#undef strcpy
#define strcpy(...) BANNED(strcpy, buf)
#undef stpcpy
#define stpcpy(...) BANNED(stpcpy, buf)
#undef strcat
#define strcat(...) BANNED(strcat, buf)
#undef strncpy
#define strncpy(...) BANNED(strncpy, buf)
#undef stpncpy
#define stpncpy(...) BANNED(stpncpy, buf)
#undef strncat
#define strncat(...) BANNED(strncat, buf)
#undef sprintf
#define sprintf(...) BANNED(sprintf, snprintf_or_buf_addf)
#undef vsprintf
#define vsprintf(...) BANNED(vsprintf, vsnprintf_or_buf_vaddf)
#undef gets
#define gets(...) BANNED(gets, file_read_at)

/* Memory has one owner and does not fail. */
#undef malloc
#define malloc(...) BANNED(malloc, mem_alloc)
#undef calloc
#define calloc(...) BANNED(calloc, mem_array)
#undef realloc
#define realloc(...) BANNED(realloc, mem_realloc)
#undef reallocarray
#define reallocarray(...) BANNED(reallocarray, mem_realloc)
#undef free
#define free(...) BANNED(free, mem_free)
#undef strdup
#define strdup(...) BANNED(strdup, mem_strdup)
#undef strndup
#define strndup(...) BANNED(strndup, mem_strndup)
#undef asprintf
#define asprintf(...) BANNED(asprintf, mem_printf)
#undef vasprintf
#define vasprintf(...) BANNED(vasprintf, mem_printf)
#undef alloca
#define alloca(...) BANNED(alloca, arena)
#undef strdupa
#define strdupa(...) BANNED(strdupa, arena)
#undef strndupa
#define strndupa(...) BANNED(strndupa, arena)

/* Parsers that overflow, skip blanks or stop at what they do not know. */
#undef atoi
#define atoi(...) BANNED(atoi, str_i64)
#undef atol
#define atol(...) BANNED(atol, str_i64)
#undef atoll
#define atoll(...) BANNED(atoll, str_i64)
#undef atof
#define atof(...) BANNED(atof, json)
#undef strtol
#define strtol(...) BANNED(strtol, str_i64)
#undef strtoll
#define strtoll(...) BANNED(strtoll, str_i64)
#undef strtoul
#define strtoul(...) BANNED(strtoul, str_u64)
#undef strtoull
#define strtoull(...) BANNED(strtoull, str_u64)
#undef strtoimax
#define strtoimax(...) BANNED(strtoimax, str_i64)
#undef strtoumax
#define strtoumax(...) BANNED(strtoumax, str_u64)
#undef scanf
#define scanf(...) BANNED(scanf, str_cut)
#undef sscanf
#define sscanf(...) BANNED(sscanf, str_cut)
#undef fscanf
#define fscanf(...) BANNED(fscanf, str_cut)
#undef strtok
#define strtok(...) BANNED(strtok, str_cut)
#undef strtok_r
#define strtok_r(...) BANNED(strtok_r, str_cut)

/* Answers in memory that threads share. */
#undef gmtime
#define gmtime(...) BANNED(gmtime, clock)
#undef localtime
#define localtime(...) BANNED(localtime, clock)
#undef localtime_r
#define localtime_r(...) BANNED(localtime_r, clock)
#undef mktime
#define mktime(...) BANNED(mktime, timegm)
#undef ctime
#define ctime(...) BANNED(ctime, clock_rfc3339)
#undef ctime_r
#define ctime_r(...) BANNED(ctime_r, clock_rfc3339)
#undef asctime
#define asctime(...) BANNED(asctime, clock_rfc3339)
#undef asctime_r
#define asctime_r(...) BANNED(asctime_r, clock_rfc3339)
#undef ttyname
#define ttyname(...) BANNED(ttyname, ttyname_r)
#undef setenv
#define setenv(...) BANNED(setenv, config)
#undef putenv
#define putenv(...) BANNED(putenv, config)

/* Names that somebody else can guess or take. */
#undef mktemp
#define mktemp(...) BANNED(mktemp, file_replace_at)
#undef tmpnam
#define tmpnam(...) BANNED(tmpnam, file_replace_at)
#undef tempnam
#define tempnam(...) BANNED(tempnam, file_replace_at)
#undef tmpfile
#define tmpfile(...) BANNED(tmpfile, O_TMPFILE)

/* Predictable numbers. */
#undef rand
#define rand(...) BANNED(rand, random_bytes)
#undef srand
#define srand(...) BANNED(srand, random_bytes)
#undef random
#define random(...) BANNED(random, random_bytes)
#undef srandom
#define srandom(...) BANNED(srandom, random_bytes)
#undef drand48
#define drand48(...) BANNED(drand48, random_bytes)

/* A shell between us and the program. */
#undef system
#define system(...) BANNED(system, posix_spawn)
#undef popen
#define popen(...) BANNED(popen, posix_spawn)

#endif
