/* The small rows and bodies of the server, from disk or from the log: commands, bodies of
 * credential commands, rows of credentials and of clients. The first byte chooses. */
#include "tests/fuzz/script.h"
#include "tests/fuzz/stage.h"

#include <string.h>

#include "server/core/apply/apply_number.h"
#include "server/core/credential.h"

static const uint8_t some_hash[32] = {1, 2, 3};

static void use_command(struct bytes bytes)
{
    struct command command;
    struct buffer again = {0};
    if (command_decode(bytes, &command) != STATUS_OK)
        return;
    MUST(command.body.size < bytes.size);
    command_encode(&again, &command);
    MUST(bytes_equal(buffer_bytes(&again), bytes));
    buffer_release(&again);
}

static void use_body(struct stage *stage, struct bytes bytes)
{
    const struct state state = world_state(stage->world);
    struct credential_change change, second;
    struct buffer before = {0}, after = {0}, body = {0};
    memory_state_dump(stage->world->memory, true, &before);
    const enum status read = credential_read_body(bytes, &change);
    const enum status status = credential_apply(&state, bytes, stage->world->now_ms);
    if (read == STATUS_OK) {
        credential_body(&body, change.user, change.kind, change.value, change.expires_ms);
        MUST(credential_read_body(buffer_bytes(&body), &second) == STATUS_OK);
        MUST(id_equal(change.user, second.user) && change.kind == second.kind &&
             change.expires_ms == second.expires_ms && bytes_equal(change.value, second.value));
    } else {
        MUST(status == STATUS_INVALID_VALUE);
    }
    memory_state_dump(stage->world->memory, true, &after);
    if (status != STATUS_OK)
        MUST(bytes_equal(buffer_bytes(&before), buffer_bytes(&after)));
    buffer_release(&before);
    buffer_release(&after);
    buffer_release(&body);
}

/* The same bytes as every kind of row about one user. */
static void use_credential_rows(struct stage *stage, struct bytes value)
{
    const struct state state = world_state(stage->world);
    const struct id user = stage->slots[SLOT_MEMBER].user;
    uint8_t key[33] = {0};
    struct bytes phc;
    struct id found = {{0}};
    if (value.size == 0)
        return;
    memcpy(key + 1, user.octet, ID_SIZE);
    for (const char *kind = "pc"; *kind != '\0'; kind++) {
        key[0] = (uint8_t)*kind;
        MUST(state.ops->put_credential(state.self, bytes_of(key, 1 + ID_SIZE), value) == STATUS_OK);
    }
    memcpy(key + 1, some_hash, sizeof some_hash);
    for (const char *kind = "tf"; *kind != '\0'; kind++) {
        key[0] = (uint8_t)*kind;
        MUST(state.ops->put_credential(state.self, bytes_of(key, sizeof key), value) == STATUS_OK);
    }
    if (credential_password(&state, user, &phc) == STATUS_OK)
        MUST(phc.size <= value.size);
    (void)credential_code_valid(&state, user, some_hash, stage->world->now_ms);
    if (credential_token_user(&state, some_hash, stage->world->now_ms, &found) == STATUS_OK)
        MUST(stage_contains(value, bytes_of(&found, sizeof found)));
    (void)credential_certificate_user(&state, some_hash, &found);
    (void)credential_forget_user(&state, user);
}

static void use_client_rows(struct stage *stage, struct bytes value)
{
    const struct state state = world_state(stage->world);
    const struct slot *slot = &stage->slots[SLOT_MEMBER];
    uint8_t key[1 + ID_SIZE + 8] = {'n'};
    struct number_row row;
    struct buffer answer = {0};
    if (value.size == 0)
        return;
    memcpy(key + 1, slot->client.octet, ID_SIZE);
    MUST(state.ops->put_client(state.self, bytes_of(key, 1 + ID_SIZE), value) == STATUS_OK);
    if (number_read(&state, slot->client, slot->user, &row) != STATUS_OK)
        row = (struct number_row){.client = slot->client, .user = slot->user, .last = 1};
    key[0] = 'a';
    put_u64(key + 1 + ID_SIZE, row.last);
    MUST(state.ops->put_client(state.self, bytes_of(key, sizeof key), value) == STATUS_OK);
    if (number_answer(&state, &row, row.last, some_hash, &answer) == STATUS_OK)
        MUST(answer.size <= value.size);
    buffer_release(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = script_of(data, size);
    const uint8_t what = script_take(&script);
    const struct bytes rest = bytes_of(script.at, (size_t)(script.end - script.at));
    if (what % 4 == 0) {
        use_command(rest);
        return 0;
    }
    struct stage *stage = stage_new();
    if (what % 4 == 1)
        use_body(stage, rest);
    else if (what % 4 == 2)
        use_credential_rows(stage, rest);
    else
        use_client_rows(stage, rest);
    stage_free(stage);
    return 0;
}
