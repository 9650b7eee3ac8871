/* Texts of notes: their versions, and what was typed and is not the record's yet. */
#include <string.h>

#include "protocol/wire.h"
#include "tests/oracle/model.h"

static void set_number(struct model *model, struct model_version *version, uint64_t number)
{
    struct buffer value = {0};
    wire_put_uint(&value, number);
    model_set(model, version, "version", buffer_bytes(&value));
    buffer_release(&value);
}

static void set_text(struct model *model, struct model_version *version, struct bytes text)
{
    struct buffer value = {0};
    wire_put_str(&value, text);
    model_set(model, version, "text", buffer_bytes(&value));
    buffer_release(&value);
}

void model_note_typed(struct model *model, struct id note, uint64_t version, struct bytes text,
                      struct bytes by)
{
    struct model_record *record = model_find_mutable(model, note);
    record->typed_version = version;
    record->typed_until = 0;
    record->typed_text = model_keep(model, text);
    record->typed_by = model_keep_text(model, by);
}

void model_note_settled(struct model *model, struct id note, uint64_t at_ms, uint64_t seq)
{
    struct model_record *record = model_find_mutable(model, note);
    struct model_version *version = model_change(model, record, seq, at_ms, record->typed_by);
    set_text(model, version, record->typed_text);
    set_number(model, version, record->typed_version);
    record->typed_until = seq;
    model_server_rules(model, record, version, at_ms);
    model_settle(model, seq);
}

static void put_back(struct model *model, struct model_version *version, const char *field)
{
    struct buffer nil = {0};
    struct bytes value = model_value(version->before, field);
    wire_put_nil(&nil);
    model_set(model, version, field, value.size > 0 ? value : buffer_bytes(&nil));
    buffer_release(&nil);
}

/* The text that everybody has who has the note open, and its number. */
static struct bytes newest_text(const struct model_record *record,
                                const struct model_version *version, uint64_t *number)
{
    struct wire_reader reader = wire_read(model_value(version->before, "version"));
    bool waits = record->typed_version > 0 &&
                 (record->typed_until == 0 || record->typed_until == version->seq);
    if (waits) {
        *number = record->typed_version;
    } else if (!wire_get_uint(&reader, number)) {
        *number = 0;
    }
    return waits ? record->typed_text : model_text(version->before, "text");
}

void model_note_written(struct model *model, struct model_record *record,
                        struct model_version *version, struct bytes fields)
{
    struct bytes value;
    uint64_t number;
    if (strcmp(record->entity, "note") != 0 || version->before == NULL ||
        !wire_map_find(fields, "text", &value)) {
        return;
    }
    if (bytes_equal(model_text(version, "text"), newest_text(record, version, &number))) {
        put_back(model, version, "text");
        put_back(model, version, "version");
        return;
    }
    set_number(model, version, number + 1);
    record->typed_until = record->typed_version > 0 ? version->seq : 0;
}
