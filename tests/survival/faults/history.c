#include "tests/survival/faults/history.h"

#include <string.h>

#include "protocol/wire.h"
#include "tests/unit/core/note_world.h"

#define KARI nid(900)
#define NILS nid(901)
#define EVA nid(910)
#define PAPIR nid(50)

static void order_before(struct world *w, uint64_t before)
{
    struct buffer body = {0};
    wire_put_map(&body, 1);
    wire_put_text(&body, "before");
    wire_put_uint(&body, before);
    assert_int_equal(order(w, COMMAND_PRUNE, (struct id){{0}}, buffer_bytes(&body)), STATUS_OK);
    buffer_release(&body);
}

static void order_credential(struct world *w, enum credential_kind kind, const char *value,
                             uint64_t expires)
{
    struct buffer body = {0};
    credential_body(&body, EVA, kind, bytes_text(value), expires);
    assert_int_equal(order(w, COMMAND_CREDENTIAL, (struct id){{0}}, buffer_bytes(&body)),
                     STATUS_OK);
    buffer_release(&body);
}

static void people(struct world *w)
{
    add_staff(w, KARI, "kari", "Administrator", "sales");
    add_staff(w, NILS, "nils", "Member", "support");
    add_partner(w, PAPIR, "Papir", "supplier");
    add_partner_user(w, EVA, "eva", PAPIR);
    order_credential(w, CREDENTIAL_PASSWORD, "$argon2id$none", 0);
    order_credential(w, CREDENTIAL_TOKEN, "0123456789abcdef0123456789abcdef", w->now + DAY);
}

static void records(struct world *w)
{
    char from[SCHEMA_TIME_TEXT];
    assert_ok(create(w, KARI, "account", nid(1), "name=Fjord|industry=Paper"));
    assert_ok(create(w, KARI, "customField", nid(60),
                     "key=lead.mood|entity=lead|name=mood|kind=text|class=restricted|"
                     "departments=sales"));
    assert_ok(create(w, KARI, "customEntity", nid(61), "name=ship|home=library"));
    assert_ok(create(w, KARI, "lead", nid(2), "lastName=B"));
    assert_ok(create(w, KARI, "lead", nid(3), "lastName=C"));
    schema_time_to_text((int64_t)(w->now + 2 * DAY), from);
    assert_ok(
        create(w, KARI, "assignment", nid(4),
               fmt("party=%s|account=%s|level=edit|from=%.10s", tx(PAPIR), tx(nid(1)), from)));
    assert_ok(create(w, KARI, "note", nid(5), fmt("account=%s|text=call them", tx(nid(1)))));
    assert_ok(share(w, KARI, nid(5), "suppliers", NULL));
    assert_ok(update(w, NILS, "note", nid(5), "text=called them"));
}

/* One mutation that passes by every kind of change and most rules that write. */
static void everything_at_once(struct world *w)
{
    struct changes changes = {.count = 0};
    add_update(&changes, "account", nid(1), fmt("restricted=true|team=%s|industry=", tx(KARI)), 0);
    add_create(&changes, "note", nid(10), fmt("account=%s|text=x", tx(nid(1))));
    add_share(&changes, nid(10), fmt("suppliers partner:%s", tx(PAPIR)), NULL);
    add_create(&changes, "user", nid(11), fmt("name=per|role=Partner|partner=%s", tx(PAPIR)));
    add_create(&changes, "ship", nid(13), "name=Fram");
    add_update(&changes, "lead", nid(2), "mood=good", 0);
    add_update(&changes, "note", nid(10), "account=", 0);
    add_remove(&changes, nid(2), 0);
    assert_ok(send(w, KARI, &changes));
}

static uint64_t newest(struct world *w, struct id note)
{
    struct note_head head;
    struct buffer scratch = {0};
    assert_int_equal(note_read_head(&w->state, stored(w, note), &scratch, &head), STATUS_OK);
    buffer_release(&scratch);
    return head.version;
}

