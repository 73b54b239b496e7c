/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "cli/backing_up.h"
#include "cli/settings.h"
#include "server/beside.h"
#include "server/datadir.h"

#include <sys/stat.h>

static const struct cli_option options[] = {
    {.name = "data",
     .metavar = "DIR",
     .help = "The data directory to make, if not that of the settings."},
    SETTINGS_OPTION_CONFIG,
    {.name = "snapshot", .metavar = "NAME", .help = "Take this snapshot in place of the newest."},
    {.name = "list", .help = "Show the snapshots, and restore nothing."},
    BACKING_UP_OPTIONS,
};

static int list(struct cli *c, const struct backup_options *o, struct err *e)
{
    AUTO(buf) out = {0};
    const char *const *names;
    struct json_writer w;
    size_t n;

    if (backup_list(o->target, &c->arena, &names, &n, e) < 0)
        return -1;
    buf_init(&out, CLI_TEXT_MAX);
    if (cli_has(c, "json")) {
        jsonw_init(&w, &out);
        jsonw_object(&w);
        jsonw_key(&w, "snapshots");
        jsonw_list(&w);
        for (size_t i = 0; i < n; i++)
            jsonw_strz(&w, names[i]);
        jsonw_list_done(&w);
        jsonw_object_done(&w);
        buf_addc(&out, '\n');
    } else {
        for (size_t i = 0; i < n; i++)
            buf_addf(&out, "%s\n", names[i]);
    }
    return cli_print(buf_str(&out), e);
}

static int restore(struct cli *c, const struct config *config, const struct backup_options *o,
                   struct err *e)
{
    const char *dir = cli_value(c, "data");
    struct backup_result r;
    struct datadir data;

    if (cli_has(c, "list"))
        return list(c, o, e);
    (void)umask(0077);
    if (datadir_open(dir ? dir : config->data, &data, e) < 0)
        return -1;
    int rc = backup_restore(data.fd, SERVER_DB_FILE, cli_value(c, "snapshot"), o, &r, e);
    datadir_close(&data);
    return backing_up_end(c, o, &r, rc, e);
}

static int run(struct cli *c, struct err *e)
{
    struct backing_up shown;
    struct config config;
    struct backup_options o;

    if (settings_load(c, &config, e) < 0)
        return -1;
    int rc = backing_up_begin(c, c->args[0], false, &shown, &o, e);
    if (rc == 0) {
        rc = restore(c, &config, &o, e);
        backing_up_done(&o);
    }
    config_done(&config);
    return rc;
}

const struct command cmd_admin_restore = {
    .name = "admin-restore",
    .summary = "Make a data directory from a backup",
    .synopsis = "[--data DIR] [--snapshot NAME] [OPTION ...] TARGET",
    .help =
        "Makes the registry of a snapshot in an empty directory: files are hashed while they are "
        "copied, and the\n"
        "database gets its name last, so that no server starts on half of it. Interrupted, the "
        "same command\n"
        "goes on.\n"
        "\n"
        "  haven admin restore --list /mnt/backup\n"
        "  haven admin restore --data /srv/haven /mnt/backup\n",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
