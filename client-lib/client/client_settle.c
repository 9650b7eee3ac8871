#include "client-lib/client/client_settle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client-lib/base/fault.h"
#include "client-lib/client/client.h"
#include "client-lib/client/result.h"
#include "client-lib/outbox/outbox_entry.h"
#include "client-lib/outbox/outbox_state.h"
#include "protocol/memory.h"

struct settle_waiter {
    uint64_t order;         /* of the entry now */
    uint64_t typed;         /* of the entry as which it was queued */
    tandem_result_fn *done; /* NULL: told */
    void *context;
    bool dropped; /* by another process, as soon as the entry is gone */
};

void settle_release(struct settling *settling)
{
    buffer_release(&settling->waiters);
    buffer_release(&settling->answers);
    buffer_release(&settling->damaged);
    buffer_release(&settling->pending);
    buffer_release(&settling->reused);
    texts_release(&settling->texts);
}

/* ---- Who waits ---- */

static size_t waiter_count(const struct settling *settling)
{
    return settling->waiters.size / sizeof(struct settle_waiter);
}

static struct settle_waiter *waiter_at(const struct settling *settling, size_t index)
{
    return (struct settle_waiter *)(void *)settling->waiters.data + index;
}

enum status settle_reserve(tandem_client *client)
{
    struct buffer *waiters = &client->settling.waiters;
    bool reserved = buffer_reserve(waiters, sizeof(struct settle_waiter));
    waiters->failed = false; /* what is in it is still good */
    return reserved ? STATUS_OK : STATUS_NO_MEMORY;
}

void settle_wait(tandem_client *client, uint64_t order, tandem_result_fn *done, void *context)
{
    const struct settle_waiter waiter = {order, order, done, context, false};
    if (done != NULL)
        buffer_append(&client->settling.waiters, &waiter, sizeof waiter);
}

/* Forgets those at the front that were told, now and then. */
static void drop_told(struct settling *settling)
{
    size_t count = waiter_count(settling);
    while (settling->first < count && waiter_at(settling, settling->first)->done == NULL)
        settling->first++;
    if (settling->first < count && settling->first < 1024)
        return;
    size_t gone = settling->first * sizeof(struct settle_waiter);
    settling->waiters.size -= gone;
    if (settling->waiters.size > 0)
        memmove(settling->waiters.data, settling->waiters.data + gone, settling->waiters.size);
    settling->first = 0;
}

/* Whoever waits for this entry, or NULL. */
static struct settle_waiter *find_waiter(struct settling *settling, uint64_t order)
{
    size_t low = settling->first, high = waiter_count(settling);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (waiter_at(settling, middle)->order < order)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == waiter_count(settling) || waiter_at(settling, low)->order != order)
        return NULL;
    return waiter_at(settling, low);
}

/* Takes it out. */
static struct settle_waiter take_waiter(struct settling *settling, uint64_t order)
{
    struct settle_waiter *waiter = find_waiter(settling, order);
    struct settle_waiter found = {0};
    if (waiter == NULL)
        return found;
    found = *waiter;
    waiter->done = NULL;
    drop_told(settling);
    return found;
}

static void tell_kept(struct settle_waiter waiter, const char *why)
{
    tandem_fault fault;
    trouble(&fault, STATUS_KEPT, "", "%s", why);
    const tandem_result result = {.code = STATUS_KEPT, .fault = &fault};
    if (waiter.done != NULL)
        waiter.done(waiter.context, &result);
}

void settle_forget(tandem_client *client, uint64_t order)
{
    struct settle_waiter waiter = take_waiter(&client->settling, order);
    tandem_fault fault;
    trouble(&fault, STATUS_CANCELLED, "", "it was dropped");
    const tandem_result result = {.code = STATUS_CANCELLED, .fault = &fault};
    if (waiter.done != NULL)
        waiter.done(waiter.context, &result);
}

bool settle_waits(tandem_client *client, uint64_t order)
{
    const struct settle_waiter *waiter = find_waiter(&client->settling, order);
    return waiter != NULL && waiter->done != NULL;
}

