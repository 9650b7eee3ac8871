/* What is subscribed to, what comes first, and whether it is as the server has it.
 *
 * Both wishes are kept beside the outbox: the subscription for a run that names none, the accounts
 * to come first until they are whole, also for the process that leads when this one does not. */
#include "client-lib/client/client.h"

#include <string.h>

#include "client-lib/base/fault.h"
#include "protocol/wire.h"

#define NOTE_SUBSCRIPTION "subscription"
#define NOTE_PREFERRED "preferred"

/* Keeps `value` where it is not kept already: each change costs a flush. */
static enum status keep_note(tandem_client *client, const char *name, struct bytes value)
{
    struct buffer kept = {0};
    if (client->store == NULL || client->foreign)
        return STATUS_OK;
    enum status status = outbox_store_note(client->store, name, &kept);
    const bool same = status == STATUS_OK && bytes_equal(buffer_bytes(&kept), value);
    const bool nothing = status == STATUS_NOT_FOUND && value.size == 0;
    buffer_release(&kept);
    if (same || nothing)
        return STATUS_OK;
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        status = outbox_store_set_note(client->store, name, value);
    return status;
}

static tandem_code done(tandem_client *client, enum status status)
{
    if (status != STATUS_OK)
        trouble(&client->fault, status, "", "%s", status_text(status));
    return (tandem_code)status;
}

/* ---- What is subscribed to ---- */

static enum status read_scopes(tandem_client *client, const char *const *texts, size_t count,
                               struct buffer *out)
{
    if (count > LIMIT_SCOPES)
        return trouble(&client->fault, STATUS_LIMIT, "scope", "at most %u scopes can be named",
                       LIMIT_SCOPES);
    for (size_t i = 0; i < count; i++) {
        struct scope scope;
        if (!scope_from_text(bytes_text(texts[i]), &scope))
            return trouble(&client->fault, STATUS_INVALID_VALUE, "scope",
                           "a scope is account:ID, party:ID, user:ID or library");
        buffer_append(out, &scope, sizeof scope);
    }
    return out->failed ? trouble(&client->fault, STATUS_NO_MEMORY, "", "out of memory") : STATUS_OK;
}

static enum status want(tandem_client *client, const struct scope *scopes,
                        const tandem_subscription *wanted)
{
    struct buffer wish = {0};
    enum status status =
        sync_wish_make(scopes, wanted->scope_count, wanted->entities, wanted->entity_count, &wish);
    if (status == STATUS_OK)
        status = client_want(client, scopes, wanted->scope_count, wanted->entities,
                             wanted->entity_count);
    if (status == STATUS_OK)
        client->wish_resumed = false;
    if (status == STATUS_OK)
        status = keep_note(client, NOTE_SUBSCRIPTION, buffer_bytes(&wish));
    buffer_release(&wish);
    return status;
}

enum status client_note_wish(tandem_client *client)
{
    struct buffer wish = {0};
    enum status status = STATUS_OK;
    if (client->sync.wanted)
        status = sync_wish_keep(&client->sync, &wish);
    if (status == STATUS_OK)
        status = keep_note(client, NOTE_SUBSCRIPTION, buffer_bytes(&wish));
    buffer_release(&wish);
    return status;
}

tandem_code tandem_subscribe_to(tandem_client *client, const tandem_subscription *wanted)
{
    struct buffer scopes = {0};
    if (client->replica == NULL)
        return client_without_replica(client);
    enum status status = read_scopes(client, wanted->scopes, wanted->scope_count, &scopes);
    tandem_code code = (tandem_code)status;
    if (status == STATUS_OK)
        code = done(client, want(client, (const struct scope *)(const void *)scopes.data, wanted));
    buffer_release(&scopes);
    return code;
}

tandem_code tandem_subscribe(tandem_client *client, const char *const *scopes, size_t count)
{
    const tandem_subscription wanted = {.scopes = scopes, .scope_count = count};
    return tandem_subscribe_to(client, &wanted);
}

/* ---- What comes first ---- */

