/* Mentions: who may be told of what, and what those hear who may not tell them. */
#include <string.h>

#include "protocol/wire.h"
#include "tests/unit/core/note_world.h"

#define KARI nid(900)
#define NILS nid(901)
#define VERA nid(902) /* a Viewer */
#define OLA nid(903)  /* disabled */
#define SUPPLY nid(800)
#define OTHERS nid(801)
#define SUE nid(910) /* of the supplier */
#define SAM nid(911)
#define ODD nid(912) /* of another partner */
#define FJORD nid(20)
#define NOTE nid(10)
#define HIDDEN nid(11)
#define ENTRY nid(500)

static int setup(void **state)
{
    const int result = world_setup(state);
    struct world *w = *state;
    add_staff(w, KARI, "kari", "Member", "sales");
    add_staff(w, NILS, "nils", "Member", "support");
    add_staff(w, VERA, "Vera", "Viewer", "support");
    add_staff(w, OLA, "ola", "Member", "support");
    assert_ok(update(w, w->ada, "user", OLA, "disabled=true"));
    add_partner(w, SUPPLY, "Supply", "supplier");
    add_partner(w, OTHERS, "Others", "supplier");
    add_partner_user(w, SUE, "sue", SUPPLY);
    add_partner_user(w, SAM, "sam", SUPPLY);
    add_partner_user(w, ODD, "odd", OTHERS);
    assert_ok(create(w, KARI, "account", FJORD, "name=Fjord"));
    assign(w, nid(30), SUPPLY, FJORD, "comment");
    assign(w, nid(31), OTHERS, FJORD, "comment");
    assert_ok(create(w, KARI, "note", NOTE,
                     fmt("account=%s|text=first line\nAsk @nils and @sue.\nlast", tx(FJORD))));
    assert_ok(create(w, KARI, "note", HIDDEN, fmt("account=%s|text=hidden", tx(FJORD))));
    assert_ok(share(w, KARI, NOTE, fmt("partner:%s", tx(SUPPLY)), NULL));
    return result;
}

#define MENTION_TEST(function) cmocka_unit_test_setup_teardown(function, setup, world_teardown)

static void add_mention(struct changes *changes, struct id id, struct id note, const char *user)
{
    wire_put_map(&changes->list, 4);
    wire_put_text(&changes->list, "op");
    wire_put_text(&changes->list, "mention");
    wire_put_text(&changes->list, "id");
    wire_put_id(&changes->list, id);
    wire_put_text(&changes->list, "note");
    wire_put_id(&changes->list, note);
    wire_put_text(&changes->list, "user");
    wire_put_text(&changes->list, user);
    changes->count++;
}

static struct reply mention(struct world *w, struct id actor, struct id id, struct id note,
                            const char *user)
{
    struct changes changes = {.count = 0};
    add_mention(&changes, id, note, user);
    return send(w, actor, &changes);
}

static void a_mention_is_in_the_inbox_of_whom_it_names(void **state)
{
    struct world *w = *state;
    const uint64_t seq = head(w);
    assert_ok(mention(w, KARI, ENTRY, NOTE, "NILS"));
    assert_int_equal(head(w), seq + 1);
    assert_string_equal(scope_text(w, ENTRY), fmt("user:%s", tx(NILS)));
    assert_string_equal(audience_of(w, ENTRY), "internal");
    assert_string_equal(value_of(w, ENTRY, "note"), tx(NOTE));
    assert_string_equal(value_of(w, ENTRY, "account"), tx(FJORD));
    assert_string_equal(value_of(w, ENTRY, "read"), "");
    assert_true(bytes_is(stored(w, ENTRY)->entity, "mention"));
    assert_true(bytes_is(stored(w, ENTRY)->created.by, "kari"));
    bool touched = false;
    for (size_t i = 0; i < w->effects.lane_count; i++)
        touched = touched || (w->effects.lanes[i].scope.kind == SCOPE_USER &&
                              id_equal(w->effects.lanes[i].scope.id, NILS));
    assert_true(touched);
}

