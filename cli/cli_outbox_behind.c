/* What in the outbox cannot be without an entry that is given up (cli_outbox.h). */
#include <string.h>

#include "cli/cli_entry.h"
#include "cli/cli_outbox.h"

/* The records that the entry would have made. */
static void note_made(const json_t *entry, json_t *made)
{
    size_t index = 0;
    json_t *change = NULL;
    json_array_foreach(json_object_get(entry, "changes"), index, change)
    {
        if (strcmp(cli_member(change, "op"), "create") == 0) {
            (void)json_object_set_new(made, cli_member(change, "id"), json_true());
        }
    }
}

/* Whether one of the changes is of such a record, or points to one. */
static bool needs(const json_t *entry, const json_t *made)
{
    size_t index = 0;
    json_t *change = NULL;
    json_array_foreach(json_object_get(entry, "changes"), index, change)
    {
        if (json_object_get(made, cli_member(change, "id")) != NULL ||
            json_object_get(made, cli_member(change, "mine")) != NULL) {
            return true;
        }
    }
    return false;
}

json_t *outbox_behind(struct cli *cli, const json_t *entry)
{
    json_t *found = json_array();
    json_t *made = json_object();
    json_t *entries = NULL;
    size_t index = 0;
    json_t *other = NULL;
    note_made(entry, made);
    if (json_object_size(made) > 0) {
        entries = entry_read_all(cli, ENTRY_UNSETTLED);
    }
    /* Oldest first: what needs a record comes after what makes it. */
    json_array_foreach(entries, index, other)
    {
        if (entry_number(other) != entry_number(entry) && needs(other, made)) {
            (void)json_array_append(found, other);
            note_made(other, made);
        }
    }
    json_decref(entries);
    json_decref(made);
    return found;
}
