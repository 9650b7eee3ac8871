#include "client-lib/client/entry_view.h"

#include <inttypes.h>
#include <stdio.h>

#include "client-lib/base/fault.h"
#include "client-lib/base/json.h"
#include "client-lib/client/client.h"
#include "client-lib/outbox/outbox_entry.h"

/* ---- Texts ---- */

static const char *keep(struct entry_view *view, struct bytes text)
{
    const char *kept = texts_keep(&view->texts, text);
    view->failed = view->failed || kept == NULL;
    return kept != NULL ? kept : "";
}

static bool is_nil(struct bytes value)
{
    struct wire_reader reader = wire_read(value);
    return value.size == 0 || wire_peek(&reader) == WIRE_NIL;
}

/* NULL for what is not set. */
static const char *value_text(tandem_client *client, struct entry_view *view, struct bytes entity,
                              struct bytes field, struct bytes value)
{
    struct buffer text = {0};
    if (is_nil(value))
        return NULL;
    value_print(entity, field, value, &client->source, &text);
    view->failed = view->failed || text.failed;
    const char *kept = keep(view, buffer_bytes(&text));
    buffer_release(&text);
    return kept;
}

static struct bytes field_of(struct bytes fields, struct bytes name)
{
    char key[RECORD_NAME_MAX + 1];
    struct bytes value = {0};
    if (fields.size > 0 && name.size <= RECORD_NAME_MAX)
        (void)wire_map_find(fields, bytes_to_text(name, key, sizeof key), &value);
    return value;
}

/* ---- Lines ---- */

struct line {
    tandem_client *client;
    struct entry_view *view;
    const struct outbox_item *item;
    struct outbox_change change;
    struct outbox_seen seen;
    const char *op, *entity, *id, *title;
    struct bytes entity_name;
};

struct find_entity {
    struct line *line;
    struct buffer *out;
};

/* What a record with these fields is called. That it is not held any more may mean that access has
 * ended, until the answer says that it was deleted: then it is a conflict, and keeps the fields. */
static void take_title(struct line *line, struct bytes entity, struct bytes fields)
{
    struct tandem_record record = {.view = {.entity = entity, .fields = fields}};
    if (fields.size == 0)
        return;
    const char *title = tandem_record_title(&record);
    if (title != tandem_record_id(&record)) /* which stands in where there is no name */
        line->title = keep(line->view, bytes_text(title));
    record_release(&record);
}

static bool entity_created(void *context, const struct outbox_item *item)
{
    struct find_entity *find = context;
    struct wire_reader reader = outbox_list(item->changes);
    struct outbox_change change;
    while (outbox_change_next(&reader, &change))
        if (id_equal(change.id, find->line->change.id) && bytes_is(change.op, "create")) {
            buffer_append(find->out, change.entity.data, change.entity.size);
            take_title(find->line, change.entity, change.fields);
            return false;
        }
    return true;
}

/* As the change says, as was seen, as is held, or as an entry of the outbox creates it. */
static void find_entity(struct line *line, struct buffer *out)
{
    struct find_entity find = {line, out};
    struct bytes known = line->change.entity.size > 0 ? line->change.entity : line->seen.entity;
    if (known.size > 0)
        buffer_append(out, known.data, known.size);
    if (out->size == 0)
        client_entity_of(line->client, line->change.id, out);
    if (out->size == 0 && line->client->store != NULL)
        (void)outbox_store_over(line->client->store, line->change.id, entity_created, &find);
}

