/* SPDX-License-Identifier: Apache-2.0 */
/* random: bytes from the kernel's generator, and ids and secrets made of them. Never fails. */
#ifndef HAVEN_BASE_RANDOM_H
#define HAVEN_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *p, size_t n);
/* n characters of [A-Za-z0-9] and a NUL. */
void random_alnum(char *out, size_t n);
/* RFC 9562 version 4: 36 characters and a NUL. */
#define RANDOM_UUID_MAX 37
void random_uuid(char out[RANDOM_UUID_MAX]);

#endif
