/* Random histories of live notes against what the gate says.
 *
 * Staff, a partner that may write, one that may look, and a stranger, each on devices that come and
 * go and read slowly, open notes and type in them, while notes are shared and unshared, assignments
 * come and end, accounts are restricted, people change departments, notes are set by mutations,
 * settle, are removed and forgotten. At every moment:
 *
 *   - what a client applies fits, without a gap (the fixture sees to that);
 *   - an entry that is sent was made while its receiver could see the note, who can now;
 *   - the stranger hears nothing but that there is nothing, in the same bytes for every note.
 *
 * At every quiet point whoever may see a note has the newest text, the record has settled on it,
 * and who may not see it has heard that it ended.
 *
 * SEED=n repeats one history, STEPS=n makes each longer, SEEDS=n more of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/memory.h"
#include "protocol/wire.h"
#include "server/core/note/note.h"
#include "server/core/record/view.h"
#include "tests/fixture/world_note.h"

enum user { KARI, OLA, WRITER, LOOKER, STRANGER, USERS };
#define NOTES 5u
#define ACCOUNTS 2u
#define DEVICES 9u
#define VERSIONS 4000u
#define MOMENTS 8000u

struct history {
    struct world *world;
    struct id users[USERS], partners[USERS], accounts[ACCOUNTS], notes[NOTES];
    struct id assignments[USERS][ACCOUNTS];
    struct world_client *devices[DEVICES];
    enum user owner[DEVICES];
    /* A moment passes with each command; `sees` is the gate's word behind it. */
    uint32_t moment;
    bool sees[USERS][NOTES][MOMENTS];
    uint64_t version[NOTES];
    uint32_t made[NOTES][VERSIONS]; /* the moment of the command that made it */
    uint64_t entries;               /* checked */
};

static size_t pick(struct history *h, size_t count)
{
    return (size_t)world_random(h->world, count);
}

static const char *text_of(struct history *h, struct id id)
{
    return world_id_text(h->world, id);
}

static void must(enum status status)
{
    if (status != STATUS_OK) {
        fail_msg("refused: %s", status_name(status));
    }
}

/* ---- What is true ---------------------------------------------------------------------------- */

static bool may_see(struct history *h, enum user user, size_t note)
{
    struct state state = world_state(h->world);
    struct principal who;
    struct record *record = memory_new(sizeof *record);
    bool sees = principal_load(&state, h->users[user], &who) == STATUS_OK &&
                view_load(&state, &who, h->notes[note], record) == STATUS_OK;
    memory_free(record);
    return sees;
}

/* The newest text; false when there is none any more. `shown` is what the record says. */
static bool newest(struct history *h, size_t note, uint64_t *version, struct buffer *text,
                   struct buffer *shown)
{
    struct state state = world_state(h->world);
    struct record *record = memory_new(sizeof *record);
    struct buffer scratch = {0};
    struct note_head head;
    struct bytes encoded;
    bool there = state.ops->record(state.self, h->notes[note], &encoded) == STATUS_OK &&
                 record_decode(encoded, record) == STATUS_OK && !record->deleted;
    if (there) {
        must(note_read_head(&state, record, &scratch, &head));
        *version = head.version;
        buffer_append(text, head.text.data, head.text.size);
        struct bytes settled = record_text(record, "text");
        buffer_append(shown, settled.data, settled.size);
    }
    buffer_release(&scratch);
    memory_free(record);
    return there;
}

static void look_around(struct history *h)
{
    h->moment++;
    assert_true(h->moment < MOMENTS);
    for (size_t note = 0; note < NOTES; note++) {
        struct buffer text = {0}, shown = {0};
        uint64_t version = h->version[note];
        for (enum user user = 0; user < USERS; user++) {
            h->sees[user][note][h->moment] = may_see(h, user, note);
        }
        newest(h, note, &version, &text, &shown);
        assert_true(version >= h->version[note] && version < VERSIONS);
        while (h->version[note] < version) {
            h->made[note][++h->version[note]] = h->moment;
        }
        buffer_release(&text);
        buffer_release(&shown);
    }
}

static void applied(void *context, const struct world_applied *command)
{
    struct history *h = context;
    (void)command;
    if (h->notes[NOTES - 1].octet[0] != 0) { /* the company is complete */
        look_around(h);
    }
}

static size_t number_of(const struct history *h, struct id note)
{
    size_t i = 0;
    while (i < NOTES && !id_equal(h->notes[i], note)) {
        i++;
    }
    assert_true(i < NOTES);
    return i;
}

static enum user user_of(const struct history *h, const struct world_client *client)
{
    for (size_t i = 0; i < DEVICES; i++) {
        if (h->devices[i] == client) {
            return h->owner[i];
        }
    }
    return USERS;
}