static void add_line(const struct line *line, struct bytes field, struct bytes mine)
{
    struct entry_view *view = line->view;
    struct outbox_conflict conflict = {0};
    bool in_conflict =
        outbox_conflict_find(line->item->conflicts, line->change.id, field, &conflict);
    struct bytes base = field_of(line->seen.fields, field);
    const tandem_entry_change change = {
        .op = line->op,
        .entity = line->entity,
        .id = line->id,
        .field = keep(view, field),
        .base = value_text(line->client, view, line->entity_name, field, base),
        .mine = value_text(line->client, view, line->entity_name, field, mine),
        .theirs = value_text(line->client, view, line->entity_name, field, conflict.theirs),
        .conflict = in_conflict,
        .by = keep(view, conflict.by),
        .at_ms = conflict.at_ms,
        .seq = conflict.seq,
        .title = line->title};
    buffer_append(&view->changes, &change, sizeof change);
}

/* Conflicts about what the change itself does not name: the whole record, or, of a removal, the
 * fields that somebody else changed. */
static void add_other_conflicts(const struct line *line)
{
    struct wire_reader reader = outbox_list(line->item->conflicts);
    struct outbox_conflict conflict;
    while (outbox_conflict_next(&reader, &conflict)) {
        bool named = field_of(line->change.fields, conflict.field).size > 0;
        bool is_line = line->change.fields.size == 0 && conflict.field.size == 0;
        if (id_equal(conflict.id, line->change.id) && !named && !is_line)
            add_line(line, conflict.field, (struct bytes){0});
    }
}

/* A mention is told of as something done to its note: the record it makes is another's. Gives the
 * name, encoded; none of other changes. */
static struct bytes find_named(struct line *line)
{
    struct bytes name = {0};
    if (!bytes_is(line->change.op, "mention"))
        return name;
    (void)wire_map_id(line->change.encoded, "note", &line->change.id);
    (void)wire_map_find(line->change.encoded, "user", &name);
    line->change.entity = bytes_text("note");
    return name;
}

static void add_change(struct line *line)
{
    struct entry_view *view = line->view;
    struct wire_reader reader = wire_read(line->change.fields);
    struct buffer entity = {0};
    char id[ID_TEXT_SIZE];
    uint32_t count = 0;
    const struct bytes named = find_named(line);
    line->title = NULL;
    (void)outbox_seen_find(line->item->seen, line->change.id, &line->seen);
    find_entity(line, &entity);
    if (bytes_is(line->change.op, "create"))
        take_title(line, line->change.entity, line->change.fields);
    else if (!line->seen.lost || line->item->state == TANDEM_ENTRY_CONFLICT)
        take_title(line, line->seen.entity, line->seen.fields);
    line->op = keep(view, line->change.op);
    line->entity = keep(view, buffer_bytes(&entity));
    line->entity_name = buffer_bytes(&entity);
    line->id = keep(view, bytes_text(id_to_text(line->change.id, id)));
    if (named.size > 0)
        add_line(line, bytes_text("user"), named);
    else if (line->change.fields.size == 0 || !wire_get_map(&reader, &count) || count == 0)
        add_line(line, (struct bytes){0}, (struct bytes){0});
    for (uint32_t i = 0; i < count; i++) {
        struct bytes name, value;
        if (!wire_get_str(&reader, &name) || !wire_skip(&reader, &value))
            break;
        add_line(line, name, value);
    }
    add_other_conflicts(line);
    view->failed = view->failed || entity.failed;
    buffer_release(&entity);
}

/* ---- Why ---- */

static void why_it_waits(const tandem_client *client, const struct outbox_item *item,
                         tandem_fault *fault)
{
    if (item->behind != 0)
        trouble(fault, STATUS_KEPT, "", "it waits for entry %llu, which was not taken",
                (unsigned long long)item->behind);
    else if (outbox_store_paused(client->store))
        trouble(fault, STATUS_KEPT, "", "this folder is offline");
    else if (client->state != CLIENT_ONLINE && client->fault.code != TANDEM_OK)
        trouble(fault, (enum status)client->fault.code, "", "%s", client->fault.detail);
    else if (client->state != CLIENT_ONLINE)
        trouble(fault, STATUS_KEPT, "", "there is no connection");
    else if (outbox_store_rebasing(client->store))
        trouble(fault, STATUS_KEPT, "", "the server has another history, which is being fetched");
    else
        trouble(fault, STATUS_KEPT, "", "its turn has not come");
}

