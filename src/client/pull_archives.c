/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pull_archives.h"

#include "client/unpack.h"
#include "model/overlay.h"
#include "model/path.h"

void pull_archives_init(struct pull_archives *x, const struct pack *pack,
                        const struct members_filter *filter)
{
    *x = (struct pull_archives){.ordered = pack->ordered};
    x->all = NEW_ARRAY(pack->n_layers + 1, struct pull_archive);
    x->order = NEW_ARRAY(pack->n_layers + 1, struct members *);
    for (size_t i = 0; i < pack->n_layers; i++) {
        const struct pack_layer *l = &pack->layers[i];
        struct pull_archive *a = NULL;
        if (l->encoding == PACK_RAW)
            continue;
        /* Images often have one empty layer several times. */
        for (size_t k = 0; k < x->n && !a; k++)
            if (digest_eq(&x->all[k].layer->digest, &l->digest))
                a = &x->all[k];
        if (!a) {
            a = &x->all[x->n++];
            *a = (struct pull_archive){.layer = l};
            members_init(&a->archive, filter, pack->ordered);
        }
        x->order[x->n_order++] = &a->archive;
    }
}

void pull_archives_autodone(struct pull_archives *x)
{
    for (size_t i = 0; i < x->n; i++) {
        members_autodone(&x->all[i].archive);
        mem_free(x->all[i].extents);
    }
    mem_free(x->all);
    mem_free(x->order);
}

int pull_archives_look(struct pull_archives *x, size_t i, struct err *e)
{
    struct pull_archive *a = &x->all[i];
    const struct place *place = x->tarball.place;
    TRANSFER_PHASE(TRANSFER_HASH);
    if (a->layer->encoding == PACK_TAR || place->fresh)
        return 0; /* a tar is looked at by its headers */
    int rc = contents_find(place->memo, &a->layer->digest, place, &a->archive, e);
    if (rc < 0)
        return -1;
    a->present = rc > 0;
    if (a->present)
        transfer_bytes(x->tarball.transfer, a->layer->size, false);
    return 0;
}

/* An archive that may not be unpacked will not be next time either: nothing of it is kept. */
static int refuse(const struct pull_archives *x, const struct digest *digest, const struct err *e)
{
    if (e->code == ERR_MODEL_INVALID)
        place_part_remove_all(x->tarball.place, digest);
    return -1;
}

int pull_archives_begin(struct pull_archives *x, struct pull_archive *a, struct fetch_job *job,
                        struct err *e)
{
    if (a->layer->encoding != PACK_TAR)
        return fetch_spread_file(x->tarball.place, job, e);
    int rc = tarball_begin(&x->tarball, job, &a->archive, &a->extents, e);
    return rc < 0 ? refuse(x, &job->digest, e) : rc;
}

int pull_archives_done(const struct pull_archives *x, struct pull_archive *a,
                       const struct fetch_job *job, struct err *e)
{
    if (a->layer->encoding == PACK_TAR)
        return 0;
    enum inflate_kind kind = a->layer->encoding == PACK_TAR_GZIP ? INFLATE_GZIP : INFLATE_ZSTD;
    if (unpack_file(x->tarball.place, &job->digest, &a->archive, job->spread.fd, job->size, kind,
                    x->tarball.transfer->cancel, e) < 0)
        return refuse(x, &job->digest, e);
    return 0;
}

/* ---- the end ---- */

static int check_paths(const struct pull_archives *x, const struct str *others, size_t n_others,
                       size_t *ret_n, struct err *e)
{
    size_t n = 0, all = n_others;
    for (size_t i = 0; i < x->n; i++)
        all += x->all[i].archive.n_wanted;
    AUTO_FREE struct str *paths = NEW_ARRAY(all + 1, struct str);
    for (size_t i = 0; i < n_others; i++)
        paths[n++] = others[i];
    for (size_t i = 0; i < x->n; i++) {
        const struct members *a = &x->all[i].archive;
        for (size_t k = 0; k < a->n; k++)
            if (a->members[k].wanted)
                paths[n++] = a->members[k].path;
    }
    *ret_n = n - n_others;
    return model_paths_check(paths, n, e);
}

