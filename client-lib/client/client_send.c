/* Mutations on their way to the server, and its results on their way to the caller. With a folder
 * they go through the outbox there, see client_settle.h; without one they are kept in memory. */
#include "client-lib/client/client.h"

#include <string.h>

#include "client-lib/base/fault.h"
#include "client-lib/base/mutation.h"
#include "client-lib/client/client_check.h"
#include "client-lib/client/client_queue.h"
#include "client-lib/client/result.h"
#include "client-lib/outbox/outbox_state.h"
#include "client-lib/outbox/resolve.h"
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
    if (client->store != NULL)
        settle_send(client);
    while (entry != NULL && send_entry(client, entry))
        entry = entry->next;
}

static enum status refuse_send(tandem_client *client, enum status status)
{
    if (status == STATUS_LIMIT)
        return trouble(&client->fault, status, "", "%u mutations are waiting for their answer",
                       client->store != NULL ? OUTBOX_ENTRIES_MOST : LIMIT_IN_FLIGHT);
    return trouble(&client->fault, status, "", "%s", status_text(status));
}

/* Queues in memory, and sends what is not sent yet. */
static enum status send_from_memory(tandem_client *client, struct buffer *changes,
                                    const tandem_mutation *mutation, tandem_result_fn *done,
                                    void *context)
{
    struct outbox_entry *entry = NULL;
    enum status status = outbox_add(&client->outbox, changes, mutation_base(mutation),
                                    mutation_overwrites(mutation), done, context, &entry);
    if (status != STATUS_OK)
        return refuse_send(client, status);
    if (client->state != CLIENT_ONLINE || client->resend_at != 0)
        return STATUS_OK;
    /* Entries before this one that are not sent yet go first: numbers must not skip. */
    struct outbox_entry *unsent = client->outbox.first;
    while (unsent != NULL && unsent->number != 0)
        unsent = unsent->next;
    while (unsent != NULL && send_entry(client, unsent))
        unsent = unsent->next;
    return STATUS_OK;
}

static enum status send_durably(tandem_client *client, struct bytes changes,
                                const tandem_mutation *mutation, tandem_result_fn *done,
                                void *context, uint64_t *entry)
{
    uint64_t order = 0;
    /* Room to remember the caller comes first: what is stored cannot fail any more. */
    enum status status = settle_reserve(client);
    if (status == STATUS_OK)
        status = queue_add(client, changes, mutation_base(mutation), mutation_overwrites(mutation),
                           &order);
    if (status != STATUS_OK)
        return refuse_send(client, status);
    settle_wait(client, order, done, context);
    settle_send(client);
    queue_tell(client, order);
    *entry = order;
    return STATUS_OK;
}

tandem_code tandem_send(tandem_client *client, const tandem_mutation *mutation,
                        tandem_result_fn *done, void *context)
{
    struct buffer changes = {0};
    uint64_t entry = 0;
    client->last_entry = 0;
    if (client->closing)
        return (tandem_code)trouble(&client->fault, STATUS_CANCELLED, "", "the client is closing");
    if (client->foreign)
        return client_not_theirs(client);
    enum status status = mutation_encode(mutation, &client->source, &changes, &client->fault);
    if (status == STATUS_OK)
        status = client_check(client, buffer_bytes(&changes));
    if (status == STATUS_OK && client->store != NULL)
        status = send_durably(client, buffer_bytes(&changes), mutation, done, context, &entry);
    else if (status == STATUS_OK)
        status = send_from_memory(client, &changes, mutation, done, context);
    buffer_release(&changes);
    client->last_entry = entry; /* also when a callback has sent something meanwhile */
    return (tandem_code)status;
}

uint64_t tandem_last_entry(const tandem_client *client)
{
    return client->last_entry;
}

size_t tandem_unanswered(const tandem_client *client)
{
    if (client->store != NULL)
        return outbox_store_count(client->store,
                                  1u << TANDEM_ENTRY_WAITING | 1u << TANDEM_ENTRY_SENT);
    return client->outbox.count;
}

/* ---- Results ---- */

/* Sends again later what the server could not take now. False when the caller is to be told
 * instead: a program that does not reconnect does not wait for a server to recover either, but for
 * one that is merely busy it does. */
static bool try_again(tandem_client *client, enum status status, uint64_t number)
{
    bool is_first = client->outbox.first != NULL && client->outbox.first->number == number;
    bool is_brief =
        status == STATUS_BUSY || status == STATUS_NO_MEMORY || status == STATUS_NUMBER_GAP;
    if (outbox_state_remembered(status) || (client->server.server.once && !is_brief))
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

/* Whether all that was to be removed was deleted by somebody else already: the server's answer is
 * taken for "done" then. */
static bool is_removed_already(const struct outbox_entry *entry, const struct msg_result *result)
{
    struct buffer rest = {0};
    uint32_t left = 0;
    bool removed =
        resolve_removals(buffer_bytes(&entry->changes), result->conflicts, &rest, &left) &&
        left == 0 && !rest.failed;
    buffer_release(&rest);
    return removed;
}

void client_result(tandem_client *client, const struct message *message)
{
    struct texts texts = {0};
    tandem_fault fault;
    uint64_t number = message->as.result.number;
    if (client->store != NULL) {
        settle_result(client, &message->as.result);
        return;
    }
    if (!outbox_has(&client->outbox, number))
        return; /* answered before: a result can come twice after a resend */
    result_fault(&message->as.result, &fault);
    if (try_again(client, (enum status)fault.code, number))
        return;
    struct outbox_entry *entry = outbox_answered(&client->outbox, number);
    if (outbox_state_remembered((enum status)fault.code))
        client->resend_failures = 0;
    else
        free_number(client, number);
    tandem_result result = {.code = fault.code, .seq = message->as.result.seq, .fault = &fault};
    tandem_conflict *conflicts = NULL;
    if (fault.code == STATUS_CONFLICT && is_removed_already(entry, &message->as.result)) {
        trouble_clear(&fault);
        result.code = TANDEM_OK;
        result.seq = resolve_newest(message->as.result.conflicts);
    } else {
        conflicts =
            result_conflicts(client, message->as.result.conflicts, &texts, &result.conflict_count);
    }
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
    if (client->store != NULL)
        settle_keep_all(client);
    while ((entry = outbox_take(&client->outbox)) != NULL) {
        if (entry->done != NULL)
            entry->done(entry->context, &result);
        outbox_entry_free(entry);
    }
}
