/* Looking on: the model follows every command, and every message is judged before the client
 * applies it.
 *
 * A frame speaks of one state. It was made at the head, or, when it was made for somebody else in
 * the same pass, at the head of a moment ago: so one state from oracle.frames_since on, and from
 * the seq it leads to on, must account for all of it. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "protocol/message.h"
#include "protocol/wire.h"
#include "tests/oracle/oracle.h"

void judge_applied(void *context, const struct world_applied *applied)
{
    struct oracle *oracle = context;
    struct message message;
    uint64_t head = model_head(oracle->model);
    buffer_clear(&oracle->answer);
    buffer_append(&oracle->answer, applied->answer.data, applied->answer.size);
    if (applied->kind == COMMAND_DUE) {
        if (model_due(oracle->model, applied->at_ms) != applied->seq) {
            oracle_differ(oracle, "assignments came due up to seq %llu and should up to %llu",
                          (unsigned long long)applied->seq,
                          (unsigned long long)model_head(oracle->model));
        }
        return;
    }
    if (applied->kind != COMMAND_MUTATE || applied->seq == head) {
        if (applied->seq != head) {
            oracle_differ(oracle, "a command that changes no record took a seq");
        }
        return;
    }
    if (message_decode(applied->body, &message, NULL) != STATUS_OK) {
        oracle_differ(oracle, "what cannot be read was accepted");
    }
    model_mutated(oracle->model, applied->actor, applied->at_ms, applied->seq,
                  message.as.mutate.changes);
}

static bool judge_records_at(struct oracle *oracle, const struct world_client *client,
                             struct bytes records, uint64_t seq, char *why, size_t size)
{
    struct wire_reader reader = wire_read(records);
    struct bytes record;
    uint32_t count = 0;
    char reason[256];
    wire_get_array(&reader, &count);
    for (uint32_t i = 0; i < count && wire_skip(&reader, &record); i++) {
        struct id id = {{0}};
        wire_map_id(record, "id", &id);
        if (!judge_record_at(oracle->model, client_user(client), record, seq, reason,
                             sizeof reason)) {
            snprintf(why, size, "%s: %s", oracle_name(oracle, id), reason);
            return false;
        }
    }
    return true;
}

/* The state that accounts for the records, the newest that does. */
static uint64_t judge_records(struct oracle *oracle, const struct world_client *client,
                              struct bytes records, uint64_t to, const char *what)
{
    char first[512] = "", why[512];
    uint64_t head = model_head(oracle->model);
    uint64_t oldest = oracle->frames_since > to ? oracle->frames_since : to;
    oracle->progress->records += message_count(records);
    for (uint64_t seq = head; seq >= oldest; seq--) {
        if (judge_records_at(oracle, client, records, seq, why, sizeof why)) {
            return seq;
        }
        if (seq == head) {
            memcpy(first, why, sizeof first);
        }
    }
    oracle_differ(oracle, "%s was sent in %s at seq %llu what is not so: %s",
                  oracle_user_name(oracle, client_user(client)), what, (unsigned long long)head,
                  first);
}

/* Each record stands between the cursor and where the frame leads, in a scope and of an entity
 * that the client asked for. */
static void judge_asked(struct oracle *oracle, const struct world_client *client,
                        struct bytes records, uint64_t from, uint64_t to)
{
    struct wire_reader reader = wire_read(records);
    struct bytes record, octets, entity;
    uint32_t count = 0;
    wire_get_array(&reader, &count);
    while (count-- > 0 && wire_skip(&reader, &record)) {
        struct scope scope = {0};
        struct id id = {{0}};
        uint64_t seq = 0;
        wire_map_id(record, "id", &id);
        wire_map_uint(record, "seq", &seq);
        if (!wire_map_bin(record, "scope", &octets) || !scope_from_bytes(octets, &scope) ||
            !client_wants_scope(client, scope) || !wire_map_str(record, "entity", &entity) ||
            !client_wants_entity(client, entity)) {
            oracle_differ(oracle, "%s was sent %s without having asked for it",
                          oracle_user_name(oracle, client_user(client)), oracle_name(oracle, id));
        }
        if (seq > to || from > to) {
            oracle_differ(oracle, "%s was sent %s of seq %llu in a frame that leads to %llu",
                          oracle_user_name(oracle, client_user(client)), oracle_name(oracle, id),
                          (unsigned long long)seq, (unsigned long long)to);
        }
    }
}