static void check_entries(struct history *h, enum user user, const struct msg_note_changes *changes)
{
    size_t note = number_of(h, changes->note);
    uint32_t count = message_count(changes->entries);
    assert_true(may_see(h, user, note));
    for (uint64_t version = changes->from + 1; version <= changes->from + count; version++) {
        uint32_t made = h->made[note][version];
        assert_true(version <= h->version[note]);
        assert_true(h->sees[user][note][made] && h->sees[user][note][made - 1]);
        h->entries++;
    }
}

/* What the stranger may hear of notes, to the byte. */
static void check_nothing(const struct message *came, struct bytes bytes)
{
    struct message message = {.type = came->type};
    struct buffer encoded = {0};
    if (came->type == MESSAGE_ERROR) {
        message.as.error.name = bytes_text("not-found");
        message.as.error.text = bytes_text(status_text(STATUS_NOT_FOUND));
        message.as.error.request = came->as.error.request;
        message_mark(&message, "request");
    } else if (came->type == MESSAGE_NOTE_RESULT) {
        message.as.note_result.request = came->as.note_result.request;
        message.as.note_result.note = came->as.note_result.note;
        message.as.note_result.status = bytes_text("not-found");
        message.as.note_result.detail = bytes_text(status_text(STATUS_NOT_FOUND));
        message_mark(&message, "detail");
    } else {
        assert_true(came->type != MESSAGE_NOTE && came->type != MESSAGE_NOTE_CHANGES &&
                    came->type != MESSAGE_NOTE_ENDED && came->type != MESSAGE_ANSWER);
        return;
    }
    message_encode(&encoded, &message);
    assert_true(bytes_equal(buffer_bytes(&encoded), bytes));
    buffer_release(&encoded);
}

static void received(void *context, const struct world_client *client, struct bytes bytes)
{
    struct history *h = context;
    struct message message;
    enum user user = user_of(h, client);
    assert_int_equal(message_decode(bytes, &message, NULL), STATUS_OK);
    if (user == STRANGER) {
        check_nothing(&message, bytes);
    } else if (user != USERS && message.type == MESSAGE_NOTE_CHANGES) {
        check_entries(h, user, &message.as.note_changes);
    }
}

/* ---- The company ----------------------------------------------------------------------------- */

static void make_people(struct history *h)
{
    static const char *const names[USERS] = {"kari", "ola", "writer", "looker", "stranger"};
    struct id admin = world_admin(h->world);
    for (enum user i = 0; i < USERS; i++) {
        h->users[i] = world_id(h->world);
        if (i >= WRITER) {
            h->partners[i] = world_id(h->world);
            must(world_create(h->world, admin, "party", h->partners[i], "name", names[i], "kind",
                              i == LOOKER ? "distributor" : "supplier", NULL));
        }
        must(world_create(
            h->world, admin, "user", h->users[i], "name", names[i], "role",
            i >= WRITER ? "Partner" : "Member", i >= WRITER ? "partner" : "departments",
            text_of(h, i >= WRITER ? h->partners[i]
                                   : world_department(h->world, i ? "sales" : "support")),
            NULL));
    }
}

static void assign(struct history *h, enum user partner, size_t account)
{
    struct id id = world_id(h->world);
    if (world_create(h->world, world_admin(h->world), "assignment", id, "party",
                     text_of(h, h->partners[partner]), "account", text_of(h, h->accounts[account]),
                     "level", partner == WRITER ? "comment" : "view", NULL) == STATUS_OK) {
        h->assignments[partner][account] = id;
    }
}

static void make_company(struct history *h)
{
    struct id admin = world_admin(h->world);
    make_people(h);
    for (size_t i = 0; i < ACCOUNTS; i++) {
        h->accounts[i] = world_id(h->world);
        must(world_create(h->world, admin, "account", h->accounts[i], "name", i ? "Fjord" : "Hytte",
                          NULL));
        assign(h, WRITER, i);
        assign(h, LOOKER, i);
    }
    for (size_t i = 0; i < NOTES; i++) {
        struct id id = world_id(h->world);
        must(world_create(h->world, admin, "note", id, "text", "begun", "account",
                          text_of(h, h->accounts[i % ACCOUNTS]), NULL));
        if (i > 0) {
            must(world_share(h->world, admin, id, i % 2 ? "suppliers" : "distributors", NULL));
        }
        h->notes[i] = id;
    }
    /* The stranger is a supplier too: only the assignment keeps them out. */
    for (size_t i = 0; i < DEVICES; i++) {
        h->owner[i] = (enum user)(i % USERS);
        h->devices[i] = world_client_new(h->world, h->users[h->owner[i]], NULL, 0);
        client_connect(h->devices[i]);
    }
}

