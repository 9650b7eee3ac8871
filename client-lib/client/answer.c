#include "client-lib/client/answer.h"

#include "client-lib/base/json.h"
#include "protocol/memory.h"

const struct msg_answer *answer_parts(const tandem_answer *answer)
{
    static const struct msg_answer none;
    return answer->message->type == MESSAGE_ANSWER ? &answer->message->as.answer : &none;
}

bool tandem_answer_last(const tandem_answer *answer)
{
    return answer->last;
}

tandem_code tandem_answer_records(const tandem_answer *answer, tandem_record_fn *each,
                                  void *context)
{
    struct wire_reader reader = wire_read(answer_parts(answer)->records);
    uint32_t count = 0;
    bool more = true;
    if (!wire_get_array(&reader, &count))
        return TANDEM_OK;
    for (uint32_t i = 0; i < count && more; i++) {
        struct tandem_record record;
        struct bytes encoded;
        if (!wire_skip(&reader, &encoded) ||
            !record_init(&record, encoded, &answer->client->source))
            return STATUS_MALFORMED;
        more = each(context, &record);
        record_release(&record);
    }
    return TANDEM_OK;
}

/* ---- History ---- */

static struct bytes part(struct bytes map, const char *key)
{
    struct bytes value = {0};
    return wire_map_find(map, key, &value) ? value : (struct bytes){0};
}

/* A str kept as text; "" when it is none. NULL when out of memory. */
static const char *keep_str(struct texts *texts, struct bytes value)
{
    struct wire_reader reader = wire_read(value);
    struct bytes text = {0};
    (void)wire_get_str(&reader, &text);
    return texts_keep(texts, text);
}

static const char *keep_value(const tandem_answer *answer, struct texts *texts, struct bytes name,
                              struct bytes value)
{
    struct buffer text = {0};
    struct wire_reader reader = wire_read(value);
    const char *kept = NULL;
    /* Audiences and scopes appear in histories, and are no fields of the schema. */
    if (bytes_is(name, "audience") || bytes_is(name, "scope"))
        json_value(&text, value, bytes_is(name, "scope"));
    else if (wire_peek(&reader) != WIRE_NIL && value.size > 0)
        value_print(answer->entity, name, value, &answer->client->source, &text);
    if (!text.failed)
        kept = texts_keep(texts, buffer_bytes(&text));
    buffer_release(&text);
    return kept;
}

struct entry_texts {
    const char **fields, **from, **to;
};

static bool read_changes(const tandem_answer *answer, struct texts *texts, struct bytes array,
                         uint32_t count, struct entry_texts *out)
{
    struct wire_reader reader = wire_read(array);
    (void)wire_get_array(&reader, &count);
    out->fields = memory_new(count * sizeof *out->fields);
    out->from = memory_new(count * sizeof *out->from);
    out->to = memory_new(count * sizeof *out->to);
    if (out->fields == NULL || out->from == NULL || out->to == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes change, name = {0};
        if (!wire_skip(&reader, &change))
            return false;
        struct wire_reader field = wire_read(part(change, "field"));
        (void)wire_get_str(&field, &name);
        out->fields[i] = texts_keep(texts, name);
        out->from[i] = keep_value(answer, texts, name, part(change, "from"));
        out->to[i] = keep_value(answer, texts, name, part(change, "to"));
        if (out->fields[i] == NULL || out->from[i] == NULL || out->to[i] == NULL)
            return false;
    }
    return true;
}

static void release_texts(struct entry_texts *texts)
{
    memory_free(texts->fields);
    memory_free(texts->from);
    memory_free(texts->to);
}

static enum status hand_over_entry(const tandem_answer *answer, struct bytes encoded,
                                   tandem_history_fn *each, void *context, bool *more)
{
    struct texts texts = {0};
    struct entry_texts changes = {0};
    struct buffer json = {0};
    struct bytes array = part(encoded, "changes");
    tandem_history_entry entry = {.change_count = message_count(array)};
    struct wire_reader reader = wire_read(part(encoded, "seq"));
    enum status status = STATUS_NO_MEMORY;
    (void)wire_get_uint(&reader, &entry.seq);
    reader = wire_read(part(encoded, "at"));
    (void)wire_get_int(&reader, &entry.at_ms);
    entry.by = keep_str(&texts, part(encoded, "by"));
    entry.op = keep_str(&texts, part(encoded, "op"));
    json_value(&json, encoded, false);
    buffer_append_byte(&json, 0);
    if (entry.by != NULL && entry.op != NULL && !json.failed &&
        read_changes(answer, &texts, array, (uint32_t)entry.change_count, &changes)) {
        entry.json = (const char *)json.data;
        entry.fields = changes.fields;
        entry.from = changes.from;
        entry.to = changes.to;
        *more = each(context, &entry);
        status = STATUS_OK;
    }
    release_texts(&changes);
    buffer_release(&json);
    texts_release(&texts);
    return status;
}

tandem_code tandem_answer_history(const tandem_answer *answer, tandem_history_fn *each,
                                  void *context)
{
    struct wire_reader reader = wire_read(answer_parts(answer)->entries);
    uint32_t count = 0;
    bool more = true;
    if (!wire_get_array(&reader, &count))
        return TANDEM_OK;
    for (uint32_t i = 0; i < count && more; i++) {
        struct bytes encoded;
        if (!wire_skip(&reader, &encoded))
            return STATUS_MALFORMED;
        enum status status = hand_over_entry(answer, encoded, each, context, &more);
        if (status != STATUS_OK)
            return (tandem_code)status;
    }
    return TANDEM_OK;
}

/* ---- The rest ---- */

char *tandem_answer_info(const tandem_answer *answer)
{
    struct buffer out = {0};
    struct bytes info = answer_parts(answer)->info;
    if (info.size == 0)
        return NULL;
    json_value(&out, info, false);
    return json_take(&out);
}

const char *tandem_answer_code(const tandem_answer *answer)
{
    /* Every tandem_answer is a variable of this library: texts may be added to it. */
    struct tandem_answer *owner = (struct tandem_answer *)(uintptr_t)answer;
    if (answer_parts(answer) != &answer->message->as.answer ||
        !message_has(answer->message, "code"))
        return NULL;
    return texts_keep(&owner->texts, answer_parts(answer)->code);
}

int64_t tandem_answer_expires(const tandem_answer *answer)
{
    uint64_t expires = answer_parts(answer)->expires;
    return expires <= INT64_MAX ? (int64_t)expires : 0;
}
