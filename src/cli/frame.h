/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame: the picture of a running transfer, as text: one line for each running file that fits, and
 * a line for the whole. Pure: the same state gives the same text. Also the rate over the last
 * seconds, and how sizes and times are written.
 */
#ifndef HAVEN_CLI_FRAME_H
#define HAVEN_CLI_FRAME_H

#include "base/buf.h"
#include "client/transfer.h"

struct frame {
    unsigned width, height; /* of the terminal, in columns and lines */
    bool utf8, color;
    struct transfer_state state;
    double rate;                       /* bytes a second, now; below 0: not known yet */
    const struct transfer_slot *slots; /* TRANSFER_SLOTS, or NULL */
    const char *note;                  /* stands before the line for the whole; may be NULL */
};
#define FRAME_TEXT_MAX 65536
/* Appends the lines, parted by \n and without one at the end, and returns how many. No line reaches
 * the last column, and one line of the terminal stays free. */
size_t frame_write(const struct frame *given, struct buf *out);

/* Text of at most `width` columns, cut at its front ("…") if it is wider and filled with blanks if
 * pad. Control characters and bytes that are no UTF-8 become "?", everything but ASCII does if not
 * utf8. */
void frame_fit(struct buf *out, const char *text, unsigned width, bool utf8, bool pad);

/* 45 for 45 %; 100 only when all is done. */
unsigned frame_percent(uint64_t done, uint64_t total);
#define FRAME_SIZE_TEXT 32
/* "0:47", "1:02:05", "3 days" */
const char *frame_time(int64_t ms, char out[FRAME_SIZE_TEXT]);
/* Milliseconds until everything has moved at this rate, -1: cannot be said. */
int64_t frame_left_ms(const struct transfer_state *s, double rate);

/* Bytes a second over the last RATE_WINDOW_MS. Begin with zeroes. */
#define RATE_WINDOW_MS 5000
#define RATE_STEP_MS   100
struct rate {
    struct {
        int64_t ms;
        uint64_t bytes;
    } at[RATE_WINDOW_MS / RATE_STEP_MS + 1]; /* a ring, the oldest one at `first` */
    size_t first, n;
};
/* So many bytes had moved at this time; times do not go back. What comes sooner than RATE_STEP_MS
 * after the last one is left out. */
void frame_rate_add(struct rate *r, int64_t ms, uint64_t bytes);
/* Below 0: too early to say. */
double frame_rate_now(const struct rate *r);

#endif
