/* One row of an import (cli_import.h). */
#include <string.h>

#include "cli/cli_import.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"
#include "protocol/status.h"

/* The reference that a cell stands for. False after refusing the row. */
static bool look_up(struct import *import, const struct csv_row *row, size_t index,
                    const char *key, struct buffer *out)
{
    const struct map_entry *entry = &import->map.entries[index];
    if (key[0] == '\0') {
        return true;
    }
    const struct index_entry *found = index_find(&import->lookups[index], key);
    if (found == NULL || found->ambiguous) {
        import_refuse(import, row->line, entry->column, "%s %s whose %s is \"%s\"",
                      found == NULL ? "there is no" : "there are several",
                      import->targets[import->target_of[index]].facts.target, entry->by, key);
        return false;
    }
    text_add(out, found->id);
    return true;
}

/* The text of one map entry, added to its field's text. */
static bool fill_entry(struct import *import, const struct csv_row *row, size_t index)
{
    const struct map_entry *entry = &import->map.entries[index];
    struct import_target *target = &import->targets[import->target_of[index]];
    struct buffer raw = {0};
    bool good = true;
    map_text(entry, (const char *const *)import->header, row->cells, row->count, &raw);
    const char *text = text_of(&raw);
    if (text == NULL) {
        target->text.failed = true;
    } else if (entry->source == MAP_LOOKUP) {
        good = look_up(import, row, index, text, &target->text);
    } else if (entry->part[0] != '\0') {
        value_add_part(entry->part, text, &target->text);
    } else {
        value_from_cell(&import->values, target->facts.kind, text, &target->text);
    }
    buffer_release(&raw);
    return good;
}

static bool fill(struct import *import, const struct csv_row *row)
{
    for (size_t i = 0; i < import->target_count; i++) {
        buffer_clear(&import->targets[i].text);
        buffer_clear(&import->targets[i].normal);
    }
    for (size_t i = 0; i < import->map.count; i++) {
        if (!fill_entry(import, row, i)) {
            return false;
        }
    }
    for (size_t i = 0; i < import->target_count; i++) {
        struct import_target *target = &import->targets[i];
        const char *text = text_of(&target->text);
        if (text != NULL) {
            value_normal(import->entity, target->facts.name, text, &target->normal);
        }
        if (text_of(&target->normal) == NULL) {
            import->fatal = cli_no_memory(import->cli);
            return false;
        }
    }
    return true;
}

static const char *text_at(struct import *import, size_t target)
{
    return (const char *)import->targets[target].text.data;
}

static const char *normal_at(struct import *import, size_t target)
{
    return (const char *)import->targets[target].normal.data;
}

/* ---- Which record the row is ------------------------------------------------------------------ */

static const char *key_of(struct import *import, const struct csv_row *row)
{
    return strcmp(import->key_field, "id") == 0 ? row->cells[import->key_column]
                                                : normal_at(import, import->key_target);
}

/* Finds the row's record, or that it is new (*entry NULL without a key). False after refusing. */
static bool identify(struct import *import, const struct csv_row *row, struct index_entry **entry)
{
    bool fresh = false;
    bool by_id = strcmp(import->key_field, "id") == 0;
    *entry = NULL;
    if (import->key_field[0] == '\0') {
        return true;
    }
    const char *key = key_of(import, row);
    const char *column = import_column(import, import->key_field);
    if (key[0] == '\0') {
        if (!by_id) {
            import_refuse(import, row->line, column, "the key is empty");
        }
        return by_id;
    }
    if (by_id && index_find(&import->known, key) == NULL) {
        import_refuse(import, row->line, "id", "there is no %s with the id \"%s\"", import->entity,
                      key);
        return false;
    }
    *entry = index_add(&import->known, key, &fresh);
    if (*entry == NULL) {
        import->fatal = cli_no_memory(import->cli);
        return false;
    }
    if ((*entry)->ambiguous || (*entry)->line != 0) {
        if ((*entry)->ambiguous) {
            import_refuse(import, row->line, column,
                          "there are several %s records with the key \"%s\"", import->entity, key);
        } else {
            import_refuse(import, row->line, column,
                          "line %lu has the same key \"%s\"", (*entry)->line, key);
        }
        return false;
    }
    (*entry)->line = row->line;
    return true;
}

