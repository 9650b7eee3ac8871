/* Entries of the outbox: what is in the way of a removal that was refused (cli_entry.h). The server
 * says that something still belongs to the account; what that is has come with the next sync, when
 * somebody added it after the removal was typed. */
#include <string.h>

#include "cli/cli_entry.h"
#include "cli/cli_names.h"

#define IN_THE_WAY_MOST 8u

struct look {
    const json_t *entry;
    json_t *found;
};

static bool take(void *context, const tandem_record *record)
{
    struct look *look = context;
    const char *id = tandem_record_id(record);
    if (!entry_changes(look->entry, id)) { /* else it would have gone too */
        (void)json_array_append_new(
            look->found, json_pack("{s:s, s:s, s:s, s:s}", "entity", tandem_record_entity(record),
                                   "id", id, "title", tandem_record_title(record), "by",
                                   tandem_record_modified_by(record)));
    }
    return json_array_size(look->found) < IN_THE_WAY_MOST;
}

static void find_in(struct cli *cli, struct look *look, const char *entity, const char *account)
{
    const tandem_condition condition = {.field = "account", .op = "=", .text = account,
                                        .kind = "reference"};
    const tandem_find find = {.entity = entity, .where = &condition, .where_count = 1};
    if (json_array_size(look->found) < IN_THE_WAY_MOST) {
        (void)tandem_find_each(cli->client, &find, take, look);
    }
}

struct own {
    struct cli *cli;
    struct look *look;
    const char *account;
};

static bool find_in_own(void *context, const tandem_record *record)
{
    const struct own *own = context;
    const char *name = tandem_record_text(record, "name");
    const char *home = tandem_record_text(record, "home");
    if (name != NULL && home != NULL && strcmp(home, "account") == 0) {
        find_in(own->cli, own->look, name, own->account);
    }
    return true;
}

static void find(struct cli *cli, struct look *look, const char *account)
{
    struct own own = {cli, look, account};
    tandem_field_info info;
    for (size_t i = 0; i < tandem_entity_count(); i++) {
        const char *entity = tandem_entity_name(i);
        /* Access goes with the account. */
        if (strcmp(entity, "assignment") != 0 && tandem_field_find(entity, "account", &info)) {
            find_in(cli, look, entity, account);
        }
    }
    (void)tandem_each(cli->client, "customEntity", find_in_own, &own);
}

void entry_add_in_the_way(struct cli *cli, json_t *entry)
{
    struct look look = {.entry = entry};
    const json_t *main = json_array_get(json_object_get(entry, "changes"), 0);
    if (!entry_is(entry, TANDEM_ENTRY_REFUSED) ||
        strcmp(cli_member(entry, "code"), tandem_error_name(TANDEM_CODE_REFERENCED)) != 0 ||
        strcmp(cli_member(main, "op"), "remove") != 0 ||
        strcmp(cli_member(main, "entity"), "account") != 0) {
        return;
    }
    look.found = json_array();
    find(cli, &look, cli_member(main, "id"));
    if (json_array_size(look.found) > 0) {
        (void)json_object_set(entry, "inTheWay", look.found);
    }
    json_decref(look.found);
}
