/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <stdio.h>

/* A smaller share of the time is not worth a word. */
#define SHARE_MIN 5

static const struct {
    const char *name, *text;
} phases[TRANSFER_PHASES] = {
    [TRANSFER_OTHER] = {"other", "other work"},
    [TRANSFER_ANSWER] = {"answer", "the registry's answers"},
    [TRANSFER_NETWORK] = {"network", "the network"},
    [TRANSFER_READ] = {"read", "reading the disk"},
    [TRANSFER_WRITE] = {"write", "writing to the disk"},
    [TRANSFER_HASH] = {"hash", "hashing"},
    [TRANSFER_PAUSE] = {"pause", "waiting to try again"},
};

static int64_t sum_of(const struct transfer_state *s)
{
    int64_t sum = 0;
    for (size_t i = 0; i < TRANSFER_PHASES; i++)
        sum += s->phase_us[i];
    return sum;
}

/* The phases by their shares, largest first. */
static void sort_phases(const struct transfer_state *s, size_t order[TRANSFER_PHASES])
{
    memset(order, 0, TRANSFER_PHASES * sizeof(order[0]));
    for (size_t i = 0; i < TRANSFER_PHASES; i++) {
        size_t at = i;
        for (; at && s->phase_us[order[at - 1]] < s->phase_us[i]; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

static double rate_of(const struct transfer_state *s)
{
    return s->elapsed_ms > 0 ? (double)s->bytes_moved * 1000 / (double)s->elapsed_ms
                             : (double)s->bytes_moved;
}

static void add_seconds(struct json_writer *w, const char *key, int64_t us)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%lld.%03d", (long long)(us / 1000000),
                   (int)(us / 1000 % 1000));
    jsonw_key(w, key);
    jsonw_raw(w, str_from(text));
}

void progress_summary_members(struct json_writer *w, const char *reference,
                              const struct digest *digest, const struct transfer_state *s)
{
    size_t order[TRANSFER_PHASES];

    sort_phases(s, order);
    jsonw_kstrz(w, "reference", reference);
    jsonw_kstr(w, "digest", digest_str(digest));
    jsonw_ku64(w, "files", s->files_total);
    jsonw_ku64(w, "files_present", s->files_present);
    jsonw_ku64(w, "bytes", s->bytes_total);
    jsonw_ku64(w, "bytes_transferred", s->bytes_moved);
    jsonw_ku64(w, "retries", s->retries);
    add_seconds(w, "seconds", s->elapsed_ms * 1000);
    jsonw_ku64(w, "bytes_per_second", (uint64_t)rate_of(s));
    jsonw_kstrz(w, "limited_by", sum_of(s) ? phases[order[0]].name : NULL);
    jsonw_key(w, "thread_seconds");
    jsonw_object(w);
    for (size_t i = 0; i < TRANSFER_PHASES; i++)
        add_seconds(w, phases[i].name, s->phase_us[i]);
    jsonw_object_done(w);
}

static int summary_json(const char *reference, const struct digest *digest,
                        const struct transfer_state *s, struct err *e)
{
    AUTO(buf) out = {0};
    struct json_writer w;

    buf_init(&out, CLI_TEXT_MAX);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    progress_summary_members(&w, reference, digest, s);
    jsonw_object_done(&w);
    buf_addc(&out, '\n');
    return cli_print(buf_str(&out), e);
}

static void add_limits(struct buf *out, const struct transfer_state *s)
{
    size_t order[TRANSFER_PHASES];
    int64_t sum = sum_of(s);

    if (sum <= 0)
        return;
    sort_phases(s, order);
    for (size_t i = 0; i < TRANSFER_PHASES; i++) {
        int64_t share = (s->phase_us[order[i]] * 100 + sum / 2) / sum;
        if (i && share < SHARE_MIN)
            break;
        buf_addf(out, i ? ", %s %d %%" : "limited by: %s (%d %%)", phases[order[i]].text,
                 (int)share);
    }
    buf_addc(out, '\n');
}

int progress_summary(const struct cli *c, const char *done, const char *reference,
                     const struct digest *digest, const struct transfer_state *s, struct err *e)
{
    char total[FRAME_SIZE_TEXT], moved[FRAME_SIZE_TEXT], speed[FRAME_SIZE_TEXT];
    AUTO(buf) out = {0};

    if (cli_has(c, "json"))
        return summary_json(reference, digest, s, e);
    buf_init(&out, CLI_TEXT_MAX);
    buf_addf(&out,
             "%s %s\ndigest %s\n%zu files, %s; %s transferred, %zu files were there, "
             "%lld.%03d s, %s/s\n",
             done, reference, digest->text, s->files_total,
             str_size_text((double)s->bytes_total, total),
             str_size_text((double)s->bytes_moved, moved), s->files_present,
             (long long)(s->elapsed_ms / 1000), (int)(s->elapsed_ms % 1000),
             str_size_text(rate_of(s), speed));
    if (s->retries)
        buf_addf(&out, "%llu requests were made again\n", (unsigned long long)s->retries);
    add_limits(&out, s);
    return cli_print(buf_str(&out), e);
}