/* ---- What the row changes --------------------------------------------------------------------- */

/* Whether the field belongs into the change: for a new record what is there, for a known one what
 * differs. */
static bool differs(struct import *import, const struct index_entry *entry, size_t target)
{
    const char *normal = normal_at(import, target);
    bool empty = normal[0] == '\0';
    if (entry == NULL || entry->value_count == 0) {
        return !empty;
    }
    return (!empty || import->clear_empty) && strcmp(entry->values[target], normal) != 0;
}

static struct import_row *make_row(struct import *import, const struct csv_row *row,
                                   const struct index_entry *entry)
{
    struct import_row *out =
        memory_new(sizeof *out + import->target_count * sizeof out->values[0]);
    if (out == NULL) {
        return NULL;
    }
    out->line = row->line;
    out->update = entry != NULL && entry->id[0] != '\0';
    (void)snprintf(out->id, sizeof out->id, "%s", out->update ? entry->id : "");
    for (size_t i = 0; i < import->target_count; i++) {
        if (!differs(import, entry, i)) {
            continue;
        }
        if (out->update) {
            import_note_replaced(import, row->line, i, entry, text_at(import, i));
        }
        char *text = text_copy(text_at(import, i));
        if (text == NULL) {
            import_row_free(out);
            return NULL;
        }
        out->values[out->count].target = i;
        out->values[out->count].text = text;
        out->bytes += strlen(text) + 64;
        out->count++;
    }
    return out;
}

/* Required fields, which the server would miss too, but which a dry run must see. */
static bool is_complete(struct import *import, const struct import_row *row)
{
    tandem_field_info info;
    for (size_t i = 0; !row->update && tandem_field_at(import->entity, i, &info); i++) {
        bool there = !info.required || info.system;
        for (size_t v = 0; v < row->count && !there; v++) {
            there = strcmp(import->targets[row->values[v].target].facts.name, info.name) == 0;
        }
        if (!there) {
            import_refuse(import, row->line, info.name, "%s is required and missing", info.name);
            return false;
        }
    }
    return true;
}

static bool is_readable(struct import *import, struct import_row *row)
{
    tandem_mutation *mutation = tandem_mutation_new();
    if (mutation == NULL) {
        import->fatal = cli_no_memory(import->cli);
        return false;
    }
    tandem_code code = import_build(import, row, mutation);
    if (code != TANDEM_OK) {
        tandem_fault fault;
        tandem_mutation_fault(mutation, &fault);
        fault.code = code;
        import_refuse_fault(import, row->line, &fault);
    }
    tandem_mutation_free(mutation);
    return code == TANDEM_OK;
}

static void submit(struct import *import, struct import_row *row)
{
    if (row->update && row->count == 0) {
        import->unchanged++;
    } else if (is_complete(import, row) && is_readable(import, row)) {
        if (!import->dry_run) {
            import_send_row(import, row);
            return;
        }
        import->created += !row->update;
        import->updated += row->update;
    }
    import_row_free(row);
}

static void take(struct import *import, const struct csv_row *given)
{
    struct index_entry *entry = NULL;
    const char *cells[CSV_MOST_CELLS];
    const struct csv_row unguarded = {given->line, cells, given->count};
    const struct csv_row *row = &unguarded;
    for (size_t i = 0; i < row->count; i++) {
        cells[i] = csv_unguard(given->cells[i]);
    }
    if (row->count != import->header_count) {
        import_refuse(import, row->line, "", "the row has %zu cells, the header has %zu",
                      row->count, import->header_count);
        return;
    }
    if (!fill(import, row) || !identify(import, row, &entry)) {
        return;
    }
    struct import_row *made = make_row(import, row, entry);
    if (made == NULL) {
        import->fatal = cli_no_memory(import->cli);
        return;
    }
    submit(import, made);
}

bool import_take_row(void *context, const struct csv_row *row)
{
    struct import *import = context;
    if (!import->past_header) {
        import->past_header = true;
        return true;
    }
    take(import, row);
    import->rows++;
    import_progress(import);
    return import->fatal == TANDEM_DONE;
}
