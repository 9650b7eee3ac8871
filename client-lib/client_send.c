/* Mutations on their way to the server, and its results on their way to the caller. */
#include "client-lib/client.h"

#include <string.h>

#include "client-lib/fault.h"
#include "client-lib/mutation.h"
#include "protocol/memory.h"

/* Sends one entry; a failure has broken the connection off, and the entry goes out with the next.
 */
static bool send_entry(tandem_client *client, struct outbox_entry *entry)
{
    struct bytes frame = outbox_frame(&client->outbox, entry);
    if (frame.size == 0) {
        client_break(client, 1011, STATUS_NO_MEMORY, "out of memory while sending");
        return false;
    }
    enum status status = client->ops->send(client->link, frame);
    if (status == STATUS_NO_MEMORY)
        client_break(client, 1011, status, "out of memory while sending");
    if (status == STATUS_OK)
        client->last_sent = client_now(client);
    return status == STATUS_OK;
}

void client_send_outbox(tandem_client *client)
{
    struct outbox_entry *entry = client->outbox.first;
    client->resend_at = 0;
    while (entry != NULL && send_entry(client, entry))
        entry = entry->next;
}

tandem_code tandem_send(tandem_client *client, const tandem_mutation *mutation,
                        tandem_result_fn *done, void *context)
{
    struct buffer changes = {0};
    struct outbox_entry *entry = NULL;
    if (client->closing)
        return (tandem_code)trouble(&client->fault, STATUS_CANCELLED, "", "the client is closing");
    enum status status = mutation_encode(mutation, &client->source, &changes, &client->fault);
    if (status == STATUS_OK) {
        status = outbox_add(&client->outbox, &changes, mutation_base(mutation),
                            mutation_overwrites(mutation), done, context, &entry);
        if (status == STATUS_LIMIT)
            trouble(&client->fault, status, "", "%u mutations are waiting for their answer",
                    LIMIT_IN_FLIGHT);
        else if (status != STATUS_OK)
            trouble(&client->fault, status, "", "%s", status_text(status));
    }
    buffer_release(&changes);
    /* Entries before this one that are not sent yet go first: numbers must not skip. */
    if (status == STATUS_OK && client->state == CLIENT_ONLINE && client->resend_at == 0) {
        struct outbox_entry *unsent = client->outbox.first;
        while (unsent != NULL && unsent->number != 0)
            unsent = unsent->next;
        while (unsent != NULL && send_entry(client, unsent))
            unsent = unsent->next;
    }
    return (tandem_code)status;
}

size_t tandem_unanswered(const tandem_client *client)
{
    return client->outbox.count;
}

/* ---- Results ---- */

/* The bytes of a part of a map, or "none". */
static struct bytes part(struct bytes map, const char *key)
{
    struct bytes value = {0};
    return wire_map_find(map, key, &value) ? value : (struct bytes){0};
}

static const char *part_text(struct texts *texts, struct bytes map, const char *key)
{
    struct wire_reader reader = wire_read(part(map, key));
    struct bytes text = {0};
    (void)wire_get_str(&reader, &text);
    const char *kept = texts_keep(texts, text);
    return kept != NULL ? kept : "";
}

static void read_conflict(tandem_client *client, struct bytes map, struct texts *texts,
                          tandem_conflict *out)
{
    struct wire_reader reader = wire_read(part(map, "id"));
    struct buffer entity = {0}, theirs = {0};
    char id_text[ID_TEXT_SIZE] = "";
    struct id id;
    if (wire_get_id(&reader, &id)) {
        id_to_text(id, id_text);
        client_entity_of(client, id, &entity);
    }
    out->id = texts_keep(texts, bytes_text(id_text));
    out->field = part_text(texts, map, "field");
    out->by = part_text(texts, map, "by");
    value_print(buffer_bytes(&entity), bytes_text(out->field), part(map, "theirs"), &client->source,
                &theirs);
    out->theirs = texts_keep(texts, buffer_bytes(&theirs));
    reader = wire_read(part(map, "at"));
    (void)wire_get_int(&reader, &out->at_ms);
    reader = wire_read(part(map, "seq"));
    (void)wire_get_uint(&reader, &out->seq);
    if (out->id == NULL)
        out->id = "";
    if (out->theirs == NULL)
        out->theirs = "";
    buffer_release(&entity);
    buffer_release(&theirs);
}