void settle_expect_drop(tandem_client *client, uint64_t order)
{
    struct settle_waiter *waiter = find_waiter(&client->settling, order);
    if (waiter != NULL)
        waiter->dropped = true;
}

static int by_order(const void *a, const void *b)
{
    const struct settle_waiter *left = a, *right = b;
    return (left->order > right->order) - (left->order < right->order);
}

struct following {
    struct settling *settling;
    bool any;
};

static bool follow(void *context, const struct outbox_item *item)
{
    struct following *following = context;
    struct settling *settling = following->settling;
    const uint64_t typed = outbox_typed(item);
    const size_t count = typed != item->order ? waiter_count(settling) : 0;
    for (size_t i = settling->first; i < count; i++) {
        struct settle_waiter *waiter = waiter_at(settling, i);
        if (waiter->done == NULL || waiter->dropped || waiter->typed != typed ||
            waiter->order == item->order)
            continue;
        waiter->order = item->order;
        following->any = true;
    }
    return true;
}

void settle_follow(tandem_client *client)
{
    struct settling *settling = &client->settling;
    struct following following = {.settling = settling};
    if (waiter_count(settling) == settling->first)
        return;
    /* What cannot be read is told as damage; until then who waits goes on waiting. */
    (void)outbox_store_each(client->store, 0, follow, &following);
    if (following.any)
        qsort(waiter_at(settling, settling->first), waiter_count(settling) - settling->first,
              sizeof(struct settle_waiter), by_order);
}

void settle_keep_all(tandem_client *client)
{
    struct settling *settling = &client->settling;
    while (waiter_count(settling) > settling->first) {
        struct settle_waiter waiter = *waiter_at(settling, settling->first);
        waiter_at(settling, settling->first)->done = NULL;
        drop_told(settling);
        tell_kept(waiter, status_text(STATUS_KEPT));
    }
}

/* ---- Sending ---- */

bool settle_may_send(const tandem_client *client)
{
    return client->state == CLIENT_ONLINE && client->resend_at == 0 && !client->closing &&
           !client->moves && /* this connection is under another client's id */
           client->settling.reused.size == 0 && !outbox_store_rebasing(client->store) &&
           id_equal(client->id, outbox_store_client(client->store)) &&
           (client->peers == NULL || peers_is_leader(client->peers));
}

static size_t find_number(const struct buffer *numbers, uint64_t number)
{
    const uint64_t *list = (const void *)numbers->data;
    size_t i = 0;
    while (i < numbers->size / sizeof number && list[i] != number)
        i++;
    return i;
}

static bool has_number(const struct buffer *numbers, uint64_t number)
{
    return find_number(numbers, number) < numbers->size / sizeof number;
}

static void remove_number(struct buffer *numbers, uint64_t number)
{
    uint64_t *list = (void *)numbers->data;
    const size_t at = find_number(numbers, number), count = numbers->size / sizeof number;
    if (at == count)
        return;
    list[at] = list[count - 1];
    numbers->size -= sizeof number;
}

struct sending {
    tandem_client *client;
    unsigned generation;
    enum status status;
};

static bool send_frame(void *context, uint64_t number, struct bytes frame)
{
    struct sending *sending = context;
    tandem_client *client = sending->client;
    if (client->link == NULL || sending->generation != client->generation)
        return false;
    struct settling *settling = &client->settling;
    if (!has_number(&settling->pending, number))
        buffer_append(&settling->pending, &number, sizeof number);
    sending->status =
        settling->pending.failed ? STATUS_NO_MEMORY : client->ops->send(client->link, frame);
    if (sending->status != STATUS_OK)
        return false;
    client->last_sent = client_now(client);
    settling->sent_next = number + 1;
    if (settling->sent_most <= number)
        settling->sent_most = number + 1;
    return true;
}

void settle_connected(tandem_client *client)
{
    client->settling.sent_next = client->settling.sent_most = 0;
    buffer_clear(&client->settling.pending);
    buffer_clear(&client->settling.reused);
}