static void nobody_but_its_owner_sees_it(void **state)
{
    struct world *w = *state;
    assert_ok(mention(w, KARI, ENTRY, NOTE, "sue"));
    assert_string_equal(audience_of(w, ENTRY), fmt("partner:%s", tx(SUPPLY)));
    assert_true(sees(w, SUE, ENTRY));
    assert_false(sees(w, SAM, ENTRY));
    assert_false(sees(w, KARI, ENTRY));
    assert_false(sees(w, w->ada, ENTRY));
    assert_reply(update(w, w->ada, "mention", ENTRY, "read=true"), STATUS_NOT_FOUND);
    assert_reply(erase(w, KARI, ENTRY), STATUS_NOT_FOUND);
}

static void its_owner_reads_and_removes_it_and_no_more(void **state)
{
    struct world *w = *state;
    assert_ok(mention(w, KARI, ENTRY, NOTE, "sue"));
    assert_ok(mention(w, KARI, nid(501), NOTE, "vera"));
    assert_ok(update(w, SUE, "mention", ENTRY, "read=true"));
    assert_string_equal(value_of(w, ENTRY, "read"), "true");
    assert_reply(update(w, SUE, "mention", ENTRY, fmt("note=%s", tx(HIDDEN))), STATUS_DENIED);
    assert_reply(update(w, SUE, "mention", ENTRY, "account="), STATUS_DENIED);
    assert_reply(share(w, SUE, ENTRY, "internal", NULL), STATUS_DENIED);
    assert_reply(share(w, VERA, nid(501), "internal", NULL), STATUS_DENIED);
    assert_ok(erase(w, SUE, ENTRY));
    assert_ok(update(w, VERA, "mention", nid(501), "read=true"));
    assert_ok(erase(w, VERA, nid(501)));
}

static void nobody_makes_one_by_a_creation(void **state)
{
    struct world *w = *state;
    assert_reply(create(w, w->ada, "mention", ENTRY, "read=true"), STATUS_DENIED);
    assert_reply(create(w, SUE, "mention", ENTRY, "read=true"), STATUS_DENIED);
    assert_reply(
        create_in(w, w->ada, "mention", ENTRY, "read=true", fmt("user:%s", tx(NILS)), NULL),
        STATUS_DENIED);
}

static void staff_hear_why(void **state)
{
    struct world *w = *state;
    struct reply reply = mention(w, KARI, ENTRY, NOTE, "nobody at all");
    assert_reply(reply, STATUS_NOT_FOUND);
    assert_string_equal(reply.field, "user");
    assert_string_equal(reply.detail, "there is no user called nobody at all");
    reply = mention(w, KARI, ENTRY, NOTE, "odd");
    assert_reply(reply, STATUS_DENIED);
    assert_string_equal(reply.detail,
                        "odd may not see this note: share it with them, or leave the name as text");
    assert_ok(share(w, KARI, NOTE, fmt("partner:%s", tx(OTHERS)), NULL));
    assert_ok(mention(w, KARI, ENTRY, NOTE, "odd"));
    reply = mention(w, KARI, nid(501), NOTE, "ola");
    assert_reply(reply, STATUS_DENIED);
    assert_string_equal(reply.detail, "ola cannot sign in: leave the name as text");
}

static void what_is_written_in_a_restricted_account_reaches_its_team_only(void **state)
{
    struct world *w = *state;
    assert_ok(update(w, KARI, "account", FJORD, fmt("restricted=true|team=%s", tx(KARI))));
    assert_reply(mention(w, KARI, ENTRY, NOTE, "nils"), STATUS_DENIED);
    assert_reply(mention(w, NILS, ENTRY, NOTE, "nils"), STATUS_NOT_FOUND);
    assert_ok(mention(w, KARI, ENTRY, NOTE, "sue"));
}

/* The gate reads access as it is stored, so what this very mutation ends would still be open. */
static void a_mutation_that_changes_access_mentions_nobody(void **state)
{
    struct world *w = *state;
    struct changes changes = {.count = 0};
    add_update(&changes, "account", FJORD, fmt("restricted=true|team=%s", tx(KARI)), 0);
    add_mention(&changes, ENTRY, NOTE, "nils");
    struct reply reply = send(w, KARI, &changes);
    assert_reply(reply, STATUS_INVALID_VALUE);
    assert_int_equal(reply.change, 1);
    assert_false(is_there(w, ENTRY));
    add_remove(&changes, nid(30), 0);
    add_mention(&changes, ENTRY, NOTE, "sue");
    assert_reply(send(w, KARI, &changes), STATUS_INVALID_VALUE);
    add_share(&changes, NOTE, NULL, fmt("partner:%s", tx(SUPPLY)));
    add_mention(&changes, ENTRY, NOTE, "sue");
    assert_reply(send(w, KARI, &changes), STATUS_DENIED);
}