/* The scopes noted, the one wished for last first. Others than ours may have written them. */
static enum status noted_preferred(tandem_client *client, struct scope out[LIMIT_PREFER],
                                   size_t *count)
{
    struct buffer kept = {0};
    *count = 0;
    enum status status = client->store != NULL
                             ? outbox_store_note(client->store, NOTE_PREFERRED, &kept)
                             : STATUS_NOT_FOUND;
    for (size_t at = 0; at + SCOPE_SIZE <= kept.size && *count < LIMIT_PREFER; at += SCOPE_SIZE)
        if (scope_from_bytes(bytes_of(kept.data + at, SCOPE_SIZE), &out[*count]))
            (*count)++;
    buffer_release(&kept);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status note_preferred(tandem_client *client, struct scope scope)
{
    struct scope noted[LIMIT_PREFER];
    uint8_t octets[LIMIT_PREFER * SCOPE_SIZE];
    size_t count = 0, size = SCOPE_SIZE;
    enum status status = noted_preferred(client, noted, &count);
    scope_put(scope, octets);
    for (size_t i = 0; i < count && size < sizeof octets; i++)
        if (!scope_equal(noted[i], scope)) {
            scope_put(noted[i], octets + size);
            size += SCOPE_SIZE;
        }
    return status == STATUS_OK ? keep_note(client, NOTE_PREFERRED, bytes_of(octets, size)) : status;
}

static bool is_whole(const tandem_client *client)
{
    return client->sync.state == SYNC_LIVE && client->sync.caught_up;
}

tandem_code tandem_prefer(tandem_client *client, const char *account)
{
    struct scope scope = {.kind = SCOPE_ACCOUNT};
    if (client->replica == NULL)
        return client_without_replica(client);
    if (!id_from_text(bytes_text(account), &scope.id))
        return (tandem_code)trouble(&client->fault, STATUS_INVALID_VALUE, "account",
                                    "this is no id");
    if (is_whole(client))
        return TANDEM_OK;
    enum status status = note_preferred(client, scope);
    if (status == STATUS_OK && client_leads(client))
        status = sync_prefer(&client->sync, scope);
    else if (status == STATUS_OK)
        client_share(client);
    return done(client, status);
}

enum status client_look_preferred(tandem_client *client)
{
    struct scope noted[LIMIT_PREFER];
    size_t count = 0;
    enum status status = noted_preferred(client, noted, &count);
    if (status == STATUS_OK && count > 0 && is_whole(client))
        return keep_note(client, NOTE_PREFERRED, (struct bytes){0});
    while (status == STATUS_OK && count > 0)
        status = sync_prefer(&client->sync, noted[--count]);
    return status;
}

/* ---- The connection ---- */

/* A program that does one thing and ends does not begin to fetch what others subscribed to. */
static enum status resume_subscription(tandem_client *client)
{
    struct buffer kept = {0};
    if (client->sync.wanted || client->store == NULL || client->server.server.once)
        return STATUS_OK;
    enum status status = outbox_store_note(client->store, NOTE_SUBSCRIPTION, &kept);
    if (status == STATUS_OK)
        status = sync_want_kept(&client->sync, buffer_bytes(&kept));
    client->wish_resumed = client->sync.wanted;
    buffer_release(&kept);
    return status == STATUS_NOT_FOUND || status == STATUS_MALFORMED ? STATUS_OK : status;
}

enum status client_resume_wish(tandem_client *client, struct bytes limits)
{
    sync_offered(&client->sync, limits);
    enum status status = resume_subscription(client);
    return status == STATUS_OK ? client_look_preferred(client) : status;
}

enum status client_sync_message(tandem_client *client, const struct message *message)
{
    const size_t preferred = client->sync.preferred_count;
    unsigned generation = client->generation;
    enum status status = sync_message(&client->sync, message);
    if (status == STATUS_OK && preferred > 0 && generation == client->generation &&
        is_whole(client))
        status = keep_note(client, NOTE_PREFERRED, (struct bytes){0});
    return status;
}

bool client_sync_error(tandem_client *client, const struct message *message, enum status *status)
{
    enum status why = status_from_name(message->as.error.name);
    return client->replica != NULL && message_has(message, "request") &&
           sync_refused(&client->sync, message->as.error.request,
                        why == STATUS_OK ? STATUS_INTERNAL : why, status);
}

/* ---- Checking ---- */

/* A check is a request like any other to the program; its answer is made here. */
static void checked(void *context, uint64_t request, enum status status)
{
    struct message message = {.type = MESSAGE_ANSWER};
    if (status == STATUS_OK) {
        message.as.answer.request = request;
    } else {
        message.type = MESSAGE_ERROR;
        message.as.error.request = request;
        message.as.error.name = bytes_text(status_name(status));
        message.as.error.text = bytes_text(status_text(status));
        message_mark(&message, "request");
    }
    (void)client_answer(context, &message);
}

tandem_code tandem_check(tandem_client *client, const char *scope, tandem_answer_fn *done_fn,
                         void *context)
{
    struct scope one;
    uint64_t number = 0;
    if (client->replica == NULL)
        return client_without_replica(client);
    if (scope != NULL && !scope_from_text(bytes_text(scope), &one))
        return (tandem_code)trouble(&client->fault, STATUS_INVALID_VALUE, "scope",
                                    "a scope is account:ID, party:ID, user:ID or library");
    bool online = client->state == CLIENT_ONLINE;
    if (online && !client_leads(client))
        return (tandem_code)trouble(&client->fault, STATUS_LOCKED, "",
                                    "another process keeps this replica up to date");
    if (online && !client->sync.wanted)
        return (tandem_code)trouble(&client->fault, STATUS_USAGE, "", "subscribe first");
    tandem_code code = client_expect(client, done_fn, context, &number);
    if (code != TANDEM_OK)
        return code;
    enum status status =
        sync_check(&client->sync, scope != NULL ? &one : NULL, checked, client, number);
    if (status != STATUS_OK)
        client_unexpect(client, number);
    return done(client, status);
}
