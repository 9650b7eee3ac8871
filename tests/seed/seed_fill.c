/* The store is filled by the rules themselves: commands, applied one after another. What makes it
 * fast is that many share a transaction, that nothing is flushed before the end, and that a
 * mutation creates several records. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "protocol/message.h"
#include "protocol/schema.h"
#include "server/core/access/principal.h"
#include "server/core/credential.h"
#include "server/core/apply/apply.h"
#include "server/store/store.h"
#include "tests/seed/seed_internal.h"

/* Records of a mutation: as of a careful import, and small enough that a frame, which holds whole
 * mutations, stays a frame. */
#define CHANGES 16u
#define COMMANDS_A_TRANSACTION 128u

struct filling {
    const struct seed_options *options;
    struct seeded *seeded;
    struct store *store;
    struct state state;
    struct effects effects;
    bool open;         /* a transaction is */
    unsigned commands; /* in it */
    struct id admin, sales, client;
    uint64_t number, now_ms;
    uint64_t commands_done;
    struct buffer changes; /* of the next mutation, one after the other */
    uint32_t change_count;
};

static bool say(const char *what, enum status status, const char *detail)
{
    (void)fprintf(stderr, "seed: %s: %s%s%s\n", what, status_text(status), detail[0] ? ": " : "",
                  detail);
    return false;
}

static bool open_store(struct filling *filling, bool create)
{
    struct fault fault;
    fault_clear(&fault);
    const struct store_options how = {.path = filling->options->folder,
                                      .create = create,
                                      .epoch = filling->seeded->epoch,
                                      .no_sync = create};
    enum status status = store_open(&how, &filling->store, &fault);
    return status == STATUS_OK || say(filling->options->folder, status, fault.detail);
}

static bool commit(struct filling *filling)
{
    struct meta meta;
    enum status status = STATUS_OK;
    if (!filling->open) {
        return true;
    }
    filling->open = false;
    status = filling->state.ops->meta(filling->state.self, &meta);
    filling->seeded->seq = meta.seq;
    if (status == STATUS_OK) {
        status = store_write_commit(filling->store);
    } else {
        store_write_abort(filling->store);
    }
    filling->commands = 0;
    return status == STATUS_OK || say("a transaction", status, "");
}

/* What a refusal said; true when there was none. */
static bool accepted(const struct filling *filling)
{
    struct message message;
    struct bytes answer = buffer_bytes(&filling->effects.answer);
    char detail[160];
    if (answer.size == 0) {
        return true;
    }
    enum status status = message_decode(answer, &message, NULL);
    if (status != STATUS_OK || bytes_is(message.as.result.status, status_name(STATUS_OK))) {
        return status == STATUS_OK;
    }
    bytes_to_text(message.as.result.detail, detail, sizeof detail);
    return say("a command was refused", status_from_name(message.as.result.status), detail);
}

static bool apply(struct filling *filling, struct command *command)
{
    if (!filling->open) {
        enum status status = store_write_begin(filling->store, &filling->state);
        if (status != STATUS_OK) {
            return say("a transaction", status, "");
        }
        filling->open = true;
    }
    command->at_ms = filling->now_ms;
    seed_octets(filling->options->seed, SEED_FOUNDING, filling->commands_done++, command->entropy,
                sizeof command->entropy);
    effects_clear(&filling->effects);
    enum status status = apply_command(&filling->state, command, &filling->effects);
    if (status != STATUS_OK || filling->effects.failed) {
        return say("a command", status == STATUS_OK ? STATUS_NO_MEMORY : status, "");
    }
    return accepted(filling) && (++filling->commands < COMMANDS_A_TRANSACTION || commit(filling));
}

static bool send_changes(struct filling *filling)
{
    struct buffer list = {0}, body = {0};
    struct message message = {.type = MESSAGE_MUTATE};
    if (filling->change_count == 0) {
        return true;
    }
    wire_put_array(&list, filling->change_count);
    wire_put_raw(&list, buffer_bytes(&filling->changes));
    message.as.mutate.answered = filling->number;
    message.as.mutate.number = ++filling->number;
    message.as.mutate.changes = buffer_bytes(&list);
    message_mark(&message, "answered");
    message_encode(&body, &message);
    struct command command = {.kind = COMMAND_MUTATE,
                              .actor = filling->admin,
                              .client = filling->client,
                              .body = buffer_bytes(&body)};
    bool done = !body.failed && !list.failed && !filling->changes.failed
                    ? apply(filling, &command)
                    : say("a mutation", STATUS_NO_MEMORY, "");
    filling->change_count = 0;
    buffer_clear(&filling->changes);
    buffer_release(&list);
    buffer_release(&body);
    return done;
}

/* One more change has been put. */
static bool put(struct filling *filling)
{
    return ++filling->change_count < CHANGES || send_changes(filling);
}