/* Two in one note: what they type settles, is set as a whole by a third, and goes on. */
static void typing(struct world *w)
{
    const uint64_t base = newest(w, nid(5));
    assert_pushed(push(w, KARI, nid(5), base, "=11 +_soon|=16 +!"), base + 2);
    assert_pushed(push(w, NILS, nid(5), base + 2, "-6+wrote =11"), base + 3);
    assert_int_equal(push(w, KARI, nid(5), base + 2, "=17 +?").status, STATUS_BEHIND);
    w->now += NOTE_PAUSE_MS;
    run_due(w);
    assert_ok(update(w, w->ada, "note", nid(5), "text=wrote to them"));
    assert_pushed(push(w, NILS, nid(5), base + 4, "=13 +_twice"), base + 5);
    assert_ok(create(w, KARI, "note", nid(6), fmt("account=%s", tx(nid(1)))));
    assert_pushed(push(w, KARI, nid(6), 0, "+gone|=4 +_soon"), 2);
    assert_ok(erase(w, KARI, nid(6)));
    assert_ok(create(w, KARI, "note", nid(7), "text=x"));
    assert_pushed(push(w, KARI, nid(7), 0, "=1 +y|=2 +z"), 2);
}

static void refusals(struct world *w)
{
    struct changes changes = {.count = 0};
    struct reply reply = create(w, NILS, "opportunity", nid(20), "stage=nonsense");
    assert_int_not_equal(reply.status, STATUS_OK);
    add_update(&changes, "note", nid(5), "text=wrote them", 1);
    reply = send(w, KARI, &changes);
    assert_int_equal(reply.status, STATUS_CONFLICT);
    reply = update(w, EVA, "lead", nid(3), "lastName=D");
    assert_int_not_equal(reply.status, STATUS_OK);
}

static void endings(struct world *w)
{
    w->now += 3 * DAY;
    run_due(w);
    assert_ok(update(w, KARI, "assignment", nid(4), "level=view"));
    assert_ok(erase(w, KARI, nid(3)));
    assert_ok(erase(w, KARI, nid(4)));
    assert_ok(update(w, KARI, "user", EVA, "disabled=true"));
    order_before(w, w->now + 1);
    run_due(w);
    assert_int_equal(order(w, COMMAND_FORGET_CLIENT, NILS, bytes_of(NULL, 0)), STATUS_OK);
}

/* In the note of which the history was forgotten: some of it has settled, some waits. */
static void typing_on(struct world *w)
{
    assert_pushed(push(w, KARI, nid(7), 2, "-3+done|=4 +_all|=8 +!"), 5);
    w->now += NOTE_PAUSE_MS;
    run_due(w);
    assert_pushed(push(w, w->ada, nid(7), 5, "-4+said =5|=9 +_so"), 7);
}

/* Takes the log of a world that is done with. */
static void take_log(struct history *history, struct world *w)
{
    memset(history, 0, sizeof *history);
    history->log = w->log;
    history->faithful = KARI;
    w->log = (struct buffer){0};
    world_release(w);
    for (size_t at = 0; at < history->log.size; history->count++) {
        const size_t size = get_u32(history->log.data + at);
        assert_true(history->count < HISTORY_MOST);
        assert_int_equal(command_decode(bytes_of(history->log.data + at + 4, size),
                                        &history->commands[history->count]),
                         STATUS_OK);
        at += 4 + size;
    }
}

void history_make(struct history *history)
{
    struct world w;
    world_init(&w);
    people(&w);
    records(&w);
    typing(&w);
    everything_at_once(&w);
    refusals(&w);
    endings(&w);
    typing_on(&w);
    take_log(history, &w);
}

void history_make_line(struct history *history)
{
    struct world w;
    world_init(&w);
    add_staff(&w, KARI, "kari", "Administrator", "sales");
    for (unsigned i = 0; i < 12; i++) {
        struct changes changes = {.count = 0};
        assert_ok(create(&w, KARI, "account", nid(100 + i), fmt("name=Fjord %u", i)));
        add_create(&changes, "note", nid(200 + i), fmt("account=%s|text=a", tx(nid(100 + i))));
        if (i > 0)
            add_update(&changes, "account", nid(99 + i), fmt("industry=Paper %u", i), 0);
        assert_ok(send(&w, KARI, &changes));
    }
    take_log(history, &w);
    history->one_moment = true;
}

