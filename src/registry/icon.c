/* SPDX-License-Identifier: Apache-2.0 */
/* Type of a picture by its first bytes: PNG 3rd edition section 5.2, ITU-T T.81 B.1.1.3 (JPEG),
 * GIF89a section 17. What a client says of it is not asked. */
#include "registry/icon.h"

#include "base/limits.h"
#include "base/log.h"
#include "db/list.h"
#include "registry/internal.h"

/* NULL: it is none. */
static const char *type_of(struct str bytes)
{
    static const struct {
        const char *begins, *type;
    } types[] = {
        {"\x89PNG\r\n\x1a\n", "image/png"},
        {"\xff\xd8\xff", "image/jpeg"},
        {"GIF87a", "image/gif"},
        {"GIF89a", "image/gif"},
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_starts(bytes, str_from(types[i].begins)))
            return types[i].type;
    return NULL;
}

static bool is_icon(const struct oci_descriptor *d)
{
    for (size_t i = 0; i < d->n_annotations; i++)
        if (str_eqz(d->annotations[i].key, ICON_ANNOTATION))
            return true;
    return false;
}

/* Nobody's push fails for a picture: one that cannot be shown is none. */
static bool can_be_shown(struct registry *r, struct arena *a, const struct repo_name *repo,
                         const struct oci_descriptor *d)
{
    struct str bytes;
    struct err e;
    int found = blob_bytes(r, a, repo, &d->digest, LIMIT_ICON, &bytes, &e);

    if (found < 0)
        LOG(WARN, "describe.icon", log_str("digest", digest_str(&d->digest)), log_err(&e));
    return found > 0 && type_of(bytes);
}

struct str icon_of(struct registry *r, struct arena *a, const struct repo_name *repo,
                   const struct oci_manifest *m)
{
    for (size_t i = 0; !m->is_index && i < m->n_items; i++)
        if (is_icon(&m->items[i]))
            return can_be_shown(r, a, repo, &m->items[i])
                       ? arena_str(a, digest_str(&m->items[i].digest))
                       : STR_NULL;
    return STR_NULL;
}

/* ---- reading ---- */

static int read_row(const struct db_rows *rows, struct arena *a, void *ret, struct err *e)
{
    (void)a;
    return repo_name_parse(db_text(rows, 0), ret, e);
}

/* A repository with such an artifact. $1: all projects; $2: the user; $3: the robot, which must
 * have been given $4 there; $5: the digest. */
static const struct db_list holders = {
    .name = "icon",
    .columns = "r.name",
    .from = "artifact a JOIN repository r ON r.id = a.repository_id"
            " JOIN project p ON p.id = r.project_id WHERE a.icon = $5 AND ($1 = 1"
            " OR p.is_public = 1"
            " OR EXISTS (SELECT 1 FROM project_member m WHERE m.project_id = p.id"
            " AND m.user_id = $2)"
            " OR EXISTS (SELECT 1 FROM user_group_member g JOIN project_member m"
            " ON m.group_id = g.group_id WHERE g.user_id = $2 AND m.project_id = p.id)"
            " OR EXISTS (SELECT 1 FROM robot_permission x WHERE x.robot_id = $3 AND x.kind = 2"
            " AND x.project_id IN (p.id, 0) AND x.permission = $4))",
    .n_args = 5,
    .order = "a.id",
    .key = "a.id",
    .size = sizeof(struct repo_name),
    .row = read_row,
};

int icon_find(struct registry *r, struct arena *a, const struct icon_reader *who,
              const struct digest *d, struct icon *ret, struct err *e)
{
    struct repo_name repo;
    struct icon icon;
    int found = db_list_one(db_reader(r->db), &holders,
                            DB_ARGS(DB_I64(who->all), DB_I64(who->user_id), DB_I64(who->robot_id),
                                    DB_TEXTZ(who->permission), DB_TEXT(digest_str(d))),
                            a, &repo, e);

    if (found > 0)
        found = blob_bytes(r, a, &repo, d, LIMIT_ICON, &icon.bytes, e);
    if (found <= 0)
        return found;
    icon.type = type_of(icon.bytes);
    if (!icon.type)
        return 0;
    *ret = icon;
    return 1;
}
