/* The n-th call of the store fails, the n-th allocation fails, for every n: the command then says
 * so, nothing crashes or leaks, and it never passes for a refusal or for success. */
#include <stdlib.h>
#include <string.h>

#include "protocol/memory.h"
#include "protocol/wire.h"
#include "tests/unit/core/note_world.h"

/* Stands in for protocol/memory.c: fails once, at the n-th allocation from now on. */
static unsigned fail_in;

static bool fails(void)
{
    return fail_in > 0 && --fail_in == 0;
}

void *memory_new(size_t size)
{
    return fails() ? NULL : calloc(1, size ? size : 1);
}

void *memory_resize(void *block, size_t size)
{
    return fails() ? NULL : realloc(block, size ? size : 1);
}

void memory_free(void *block)
{
    free(block);
}

void *memory_copy(const void *from, size_t size)
{
    uint8_t *copy = fails() ? NULL : malloc(size + 1);
    if (copy) {
        memcpy(copy, from, size);
        copy[size] = 0;
    }
    return copy;
}

#define KARI nid(900)
#define PAPIR nid(50)
#define TYPED nid(20)
#define WAITING nid(21)
#define REMOVED nid(22)
#define GOING nid(23) /* what is kept of it is due to go */
#define TYPED_VERSIONS 150u

/* Of enough versions for snapshots. */
static uint64_t type(struct world *w, struct id note, unsigned letters)
{
    uint64_t version = 0;
    while (version < letters) {
        assert_pushed(push(w, KARI, note, version, fmt("=%u +a", 1 + (unsigned)version)),
                      version + 1);
        version++;
    }
    return version;
}

/* Live notes that are typed in, that wait, and that were removed. */
static void notes(struct world *w)
{
    assert_ok(create(w, KARI, "note", TYPED, "text=x"));
    assert_ok(create(w, KARI, "note", WAITING, "text=x"));
    assert_ok(create(w, KARI, "note", REMOVED, "text=x"));
    assert_ok(create(w, KARI, "note", GOING, "text=x"));
    type(w, TYPED, TYPED_VERSIONS);
    pass(w, NOTE_PAUSE_MS);
    type(w, GOING, 2);
    assert_ok(erase(w, KARI, GOING));
    prune(w, w->now + 1);
    type(w, WAITING, 3);
    type(w, REMOVED, 2);
    assert_ok(erase(w, KARI, REMOVED));
}

static void company(struct world *w)
{
    add_staff(w, KARI, "kari", "Administrator", "sales");
    add_partner(w, PAPIR, "Papir", "supplier");
    add_partner_user(w, nid(910), "eva", PAPIR);
    assert_ok(create(w, KARI, "account", nid(1), "name=A|industry=Paper"));
    assert_ok(create(w, KARI, "customField", nid(60),
                     "key=lead.mood|entity=lead|name=mood|kind=text|class=restricted|"
                     "departments=sales"));
    assert_ok(create(w, KARI, "customEntity", nid(61), "name=ship|home=library"));
    assert_ok(create(w, KARI, "lead", nid(2), "lastName=B"));
    assert_ok(create(w, KARI, "lead", nid(3), "lastName=B"));
    assert_ok(erase(w, KARI, nid(3)));
    char from[SCHEMA_TIME_TEXT];
    schema_time_to_text((int64_t)(w->now + 2 * DAY), from);
    assert_ok(create(w, KARI, "assignment", nid(4),
                     fmt("party=%s|account=%s|level=view|from=%.10s", tx(PAPIR), tx(nid(1)), from)));
    notes(w);
    struct buffer body = {0};
    const struct id server = {{0}};
    credential_body(&body, nid(910), CREDENTIAL_TOKEN, bytes_of("0123456789abcdef0123456789abcdef", 32),
                    w->now + DAY);
    assert_int_equal(order(w, COMMAND_CREDENTIAL, server, buffer_bytes(&body)), STATUS_OK);
    buffer_release(&body);
}

/* A mutation that passes by every kind of change and every rule that writes. */
static void fill(struct changes *changes)
{
    add_update(changes, "account", nid(1), fmt("restricted=true|team=%s|industry=", tx(KARI)), 0);
    add_create(changes, "note", nid(10), fmt("account=%s|text=x", tx(nid(1))));
    add_share(changes, nid(10), fmt("suppliers partner:%s", tx(PAPIR)), NULL);
    add_create(changes, "user", nid(11), fmt("name=per|role=Partner|partner=%s", tx(PAPIR)));
    add_create(changes, "ship", nid(13), "name=Fram");
    add_update(changes, "lead", nid(2), "mood=good", 0);
    add_update(changes, "assignment", nid(4), "from=", 0);
    add_update(changes, "user", nid(910), "disabled=true", 0);
    add_update(changes, "note", nid(10), "account=", 0);
    add_update(changes, "note", WAITING, "text=y\r\nz", 0);
    add_remove(changes, nid(2), 0);
}