void history_release(struct history *history)
{
    buffer_release(&history->log);
}

static void dump_bytes(struct buffer *out, struct bytes bytes)
{
    uint8_t size[4];
    put_u32(size, (uint32_t)bytes.size);
    buffer_append(out, size, sizeof size);
    if (bytes.size > 0)
        buffer_append(out, bytes.data, bytes.size);
}

static void dump_number(struct buffer *out, uint64_t number)
{
    uint8_t octets[8];
    put_u64(octets, number);
    buffer_append(out, octets, sizeof octets);
}

/* What is kept of a live note. */
static void dump_note(const struct state *state, struct id id, struct buffer *out)
{
    static const enum note_rows kinds[] = {NOTE_LOG, NOTE_SNAPSHOT};
    struct bytes bytes;
    if (state->ops->note_head(state->self, id, &bytes) == STATUS_OK)
        dump_bytes(out, bytes);
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        uint64_t version = UINT64_MAX;
        while (state->ops->note_before(state->self, kinds[i], id, version, &version, &bytes) ==
               STATUS_OK) {
            dump_number(out, version);
            dump_bytes(out, bytes);
        }
    }
}

/* A record, its history, and its rows as a subject of the access table. */
static void dump_record(const struct state *state, struct id id, struct buffer *out)
{
    struct bytes bytes;
    uint64_t before = UINT64_MAX, seq;
    struct scope after = {0}, scope;
    struct access_row row;
    assert_int_equal(state->ops->record(state->self, id, &bytes), STATUS_OK);
    dump_bytes(out, bytes);
    for (; state->ops->history_next(state->self, id, before, &seq, &bytes) == STATUS_OK;
         before = seq) {
        dump_number(out, seq);
        dump_bytes(out, bytes);
    }
    for (; state->ops->access_next(state->self, id, after, &scope, &row) == STATUS_OK;
         after = scope) {
        buffer_append(out, scope.id.octet, ID_SIZE);
        dump_number(out, row.granted);
        dump_number(out, row.revoked);
        dump_number(out, row.level);
        buffer_append(out, row.assignment.octet, ID_SIZE);
    }
    dump_note(state, id, out);
}

static void dump_rows(const struct state *state, struct buffer *out,
                      enum status (*next)(void *, struct bytes, struct buffer *, struct bytes *))
{
    struct buffer key = {0};
    struct bytes value;
    while (next(state->self, bytes_of("", 0), &key, &value) == STATUS_OK) {
        dump_bytes(out, buffer_bytes(&key));
        dump_bytes(out, value);
    }
    buffer_release(&key);
}

void history_dump(const struct state *state, bool positions, struct buffer *out)
{
    struct meta meta;
    uint64_t seq = 0, at_ms = 0;
    struct id id = {{0}};
    assert_int_equal(state->ops->meta(state->self, &meta), STATUS_OK);
    buffer_clear(out);
    dump_number(out, meta.seq);
    dump_number(out, meta.horizon);
    dump_number(out, meta.people_seq);
    dump_number(out, meta.access_seq);
    dump_number(out, positions ? meta.log_position : 0);
    while (state->ops->feed_next(state->self, &seq, &id) == STATUS_OK) {
        dump_number(out, seq);
        buffer_append(out, id.octet, ID_SIZE);
        dump_record(state, id, out);
    }
    dump_rows(state, out, state->ops->client_next);
    dump_rows(state, out, state->ops->credential_next);
    if (state->ops->due_first(state->self, &at_ms, &id) == STATUS_OK) {
        dump_number(out, at_ms);
        buffer_append(out, id.octet, ID_SIZE);
    }
    assert_false(out->failed);
}