static bool same_departments(const struct model_person *a, const struct model_person *b)
{
    return a->department_count == b->department_count &&
           memcmp(a->departments, b->departments, a->department_count * sizeof *a->departments) ==
               0;
}

/* The first seq since which the user is who they are: what they held before was reset. */
static uint64_t same_since(const struct oracle *oracle, struct id user, uint64_t seq)
{
    struct model_person now, then;
    model_person(oracle->model, user, seq, &now);
    while (seq > 1 && model_person(oracle->model, user, seq - 1, &then) &&
           bytes_equal(now.role, then.role) && id_equal(now.party, then.party) &&
           same_departments(&now, &then)) {
        seq--;
    }
    return seq;
}

static void judge_removed(struct oracle *oracle, const struct world_client *client,
                          struct bytes removed, uint64_t seq)
{
    struct wire_reader reader = wire_read(removed);
    struct id id, user = client_user(client);
    uint32_t count = 0;
    wire_get_array(&reader, &count);
    while (count-- > 0 && wire_get_id(&reader, &id)) {
        const struct model_record *record = model_find(oracle->model, id);
        struct model_person who;
        bool held = false;
        for (uint64_t at = same_since(oracle, user, seq); record != NULL && at <= seq && !held;
             at++) {
            held = model_person(oracle->model, user, at, &who) &&
                   model_sees(oracle->model, &who, record, at);
        }
        if (!held) {
            oracle_differ(oracle, "%s was told that %s is gone, and can never have held it",
                          oracle_user_name(oracle, user), oracle_name(oracle, id));
        }
    }
}

static void judge_scopes(struct oracle *oracle, const struct world_client *client,
                         struct bytes scopes, uint64_t seq, bool entered)
{
    struct wire_reader reader = wire_read(scopes);
    struct bytes octets;
    struct id user = client_user(client);
    uint32_t count = 0;
    char text[SCOPE_TEXT_SIZE];
    wire_get_array(&reader, &count);
    while (count-- > 0 && wire_get_bin(&reader, &octets)) {
        struct scope scope = {0};
        struct model_person who;
        bool open = false;
        scope_from_bytes(octets, &scope);
        uint64_t at = entered ? seq : same_since(oracle, user, seq);
        for (; at <= seq && !open; at++) {
            open = model_person(oracle->model, user, at, &who) &&
                   model_scope_open(oracle->model, &who, scope, at);
        }
        if (!open || !client_wants_scope(client, scope)) {
            oracle_differ(oracle, "%s was told that %s has %s, which is not theirs to know",
                          oracle_user_name(oracle, user), scope_to_text(scope, text),
                          entered ? "entered" : "left");
        }
    }
}

/* Whoever is caught up hears nothing of what is not for them. */
static void judge_silence(struct oracle *oracle, const struct world_client *client,
                          const struct msg_changes *changes)
{
    struct oracle_device *device = oracle_device_of(oracle, client);
    uint32_t news = message_count(changes->records) + message_count(changes->removed) +
                    message_count(changes->purged) + message_count(changes->entered);
    if (device != NULL && device->told && !changes->more && news == 0) {
        oracle_differ(oracle, "%s was told that something happened which is not for them",
                      oracle_user_name(oracle, client_user(client)));
    }
    if (device != NULL && message_count(changes->entered) > 0) {
        device->told = false;
    }
}

static void judge_changes(struct oracle *oracle, const struct world_client *client,
                          const struct msg_changes *changes)
{
    if (changes->to > model_head(oracle->model)) {
        oracle_differ(oracle, "a frame leads to seq %llu, beyond the head",
                      (unsigned long long)changes->to);
    }
    if (changes->from == 0 &&
        (message_count(changes->removed) > 0 || message_count(changes->purged) > 0)) {
        struct wire_reader reader = wire_read(changes->removed);
        struct id id = {{0}};
        uint32_t count = 0;
        wire_get_array(&reader, &count);
        wire_get_id(&reader, &id);
        oracle_differ(oracle, "%s, who holds nothing, was told that %s is gone",
                      oracle_user_name(oracle, client_user(client)),
                      count > 0 ? oracle_name(oracle, id) : "a scope");
    }
    judge_silence(oracle, client, changes);
    uint64_t seq = judge_records(oracle, client, changes->records, changes->to, "changes");
    judge_asked(oracle, client, changes->records, changes->from, changes->to);
    judge_removed(oracle, client, changes->removed, seq);
    judge_scopes(oracle, client, changes->purged, seq, false);
    judge_scopes(oracle, client, changes->entered, seq, true);
}