static struct buffer mutation(uint64_t number)
{
    struct changes changes = {.count = 0};
    struct message message = {.type = MESSAGE_MUTATE};
    struct buffer list = {0}, body = {0};
    fill(&changes);
    wire_put_array(&list, changes.count);
    buffer_append(&list, changes.list.data, changes.list.size);
    message.as.mutate.number = number;
    message.as.mutate.changes = buffer_bytes(&list);
    message_encode(&body, &message);
    buffer_release(&list);
    buffer_release(&changes.list);
    return body;
}

/* Enough change sets to make the next snapshot, at which old versions go. */
static struct buffer long_push(void)
{
    struct message message = {.type = MESSAGE_NOTE_PUSH};
    struct buffer list = {0}, body = {0};
    wire_put_array(&list, LIMIT_NOTE_PUSH);
    for (unsigned i = 0; i < LIMIT_NOTE_PUSH; i++)
        put_set(&list, fmt("=%u +a", 1 + TYPED_VERSIONS + i));
    message.as.note_push.note = TYPED;
    message.as.note_push.base = TYPED_VERSIONS;
    message.as.note_push.changes = buffer_bytes(&list);
    message_encode(&body, &message);
    buffer_release(&list);
    return body;
}

static struct buffer before_body(uint64_t before)
{
    struct buffer body = {0};
    wire_put_map(&body, 1);
    wire_put_text(&body, "before");
    wire_put_uint(&body, before);
    return body;
}

static struct command command_of(const struct world *w, enum command_kind kind, struct buffer *body)
{
    struct command command = {.kind = kind, .at_ms = w->now + 5 * DAY};
    if (kind == COMMAND_NOTE) {
        *body = long_push();
        command.actor = KARI;
        command.client = client_of(KARI);
    } else if (kind == COMMAND_MUTATE) {
        *body = mutation(w->clients[1].number + 1);
        command.actor = KARI;
        command.client = client_of(KARI);
    } else if (kind == COMMAND_PRUNE) {
        *body = before_body(w->now + 1);
    } else if (kind == COMMAND_FORGET_CLIENT) {
        command.actor = KARI;
        command.client = client_of(KARI);
    } else if (kind == COMMAND_CREDENTIAL) {
        credential_body(body, nid(910), CREDENTIAL_PASSWORD, bytes_text("$a"), 0);
    } else if (kind == COMMAND_FOUND) {
        wire_put_map(body, 2);
        wire_put_text(body, "name");
        wire_put_text(body, "ada");
        wire_put_text(body, "credential");
        wire_put_text(body, "$a");
    }
    command.body = buffer_bytes(body);
    return command;
}

static bool answers_ok(const struct effects *effects)
{
    struct message message;
    if (effects->answer.size == 0)
        return true;
    if (message_decode(buffer_bytes(&effects->answer), &message, NULL) != STATUS_OK)
        return false;
    return bytes_is(message.type == MESSAGE_NOTE_RESULT ? message.as.note_result.status
                                                        : message.as.result.status,
                    "ok");
}

/* Applies the command to a copy of the company with the n-th call or allocation failing. Returns
 * true once the command got through without meeting it. */
static bool attempt(const struct world *w, const struct command *command, unsigned n,
                    bool allocation)
{
    struct world empty = {.memory = NULL};
    struct memory_state *memory = world_replay(command->kind == COMMAND_FOUND ? &empty : w);
    const struct state state = memory_state_view(memory);
    struct effects effects = {0};
    unsigned long before = memory_state_calls(memory);
    if (allocation)
        fail_in = n;
    else
        memory_state_fail(memory, n, STATUS_IO);
    enum status status = apply_command(&state, command, &effects);
    bool met = allocation ? fail_in == 0 : memory_state_calls(memory) - before >= n;
    fail_in = 0;
    enum status expected = !met ? STATUS_OK : allocation ? STATUS_NO_MEMORY : STATUS_IO;
    if (status != expected)
        print_error("command %d at %u\n", (int)command->kind, n);
    assert_int_equal(status, expected);
    assert_true(met || answers_ok(&effects));
    effects_release(&effects);
    memory_state_free(memory);
    return !met;
}

static void try_all(void **state, bool allocation)
{
    static const enum command_kind kinds[] = {COMMAND_MUTATE,        COMMAND_DUE,
                                              COMMAND_FOUND,         COMMAND_CREDENTIAL,
                                              COMMAND_PRUNE,         COMMAND_FORGET_CLIENT,
                                              COMMAND_NOTE};
    struct world *w = *state;
    company(w);
    for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct buffer body = {0};
        const struct command command = command_of(w, kinds[k], &body);
        unsigned n = 1;
        while (!attempt(w, &command, n, allocation))
            assert_true(++n < 20000);
        assert_true(n > 1 || kinds[k] == COMMAND_FORGET_CLIENT);
        print_message("command %d fails at %u places\n", (int)kinds[k], n - 1);
        buffer_release(&body);
    }
}

static void every_call_of_the_store_may_fail(void **state)
{
    try_all(state, false);
}

static void every_allocation_may_fail(void **state)
{
    try_all(state, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(every_call_of_the_store_may_fail),
        WORLD_TEST(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