static void only_who_may_write_in_the_note_mentions(void **state)
{
    struct world *w = *state;
    assert_reply(mention(w, VERA, ENTRY, NOTE, "nils"), STATUS_DENIED);
    assert_reply(mention(w, ODD, ENTRY, NOTE, "sue"), STATUS_NOT_FOUND);
    assert_reply(mention(w, KARI, ENTRY, FJORD, "nils"), STATUS_NOT_FOUND);
    assert_ok(update(w, KARI, "assignment", nid(30), "level=view"));
    assert_reply(mention(w, SUE, ENTRY, NOTE, "sam"), STATUS_DENIED);
    assert_ok(erase(w, KARI, NOTE));
    assert_reply(mention(w, KARI, ENTRY, NOTE, "nils"), STATUS_NOT_FOUND);
}

/* The bytes of the answer but for the number, which the client chose. */
static void answer_of(struct world *w, struct id actor, struct id note, const char *user,
                      struct buffer *out)
{
    struct changes changes = {.count = 0};
    add_mention(&changes, ENTRY, note, user);
    const uint64_t seq = head(w);
    send_numbered(w, actor, nid(700 + (unsigned)w->client_count++), 1, &changes);
    assert_int_equal(head(w), seq);
    buffer_clear(out);
    buffer_append(out, w->effects.answer.data, w->effects.answer.size);
}

/* All names here have as many letters, so that the answers may be compared to the byte. */
static void a_partner_hears_of_everybody_else_what_it_hears_of_nobody(void **state)
{
    struct world *w = *state;
    static const char *const names[] = {"nils", "vera", "ella", "rolf", "ada\"", "oddi"};
    struct buffer nobody = {0}, somebody = {0};
    add_staff(w, nid(920), "ella", "Member", "sales");
    add_partner_user(w, nid(921), "oddi", OTHERS);
    assert_ok(update(w, w->ada, "user", nid(920), "disabled=true"));
    assert_ok(share(w, KARI, NOTE, fmt("partner:%s", tx(OTHERS)), NULL));
    answer_of(w, SUE, NOTE, "none", &nobody);
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        answer_of(w, SUE, NOTE, names[i], &somebody);
        assert_int_equal(somebody.size, nobody.size);
        for (size_t at = 0; at + 4 <= somebody.size; at++)
            if (memcmp(somebody.data + at, names[i], 4) == 0)
                memcpy(somebody.data + at, "none", 4);
        assert_memory_equal(somebody.data, nobody.data, nobody.size);
    }
    answer_of(w, SUE, HIDDEN, "kari", &somebody);
    answer_of(w, SUE, nid(999), "kari", &nobody);
    assert_true(bytes_equal(buffer_bytes(&somebody), buffer_bytes(&nobody)));
    answer_of(w, SUE, HIDDEN, "sam", &somebody);
    answer_of(w, SUE, nid(999), "sam", &nobody);
    assert_true(bytes_equal(buffer_bytes(&somebody), buffer_bytes(&nobody)));
    buffer_release(&nobody);
    buffer_release(&somebody);
}

static void a_partner_mentions_its_own_and_those_who_wrote(void **state)
{
    struct world *w = *state;
    assert_ok(mention(w, SUE, ENTRY, NOTE, "sam"));
    assert_ok(mention(w, SUE, nid(501), NOTE, "kari"));
    assert_reply(mention(w, SUE, nid(502), NOTE, "nils"), STATUS_NOT_FOUND);
    assert_pushed(push(w, NILS, NOTE, 0, "=35 +!"), 1);
    assert_ok(mention(w, SUE, nid(502), NOTE, "nils"));
    assert_string_equal(scope_text(w, nid(502)), fmt("user:%s", tx(NILS)));
    /* Who wrote and may not see it any more is as good as nobody. */
    assert_ok(update(w, w->ada, "user", NILS, "disabled=true"));
    assert_reply(mention(w, SUE, nid(503), NOTE, "nils"), STATUS_NOT_FOUND);
}

