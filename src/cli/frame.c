/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/frame.h"

#include <stdio.h>

#define BAR_MAX  40
#define NAME_MIN 12
/* " 45 %" and "  1023.9 MiB / 1023.9 MiB" */
enum { PERCENT_WIDTH = 5, SIZES_WIDTH = 25, GAP = 2 };
/* Below these widths a file's line has no sizes, no bar, is left out. */
enum { WIDTH_SIZES = 72, WIDTH_BAR = 40, WIDTH_FILES = 12, BAR_MIN = 10 };

#define GREEN "\033[32m"
#define DIM   "\033[2m"
#define PLAIN "\033[0m"

unsigned frame_percent(uint64_t done, uint64_t total)
{
    if (done >= total)
        return 100;
    unsigned percent = (unsigned)((double)done * 100 / (double)total);
    return percent < 100 ? percent : 99;
}

const char *frame_time(int64_t ms, char out[FRAME_SIZE_TEXT])
{
    long long s = (long long)((ms + 999) / 1000);
    if (s >= 100 * 3600)
        (void)snprintf(out, FRAME_SIZE_TEXT, "%lld days", s / 86400);
    else if (s >= 3600)
        (void)snprintf(out, FRAME_SIZE_TEXT, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    else
        (void)snprintf(out, FRAME_SIZE_TEXT, "%lld:%02lld", s / 60, s % 60);
    return out;
}

int64_t frame_left_ms(const struct transfer_state *s, double rate)
{
    if (rate < 1 || s->bytes_done > s->bytes_total)
        return -1;
    double ms = (double)(s->bytes_total - s->bytes_done) * 1000 / rate;
    return ms < 1e14 ? (int64_t)ms : -1;
}

void frame_rate_add(struct rate *r, int64_t ms, uint64_t bytes)
{
    const size_t room = ARRAY_LEN(r->at);
    if (r->n && ms - r->at[(r->first + r->n - 1) % room].ms < RATE_STEP_MS)
        return;
    if (r->n == room) {
        r->first = (r->first + 1) % room;
        r->n--;
    }
    r->at[(r->first + r->n) % room].ms = ms;
    r->at[(r->first + r->n) % room].bytes = bytes;
    r->n++;
    while (r->n > 1 && ms - r->at[r->first].ms > RATE_WINDOW_MS) {
        r->first = (r->first + 1) % room;
        r->n--;
    }
}

double frame_rate_now(const struct rate *r)
{
    if (r->n < 2)
        return -1;
    size_t last = (r->first + r->n - 1) % ARRAY_LEN(r->at);
    return (double)(r->at[last].bytes - r->at[r->first].bytes) * 1000 /
           (double)(r->at[last].ms - r->at[r->first].ms);
}

/* Columns of a character: combining marks take none; what East Asia writes and pictures take two.
 * (Unicode 15, UAX 11 and 44, in the coarse blocks that file names need.) */
static unsigned columns(uint32_t c)
{
    static const struct {
        uint32_t from, to;
        unsigned width;
    } ranges[] = {
        {0x0300, 0x036f, 0},   {0x0483, 0x0489, 0},   {0x0591, 0x05bd, 0},   {0x0610, 0x061a, 0},
        {0x064b, 0x065f, 0},   {0x1100, 0x115f, 2},   {0x1ab0, 0x1aff, 0},   {0x1dc0, 0x1dff, 0},
        {0x200b, 0x200f, 0},   {0x202a, 0x202e, 0},   {0x2060, 0x2064, 0},   {0x20d0, 0x20ff, 0},
        {0x2e80, 0x303e, 2},   {0x3041, 0xa4cf, 2},   {0xac00, 0xd7a3, 2},   {0xf900, 0xfaff, 2},
        {0xfe00, 0xfe0f, 0},   {0xfe20, 0xfe2f, 0},   {0xfe30, 0xfe6f, 2},   {0xff00, 0xff60, 2},
        {0xffe0, 0xffe6, 2},   {0x1f300, 0x1f64f, 2}, {0x1f680, 0x1f6ff, 2}, {0x1f900, 0x1faff, 2},
        {0x20000, 0x3fffd, 2}, {0xe0100, 0xe01ef, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
        if (c >= ranges[i].from && c <= ranges[i].to)
            return ranges[i].width;
    return 1;
}

/* The next character of *rest as it is shown, and its columns. */
static struct str next_char(struct str *rest, bool utf8, unsigned *ret_columns)
{
    uint32_t c = 0;
    size_t n = str_utf8(*rest, &c);
    struct str shown = str_of(rest->p, n);
    /* Marks that turn the direction of what follows are as bad as control characters. */
    bool hidden = c < ' ' || (c >= 0x7f && c < 0xa0) || (c >= 0x200e && c <= 0x200f) ||
                  (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
    if (n == 0 || hidden || (!utf8 && c > '~'))
        shown = STR("?");
    *ret_columns = shown.p == rest->p ? columns(c) : 1;
    *rest = str_skip(*rest, n ? n : 1);
    return shown;
}

static unsigned width_of(struct str text, bool utf8)
{
    unsigned width = 0, one;
    while (text.n) {
        (void)next_char(&text, utf8, &one);
        width += one;
    }
    return width;
}

void frame_fit(struct buf *out, const char *text, unsigned width, bool utf8, bool pad)
{
    struct str rest = str_from(text);
    unsigned dots = utf8 ? 1 : 3, one;
    unsigned have = width_of(rest, utf8), used = 0;

    if (have > width) {
        if (dots > width)
            dots = width;
        buf_addz(out, utf8 && dots ? "\u2026" : &"..."[3 - dots]);
        used = dots;
        while (have > width - dots) {
            (void)next_char(&rest, utf8, &one);
            have -= one;
        }
        /* A mark belongs to the letter that was cut off. */
        for (struct str after = rest; after.n; rest = after) {
            (void)next_char(&after, utf8, &one);
            if (one)
                break;
        }
    }
    while (rest.n) {
        buf_adds(out, next_char(&rest, utf8, &one));
        used += one;
    }
    if (pad && used < width)
        buf_addf(out, "%*s", (int)(width - used), "");
}

static void add_bar(const struct frame *f, uint64_t done, uint64_t total, unsigned width,
                    struct buf *out)
{
    unsigned full = done >= total ? width : (unsigned)((double)done * width / (double)total);
    if (f->color)
        buf_addz(out, GREEN);
    for (unsigned i = 0; i < full; i++)
        buf_addz(out, f->utf8 ? "\u2501" : "#");
    if (f->color)
        buf_addz(out, PLAIN DIM);
    for (unsigned i = full; i < width; i++)
        buf_addz(out, f->utf8 ? "\u2500" : "-");
    if (f->color)
        buf_addz(out, PLAIN);
}

/* How a line of a file is divided. */
struct columns {
    unsigned name, bar;
    bool sizes;
};

static struct columns divide(const struct frame *f, const struct transfer_slot *const *shown,
                             size_t n)
{
    unsigned width = f->width - 1;
    struct columns c = {.sizes = f->width >= WIDTH_SIZES};
    unsigned longest = NAME_MIN;
    for (size_t i = 0; i < n; i++)
        longest = MAX_OF(longest, width_of(str_from(shown[i]->path), f->utf8));
    unsigned room = width - MIN_OF(width, (unsigned)PERCENT_WIDTH + (c.sizes ? SIZES_WIDTH : 0));
    unsigned bar = f->width >= WIDTH_BAR ? GAP + BAR_MIN : 0;
    c.name = MIN_OF(longest, room - MIN_OF(room, bar + 1)); /* and a blank before the % */
    if (bar)
        c.bar = MIN_OF((unsigned)BAR_MAX, room - c.name - GAP - 1);
    return c;
}

static void add_file(const struct frame *f, const struct columns *c, const struct transfer_slot *s,
                     struct buf *out)
{
    char done[FRAME_SIZE_TEXT], total[FRAME_SIZE_TEXT];
    frame_fit(out, s->path, c->name, f->utf8, true);
    if (c->bar) {
        buf_addf(out, "%*s", GAP, "");
        add_bar(f, s->done, s->size, c->bar, out);
    }
    buf_addf(out, " %3u %%", frame_percent(s->done, s->size));
    if (c->sizes)
        buf_addf(out, "  %10s / %s", str_size_text((double)s->done, done),
                 str_size_text((double)s->size, total));
}

/* A piece of the last line, if it fits. */
static void add_piece(const struct frame *f, struct buf *line, const char *piece)
{
    size_t before = line->n;
    buf_addf(line, "%s%s", before ? "  " : "", piece);
    if (before && line->n > f->width - 1)
        buf_cut(line, before);
}

static void add_total(const struct frame *f, struct buf *out)
{
    const struct transfer_state *s = &f->state;
    char done[FRAME_SIZE_TEXT], total[FRAME_SIZE_TEXT], piece[128];
    AUTO(buf) line = {0};

    buf_init(&line, 1024);
    if (s->files_total == 0) {
        frame_fit(out, "starting", f->width - 1, f->utf8, false);
        return;
    }
    (void)snprintf(piece, sizeof(piece), "%3u %%", frame_percent(s->bytes_done, s->bytes_total));
    add_piece(f, &line, piece);
    (void)snprintf(piece, sizeof(piece), "%s of %s", str_size_text((double)s->bytes_done, done),
                   str_size_text((double)s->bytes_total, total));
    add_piece(f, &line, piece);
    if (f->rate >= 0) {
        (void)snprintf(piece, sizeof(piece), "%s/s", str_size_text(f->rate, done));
        add_piece(f, &line, piece);
    }
    int64_t left = frame_left_ms(s, f->rate);
    if (left >= 0) {
        (void)snprintf(piece, sizeof(piece), "%s left", frame_time(left, done));
        add_piece(f, &line, piece);
    }
    (void)snprintf(piece, sizeof(piece), "%zu of %zu files", s->files_done, s->files_total);
    add_piece(f, &line, piece);
    frame_fit(out, line.p, f->width - 1, f->utf8, false);
}

/* The oldest ones first, at most `max`. */
static size_t choose(const struct frame *f, size_t max, const struct transfer_slot **ret)
{
    size_t n = 0;
    for (uint64_t after = 0; f->slots && n < max;) {
        const struct transfer_slot *next = NULL;
        for (size_t i = 0; i < TRANSFER_SLOTS; i++) {
            const struct transfer_slot *s = &f->slots[i];
            if (s->id > after && (!next || s->id < next->id))
                next = s;
        }
        if (!next)
            break;
        after = next->id;
        ret[n++] = next;
    }
    return n;
}

size_t frame_write(const struct frame *given, struct buf *out)
{
    const struct transfer_slot *shown[TRANSFER_SLOTS];
    struct frame f = *given;
    if (f.width < 2)
        f.width = 2;
    /* The line for the whole and a free one; the note goes before files. */
    size_t room = f.height > 2 ? f.height - 2 : 0;
    const char *note = f.note && room ? f.note : NULL;
    size_t max = f.width < WIDTH_FILES ? 0 : room - (note ? 1 : 0);
    size_t n = choose(&f, MIN_OF(max, (size_t)TRANSFER_SLOTS), shown);
    struct columns c = divide(&f, shown, n);

    for (size_t i = 0; i < n; i++) {
        add_file(&f, &c, shown[i], out);
        buf_addc(out, '\n');
    }
    if (note) {
        frame_fit(out, note, f.width - 1, f.utf8, false);
        buf_addc(out, '\n');
    }
    add_total(&f, out);
    return n + (note ? 1 : 0) + 1;
}