void settle_send(tandem_client *client)
{
    struct sending sending = {client, client->generation, STATUS_OK};
    if (!settle_may_send(client))
        return;
    client_notes_look_unsent(client);
    enum status status = outbox_store_send(client->store, client->settling.sent_next,
                                           LIMIT_IN_FLIGHT, send_frame, &sending);
    if (status == STATUS_OK && sending.status == STATUS_NO_MEMORY)
        status = STATUS_NO_MEMORY;
    if (status != STATUS_OK && sending.generation == client->generation)
        client_break(client, 1011, status, "the outbox cannot be sent");
}

/* ---- Results ---- */

static struct bytes keep(struct settling *settling, struct bytes part, bool *failed)
{
    const char *kept = texts_keep(&settling->texts, part);
    *failed = *failed || kept == NULL;
    return bytes_of(kept, kept != NULL ? part.size : 0);
}

/* What was not sent has no answer: it would be taken for the one to an entry that the server has
 * never seen. */
static void refuse_result(tandem_client *client, uint64_t number)
{
    char words[96];
    snprintf(words, sizeof words, "the server answered mutation %" PRIu64 ", which it was not sent",
             number);
    client_break(client, 1002, STATUS_UNEXPECTED, words);
}

void settle_result(tandem_client *client, const struct msg_result *result)
{
    struct settling *settling = &client->settling;
    bool failed = false;
    tandem_fault fault;
    if (result->number == 0 || result->number >= settling->sent_most) {
        refuse_result(client, result->number);
        return;
    }
    result_fault(result, &fault);
    /* The answer to one that was answered says nothing, however often it comes. */
    if (fault.code == STATUS_NUMBER_REUSED && !has_number(&settling->pending, result->number))
        return;
    if (fault.code != STATUS_NUMBER_REUSED)
        remove_number(&settling->pending, result->number);
    const struct outbox_answer answer = {.number = result->number,
                                         .seq = result->seq,
                                         .status = (enum status)fault.code,
                                         .change = fault.change,
                                         .field = keep(settling, result->field, &failed),
                                         .detail =
                                             keep(settling, bytes_text(fault.detail), &failed),
                                         .conflicts = keep(settling, result->conflicts, &failed)};
    buffer_append(&settling->answers, &answer, sizeof answer);
    if (failed || settling->answers.failed)
        client_break(client, 1011, STATUS_NO_MEMORY, "out of memory while receiving");
}

struct telling {
    tandem_client *client;
    unsigned generation;
    bool gap;     /* the server stands elsewhere than it said */
    bool settled; /* the entry looked at */
    bool ended;   /* access to what an entry is about */
};

void settle_tell_dropped(tandem_client *client, uint64_t order)
{
    const tandem_event event = {
        .kind = TANDEM_EVENT_DROPPED, .id = "", .scope = "", .detail = "", .entry = order};
    client_event(client, &event);
}

void settle_tell_event(tandem_client *client, const struct outbox_item *item)
{
    char detail[256];
    tandem_event event = {.kind = TANDEM_EVENT_SETTLED,
                          .seq = item->seq,
                          .id = "",
                          .scope = "",
                          .code = (tandem_code)item->status,
                          .detail = bytes_to_text(item->detail, detail, sizeof detail),
                          .entry = item->order};
    if (item->state == TANDEM_ENTRY_CONFLICT)
        event.kind = TANDEM_EVENT_CONFLICT;
    else if (item->state == TANDEM_ENTRY_REFUSED)
        event.kind = TANDEM_EVENT_REFUSED;
    client_event(client, &event);
}

static void tell_done(tandem_client *client, const struct outbox_item *item)
{
    struct settle_waiter waiter = take_waiter(&client->settling, item->order);
    struct texts texts = {0};
    tandem_fault fault;
    char field[64], detail[256];
    if (waiter.done == NULL)
        return;
    trouble(&fault, item->status, bytes_to_text(item->field, field, sizeof field), "%s",
            bytes_to_text(item->detail, detail, sizeof detail));
    fault.change = item->change;
    tandem_result result = {.code = fault.code, .seq = item->seq, .fault = &fault};
    tandem_conflict *conflicts =
        result_conflicts(client, item->conflicts, &texts, &result.conflict_count);
    result.conflicts = conflicts;
    waiter.done(waiter.context, &result);
    memory_free(conflicts);
    texts_release(&texts);
}