static void find_why(const tandem_client *client, const struct outbox_item *item,
                     tandem_fault *fault)
{
    char field[64], detail[256];
    trouble_clear(fault);
    if (item->status != STATUS_OK) {
        trouble(fault, item->status, bytes_to_text(item->field, field, sizeof field), "%s",
                bytes_to_text(item->detail, detail, sizeof detail));
        fault->change = item->change;
    } else if (item->state == TANDEM_ENTRY_WAITING) {
        why_it_waits(client, item, fault);
    }
}

/* ---- JSON ---- */

static void put(struct buffer *out, const char *text)
{
    struct bytes bytes = bytes_text(text);
    buffer_append(out, bytes.data, bytes.size);
}

static void put_number(struct buffer *out, const char *key, uint64_t value)
{
    char text[24];
    if (value == 0)
        return;
    snprintf(text, sizeof text, "%" PRIu64, value);
    put(out, key);
    put(out, text);
}

static void put_text(struct buffer *out, const char *key, struct bytes text)
{
    if (text.size == 0)
        return;
    put(out, key);
    json_text(out, text);
}

static void put_time(struct buffer *out, const char *key, int64_t ms)
{
    char text[25];
    put(out, key);
    json_text(out, bytes_text(tandem_time_text(ms, text)));
}

static void put_list(struct buffer *out, const char *key, struct bytes list)
{
    if (list.size == 0)
        return;
    put(out, key);
    json_value(out, list, false);
}

/* Everything that the entry holds, values as JSON has them. */
static void write_json(const struct outbox_item *item, struct buffer *out)
{
    static const char *const states[] = {"waiting", "sent", "accepted", "conflict", "refused"};
    put_number(out, "{\"entry\":", item->order);
    put(out, ",\"state\":");
    json_text(out, bytes_text(states[item->state]));
    put_time(out, ",\"since\":", item->at_ms);
    put_number(out, ",\"base\":", item->base);
    if (item->overwrite)
        put(out, ",\"overwrite\":true");
    put_list(out, ",\"changes\":", item->changes);
    put_list(out, ",\"seen\":", item->seen);
    put_number(out, ",\"seq\":", item->seq);
    if (item->status != STATUS_OK) {
        put_text(out, ",\"status\":", bytes_text(status_name(item->status)));
        put_text(out, ",\"field\":", item->field);
        put_text(out, ",\"detail\":", item->detail);
        put_list(out, ",\"conflicts\":", item->conflicts);
        put_time(out, ",\"answered\":", item->answered_ms);
    }
    put_number(out, ",\"behind\":", item->behind);
    if (item->access_ended)
        put(out, ",\"accessEnded\":true");
    put(out, "}");
    buffer_append_byte(out, 0);
}

/* ---- The whole ---- */

enum status entry_view_make(tandem_client *client, const struct outbox_item *item,
                            struct entry_view *view)
{
    struct line line = {.client = client, .view = view, .item = item};
    struct wire_reader reader = outbox_list(item->changes);
    while (outbox_change_next(&reader, &line.change))
        add_change(&line);
    write_json(item, &view->json);
    find_why(client, item, &view->fault);
    if (view->failed || view->changes.failed || view->json.failed)
        return STATUS_NO_MEMORY;
    view->entry = (tandem_entry){.entry = item->order,
                                 .state = item->state,
                                 .since_ms = item->at_ms,
                                 .fault = &view->fault,
                                 .access_ended = item->access_ended,
                                 .behind = item->behind,
                                 .change_count = view->changes.size / sizeof(tandem_entry_change),
                                 .changes = (const void *)view->changes.data,
                                 .json = (const char *)view->json.data};
    return STATUS_OK;
}

void entry_view_release(struct entry_view *view)
{
    buffer_release(&view->changes);
    buffer_release(&view->json);
    texts_release(&view->texts);
}