/* ---- What happens ---------------------------------------------------------------------------- */

static void step_open(struct history *h)
{
    struct world_client *device = h->devices[pick(h, DEVICES)];
    size_t note = pick(h, NOTES);
    if (!client_connected(device)) {
        return;
    }
    switch (pick(h, 6)) {
    case 0:
        client_close_note(device, h->notes[note]);
        break;
    case 1:
        client_read_note(device, h->notes[note], NULL);
        break;
    case 2:
        client_list_versions(device, h->notes[note], 0, 10);
        break;
    default:
        client_open_note(device, h->notes[note], pick(h, 3) > 0);
        break;
    }
}

static uint32_t units(const struct buffer *text)
{
    uint32_t count = 0;
    for (size_t i = 0; i < text->size; i++) {
        count += (text->data[i] & 0xc0) != 0x80;
        count += text->data[i] >= 0xf0;
    }
    return count;
}

static void step_type(struct history *h)
{
    static const char *const words[] = {"a", "word ", "\n", "🫐", "å", "line\nand line\n", ""};
    struct world_client *device = h->devices[pick(h, DEVICES)];
    size_t note = pick(h, NOTES);
    if (!client_connected(device) || client_pushes(device) > 3) {
        return;
    }
    if (!client_has_note(device, h->notes[note])) {
        client_push(device, h->notes[note], pick(h, 3),
                    bytes_of("\x91\x91\x92\x00\xa1x", 6)); /* mostly of another length */
        return;
    }
    uint32_t length = units(&client_note(device, h->notes[note])->text);
    uint32_t at = (uint32_t)pick(h, length + 1), most = length - at < 6 ? length - at : 6;
    const char *inserted = words[pick(h, sizeof words / sizeof *words)];
    /* A place within a character is refused, which is as good as anything. */
    client_type(device, h->notes[note], at, (uint32_t)pick(h, most + 1), inserted);
}

static void step_pump(struct history *h)
{
    struct world_client *device = h->devices[pick(h, DEVICES)];
    world_deliver(h->world, pick(h, 5));
    if (pick(h, 4) == 0) {
        world_forget_frames(h->world);
    }
    if (client_connected(device)) {
        client_pump(device, pick(h, 6), true);
    }
}

static void reconnect(struct history *h, struct world_client *device)
{
    client_connect(device);
    for (size_t note = 0; note < NOTES; note++) {
        if (pick(h, 3) > 0) {
            client_open_note(device, h->notes[note], pick(h, 4) > 0);
        }
    }
}

static void step_cut(struct history *h)
{
    struct world_client *device = h->devices[pick(h, DEVICES)];
    if (client_connected(device) && pick(h, 3) == 0) {
        client_disconnect(device);
    } else if (!client_connected(device)) {
        reconnect(h, device);
    }
}

static void step_share(struct history *h)
{
    static const char *const tags[] = {"suppliers", "distributors", "partners", "internal"};
    char tag[TAG_TEXT_SIZE];
    size_t note = pick(h, NOTES);
    const char *chosen = tags[pick(h, 4)];
    bool add = pick(h, 2);
    if (pick(h, 4) == 0) {
        snprintf(tag, sizeof tag, "dept:%s", text_of(h, world_department(h->world, "sales")));
        chosen = tag;
    }
    (void)world_share(h->world, world_admin(h->world), h->notes[note], add ? chosen : NULL,
                      add ? NULL : chosen);
}

static void step_access(struct history *h)
{
    struct id admin = world_admin(h->world);
    enum user partner = pick(h, 2) ? WRITER : LOOKER;
    size_t account = pick(h, ACCOUNTS);
    switch (pick(h, 4)) {
    case 0:
        (void)world_update(h->world, admin, "account", h->accounts[account], "restricted",
                           pick(h, 2) ? "true" : "false", "team",
                           pick(h, 2) ? text_of(h, h->users[KARI]) : "", NULL);
        break;
    case 1:
        (void)world_update(h->world, admin, "user", h->users[OLA], "departments",
                           text_of(h, world_department(h->world, pick(h, 2) ? "sales" : "support")),
                           NULL);
        break;
    default:
        if (world_remove(h->world, admin, h->assignments[partner][account]) != STATUS_OK) {
            assign(h, partner, account);
        }
        break;
    }
}

static void forget_the_old(struct history *h)
{
    struct buffer body = {0};
    world_pass_time(h->world, UINT64_C(40) * 86400000);
    wire_put_map(&body, 1);
    wire_put_text(&body, "before");
    wire_put_uint(&body, world_now(h->world) - UINT64_C(30) * 86400000);
    world_apply(h->world, COMMAND_PRUNE, (struct id){{0}}, buffer_bytes(&body));
    buffer_release(&body);
}