/* An entry that waits on: for another, or until the server can take it. */
static void tell_waiting(struct telling *telling, const struct outbox_item *item)
{
    tandem_client *client = telling->client;
    bool brief = item->status == STATUS_BUSY || item->status == STATUS_NO_MEMORY;
    char detail[256];
    if (item->behind != 0) {
        tell_kept(take_waiter(&client->settling, item->order),
                  "it waits for another change, which was not taken");
        return;
    }
    if (item->status == STATUS_OK)
        return;
    telling->gap = telling->gap || item->status == STATUS_NUMBER_GAP;
    if (client->resend_at == 0)
        client->resend_at =
            client_now(client) + 1 + client_pause(client, client->resend_failures++);
    /* A program that does not reconnect does not wait for a server to recover either. */
    if (client->server.server.once && !brief && item->status != STATUS_NUMBER_GAP)
        tell_kept(take_waiter(&client->settling, item->order),
                  bytes_to_text(item->detail, detail, sizeof detail));
}

void settle_tell(tandem_client *client, const struct outbox_item *item)
{
    client_outbox_changed(client, item);
    settle_tell_event(client, item);
    tell_done(client, item);
}

/* Its records were told of when it was found to differ. */
static void tell_answer(tandem_client *client, const struct outbox_item *item)
{
    settle_tell_event(client, item);
    tell_done(client, item);
}

static bool tell_entry(void *context, const struct outbox_item *item)
{
    struct telling *telling = context;
    if (item->state == TANDEM_ENTRY_WAITING || item->state == TANDEM_ENTRY_SENT) {
        client_outbox_changed(telling->client, item);
        tell_waiting(telling, item);
        return true;
    }
    telling->client->resend_failures = 0;
    telling->ended = telling->ended || item->access_ended;
    settle_tell(telling->client, item);
    return true;
}

/* Numbers that the server has not noted are sent again on this connection. */
static void send_again_from(struct settling *settling, const struct outbox_answer *answers,
                            size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!outbox_state_remembered(answers[i].status) && answers[i].number < settling->sent_next)
            settling->sent_next = answers[i].number;
}

/* The server has other contents under numbers of ours: somebody else uses our client id, from a copy
 * of the folder. What was sent under those was not taken, and is to get others, under another client
 * id. What was sent beside it may have been taken under the numbers it has, and would be taken once
 * more under others: so that comes when everything that was sent is answered, and nothing new is
 * sent until then. A connection that ends before leaves all as it was, to be sent and answered
 * again. */
static void leave_client_id(tandem_client *client)
{
    enum status status = outbox_store_new_client(client->store, client->port);
    if (status == STATUS_OK)
        client->id = outbox_store_client(client->store);
    client_break(client, 1000, status == STATUS_OK ? STATUS_NUMBER_REUSED : status,
                 "another client uses the same numbers");
}

static void note_reused(struct settling *settling, uint64_t number)
{
    if (!has_number(&settling->reused, number))
        buffer_append(&settling->reused, &number, sizeof number);
}

/* Moves those about contents of ours to the front, and counts them; the numbers of the others are
 * noted. */
static size_t keep_ours(struct settling *settling, struct outbox_answer *answers, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (answers[i].status != STATUS_NUMBER_REUSED)
            answers[kept++] = answers[i];
        else
            note_reused(settling, answers[i].number);
    return kept;
}

static void leave_when_answered(tandem_client *client)
{
    struct buffer *reused = &client->settling.reused;
    size_t left = 0, among = 0;
    enum status status = STATUS_NO_MEMORY;
    if (reused->size == 0)
        return;
    if (!reused->failed)
        status = outbox_store_unanswered(client->store, (const void *)reused->data,
                                         reused->size / sizeof(uint64_t), &among, &left);
    if (status != STATUS_OK)
        client_break(client, 1011, status, "the outbox cannot be read");
    else if (among == 0)
        buffer_clear(reused); /* it was said of what is answered */
    else if (left == 0)
        leave_client_id(client);
}

