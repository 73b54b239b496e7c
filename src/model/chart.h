/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chart: what a Helm chart says of itself in Chart.yaml, and in the requirements.yaml of charts of
 * the first version.
 *
 * Charts come from strangers: YAML is read event by event, aliases are refused, its size, depth and
 * number of nodes have ceilings. Texts, numbers and dates stay as they are written, for nothing in
 * a Chart.yaml is a number; true, false and null without quotes are what they are in JSON.
 * Source: Helm, "The Chart.yaml File". Pure; any thread.
 */
#ifndef HAVEN_MODEL_CHART_H
#define HAVEN_MODEL_CHART_H

#include "base/arena.h"
#include "base/err.h"

/* Both are JSON and lie in the arena. */
struct chart {
    struct str metadata;     /* all of Chart.yaml, an object */
    struct str dependencies; /* a list of {name, version, repository} */
};

/* A file that says something of the chart: the text of the chart's root (the first directory of the
 * archive). */
enum chart_file { CHART_OTHER, CHART_YAML, CHART_VALUES, CHART_README, CHART_REQUIREMENTS };
enum chart_file chart_file_of(struct str path);

/* requirements: of requirements.yaml, empty: there is none; it counts where Chart.yaml says
 * apiVersion v1. MODEL_INVALID: a file that cannot be read, with its name and line; LIMIT. */
int chart_read(struct arena *a, struct str chart_yaml, struct str requirements, struct chart *ret,
               struct err *e);

#endif
