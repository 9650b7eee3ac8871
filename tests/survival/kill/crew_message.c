#include "tests/survival/kill/crew_message.h"

#include <stdio.h>
#include <stdlib.h>

#include "protocol/message.h"

struct id crew_account(const struct seeded *seeded, unsigned writer, uint32_t created)
{
    return seeded->accounts[(created * 7 + writer) % seeded->account_count];
}

bool crew_is_shared(unsigned writer, uint32_t created)
{
    return (created + writer) % 2 == 0;
}

/* ---- Mutations ----------------------------------------------------------------------------- */

static void put_tag(struct buffer *out, enum tag_kind kind)
{
    uint8_t bytes[TAG_SIZE];
    tag_put((struct tag){.kind = (uint8_t)kind}, bytes);
    wire_put_bin(out, bytes_of(bytes, sizeof bytes));
}

/* Two fields: the number, and a text that is there to take room. */
static void put_texts(struct buffer *out, const struct crew *crew, uint32_t number)
{
    char subject[32];
    struct buffer text = {.data = NULL};
    for (unsigned i = 0; i < crew->text_bytes; i++) {
        buffer_append_byte(&text, (uint8_t)('a' + (number + i) % 26));
    }
    wire_put_text(out, "body");
    wire_put_str(out, buffer_bytes(&text));
    out->failed |= text.failed;
    buffer_release(&text);
    (void)snprintf(subject, sizeof subject, "number %u", number);
    wire_put_text(out, "subject");
    wire_put_text(out, subject);
}

static void put_create(struct buffer *out, const struct crew *crew, unsigned writer,
                       uint32_t number)
{
    bool shared = crew_is_shared(writer, number);
    wire_put_map(out, shared ? 5 : 4);
    wire_put_text(out, "op");
    wire_put_text(out, "create");
    wire_put_text(out, "id");
    wire_put_id(out, ledger_id(writer, number));
    wire_put_text(out, "entity");
    wire_put_text(out, "interaction");
    if (shared) {
        wire_put_text(out, "audience");
        wire_put_array(out, 2);
        put_tag(out, TAG_INTERNAL);
        put_tag(out, TAG_PARTNERS);
    }
    wire_put_text(out, "fields");
    wire_put_map(out, 4);
    wire_put_text(out, "channel");
    wire_put_text(out, "Call");
    wire_put_text(out, "account");
    wire_put_id(out, crew_account(crew->seeded, writer, number));
    put_texts(out, crew, number);
}

static void put_update(struct buffer *out, const struct crew *crew, unsigned writer,
                       uint32_t target, uint32_t number)
{
    wire_put_map(out, 3);
    wire_put_text(out, "op");
    wire_put_text(out, "update");
    wire_put_text(out, "id");
    wire_put_id(out, ledger_id(writer, target));
    wire_put_text(out, "fields");
    wire_put_map(out, 2);
    put_texts(out, crew, number);
}

static void put_remove(struct buffer *out, unsigned writer, uint32_t target)
{
    wire_put_map(out, 2);
    wire_put_text(out, "op");
    wire_put_text(out, "remove");
    wire_put_text(out, "id");
    wire_put_id(out, ledger_id(writer, target));
}

void crew_mutation(struct buffer *out, const struct crew *crew, unsigned writer, uint32_t number,
                   const struct entry *entry)
{
    struct buffer changes = {.data = NULL};
    struct message message = {.type = MESSAGE_MUTATE};
    wire_put_array(&changes, 1);
    if (entry->deed == DEED_CREATE) {
        put_create(&changes, crew, writer, number);
    } else if (entry->deed == DEED_REMOVE) {
        put_remove(&changes, writer, entry->target);
    } else {
        put_update(&changes, crew, writer, entry->target, number);
    }
    message.as.mutate.number = number;
    message.as.mutate.answered = crew->writers[writer].answered;
    message.as.mutate.changes = buffer_bytes(&changes);
    message_mark(&message, "answered");
    message_encode(out, &message);
    out->failed |= changes.failed;
    buffer_release(&changes);
}

/* ---- Changes ------------------------------------------------------------------------------- */

static const char *put_record(struct sight *sight, struct bytes record)
{
    struct id id;
    struct bytes fields, subject;
    uint64_t seq;
    unsigned writer;
    uint32_t created, number;
    char text[32];
    if (!wire_map_id(record, "id", &id) || !wire_map_uint(record, "seq", &seq)) {
        return "a record without id or seq";
    }
    if (!ledger_parse(id, &writer, &created)) {
        return NULL;
    }
    if (!wire_map_find(record, "fields", &fields) || !wire_map_str(fields, "subject", &subject) ||
        sscanf(bytes_to_text(subject, text, sizeof text), "number %u", &number) != 1) {
        return "a record without its subject";
    }
    *sight_at(sight, writer, created) = (struct held){.seq = seq, .number = number};
    return NULL;
}

static const char *put_records(struct sight *sight, struct bytes records)
{
    struct wire_reader reader = wire_read(records);
    uint32_t count = 0;
    const char *wrong = NULL;
    if (records.size > 0 && !wire_get_array(&reader, &count)) {
        return "records that are no array";
    }
    for (uint32_t i = 0; i < count && wrong == NULL; i++) {
        struct bytes record;
        wrong = wire_skip(&reader, &record) ? put_record(sight, record) : "too few records";
    }
    return wrong;
}

static const char *remove_records(struct sight *sight, struct bytes removed)
{
    struct wire_reader reader = wire_read(removed);
    uint32_t count = 0;
    if (removed.size > 0 && !wire_get_array(&reader, &count)) {
        return "removed ids that are no array";
    }
    for (uint32_t i = 0; i < count; i++) {
        struct id id;
        unsigned writer;
        uint32_t created;
        if (!wire_get_id(&reader, &id)) {
            return "a removed id that is none";
        }
        if (ledger_parse(id, &writer, &created)) {
            *sight_at(sight, writer, created) = (struct held){.seq = 0};
        }
    }
    return NULL;
}

const char *crew_apply(struct sight *sight, uint64_t *cursor, struct bytes bytes)
{
    struct message message;
    if (message_decode(bytes, &message, NULL) != STATUS_OK) {
        return "a message that is malformed";
    }
    if (message.type == MESSAGE_BACKFILL) {
        return "a backfill, though no scope entered";
    }
    const struct msg_changes *changes = &message.as.changes;
    if (message.type != MESSAGE_CHANGES) {
        return "no changes";
    }
    if (changes->from != *cursor || changes->to < changes->from) {
        return "changes that do not begin at the cursor";
    }
    if (*cursor != 0 &&
        (message_count(changes->purged) > 0 || message_count(changes->entered) > 0)) {
        return "a scope that left or entered by itself";
    }
    *cursor = changes->to;
    const char *wrong = remove_records(sight, changes->removed);
    return wrong != NULL ? wrong : put_records(sight, changes->records);
}
