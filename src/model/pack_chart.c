/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helm charts: an archive whose first directory is the chart, and perhaps what signs it.
 * Source: Helm, "Use OCI-based registries".
 */
#include "model/pack_form.h"

#define TYPE_CONFIG     "application/vnd.cncf.helm.config.v1+json"
#define TYPE_CONTENT    "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
#define TYPE_OLD        "application/tar+gzip"
#define TYPE_PROVENANCE "application/vnd.cncf.helm.chart.provenance.v1.prov"

static bool fits(const struct oci_manifest *m)
{
    return m->has_config && str_eqz(m->config.media_type, TYPE_CONFIG);
}

static int layer(const struct pack_reading *r, struct pack_layer *l, struct err *e)
{
    (void)r;
    (void)e;
    if (str_eqz(l->media_type, TYPE_CONTENT) || str_eqz(l->media_type, TYPE_OLD)) {
        l->encoding = PACK_TAR_GZIP;
        return 1;
    }
    if (!str_eqz(l->media_type, TYPE_PROVENANCE))
        return l->path.n > 0;
    if (l->path.n == 0)
        l->path = STR("chart.prov");
    l->has_kind = true;
    l->kind = MODEL_DOC;
    return 1;
}

const struct pack_form pack_form_chart = {.name = "chart", .fits = fits, .layer = layer};