static bool is_theirs(struct oracle *oracle, const struct world_client *client, struct scope scope)
{
    struct model_person who;
    uint64_t head = model_head(oracle->model);
    return client_wants_scope(client, scope) &&
           model_person(oracle->model, client_user(client), head, &who) &&
           model_scope_open(oracle->model, &who, scope, head);
}

/* What comes ahead is made for this client alone, from the state of now. */
static void judge_ahead(struct oracle *oracle, const struct world_client *client,
                        const struct msg_backfill *backfill)
{
    char text[SCOPE_TEXT_SIZE];
    if (!is_theirs(oracle, client, backfill->scope) || client_cursor(client) == 0 ||
        backfill->until > model_head(oracle->model)) {
        oracle_differ(oracle, "%s, at cursor %llu, was sent %s ahead of its turn",
                      oracle_user_name(oracle, client_user(client)),
                      (unsigned long long)client_cursor(client),
                      scope_to_text(backfill->scope, text));
    }
}

static uint64_t seen_in(struct oracle *oracle, const struct world_client *client,
                        struct scope scope)
{
    struct model_person who;
    uint64_t head = model_head(oracle->model), count = 0;
    model_person(oracle->model, client_user(client), head, &who);
    for (size_t i = 0; i < model_count(oracle->model); i++) {
        const struct model_record *record = model_at(oracle->model, i);
        struct model_view view;
        count += model_view(oracle->model, &who, record, head, &view) &&
                 scope_equal(view.scope, scope) &&
                 client_wants_entity(client, bytes_text(record->entity));
    }
    return count;
}

/* Sums are of scopes that are open, and of as many records as may be seen there; the client of the
 * world compares them with what it holds. */
static void judge_sums(struct oracle *oracle, const struct world_client *client,
                       const struct msg_sums *sums)
{
    struct wire_reader reader = wire_read(sums->sums);
    struct bytes entry, octets;
    uint32_t count = 0;
    char text[SCOPE_TEXT_SIZE];
    wire_get_array(&reader, &count);
    while (count-- > 0 && wire_skip(&reader, &entry)) {
        struct scope scope = {0};
        uint64_t records = UINT64_MAX;
        bool right = wire_map_bin(entry, "scope", &octets) && scope_from_bytes(octets, &scope) &&
                     wire_map_uint(entry, "count", &records);
        if (!right || !is_theirs(oracle, client, scope)) {
            oracle_differ(oracle, "%s was told a checksum of %s, which is not theirs to know",
                          oracle_user_name(oracle, client_user(client)),
                          scope_to_text(scope, text));
        }
        if (records != seen_in(oracle, client, scope)) {
            oracle_differ(oracle, "%s was told of %llu records in %s and sees %llu",
                          oracle_user_name(oracle, client_user(client)),
                          (unsigned long long)records, scope_to_text(scope, text),
                          (unsigned long long)seen_in(oracle, client, scope));
        }
    }
}

static void judge_backfill(struct oracle *oracle, const struct world_client *client,
                           const struct msg_backfill *backfill)
{
    struct wire_reader reader = wire_read(backfill->records);
    struct bytes record, octets;
    struct scope scope = {0};
    char text[SCOPE_TEXT_SIZE];
    uint32_t count = 0;
    if (backfill->ahead) {
        judge_ahead(oracle, client, backfill);
    }
    judge_records(oracle, client, backfill->records, 0, "a backfill");
    judge_asked(oracle, client, backfill->records, 0, model_head(oracle->model));
    wire_get_array(&reader, &count);
    while (count-- > 0 && wire_skip(&reader, &record)) {
        if (!wire_map_bin(record, "scope", &octets) || !scope_from_bytes(octets, &scope) ||
            !scope_equal(scope, backfill->scope)) {
            struct id id = {{0}};
            wire_map_id(record, "id", &id);
            oracle_differ(oracle, "%s was sent %s in a backfill of %s, to which it does not belong",
                          oracle_user_name(oracle, client_user(client)), oracle_name(oracle, id),
                          scope_to_text(backfill->scope, text));
        }
    }
}