/* Where the content of each member is: its path once it has one. */
struct placing {
    const struct place *place;
    struct transfer *transfer;
    const struct digest *digest;
    const struct members *a;
    struct str *where;
};

static int put(const struct placing *p, size_t content, const struct member *m,
               enum transfer_how how, struct err *e)
{
    const struct place_part part = place_part_member(p->digest, content);
    uint64_t there;
    AUTOFD fd = place_part_open(p->place, &part, &there, e);
    if (fd < 0)
        return -1;
    if (there != m->size)
        return ERR(e, CORRUPT, "%s: a partial file was changed by somebody else", m->path.p);
    if (place_put_later(p->place, fd, &part, m->path, m->mode, m->mtime_ms, e) < 0)
        return -1;
    transfer_file(p->transfer, m->path.p, m->size, how);
    return 0;
}

static int put_copy(const struct placing *p, size_t i, struct err *e)
{
    const struct member *m = &p->a->members[i];
    const struct place_part part = place_part_member(p->digest, i);
    struct str *where = &p->where[m->source];
    if (m->present) {
        transfer_file(p->transfer, m->path.p, m->size, TRANSFER_PRESENT);
        return 0;
    }
    if (!where->p) {
        *where = m->path;
        return put(p, m->source, m, TRANSFER_MOVED, e);
    }
    if (place_copy(p->place, *where, m->size, &part, e) < 0)
        return err_wrap(e, "%s", m->path.p);
    return put(p, i, m, TRANSFER_COPIED, e);
}

static int put_member(const struct placing *p, size_t i, struct err *e)
{
    const struct member *m = &p->a->members[i];
    if (!m->wanted || m->what == MEMBER_LINK)
        return 0;
    if (m->what == MEMBER_COPY)
        return put_copy(p, i, e);
    p->where[i] = m->path;
    if (!m->present)
        return put(p, i, m, TRANSFER_MOVED, e);
    transfer_file(p->transfer, m->path.p, m->size, TRANSFER_PRESENT);
    return 0;
}

static int put_files(const struct pull_archives *x, const struct pull_archive *pa, struct err *e)
{
    AUTO_FREE struct str *where = NEW_ARRAY(pa->archive.n + 1, struct str);
    const struct placing p = {.place = x->tarball.place,
                              .transfer = x->tarball.transfer,
                              .digest = &pa->layer->digest,
                              .a = &pa->archive,
                              .where = where};
    for (size_t i = 0; i < pa->archive.n; i++)
        if (put_member(&p, i, e) < 0)
            return -1;
    return 0;
}

/* When no file can be written through them any more. */
static int put_links(const struct pull_archives *x, const struct members *a, struct err *e)
{
    for (size_t i = 0; i < a->n; i++) {
        const struct member *m = &a->members[i];
        if (!m->wanted || m->what != MEMBER_LINK)
            continue;
        if (place_link(x->tarball.place, m->path, m->link.p, e) < 0)
            return -1;
        transfer_file(x->tarball.transfer, m->path.p, 0, TRANSFER_MOVED);
    }
    return 0;
}

int pull_archives_place(struct pull_archives *x, const struct str *others, size_t n_others,
                        size_t *ret_n, struct err *e)
{
    TRANSFER_PHASE(TRANSFER_WRITE);
    *ret_n = 0;
    if (x->n == 0)
        return 0;
    if (x->ordered)
        overlay_hide(x->order, x->n_order);
    if (check_paths(x, others, n_others, ret_n, e) < 0) {
        for (size_t i = 0; i < x->n; i++)
            (void)refuse(x, &x->all[i].layer->digest, e);
        return -1;
    }
    transfer_expect_more(x->tarball.transfer, (int64_t)*ret_n, 0);
    if (place_sync(x->tarball.place, e) < 0)
        return -1;
    for (size_t i = 0; i < x->n; i++)
        if (put_files(x, &x->all[i], e) < 0)
            return -1;
    for (size_t i = 0; i < x->n; i++)
        if (put_links(x, &x->all[i].archive, e) < 0)
            return -1;
    if (place_sync(x->tarball.place, e) < 0)
        return -1;
    for (size_t i = 0; i < x->n; i++)
        place_part_remove_all(x->tarball.place, &x->all[i].layer->digest);
    return 0;
}
