/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/backing_up.h"
#include "cli/settings.h"
#include "server/beside.h"

static const struct cli_option options[] = {
    {.name = "data", .metavar = "DIR", .help = "The data directory, if not that of the settings."},
    SETTINGS_OPTION_CONFIG,
    {.name = "keep",
     .metavar = "N",
     .help =
         "Keep the newest N snapshots, this one included, and what they need; remove the rest."},
    BACKING_UP_OPTIONS,
};

static int backup(struct cli *c, const struct config *config, struct backup_options *o,
                  struct err *e)
{
    AUTO(beside) b = {.data_dir = -1};
    const char *dir = cli_value(c, "data");
    struct backup_result r;

    if (beside_open(dir ? dir : config->data, config, &b, e) < 0)
        return -1;
    int rc = backup_run(&b.registry, b.data_dir, SERVER_DB_FILE, o, &r, e);
    return backing_up_end(c, o, &r, rc, e);
}

static int run(struct cli *c, struct err *e)
{
    const char *keep = cli_value(c, "keep");
    struct backing_up shown;
    struct config config;
    struct backup_options o;
    uint64_t n = 0;

    if (keep && !str_u64(str_from(keep), 1, BACKUP_KEEP_MAX, &n))
        return ERR(e, USAGE, "--keep is a number from 1 to %d, not \"%s\"", BACKUP_KEEP_MAX, keep);
    if (settings_load(c, &config, e) < 0)
        return -1;
    int rc = backing_up_begin(c, c->args[0], true, &shown, &o, e);
    if (rc == 0) {
        o.keep = (unsigned)n;
        rc = backup(c, &config, &o, e);
        backing_up_done(&o);
    }
    config_done(&config);
    return rc;
}

const struct command cmd_admin_backup = {
    .name = "admin-backup",
    .summary = "Copy a registry into a directory while it works",
    .synopsis = "[--data DIR] [--keep N] [OPTION ...] TARGET",
    .help =
        "Makes TARGET/snapshots/TIME.db, the database of one moment, and copies into "
        "TARGET/blobs what it needs\n"
        "and TARGET has not: the second backup is quick. Pushes, pulls and deletes go on. An "
        "interrupted one is\n"
        "in order; the next one completes it.\n"
        "\n"
        "The exit status is 6 if a stored file is damaged or missing: all the others are in the "
        "backup.\n"
        "\n"
        "  haven admin backup --data /srv/haven /mnt/backup\n"
        "  haven admin backup --data /srv/haven --keep 30 /mnt/backup\n",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
