/* A session whose n-th allocation fails, for every n: it ends, or says that something failed, and
 * never sends what is wrong or not for this user; the sessions beside it, which share its frames,
 * go on as if nothing were; and when its user comes back they hold exactly what they may see.
 *
 * Only the calls into that one session are counted: the linker leads them through here (--wrap),
 * and what the world around it does, applying commands above all, succeeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/wire.h"
#include "server/core/record/view.h"
#include "tests/fixture/world.h"
#include "tests/survival/faults/failing_memory.h"
#include "tests/survival/faults/sweep.h"

/* ---- The calls that are counted ---- */

void __real_session_received(struct session *session, struct bytes message);
struct frame *__real_session_next_frame(struct session *session);
void __real_session_mark(struct session *session, enum interest_reason reason, uint32_t lane);
enum status __real_apply_command(const struct state *state, const struct command *command,
                                 struct effects *effects);
struct notice *__real_notice_new(const struct effects *effects);
void __wrap_session_received(struct session *session, struct bytes message);
struct frame *__wrap_session_next_frame(struct session *session);
void __wrap_session_mark(struct session *session, enum interest_reason reason, uint32_t lane);
enum status __wrap_apply_command(const struct state *state, const struct command *command,
                                 struct effects *effects);
struct notice *__wrap_notice_new(const struct effects *effects);

/* The client whose session it is; wrapped functions have no context. */
static const struct world_client *victim;
static bool inside;

/* Reads of the state that fail, instead of allocations: the n-th of those that the session makes.
 */
static struct {
    struct memory_state *memory; /* NULL: none fails */
    uint64_t nth, made, before;
} reads;

static void count_reads(bool begin)
{
    if (reads.memory == NULL)
        return;
    const uint64_t calls = memory_state_calls(reads.memory);
    if (begin)
        reads.before = calls;
    else
        reads.made += calls - reads.before;
    const uint64_t left = reads.nth > reads.made ? reads.nth - reads.made : 0;
    memory_state_fail(reads.memory, begin ? (unsigned)left : 0, STATUS_NO_MEMORY);
}

static void enter(const struct session *session)
{
    inside = victim != NULL && session_owner(session) == victim;
    failing_memory_pause(!inside);
    if (inside)
        count_reads(true);
}

static void leave(void)
{
    if (inside)
        count_reads(false);
    inside = false;
    failing_memory_pause(true);
}

/* Around what the world does inside a call of the session. */
static void step_out(bool out)
{
    failing_memory_pause(out || !inside);
    if (inside)
        count_reads(!out);
}

void __wrap_session_received(struct session *session, struct bytes message)
{
    enter(session);
    __real_session_received(session, message);
    leave();
}

struct frame *__wrap_session_next_frame(struct session *session)
{
    enter(session);
    struct frame *frame = __real_session_next_frame(session);
    leave();
    return frame;
}

void __wrap_session_mark(struct session *session, enum interest_reason reason, uint32_t lane)
{
    enter(session);
    __real_session_mark(session, reason, lane);
    leave();
}

enum status __wrap_apply_command(const struct state *state, const struct command *command,
                                 struct effects *effects)
{
    step_out(true);
    enum status status = __real_apply_command(state, command, effects);
    step_out(false);
    return status;
}

struct notice *__wrap_notice_new(const struct effects *effects)
{
    step_out(true);
    struct notice *notice = __real_notice_new(effects);
    step_out(false);
    return notice;
}

/* ---- The company ---- */

#define ASKED 6u
#define MUCH 30000u /* characters of a note; a few fill a message */

struct stage {
    struct world *world;
    struct id admin, partner, account, other, note, later, hidden, assignment;
    struct world_client *eva, *kari;
    struct buffer answers[ASKED]; /* what eva was told; empty where she was told of a failure */
    size_t rightly_refused;       /* errors that are the right answer */
};

static void must(enum status status)
{
    assert_string_equal(status_name(status), "ok");
}

static void make_ids(struct stage *s)
{
    struct id *const ids[] = {&s->partner, &s->account, &s->other,     &s->note,
                              &s->later,   &s->hidden,  &s->assignment};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        *ids[i] = world_id(s->world);
}

static void make_company(struct stage *s)
{
    struct world *w = s->world;
    const struct id kari = world_id(w), eva = world_id(w);
    const struct id sales = world_department(w, "sales");
    must(world_create(w, s->admin, "party", s->partner, "name", "Papir", "kind", "supplier", NULL));
    must(world_create(w, s->admin, "user", kari, "name", "kari", "role", "Member", "departments",
                      world_id_text(w, sales), NULL));
    must(world_create(w, s->admin, "user", eva, "name", "eva", "role", "Partner", "partner",
                      world_id_text(w, s->partner), NULL));
    must(world_create(w, s->admin, "account", s->account, "name", "Fjord", "industry", "Forestry",
                      NULL));
    must(world_create(w, s->admin, "account", s->other, "name", "Hidden", "industry", "Forestry",
                      NULL));
    must(world_create(w, s->admin, "assignment", s->assignment, "party",
                      world_id_text(w, s->partner), "account", world_id_text(w, s->account),
                      "level", "edit", NULL));
    must(world_create(w, s->admin, "note", s->note, "account", world_id_text(w, s->account), "text",
                      "shared", NULL));
    must(world_share(w, s->admin, s->note, "suppliers", NULL));
    must(world_create(w, s->admin, "note", s->hidden, "account", world_id_text(w, s->account),
                      "text", "not for eva", NULL));
    must(world_update(w, s->admin, "note", s->note, "text", "shared, and changed", NULL));
    s->kari = world_client_new(w, kari, NULL, 0);
    s->eva = world_client_new(w, eva, NULL, 0);
}

