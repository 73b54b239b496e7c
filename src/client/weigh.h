/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weigh: what the headers of a directory's weights say of the model.
 *
 * The files that count are those of model/series.h. Of each the header is read, before anything is
 * sent and through a descriptor of its own: the content is read later, when its turn comes, and of
 * files whose digest is remembered not at all.
 */
#ifndef HAVEN_CLIENT_WEIGH_H
#define HAVEN_CLIENT_WEIGH_H

#include "client/local.h"
#include "model/facts.h"

/* Adds them to facts, which are not resolved yet. A file that is not what its name says, is damaged
 * or cannot be read is a warning there, and then nothing is said of the weights: half a sum would
 * be a wrong one. */
void weigh(const struct local_files *l, struct model_facts *facts);

#endif
