/* What the server says, as callers of the client library see it: any value as JSON, which a JSON
 * parser reads; a record with all its texts; an answer walked through. */
#include "fuzz.h"

#include <jansson.h>
#include <string.h>

#include "client-lib/base/json.h"
#include "client-lib/client/answer.h"
#include "protocol/wire.h"

static struct tandem_client nobody;

static void must_be_json(struct bytes text)
{
    json_error_t error;
    MUST(wire_utf8_valid(text));
    json_t *parsed = json_loadb((const char *)text.data, text.size,
                                JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL |
                                    JSON_REJECT_DUPLICATES,
                                &error);
    /* Good JSON, but more than this parser holds. */
    if (parsed == NULL && json_error_code(&error) == json_error_null_byte_in_key)
        return;
    if (parsed == NULL)
        fprintf(stderr, "%s: %.*s\n", error.text, (int)text.size, (const char *)text.data);
    MUST(parsed != NULL);
    json_decref(parsed);
}

static void must_be_text(const char *text)
{
    MUST(text != NULL);
    MUST(wire_utf8_valid(bytes_text(text)));
}

static bool look_at_record(void *context, const tandem_record *record)
{
    (void)context;
    must_be_text(tandem_record_id(record));
    must_be_text(tandem_record_entity(record));
    must_be_text(tandem_record_scope(record));
    must_be_text(tandem_record_created_by(record));
    must_be_text(tandem_record_modified_by(record));
    must_be_text(tandem_record_title(record));
    for (size_t i = 0; i < tandem_record_audience_count(record); i++)
        must_be_text(tandem_record_audience(record, i));
    for (size_t i = 0; i < tandem_record_field_count(record); i++) {
        const char *name = tandem_record_field_name(record, i);
        must_be_text(name);
        const char *text = tandem_record_text(record, name);
        if (text != NULL)
            must_be_text(text);
        char *json = tandem_record_field_json(record, name);
        if (json != NULL)
            must_be_json(bytes_text(json));
        tandem_free(json);
    }
    char *json = tandem_record_json(record);
    MUST(json != NULL);
    must_be_json(bytes_text(json));
    tandem_free(json);
    return true;
}

static bool look_at_entry(void *context, const tandem_history_entry *entry)
{
    (void)context;
    must_be_text(entry->by);
    must_be_text(entry->op);
    must_be_json(bytes_text(entry->json));
    for (size_t i = 0; i < entry->change_count; i++) {
        must_be_text(entry->fields[i]);
        must_be_text(entry->from[i]);
        must_be_text(entry->to[i]);
    }
    return true;
}

static void look_at_answer(const struct message *message, struct bytes entity)
{
    struct tandem_answer answer = {.client = &nobody, .message = message, .entity = entity};
    (void)tandem_answer_records(&answer, look_at_record, NULL);
    (void)tandem_answer_history(&answer, look_at_entry, NULL);
    char *info = tandem_answer_info(&answer);
    if (info != NULL)
        must_be_json(bytes_text(info));
    tandem_free(info);
    (void)tandem_answer_code(&answer);
    (void)tandem_answer_expires(&answer);
    texts_release(&answer.texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bytes input = bytes_of(data, size);
    struct buffer json = {0};
    struct tandem_record record;
    struct message message;
    if (wire_validate(input, NULL) != STATUS_OK)
        return 0;
    json_value(&json, input, size % 2);
    MUST(!json.failed);
    must_be_json(buffer_bytes(&json));
    buffer_release(&json);
    if (record_init(&record, input, NULL)) {
        (void)look_at_record(NULL, &record);
        record_release(&record);
    }
    if (message_decode(input, &message, NULL) == STATUS_OK && message.type == MESSAGE_ANSWER) {
        look_at_answer(&message, bytes_text("contact"));
        look_at_answer(&message, bytes_of(NULL, 0));
    }
    return 0;
}