static void stage_make(struct stage *s)
{
    memset(s, 0, sizeof *s);
    s->world = world_new(11);
    s->admin = world_admin(s->world);
    make_ids(s);
    make_company(s);
    client_connect(s->kari);
    client_settle(s->kari);
    assert_true(client_caught_up(s->kari));
}

static void stage_release(struct stage *s)
{
    world_free(s->world);
    for (size_t i = 0; i < ASKED; i++)
        buffer_release(&s->answers[i]);
}

/* ---- What eva does ---- */

static void settle_both(struct stage *s)
{
    client_settle(s->eva);
    client_settle(s->kari);
    world_forget_frames(s->world);
}

/* Whether something told her that all was not well. */
static bool told(const struct stage *s)
{
    return client_closed(s->eva) != 0 ||
           client_received(s->eva, MESSAGE_ERROR) > s->rightly_refused;
}

/* All that came is as it should be, as long as nothing has changed since. */
static void check_held(struct stage *s)
{
    struct state state = world_state(s->world);
    struct principal who;
    static struct record record;
    must(principal_load(&state, client_user(s->eva), &who));
    for (size_t i = 0; i < client_held_count(s->eva); i++) {
        const struct held *held = client_held(s->eva, i);
        struct buffer encoded = {0};
        must(view_load(&state, &who, held->id, &record));
        view_encode(&encoded, &who, &record);
        assert_true(bytes_equal(buffer_bytes(&encoded), buffer_bytes(&held->encoded)));
        buffer_release(&encoded);
    }
}

static void ask(struct stage *s, unsigned number, struct message *message)
{
    const size_t before = client_received(s->eva, MESSAGE_ANSWER);
    const size_t errors = client_received(s->eva, MESSAGE_ERROR);
    struct message error;
    if (client_connected(s->eva))
        client_say(s->eva, message);
    client_settle(s->eva);
    if (client_received(s->eva, MESSAGE_ANSWER) > before) {
        const struct bytes answer = client_last(s->eva, MESSAGE_ANSWER);
        buffer_append(&s->answers[number], answer.data, answer.size);
        return;
    }
    assert_true(told(s));
    if (client_received(s->eva, MESSAGE_ERROR) > errors &&
        message_decode(client_last(s->eva, MESSAGE_ERROR), &error, NULL) == STATUS_OK &&
        bytes_is(error.as.error.name, "not-found"))
        s->rightly_refused++;
}

static void ask_lists(struct stage *s)
{
    struct buffer ids = {0};
    struct message fetch = {.type = MESSAGE_FETCH}, query = {.type = MESSAGE_QUERY};
    wire_put_array(&ids, 2);
    wire_put_id(&ids, s->note);
    wire_put_id(&ids, s->hidden);
    fetch.as.fetch.request = 1;
    fetch.as.fetch.ids = buffer_bytes(&ids);
    ask(s, 0, &fetch);
    buffer_release(&ids);
    query.as.query.request = 2;
    query.as.query.entity = bytes_text("account");
    query.as.query.limit = 10;
    message_mark(&query, "limit");
    query.as.query.sort = bytes_text("name");
    message_mark(&query, "sort");
    ask(s, 1, &query);
}

static void ask_past(struct stage *s)
{
    struct message timeline = {.type = MESSAGE_TIMELINE}, history = {.type = MESSAGE_HISTORY};
    struct message status = {.type = MESSAGE_STATUS};
    timeline.as.timeline.request = 3;
    timeline.as.timeline.account = s->account;
    ask(s, 2, &timeline);
    history.as.history.request = 4;
    history.as.history.id = s->note;
    ask(s, 3, &history);
    history.as.history.request = 5;
    history.as.history.id = s->hidden;
    ask(s, 4, &history);
    status.as.status.request = 6;
    ask(s, 5, &status);
}

/* What is held adds up to the sums, which the client itself compares when they come. */
static void check_sums(struct stage *s, uint64_t request)
{
    const struct scope scopes[] = {{SCOPE_ACCOUNT, s->account}, {SCOPE_LIBRARY, {{0}}}};
    const size_t before = client_received(s->eva, MESSAGE_SUMS);
    if (client_connected(s->eva))
        client_check(s->eva, request, scopes, 2);
    client_settle(s->eva);
    assert_true(told(s) || client_received(s->eva, MESSAGE_SUMS) == before + 1);
}

