/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/selection.h"

#include "base/file.h"
#include "base/limits.h"

#include <fcntl.h>

/* A Modelfile, and what is made of it: its values once as they stand and once without escapes. */
#define SELECTION_ARENA (8 * LIMIT_MODELFILE)

int selection_globs(const struct cli *c, const char *option, struct arena *a, struct glob_list *ret,
                    struct err *e)
{
    const char *value;
    size_t n = 0;
    for (size_t at = 0; cli_next(c, option, &at, &value);)
        n++;
    struct str *globs = ARENA_ARRAY(a, n, struct str);
    n = 0;
    for (size_t at = 0; cli_next(c, option, &at, &value);) {
        globs[n] = str_from(value);
        const char *wrong = glob_wrong(globs[n++]);
        if (wrong)
            return ERR(e, USAGE, "--%s: the pattern \"%s\" %s", option, value, wrong);
    }
    *ret = (struct glob_list){.globs = globs, .n = n};
    return 0;
}

static int read_modelfile(struct selection *s, const char *path, struct err *e)
{
    AUTO(buf) text = {0};
    buf_init(&text, LIMIT_MODELFILE);
    int rc = file_read_at(AT_FDCWD, path, LIMIT_MODELFILE, &text, e);
    if (rc == 0)
        return ERR(e, USAGE, "there is no Modelfile at %s; `haven modelfile DIR` writes one", path);
    if (rc < 0 || modelfile_parse(&s->arena, path, buf_str(&text), &s->modelfile, e) < 0)
        return -1;
    s->pick.modelfile = &s->modelfile;
    return 0;
}

int selection_read(struct selection *s, const struct cli *c, const char *modelfile, struct err *e)
{
    arena_init(&s->arena, SELECTION_ARENA);
    s->pick.no_ignore = cli_has(c, "no-ignore");
    if (selection_globs(c, "include", &s->arena, &s->pick.include, e) < 0 ||
        selection_globs(c, "exclude", &s->arena, &s->pick.exclude, e) < 0)
        return -1;
    return modelfile ? read_modelfile(s, modelfile, e) : 0;
}

void selection_autodone(struct selection *s)
{
    arena_done(&s->arena);
}