static void judge_welcome(struct oracle *oracle, const struct world_client *client,
                          const struct msg_welcome *welcome)
{
    struct model_person who;
    if (!model_person(oracle->model, client_user(client), model_head(oracle->model), &who)) {
        oracle_differ(oracle, "%s was welcomed, and may not sign in",
                      oracle_user_name(oracle, client_user(client)));
    }
    struct wire_reader reader = wire_read(welcome->parties);
    uint32_t count = 0;
    struct bytes party;
    wire_get_array(&reader, &count);
    bool right = count == (who.staff ? who.department_count : 1) &&
                 bytes_equal(welcome->role, who.role) && bytes_equal(welcome->name, who.name);
    for (uint32_t i = 0; i < count && right && wire_skip(&reader, &party); i++) {
        struct id id;
        right = wire_map_id(party, "id", &id) &&
                id_equal(id, who.staff ? who.departments[i] : who.party);
    }
    if (!right) {
        oracle_differ(oracle, "%s was welcomed as somebody else",
                      oracle_user_name(oracle, client_user(client)));
    }
}

static void judge_caught_up(struct oracle *oracle, const struct world_client *client,
                            const struct msg_caught_up *caught_up)
{
    struct oracle_device *device = oracle_device_of(oracle, client);
    if (caught_up->seq > model_head(oracle->model)) {
        oracle_differ(oracle, "caught up at a seq beyond the head");
    }
    if (device != NULL) {
        device->told = true;
    }
}

static void judge_reset(struct oracle *oracle, const struct world_client *client,
                        const struct msg_reset *reset)
{
    struct oracle_device *device = oracle_device_of(oracle, client);
    if (device != NULL) {
        device->told = false;
    }
    if (!bytes_is(reset->reason, "access") &&
        !(bytes_is(reset->reason, "horizon") && oracle->pruned > 0)) {
        oracle_differ(oracle, "a reset came for the reason %.*s", (int)reset->reason.size,
                      (const char *)reset->reason.data);
    }
}

static void trace(struct oracle *oracle, const struct world_client *client,
                  const struct message *message)
{
    const struct msg_changes *changes = &message->as.changes;
    const struct msg_backfill *backfill = &message->as.backfill;
    struct oracle_device *device = oracle_device_of(oracle, client);
    printf("%16s device %td of %s: %s", "",
           device != NULL ? device - oracle->devices : (ptrdiff_t)-1,
           oracle_user_name(oracle, client_user(client)), message_name(message->type));
    if (message->type == MESSAGE_CHANGES) {
        printf(" %llu to %llu: %u records, %u removed, %u purged, %u entered%s",
               (unsigned long long)changes->from, (unsigned long long)changes->to,
               message_count(changes->records), message_count(changes->removed),
               message_count(changes->purged), message_count(changes->entered),
               changes->more ? ", more" : "");
    } else if (message->type == MESSAGE_BACKFILL) {
        printf(" %llu to %llu of %llu: %u records%s", (unsigned long long)backfill->from,
               (unsigned long long)backfill->to, (unsigned long long)backfill->until,
               message_count(backfill->records), backfill->ahead ? ", ahead" : "");
    }
    printf("\n");
}

void judge_received(void *context, const struct world_client *client, struct bytes bytes)
{
    struct oracle *oracle = context;
    struct message message;
    if (message_decode(bytes, &message, NULL) != STATUS_OK) {
        oracle_differ(oracle, "a message came that cannot be decoded");
    }
    oracle->progress->messages++;
    if (oracle->trace) {
        trace(oracle, client, &message);
    }
    switch (message.type) {
    case MESSAGE_CHANGES:
        judge_changes(oracle, client, &message.as.changes);
        break;
    case MESSAGE_BACKFILL:
        judge_backfill(oracle, client, &message.as.backfill);
        break;
    case MESSAGE_SUMS:
        judge_sums(oracle, client, &message.as.sums);
        break;
    case MESSAGE_WELCOME:
        judge_welcome(oracle, client, &message.as.welcome);
        break;
    case MESSAGE_RESET:
        judge_reset(oracle, client, &message.as.reset);
        break;
    case MESSAGE_CAUGHT_UP:
        judge_caught_up(oracle, client, &message.as.caught_up);
        break;
    default:
        break;
    }
}