static void begin(struct stage *s)
{
    const struct scope first = {SCOPE_ACCOUNT, s->account};
    client_connect(s->eva);
    if (client_connected(s->eva))
        client_prefer(s->eva, &first, 1);
    client_settle(s->eva);
}

/* Records change, access ends and comes back: changes, removals, a purge, a backfill. */
static void follow(struct stage *s)
{
    struct world *w = s->world;
    must(world_create(w, s->admin, "note", s->later, "account", world_id_text(w, s->account),
                      "text", "later", NULL));
    must(world_share(w, s->admin, s->later, "suppliers", NULL));
    must(world_update(w, s->admin, "account", s->account, "industry", "Tourism", NULL));
    settle_both(s);
    must(world_share(w, s->admin, s->note, NULL, "suppliers"));
    must(world_remove(w, s->admin, s->hidden));
    settle_both(s);
    must(world_remove(w, s->admin, s->assignment));
    settle_both(s);
    must(world_create(w, s->admin, "assignment", world_id(w), "party", world_id_text(w, s->partner),
                      "account", world_id_text(w, s->account), "level", "edit", NULL));
    settle_both(s);
}

/* She was away while more was written than fits into one message: what she prefers comes ahead. */
static void return_to_much(struct stage *s)
{
    static char text[MUCH + 1];
    struct world *w = s->world;
    const size_t before = client_received(s->eva, MESSAGE_BACKFILL);
    if (told(s))
        return; /* a new connection would not know */
    client_disconnect(s->eva);
    memset(text, 'w', MUCH);
    for (unsigned i = 0; i < 4; i++) {
        const struct id note = world_id(w);
        must(world_create(w, s->admin, "note", note, "account", world_id_text(w, s->account),
                          "text", text, NULL));
        must(world_share(w, s->admin, note, "suppliers", NULL));
    }
    begin(s);
    assert_true(told(s) || client_received(s->eva, MESSAGE_BACKFILL) > before);
}

static void play(struct stage *s)
{
    begin(s);
    check_held(s);
    check_sums(s, 10);
    ask_lists(s);
    ask_past(s);
    follow(s);
    return_to_much(s);
    check_sums(s, 11);
    /* Whoever was told of nothing has missed nothing. */
    if (!told(s)) {
        assert_true(client_caught_up(s->eva));
        world_check_view(s->world, s->eva);
    }
}

static void compare(const struct stage *got, const struct stage *right)
{
    assert_true(got->rightly_refused <= right->rightly_refused);
    for (size_t i = 0; i < ASKED; i++)
        if (got->answers[i].size > 0)
            assert_true(
                bytes_equal(buffer_bytes(&got->answers[i]), buffer_bytes(&right->answers[i])));
}

/* What must hold when the faults are over. */
static void come_back(struct stage *stage, const struct stage *right)
{
    victim = NULL;
    compare(stage, right);
    if (told(stage))
        client_connect(stage->eva);
    settle_both(stage);
    assert_true(client_connected(stage->eva) && client_caught_up(stage->eva));
    world_check_view(stage->world, stage->eva);
    assert_true(client_connected(stage->kari));
    world_check_view(stage->world, stage->kari);
    stage_release(stage);
}

static bool without_memory(void *context, uint64_t n, bool onwards)
{
    struct stage stage;
    stage_make(&stage);
    victim = stage.eva;
    failing_memory_arm(n, onwards);
    failing_memory_pause(true);
    play(&stage);
    const bool met = failing_memory_disarm() > 0;
    assert_true(client_closed(stage.eva) == 0 || client_closed(stage.eva) == CLOSE_SERVER_ERROR);
    assert_true(met || !told(&stage));
    come_back(&stage, context);
    return met;
}

static bool without_reading(void *context, uint64_t n, bool onwards)
{
    struct stage stage;
    if (onwards)
        return false; /* the state in memory fails once */
    stage_make(&stage);
    victim = stage.eva;
    reads.memory = world_state(stage.world).self;
    reads.nth = n;
    reads.made = 0;
    play(&stage);
    const bool met = reads.made >= n;
    reads.memory = NULL;
    assert_true(client_closed(stage.eva) == 0 || client_closed(stage.eva) == CLOSE_SERVER_ERROR);
    /* A read has a purpose: whatever needed it does not go by without it. */
    assert_true(met == told(&stage));
    come_back(&stage, context);
    return met;
}

static void a_session_ends_or_is_right(void **state)
{
    struct stage right;
    (void)state;
    stage_make(&right);
    play(&right);
    assert_false(told(&right));
    for (size_t i = 0; i < ASKED; i++)
        assert_true((right.answers[i].size > 0) == (i != 4));
    assert_int_equal(right.rightly_refused, 1);
    sweep("allocation, session", 1, without_memory, &right);
    sweep("reading the store, session", 1, without_reading, &right);
    stage_release(&right);
    assert_int_equal(failing_memory_held(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_ends_or_is_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
