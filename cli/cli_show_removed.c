/* show, of a record whose removal waits: it is in the copy no more, and with the server still. What
 * it was is among what the author saw when removing it. */
#include "cli/cli_show.h"

#include <string.h>

#include "cli/cli_entry.h"
#include "cli/cli_names.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"
#include "protocol/schema.h"
#include "protocol/wire.h"

static bool take_whole(void *context, const tandem_entry *entry)
{
    json_t **whole = context;
    *whole = json_loads(entry->json, JSON_ALLOW_NUL, NULL);
    return false;
}

/* What its author saw of the record, as {id, entity, scope, seq, fields}; NULL when there is none.
 */
static json_t *what_was_seen(struct cli *cli, uint64_t number, const char *id)
{
    json_t *whole = NULL;
    json_t *found = NULL;
    size_t index = 0;
    json_t *seen = NULL;
    (void)tandem_outbox_get(cli->client, number, take_whole, &whole);
    json_array_foreach(json_object_get(whole, "seen"), index, seen)
    {
        if (strcmp(cli_member(seen, "id"), id) == 0) {
            found = json_incref(seen);
            break;
        }
    }
    json_decref(whole);
    return found;
}

/* ---- Values as text -------------------------------------------------------------------------- */

/* {"amount":125050,"currency":"NOK"} and the like, as the schema writes them. */
static void add_object(const struct field_def *field, const json_t *value, struct buffer *out)
{
    struct buffer encoded = {0};
    const char *key = NULL;
    json_t *part = NULL;
    wire_put_map(&encoded, (uint32_t)json_object_size(value));
    json_object_foreach((json_t *)(uintptr_t)value, key, part)
    {
        wire_put_text(&encoded, key);
        if (json_is_integer(part)) {
            wire_put_int(&encoded, json_integer_value(part));
        } else {
            wire_put_text(&encoded, json_is_string(part) ? json_string_value(part) : "");
        }
    }
    if (!encoded.failed) {
        schema_print(field, buffer_bytes(&encoded), out);
    }
    buffer_release(&encoded);
}

static void add_list(const json_t *list, struct buffer *out)
{
    size_t index = 0;
    json_t *part = NULL;
    json_array_foreach(list, index, part)
    {
        text_addf(out, "%s%s", index == 0 ? "" : ", ",
                  json_is_string(part) ? json_string_value(part) : "");
    }
}

static void add_plain(const struct field_def *field, const json_t *value, struct buffer *out)
{
    char text[SCHEMA_TIME_TEXT];
    if (json_is_string(value)) {
        text_add(out, json_string_value(value));
    } else if (json_is_boolean(value)) {
        text_add(out, json_is_true(value) ? "true" : "false");
    } else if (json_is_integer(value) && field->kind == KIND_TIME) {
        text_add(out, schema_time_to_text(json_integer_value(value), text));
    } else if (json_is_number(value)) {
        text_addf(out, "%.15g", json_number_value(value));
    } else if (json_is_array(value)) {
        add_list(value, out);
    } else if (json_is_object(value)) {
        add_object(field, value, out);
    }
}

/* With names for the records it points to, and their ids behind. */
static void add_value(struct names *names, const char *entity, const char *name,
                      const json_t *value, struct buffer *out)
{
    const struct entity_def *def = schema_entity(bytes_text(entity));
    const struct field_def *known = def == NULL ? NULL : schema_field(def, bytes_text(name));
    const struct field_def unknown = {.kind = json_is_object(value) ? KIND_ADDRESS : KIND_TEXT};
    struct buffer plain = {0};
    json_t *table = json_object();
    add_plain(known == NULL ? &unknown : known, value, &plain);
    const char *text = text_of(&plain);
    if (text != NULL && names_refers(names, entity, name)) {
        names_take(names, text, table);
    }
    names_put(table, text == NULL ? "" : text, out);
    if (json_object_size(table) > 0) {
        text_addf(out, " (%s)", text);
    }
    json_decref(table);
    buffer_release(&plain);
}

/* ---- Showing --------------------------------------------------------------------------------- */

static void print_fields(struct cli *cli, const json_t *seen)
{
    struct names names;
    const char *name = NULL;
    json_t *value = NULL;
    names_begin(&names, cli, false);
    json_object_foreach(json_object_get(seen, "fields"), name, value)
    {
        struct buffer text = {0};
        add_value(&names, cli_member(seen, "entity"), name, value, &text);
        show_line(cli->out, name, text_of(&text) == NULL ? "" : text_of(&text));
        buffer_release(&text);
    }
    names_release(&names);
}

static void print_removed(struct cli *cli, const json_t *entry, const json_t *change,
                          const json_t *seen)
{
    struct buffer why = {0};
    (void)text_put(cli->out, cli_member(change, "entity"), 0);
    (void)fprintf(cli->out, "  %s  removal waits\n", cli_member(change, "id"));
    print_fields(cli, seen);
    text_addf(&why, "entry %llu, ", (unsigned long long)entry_number(entry));
    entry_add_why(entry, tandem_paused(cli->client), &why);
    text_add(&why, ": ");
    entry_add_what(entry, &why);
    show_line(cli->out, "outbox", text_of(&why) == NULL ? "" : text_of(&why));
    buffer_release(&why);
    cli_note(cli, "It is removed when that is sent. Keep it: tandem outbox drop %llu",
             (unsigned long long)entry_number(entry));
}

static void print_object(struct cli *cli, const json_t *entry, const json_t *change,
                         const json_t *seen)
{
    static const char *const parts[] = {"scope", "seq", "fields"};
    json_t *object = json_pack("{s:s, s:I, s:s, s:s}", "state", "pending", "removal",
                               (json_int_t)entry_number(entry), "id", cli_member(change, "id"),
                               "entity", cli_member(change, "entity"));
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        json_t *part = json_object_get(seen, parts[i]);
        if (object != NULL && part != NULL) {
            (void)json_object_set(object, parts[i], part);
        }
    }
    entry_print_json(object, cli->out);
    json_decref(object);
}

bool show_removed(struct cli *cli, const char *text)
{
    const json_t *change = NULL;
    json_t *entry = entry_removal(cli, text, &change);
    if (entry == NULL) {
        return false;
    }
    json_t *seen = what_was_seen(cli, entry_number(entry), cli_member(change, "id"));
    if (cli->json) {
        print_object(cli, entry, change, seen);
    } else {
        print_removed(cli, entry, change, seen);
    }
    json_decref(seen);
    json_decref(entry);
    return true;
}
