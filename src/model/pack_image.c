/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ordinary container images: archives that are laid over each other. Also artifacts that have
 * layers of images but no config of one.
 * Source: OCI image-spec layer.md; docker image manifest version 2.
 */
#include "model/pack_form.h"

/* A title makes a layer a whole file, as oras writes it, whatever its type says. */
static bool fits(const struct oci_manifest *m)
{
    bool image = pack_is_image_config(m);
    for (size_t i = 0; i < m->n_items; i++) {
        const struct oci_descriptor *d = &m->items[i];
        if (pack_note(d, "org.opencontainers.image.title").n ||
            (!image && !pack_is_image_layer(d->media_type)))
            return false;
    }
    return m->n_items > 0;
}

static int layer(const struct pack_reading *r, struct pack_layer *l, struct err *e)
{
    if (!pack_is_image_layer(l->media_type))
        return pack_refuse(r, e, "is no layer of an image");
    if (!pack_image_encoding(l->media_type, &l->encoding))
        return pack_refuse(r, e, "has an encoding that cannot be read here");
    return 1;
}

const struct pack_form pack_form_image = {
    .name = "image", .fits = fits, .layer = layer, .ordered = true};
