/* SPDX-License-Identifier: Apache-2.0 */
/*
 * portal: the pages for browsers, below /-/, where no name of a project can be. They are files
 * inside of the program; whatever they show they ask of the API.
 */
#ifndef HAVEN_API_PORTAL_H
#define HAVEN_API_PORTAL_H

#include "http/http.h"

extern const struct http_group portal_group;

/* Is the portal part of this program? */
bool portal_there(void);
/* 302, for a browser that wants a page, to that of what a path outside of the portal names: the
 * root, a project or a repository. False if there is none: then nothing was answered. */
bool portal_redirect(struct http_req *rq);

#endif
