/* Versions of live notes, as requests and their answers. */
#include "client-lib/client/answer.h"

#include "client-lib/base/fault.h"

static tandem_code ask(tandem_client *client, const char *id, struct message *message,
                       struct id *note, uint64_t *number, tandem_answer_fn *done, void *context)
{
    if (!id_from_text(bytes_text(id), note))
        return (tandem_code)trouble(&client->fault, STATUS_INVALID_VALUE, "id", "this is no id");
    if (client->state == CLIENT_ONLINE && !client->notes.offered)
        return (tandem_code)trouble(&client->fault, STATUS_UNKNOWN_MESSAGE, "",
                                    "this server has no live notes");
    return client_ask(client, message, number, done, context);
}

tandem_code tandem_ask_note(tandem_client *client, const char *id, uint64_t version,
                            tandem_answer_fn *done, void *context)
{
    struct message message = {.type = MESSAGE_NOTE_READ};
    struct msg_note_read *read = &message.as.note_read;
    read->version = version == TANDEM_NOTE_BEGINNING ? 0 : version;
    if (version != 0)
        message_mark(&message, "version");
    return ask(client, id, &message, &read->note, &read->request, done, context);
}

tandem_code tandem_ask_note_versions(tandem_client *client, const char *id, uint64_t before,
                                     unsigned limit, tandem_answer_fn *done, void *context)
{
    struct message message = {.type = MESSAGE_NOTE_VERSIONS};
    struct msg_note_versions *versions = &message.as.note_versions;
    versions->before = before;
    versions->limit = limit;
    if (before != 0)
        message_mark(&message, "before");
    if (limit != 0)
        message_mark(&message, "limit");
    return ask(client, id, &message, &versions->note, &versions->request, done, context);
}

/* ---- Answers ---- */

/* Bytes from `from` on that make so many units; fewer where the text ends. */
static size_t bytes_of_units(struct bytes text, size_t from, uint64_t units)
{
    size_t at = from;
    while (units > 0 && at < text.size) {
        unsigned long_character = text.data[at] >= 0xf0;
        at++;
        while (at < text.size && (text.data[at] & 0xc0) == 0x80)
            at++;
        units -= units < 1u + long_character ? units : 1u + long_character;
    }
    return at - from;
}

static tandem_code each_passage(const tandem_answer *answer, const struct msg_note *note,
                                tandem_note_passage_fn *each, void *context)
{
    struct wire_reader reader = wire_read(note->authors);
    uint32_t count = 0, parts = 0;
    size_t from = 0;
    if (note->authors.size == 0)
        return TANDEM_OK;
    if (!wire_get_array(&reader, &count))
        return STATUS_MALFORMED;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes encoded, by;
        uint64_t units = 0, at_ms = 0;
        if (!wire_skip(&reader, &encoded))
            return STATUS_MALFORMED;
        struct wire_reader run = wire_read(encoded);
        if (!wire_get_array(&run, &parts) || parts < 3 || !wire_get_uint(&run, &units) ||
            !wire_get_str(&run, &by) || !wire_get_uint(&run, &at_ms))
            return STATUS_MALFORMED;
        const char *name = texts_keep((struct texts *)(uintptr_t)&answer->texts, by);
        if (name == NULL)
            return STATUS_NO_MEMORY;
        const tandem_note_passage passage = {from, bytes_of_units(note->text, from, units), name,
                                             (int64_t)at_ms};
        from += passage.size;
        if (!each(context, &passage))
            break;
    }
    return TANDEM_OK;
}

tandem_code tandem_answer_note(const tandem_answer *answer, tandem_note_version_text *out,
                               tandem_note_passage_fn *each, void *context)
{
    const struct msg_note *note = &answer->message->as.note;
    if (answer->message->type != MESSAGE_NOTE)
        return STATUS_USAGE;
    if (out != NULL)
        *out = (tandem_note_version_text){note->version, note->oldest, note->newest,
                                          note->text.size > 0 ? (const char *)note->text.data : "",
                                          note->text.size};
    return each != NULL ? each_passage(answer, note, each, context) : TANDEM_OK;
}

tandem_code tandem_answer_note_versions(const tandem_answer *answer, tandem_note_version_fn *each,
                                        void *context)
{
    struct wire_reader reader = wire_read(answer_parts(answer)->entries);
    uint32_t count = 0;
    if (answer->message->type != MESSAGE_ANSWER)
        return STATUS_USAGE;
    if (!wire_get_array(&reader, &count))
        return TANDEM_OK;
    for (uint32_t i = 0; i < count; i++) {
        tandem_note_version_info info = {.by = ""};
        struct bytes encoded, by = {0};
        uint64_t at_ms = 0, removed = 0, inserted = 0;
        if (!wire_skip(&reader, &encoded) || !wire_map_uint(encoded, "version", &info.version))
            return STATUS_MALFORMED;
        (void)wire_map_str(encoded, "by", &by);
        (void)wire_map_uint(encoded, "at", &at_ms);
        (void)wire_map_uint(encoded, "removed", &removed);
        (void)wire_map_uint(encoded, "inserted", &inserted);
        info.by = texts_keep((struct texts *)(uintptr_t)&answer->texts, by);
        info.at_ms = (int64_t)at_ms;
        info.removed = (size_t)removed;
        info.inserted = (size_t)inserted;
        if (info.by == NULL)
            return STATUS_NO_MEMORY;
        if (!each(context, &info))
            break;
    }
    return TANDEM_OK;
}