/* The conflicts of a result, to be freed; fewer than there are when memory is short. */
static tandem_conflict *read_conflicts(tandem_client *client, struct bytes array,
                                       struct texts *texts, size_t *count)
{
    struct wire_reader reader = wire_read(array);
    uint32_t listed = 0;
    *count = 0;
    if (!wire_get_array(&reader, &listed) || listed == 0)
        return NULL;
    tandem_conflict *conflicts = memory_new(listed * sizeof *conflicts);
    if (conflicts == NULL)
        return NULL;
    for (uint32_t i = 0; i < listed; i++) {
        struct bytes map;
        if (!wire_skip(&reader, &map))
            break;
        read_conflict(client, map, texts, &conflicts[i]);
        (*count)++;
    }
    return conflicts;
}

static void result_fault(const struct message *message, tandem_fault *out)
{
    const struct msg_result *result = &message->as.result;
    char field[65], detail[161];
    enum status status =
        bytes_is(result->status, "ok") ? STATUS_OK : status_from_name(result->status);
    bytes_to_text(result->field, field, sizeof field);
    bytes_to_text(result->detail, detail, sizeof detail);
    trouble(out, status, field, "%s", detail);
    if (message_has(message, "change") && result->change < LIMIT_CHANGES)
        out->change = (int)result->change;
}

/* Whether the server took note of the mutation with this answer. A number refused in one of the
 * other ways is still free, and everything behind it is refused for the gap. */
static bool is_remembered(enum status status)
{
    return !status_retry(status) && status != STATUS_NUMBER_GAP;
}

/* Sends again later what the server could not take now. False when the caller is to be told
 * instead: a program that does not reconnect does not wait for a server to recover either, but for
 * one that is merely busy it does. */
static bool try_again(tandem_client *client, enum status status, uint64_t number)
{
    bool is_first = client->outbox.first != NULL && client->outbox.first->number == number;
    bool is_brief =
        status == STATUS_BUSY || status == STATUS_NO_MEMORY || status == STATUS_NUMBER_GAP;
    if (is_remembered(status) || (client->server.server.once && !is_brief))
        return false;
    if (status == STATUS_NUMBER_GAP && is_first) {
        /* The server stands elsewhere than it said: its next welcome tells where. */
        client_break(client, 1000, status, "the server expects another mutation number");
        return true;
    }
    if (client->resend_at == 0)
        client->resend_at =
            client_now(client) + 1 + client_pause(client, client->resend_failures++);
    return true;
}

/* A refusal that is told although the server did not remember it: its number goes to the next. */
static void free_number(tandem_client *client, uint64_t number)
{
    outbox_free_number(&client->outbox, number);
    if (client->outbox.first != NULL && client->resend_at == 0)
        client->resend_at = client_now(client) + 1;
}

void client_result(tandem_client *client, const struct message *message)
{
    struct texts texts = {0};
    tandem_fault fault;
    uint64_t number = message->as.result.number;
    if (!outbox_has(&client->outbox, number))
        return; /* answered before: a result can come twice after a resend */
    result_fault(message, &fault);
    if (try_again(client, (enum status)fault.code, number))
        return;
    struct outbox_entry *entry = outbox_answered(&client->outbox, number);
    if (is_remembered((enum status)fault.code))
        client->resend_failures = 0;
    else
        free_number(client, number);
    tandem_result result = {.code = fault.code, .seq = message->as.result.seq, .fault = &fault};
    tandem_conflict *conflicts =
        read_conflicts(client, message->as.result.conflicts, &texts, &result.conflict_count);
    result.conflicts = conflicts;
    if (entry->done != NULL)
        entry->done(entry->context, &result);
    memory_free(conflicts);
    texts_release(&texts);
    outbox_entry_free(entry);
}

void client_cancel_outbox(tandem_client *client, enum status status)
{
    struct outbox_entry *entry;
    tandem_fault fault;
    trouble(&fault, status, "", "%s", status_text(status));
    const tandem_result result = {.code = fault.code, .fault = &fault};
    while ((entry = outbox_take(&client->outbox)) != NULL) {
        if (entry->done != NULL)
            entry->done(entry->context, &result);
        outbox_entry_free(entry);
    }
}