/* A colleague changed a field that the partner does not see: nothing of that is theirs to know. */
static void hidden_work_on_a_note_makes_nobody_its_author(void **state)
{
    struct world *w = *state;
    assert_ok(update(w, NILS, "note", NOTE, "externalId=77"));
    assert_reply(mention(w, SUE, ENTRY, NOTE, "nils"), STATUS_NOT_FOUND);
    struct changes changes = {.count = 0};
    add_create(&changes, "note", nid(12), fmt("account=%s|text=for @nils", tx(FJORD)));
    add_mention(&changes, ENTRY, nid(12), "nils");
    assert_reply(send(w, SUE, &changes), STATUS_NOT_FOUND);
}

/* It stays with its owner when the note no longer is theirs to see. */
static void it_holds_no_words_of_the_note(void **state)
{
    struct world *w = *state;
    static const char *const fields[] = {"note", "account"};
    struct changes changes = {.count = 0};
    add_create(&changes, "note", nid(12), fmt("account=%s|text=new for @nils", tx(FJORD)));
    add_mention(&changes, nid(502), nid(12), "nils");
    assert_ok(send(w, KARI, &changes));
    assert_ok(mention(w, KARI, ENTRY, NOTE, "nils"));
    const struct id entries[] = {ENTRY, nid(502)};
    for (unsigned e = 0; e < 2; e++) {
        const struct record *record = stored(w, entries[e]);
        assert_int_equal(record->field_count, 2);
        for (unsigned i = 0; i < 2; i++)
            assert_non_null(record_field(record, fields[i]));
    }
}

static void a_note_in_no_account_names_none(void **state)
{
    struct world *w = *state;
    assert_ok(create(w, KARI, "note", nid(12), "text=to whom it concerns"));
    assert_ok(mention(w, KARI, ENTRY, nid(12), "nils"));
    assert_string_equal(value_of(w, ENTRY, "account"), "");
}

static void what_is_missing_or_taken_is_told(void **state)
{
    struct world *w = *state;
    struct changes changes = {.count = 0};
    assert_reply(mention(w, KARI, NOTE, NOTE, "nils"), STATUS_EXISTS);
    assert_reply(mention(w, KARI, ENTRY, NOTE, ""), STATUS_NOT_FOUND);
    add_mention(&changes, ENTRY, NOTE, "nils");
    add_mention(&changes, ENTRY, NOTE, "nils");
    assert_reply(send(w, KARI, &changes), STATUS_EXISTS);
    wire_put_map(&changes.list, 3);
    wire_put_text(&changes.list, "op");
    wire_put_text(&changes.list, "mention");
    wire_put_text(&changes.list, "id");
    wire_put_id(&changes.list, ENTRY);
    wire_put_text(&changes.list, "user");
    wire_put_text(&changes.list, "nils");
    changes.count++;
    struct reply reply = send(w, KARI, &changes);
    assert_reply(reply, STATUS_MISSING_FIELD);
    assert_string_equal(reply.field, "note");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MENTION_TEST(a_mention_is_in_the_inbox_of_whom_it_names),
        MENTION_TEST(nobody_but_its_owner_sees_it),
        MENTION_TEST(its_owner_reads_and_removes_it_and_no_more),
        MENTION_TEST(nobody_makes_one_by_a_creation),
        MENTION_TEST(staff_hear_why),
        MENTION_TEST(what_is_written_in_a_restricted_account_reaches_its_team_only),
        MENTION_TEST(a_mutation_that_changes_access_mentions_nobody),
        MENTION_TEST(only_who_may_write_in_the_note_mentions),
        MENTION_TEST(a_partner_hears_of_everybody_else_what_it_hears_of_nobody),
        MENTION_TEST(a_partner_mentions_its_own_and_those_who_wrote),
        MENTION_TEST(hidden_work_on_a_note_makes_nobody_its_author),
        MENTION_TEST(it_holds_no_words_of_the_note),
        MENTION_TEST(a_note_in_no_account_names_none),
        MENTION_TEST(what_is_missing_or_taken_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