static void step_time(struct history *h)
{
    static const uint64_t spans[] = {100, 2000, 3000, 31000};
    world_pass_time(h->world, spans[pick(h, 4)]);
    world_run_due(h->world);
    if (pick(h, 30) == 0) {
        forget_the_old(h);
    }
}

static void step_set(struct history *h)
{
    size_t note = pick(h, NOTES);
    struct id author = h->users[pick(h, 3)]; /* the partner only in notes of their own */
    if (pick(h, 25) == 0) {
        (void)world_remove(h->world, world_admin(h->world), h->notes[note]);
    } else {
        (void)world_update(h->world, author, "note", h->notes[note], "text",
                           pick(h, 2) ? "set as a whole" : "", NULL);
    }
}

static void step(struct history *h)
{
    static void (*const steps[])(struct history *) = {
        step_type, step_type, step_type, step_type,   step_type, step_pump,  step_pump, step_pump,
        step_pump, step_open, step_open, step_access, step_cut,  step_share, step_time, step_set};
    steps[pick(h, sizeof steps / sizeof *steps)](h);
}

/* ---- Quiet points ---------------------------------------------------------------------------- */

static void settle_all(struct history *h)
{
    bool moved = true;
    for (unsigned round = 0; moved; round++) {
        assert_true(round < 100);
        moved = false;
        for (size_t i = 0; i < DEVICES; i++) {
            client_settle(h->devices[i]);
        }
        world_deliver(h->world, 1000);
        for (size_t i = 0; i < DEVICES; i++) {
            moved = moved || (client_connected(h->devices[i]) && client_due(h->devices[i]));
        }
    }
}

static void open_all(struct history *h)
{
    for (size_t i = 0; i < DEVICES; i++) {
        if (!client_connected(h->devices[i])) {
            client_connect(h->devices[i]);
        }
        for (size_t note = 0; note < NOTES; note++) {
            if (!client_has_note(h->devices[i], h->notes[note])) {
                client_open_note(h->devices[i], h->notes[note], pick(h, 2));
            }
        }
    }
}

static void check_note(struct history *h, size_t note)
{
    struct buffer text = {0}, shown = {0};
    uint64_t version = 0;
    bool there = newest(h, note, &version, &text, &shown);
    assert_true(bytes_equal(buffer_bytes(&text), buffer_bytes(&shown)));
    for (size_t i = 0; i < DEVICES; i++) {
        bool open = client_has_note(h->devices[i], h->notes[note]);
        assert_int_equal(open, may_see(h, h->owner[i], note));
        if (open) {
            const struct client_note *held = client_note(h->devices[i], h->notes[note]);
            assert_true(there);
            assert_int_equal(held->version, version);
            assert_true(bytes_equal(buffer_bytes(&held->text), buffer_bytes(&text)));
        }
    }
    buffer_release(&text);
    buffer_release(&shown);
}

static void quiesce(struct history *h)
{
    settle_all(h); /* what is open tells that it ended */
    open_all(h);
    world_pass_time(h->world, 60000);
    world_run_due(h->world);
    settle_all(h);
    for (size_t note = 0; note < NOTES; note++) {
        check_note(h, note);
    }
    for (size_t i = 0; i < DEVICES; i++) {
        world_check_view(h->world, h->devices[i]);
    }
}

/* How many entries were looked at. */
static uint64_t run_history(uint64_t seed, unsigned steps)
{
    struct history *h = calloc(1, sizeof *h);
    h->world = world_new(seed);
    const struct world_watch watch = {h, applied, received};
    world_watch(h->world, &watch);
    make_company(h);
    look_around(h);
    for (unsigned i = 1; i <= steps; i++) {
        step(h);
        if (i % 100 == 0) {
            quiesce(h);
        }
    }
    quiesce(h);
    const uint64_t entries = h->entries;
    world_free(h->world);
    free(h);
    return entries;
}

static unsigned long from_environment(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoul(text, NULL, 10) : otherwise;
}

static void test_everybody_has_the_newest_text_and_nothing_else(void **state)
{
    (void)state;
    unsigned long only = from_environment("SEED", 0);
    unsigned steps = (unsigned)from_environment("STEPS", 500);
    unsigned long count = from_environment("SEEDS", 30);
    uint64_t entries = 0;
    for (unsigned long seed = 1; seed <= count; seed++) {
        unsigned long run = only != 0 ? only : seed;
        fprintf(stderr, "seed %lu\n", run);
        entries += run_history(run, steps);
        if (only != 0) {
            return;
        }
    }
    assert_true(entries > count * steps / 8); /* enough happens */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everybody_has_the_newest_text_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