static bool find_sales(struct filling *filling)
{
    struct buffer key = {0}, value = {0}, place = {0};
    wire_put_text(&value, "sales");
    schema_index_key(KIND_TEXT, buffer_bytes(&value), &key);
    enum status status =
        filling->state.ops->index_next(filling->state.self, bytes_text("party"), bytes_text("name"),
                                       buffer_bytes(&key), false, &place, &filling->sales);
    buffer_release(&key);
    buffer_release(&value);
    buffer_release(&place);
    return status == STATUS_OK || say("no department sales", status, "");
}

static bool found(struct filling *filling)
{
    struct buffer body = {0};
    wire_put_map(&body, 2);
    wire_put_text(&body, "name");
    wire_put_text(&body, filling->seeded->admin);
    wire_put_text(&body, "credential");
    wire_put_text(&body, "$argon2id$none"); /* no password has this hash: tokens only */
    struct command command = {.kind = COMMAND_FOUND, .body = buffer_bytes(&body)};
    bool done = !body.failed && apply(filling, &command) && find_sales(filling);
    buffer_release(&body);
    if (!done) {
        return false;
    }
    enum status status =
        principal_find_user(&filling->state, bytes_text(filling->seeded->admin), &filling->admin);
    return status == STATUS_OK || say("no administrator", status, "");
}

static bool put_people(struct filling *filling)
{
    bool done = true;
    for (size_t i = 0; i < filling->seeded->partners && done; i++) {
        seed_put_party(&filling->changes, filling->seeded, i);
        done = put(filling);
    }
    for (size_t i = 0; i < filling->seeded->staff + filling->seeded->partners && done; i++) {
        seed_put_user(&filling->changes, filling->seeded, i, filling->sales);
        done = put(filling);
    }
    return done && send_changes(filling);
}

static bool put_assignments(struct filling *filling)
{
    bool done = true;
    for (size_t i = 0; i < filling->seeded->partners && done; i++) {
        for (size_t n = 0; n < filling->options->accounts_a_partner && done; n++) {
            seed_put_assignment(&filling->changes, filling->options, filling->seeded, i, n);
            done = put(filling);
        }
    }
    return done && send_changes(filling);
}

static bool put_records(struct filling *filling, uint64_t from, uint64_t to)
{
    const struct seed_options *options = filling->options;
    bool done = true;
    for (uint64_t i = from; i < to && done; i++) {
        filling->now_ms = SEED_START_MS + i * SEED_STEP_MS;
        seed_put_record(&filling->changes, options, i);
        done = put(filling);
        if (options->progress != NULL && i % 4096 == 4095) {
            options->progress(options->context, i + 1, options->records);
        }
    }
    return done && send_changes(filling);
}

static bool put_token(struct filling *filling, struct id user, const char *token)
{
    struct buffer body = {0};
    uint8_t hash[32];
    unsigned size = 0;
    if (!EVP_Digest(token, strlen(token), hash, &size, EVP_sha256(), NULL)) {
        return say("SHA-256", STATUS_IO, "");
    }
    credential_body(&body, user, CREDENTIAL_TOKEN, bytes_of(hash, sizeof hash), SEED_EXPIRES_MS);
    struct command command = {.kind = COMMAND_CREDENTIAL, .body = buffer_bytes(&body)};
    bool done = !body.failed && apply(filling, &command);
    buffer_release(&body);
    return done;
}

static bool put_tokens(struct filling *filling)
{
    const struct seeded *seeded = filling->seeded;
    bool done = put_token(filling, filling->admin, seeded->admin_token);
    for (size_t i = 0; i < seeded->staff + seeded->partners && done; i++) {
        done = put_token(filling, seeded->users[i].id, seeded->users[i].token);
    }
    return done && commit(filling);
}

static void close_store(struct filling *filling)
{
    if (filling->open) {
        store_write_abort(filling->store);
        filling->open = false;
    }
    store_close(filling->store);
    filling->store = NULL;
}

bool seed_fill(const struct seed_options *complete, struct seeded *seeded)
{
    struct filling *filling = calloc(1, sizeof *filling);
    if (filling == NULL) {
        return say("memory", STATUS_NO_MEMORY, "");
    }
    filling->options = complete;
    filling->seeded = seeded;
    filling->now_ms = SEED_START_MS;
    filling->client = seed_id(complete->seed, SEED_CLIENT, 0, SEED_START_MS);
    bool done = open_store(filling, true) && found(filling) && put_people(filling) &&
                put_records(filling, 0, complete->accounts) && put_assignments(filling) &&
                put_records(filling, complete->accounts, complete->records) && commit(filling);
    close_store(filling);
    /* The flush of this commit makes durable whatever was written to the file before. */
    done = done && open_store(filling, false) && put_tokens(filling);
    close_store(filling);
    effects_release(&filling->effects);
    buffer_release(&filling->changes);
    free(filling);
    return done;
}
