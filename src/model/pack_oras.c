/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oras, and artifacts of types that a user has made up: whole files with a title, whatever their
 * media type says (oras gives files the type of an image layer when it is told none); directories
 * are archives that say so. Files without a title get their digest as name, so that nothing is
 * lost. Source: oras-go, content/file.
 */
#include "base/limits.h"
#include "model/pack_form.h"

#define NOTE_UNPACK "io.deis.oras.content.unpack"
#define NOTE_TITLE  "org.opencontainers.image.title"

static bool fits(const struct oci_manifest *m)
{
    (void)m;
    return true;
}

/* The same content without a name once more is nothing new. */
static bool seen(const struct pack_reading *r)
{
    const struct oci_descriptor *d = &r->m->items[r->i];
    for (size_t i = 0; i < r->i && i < LIMIT_PACK_NAMELESS; i++)
        if (digest_eq(&r->m->items[i].digest, &d->digest))
            return true;
    return false;
}

static int layer(const struct pack_reading *r, struct pack_layer *l, struct err *e)
{
    const struct oci_descriptor *d = &r->m->items[r->i];
    if (str_eqz(pack_note(d, NOTE_UNPACK), "true")) {
        l->encoding = PACK_TAR_GZIP;
        return 1;
    }
    if (pack_is_image_layer(l->media_type) && pack_note(d, NOTE_TITLE).n == 0) {
        if (!pack_image_encoding(l->media_type, &l->encoding))
            return pack_refuse(r, e, "has an encoding that cannot be read here");
        return 1;
    }
    if (l->path.n)
        return 1;
    if (seen(r))
        return 0;
    l->path = str_from(
        arena_printf(r->a, "%s-%s", digest_alg_name(d->digest.alg), digest_hex(&d->digest)));
    return 1;
}

const struct pack_form pack_form_oras = {.name = "oras", .fits = fits, .layer = layer};