static void settle_answers(tandem_client *client, struct outbox_answer *answers, size_t count)
{
    struct telling telling = {.client = client, .generation = client->generation};
    const struct port *port = client->port;
    size_t good = keep_ours(&client->settling, answers, count);
    send_again_from(&client->settling, answers, good);
    enum status status = outbox_store_record(
        client->store, answers, good, (int64_t)port->wall_ms(port->context), tell_entry, &telling);
    /* With the answer went what was kept of others' values until it was known to be lost. */
    if (telling.ended)
        settle_purge_lost(client);
    if (telling.generation != client->generation)
        return;
    if (status != STATUS_OK)
        client_break(client, 1011, status, "the answers cannot be written to the outbox");
    else if (telling.gap)
        client_break(client, 1000, STATUS_NUMBER_GAP, "the server expects another mutation number");
    else
        leave_when_answered(client);
}

/* Accepted entries are done with as soon as nothing will ever show them: without a subscription
 * nothing does. */
static uint64_t accepted_up_to(const struct outbox_answer *answers, size_t count)
{
    uint64_t most = 0;
    for (size_t i = 0; i < count; i++)
        if (answers[i].status == STATUS_OK && answers[i].seq > most)
            most = answers[i].seq;
    return most;
}

static void tell_damage(tandem_client *client)
{
    struct buffer damaged = client->settling.damaged;
    client->settling.damaged = (struct buffer){0};
    buffer_append_byte(&damaged, 0);
    const tandem_event event = {.kind = TANDEM_EVENT_OUTBOX_DAMAGED,
                                .id = "",
                                .scope = "",
                                .detail = damaged.failed ? "" : (const char *)damaged.data};
    client_event(client, &event);
    buffer_release(&damaged);
}

bool settle_is_due(const tandem_client *client)
{
    return client->settling.damaged.size > 0 || client->settling.answers.size > 0;
}

void settle_turn(tandem_client *client)
{
    struct settling *settling = &client->settling;
    if (settling->damaged.size > 0)
        tell_damage(client);
    if (settling->answers.size > 0) {
        struct buffer answers = settling->answers;
        struct texts texts = settling->texts;
        settling->answers = (struct buffer){0};
        settling->texts = (struct texts){0};
        struct outbox_answer *list = (void *)answers.data;
        size_t count = answers.size / sizeof *list;
        settle_answers(client, list, count);
        settle_conflicts_came(client, list, count);
        if (!client->sync.wanted)
            (void)outbox_store_shown(client->store, accepted_up_to(list, count));
        else
            settle_shown(client);
        buffer_release(&answers);
        texts_release(&texts);
    }
    settle_send(client);
}

void settle_shown(tandem_client *client)
{
    if (client->store == NULL || client->replica == NULL ||
        !id_equal(replica_epoch(client->replica), outbox_store_epoch(client->store)))
        return;
    /* Entries that stay although they are done with are passed over by every reader. */
    (void)outbox_store_shown(client->store, replica_cursor(client->replica));
}

static bool tell_settled(void *context, const struct outbox_item *item)
{
    struct telling *telling = context;
    telling->settled = item->state != TANDEM_ENTRY_WAITING && item->state != TANDEM_ENTRY_SENT;
    if (telling->settled)
        tell_answer(telling->client, item);
    return false;
}

void settle_look(tandem_client *client)
{
    struct settling *settling = &client->settling;
    struct telling telling = {.client = client, .settled = true};
    /* They are answered in the order in which they were queued. */
    while (telling.settled && waiter_count(settling) > settling->first) {
        const struct outbox_item gone = {.order = waiter_at(settling, settling->first)->order,
                                         .state = TANDEM_ENTRY_ACCEPTED,
                                         .change = -1};
        bool dropped = waiter_at(settling, settling->first)->dropped;
        enum status status = outbox_store_get(client->store, gone.order, tell_settled, &telling);
        /* Taken, shown and done with, when nobody said otherwise. */
        if (status == STATUS_NOT_FOUND && dropped)
            settle_forget(client, gone.order);
        else if (status == STATUS_NOT_FOUND)
            tell_answer(client, &gone);
        else if (status != STATUS_OK)
            return;
    }
}
