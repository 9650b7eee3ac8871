/* What partners and roles may do through mutations; assignments; restricted accounts. */
#include <string.h>

#include "protocol/wire.h"
#include "server/core/record/record.h"
#include "tests/unit/core/world.h"

#define KARI nid(900) /* member, sales */
#define NILS nid(901) /* member, support */
#define VERA nid(902) /* viewer */
#define MONA nid(903) /* manager */
#define PAPIR nid(50) /* a supplier, with eva and erik */
#define EVA nid(910)
#define ERIK nid(911)
#define NORD nid(51) /* a distributor, with dag */
#define DAG nid(912)
#define FJORD nid(1) /* accounts */
#define BERG nid(2)

static int setup(void **state)
{
    if (world_setup(state) != 0)
        return -1;
    struct world *w = *state;
    add_staff(w, KARI, "kari", "Member", "sales");
    add_staff(w, NILS, "nils", "Member", "support");
    add_staff(w, VERA, "vera", "Viewer", "support");
    add_staff(w, MONA, "mona", "Manager", "sales");
    add_partner(w, PAPIR, "Papir", "supplier");
    add_partner(w, NORD, "Nord", "distributor");
    add_partner_user(w, EVA, "eva", PAPIR);
    add_partner_user(w, ERIK, "erik", PAPIR);
    add_partner_user(w, DAG, "dag", NORD);
    assert_ok(create(w, KARI, "account", FJORD, "name=Fjord"));
    assert_ok(create(w, KARI, "account", BERG, "name=Berg"));
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, world_teardown)

static const char *in_account(struct id account, const char *fields)
{
    return fmt("account=%s|%s", tx(account), fields);
}

static void an_assignment_opens_an_account(void **state)
{
    struct world *w = *state;
    assert_false(sees(w, EVA, FJORD));
    assert_reply(update(w, EVA, "account", FJORD, "name=Mine"), STATUS_NOT_FOUND);
    effects_clear(&w->effects);
    assign(w, nid(10), PAPIR, FJORD, "view");
    assert_int_equal(w->effects.subject_count, 1);
    assert_true(id_equal(w->effects.subjects[0], PAPIR));
    assert_string_equal(value_of(w, nid(10), "status"), "Active");
    assert_string_equal(audience_of(w, nid(10)), fmt("internal partner:%s", tx(PAPIR)));
    struct opening opening = opening_of(w, EVA, account_scope_of(FJORD));
    assert_true(opening.open);
    assert_int_equal(opening.since, head(w));
    assert_int_equal(opening.level, LEVEL_VIEW);
    assert_true(sees(w, EVA, FJORD));
    assert_false(sees(w, EVA, BERG));
    assert_false(sees(w, DAG, FJORD));
    assert_reply(update(w, EVA, "account", FJORD, "name=Mine"), STATUS_DENIED);
    struct reply ended = erase(w, KARI, nid(10));
    assert_ok(ended);
    opening = opening_of(w, EVA, account_scope_of(FJORD));
    assert_false(opening.open);
    assert_int_equal(opening.closed, ended.seq);
    assert_reply(update(w, EVA, "account", FJORD, "name=Mine"), STATUS_NOT_FOUND);
}

static void a_partner_hears_the_same_of_what_is_hidden_and_what_is_not(void **state)
{
    struct world *w = *state;
    assign(w, nid(10), PAPIR, FJORD, "edit");
    assert_ok(create(w, KARI, "note", nid(20), in_account(FJORD, "text=secret")));
    assert_ok(create(w, KARI, "contact", nid(21), in_account(BERG, "lastName=B")));
    const struct id hidden[] = {nid(20), nid(21), BERG, KARI, nid(77)};
    struct reply reference = erase(w, EVA, nid(77));
    for (unsigned i = 0; i < sizeof hidden / sizeof *hidden; i++) {
        struct reply reply = update(w, EVA, "note", hidden[i], "text=x");
        assert_reply(reply, STATUS_NOT_FOUND);
        assert_string_equal(reply.detail, reference.detail);
        assert_string_equal(reply.field, reference.field);
        reply = erase(w, EVA, hidden[i]);
        assert_reply(reply, STATUS_NOT_FOUND);
        assert_string_equal(reply.detail, reference.detail);
        assert_string_equal(reply.field, reference.field);
        assert_reply(share(w, EVA, hidden[i], "partners", NULL), STATUS_NOT_FOUND);
        reply = create(w, EVA, "note", nid(30 + i), in_account(hidden[i], "text=x"));
        assert_reply(reply, STATUS_NOT_FOUND);
        assert_string_equal(reply.field, "account");
    }
    struct reply closed = create(w, EVA, "note", nid(40), in_account(BERG, "text=x"));
    struct reply absent = create(w, EVA, "note", nid(40), in_account(nid(77), "text=x"));
    assert_reply(closed, STATUS_NOT_FOUND);
    assert_reply(absent, STATUS_NOT_FOUND);
    assert_string_equal(closed.field, absent.field);
    assert_string_equal(closed.detail, absent.detail);
    /* Nor does a reference tell them apart. */
    for (unsigned i = 0; i < sizeof hidden / sizeof *hidden; i++) {
        struct reply reply = create(w, EVA, "document", nid(41),
                                    fmt("%s|versions=%s", in_account(FJORD, "name=x"),
                                        tx(hidden[i])));
        assert_reply(reply, STATUS_NOT_FOUND);
        assert_string_equal(reply.field, "versions");
        assert_string_equal(reply.detail, reference.detail);
    }
    /* Deleted or never there: the same, unless they could have seen it. */
    assert_ok(erase(w, KARI, nid(20)));
    assert_reply(update(w, EVA, "note", nid(20), "text=x"), STATUS_NOT_FOUND);
}

static void a_level_says_what_a_partner_may_do(void **state)
{
    struct world *w = *state;
    assign(w, nid(10), PAPIR, FJORD, "view");
    assert_ok(create(w, KARI, "contact", nid(20), in_account(FJORD, "lastName=B")));
    assert_reply(create(w, EVA, "note", nid(21), in_account(FJORD, "text=x")), STATUS_DENIED);
    assert_ok(update(w, KARI, "assignment", nid(10), "level=comment"));
    assert_int_equal(opening_of(w, EVA, account_scope_of(FJORD)).level, LEVEL_COMMENT);
    assert_ok(create(w, EVA, "note", nid(21), in_account(FJORD, "text=x")));
    assert_string_equal(audience_of(w, nid(21)), fmt("internal partner:%s", tx(PAPIR)));
    assert_ok(create(w, EVA, "interaction", nid(22),
                     in_account(FJORD, "subject=x|channel=Portal")));
    assert_ok(update(w, EVA, "note", nid(21), "text=y"));
    assert_reply(update(w, ERIK, "note", nid(21), "text=z"), STATUS_DENIED);
    assert_reply(erase(w, ERIK, nid(21)), STATUS_DENIED);
    assert_ok(erase(w, EVA, nid(21)));
    assert_reply(update(w, EVA, "contact", nid(20), "lastName=C"), STATUS_DENIED);
    assert_reply(create(w, EVA, "case", nid(23), in_account(FJORD, "name=x")), STATUS_DENIED);
    assert_ok(update(w, KARI, "assignment", nid(10), "level=edit"));
    assert_ok(update(w, EVA, "contact", nid(20), "lastName=C"));
    assert_ok(create(w, EVA, "case", nid(23), in_account(FJORD, "name=x")));
    assert_ok(update(w, EVA, "account", FJORD, "industry=Wood"));
    assert_reply(erase(w, EVA, nid(20)), STATUS_DENIED);
    assert_reply(erase(w, EVA, FJORD), STATUS_DENIED);
    assert_ok(erase(w, EVA, nid(23)));
    assert_reply(create(w, EVA, "opportunity", nid(24), in_account(FJORD, "name=x")),
                 STATUS_DENIED);
    assert_int_equal(opening_of(w, EVA, account_scope_of(FJORD)).since,
                     stored(w, nid(10))->created.seq);
}

static void partners_never_share_move_or_manage(void **state)
{
    struct world *w = *state;
    assign(w, nid(10), PAPIR, FJORD, "edit");
    assign(w, nid(11), PAPIR, BERG, "edit");
    assert_ok(create(w, EVA, "note", nid(20), in_account(FJORD, "text=x")));
    assert_reply(share(w, EVA, nid(20), "suppliers", NULL), STATUS_DENIED);
    assert_reply(create_in(w, EVA, "note", nid(21), in_account(FJORD, "text=x"), NULL,
                           "internal partners"),
                 STATUS_DENIED);
    assert_reply(update(w, EVA, "note", nid(20), in_account(BERG, "text=x")), STATUS_DENIED);
    assert_reply(update(w, EVA, "assignment", nid(10), "level=edit|until=2030-01-01"),
                 STATUS_DENIED);
    assert_reply(erase(w, EVA, nid(10)), STATUS_DENIED);
    assert_reply(create(w, EVA, "account", nid(21), "name=x"), STATUS_DENIED);
    assert_reply(create(w, EVA, "product", nid(21), "name=x"), STATUS_DENIED);
    assert_reply(create(w, EVA, "user", nid(21), "name=x|role=Administrator"), STATUS_DENIED);
    assert_reply(update(w, EVA, "user", EVA, "fullName=Eva"), STATUS_DENIED);
    assert_reply(update(w, EVA, "party", PAPIR, "name=Eva"), STATUS_DENIED);
    assert_reply(update(w, EVA, "account", FJORD, fmt("assignedUser=%s", tx(EVA))), STATUS_DENIED);
}

static void internal_fields_are_not_for_partners(void **state)
{
    struct world *w = *state;
    assign(w, nid(10), PAPIR, FJORD, "edit");
    assert_reply(update(w, EVA, "account", FJORD, "rating=Hot"), STATUS_DENIED);
    assert_reply(update(w, EVA, "account", FJORD, "restricted=true"), STATUS_DENIED);
    struct reply before = update(w, KARI, "account", FJORD, "rating=Hot");
    assert_true(stored(w, FJORD)->shared_seq < before.seq);
}

static void at_home_a_partner_works_with_their_own(void **state)
{
    struct world *w = *state;
    const char *home = fmt("party:%s", tx(PAPIR));
    assert_ok(create_in(w, EVA, "task", nid(20), "name=x", home, NULL));
    assert_string_equal(audience_of(w, nid(20)), fmt("partner:%s", tx(PAPIR)));
    assert_true(sees(w, ERIK, nid(20)));
    assert_false(sees(w, DAG, nid(20)));
    assert_false(sees(w, w->ada, nid(20)));
    assert_ok(update(w, ERIK, "task", nid(20), "name=y"));
    assert_reply(erase(w, ERIK, nid(20)), STATUS_DENIED);
    assert_ok(erase(w, EVA, nid(20)));
    assert_reply(create_in(w, EVA, "lead", nid(21), "lastName=x", home, NULL), STATUS_DENIED);
    assert_ok(create_in(w, EVA, "note", nid(22), "text=x", fmt("user:%s", tx(EVA)), NULL));
    assert_false(sees(w, ERIK, nid(22)));
    assert_reply(create_in(w, EVA, "note", nid(23), "text=x", fmt("party:%s", tx(NORD)), NULL),
                 STATUS_NOT_FOUND);
    assert_reply(create_in(w, EVA, "note", nid(23), "text=x",
                           fmt("party:%s", tx(department(w, "sales"))), NULL),
                 STATUS_NOT_FOUND);
    assert_reply(create(w, EVA, "note", nid(23), "text=x"), STATUS_DENIED);
}

static void audiences_by_kind_of_partner(void **state)
{
    struct world *w = *state;
    assign(w, nid(10), PAPIR, FJORD, "view");
    assign(w, nid(11), NORD, FJORD, "view");
    assert_ok(create(w, KARI, "note", nid(20), in_account(FJORD, "text=x")));
    assert_false(sees(w, EVA, nid(20)) || sees(w, DAG, nid(20)));
    assert_ok(share(w, KARI, nid(20), "suppliers", NULL));
    assert_true(sees(w, EVA, nid(20)) && !sees(w, DAG, nid(20)));
    assert_ok(share(w, KARI, nid(20), "distributors", "suppliers"));
    assert_true(!sees(w, EVA, nid(20)) && sees(w, DAG, nid(20)));
    assert_ok(share(w, KARI, nid(20), "partners", "distributors"));
    assert_true(sees(w, EVA, nid(20)) && sees(w, DAG, nid(20)));
}

static void roles_of_staff(void **state)
{
    struct world *w = *state;
    assert_reply(create(w, VERA, "account", nid(20), "name=x"), STATUS_DENIED);
    assert_reply(update(w, VERA, "account", FJORD, "name=x"), STATUS_DENIED);
    assert_reply(share(w, VERA, FJORD, "suppliers", NULL), STATUS_DENIED);
    assert_reply(update(w, VERA, "user", VERA, "fullName=Vera"), STATUS_DENIED);
    assert_ok(update(w, NILS, "account", FJORD, "name=x"));
    assert_reply(create(w, KARI, "party", nid(20), "name=x|kind=supplier"), STATUS_DENIED);
    assert_reply(create(w, MONA, "party", nid(20), "name=x|kind=supplier"), STATUS_DENIED);
    assert_reply(create(w, MONA, "user", nid(20), "name=x|role=Member"), STATUS_DENIED);
    assert_reply(create(w, MONA, "customEntity", nid(20), "name=boat|home=library"),
                 STATUS_DENIED);
    assert_reply(erase(w, MONA, VERA), STATUS_DENIED);
    assert_ok(update(w, KARI, "user", KARI, "fullName=Kari Nordmann|phone=+47 1|title=Boss"));
    assert_ok(update(w, MONA, "user", MONA, "language=nb"));
    assert_reply(update(w, KARI, "user", KARI, "role=Administrator"), STATUS_DENIED);
    assert_reply(update(w, MONA, "user", MONA, "role=Administrator"), STATUS_DENIED);
    assert_reply(update(w, KARI, "user", KARI, "description=x"), STATUS_DENIED);
    assert_reply(update(w, KARI, "user", NILS, "fullName=x"), STATUS_DENIED);
    assert_ok(update(w, w->ada, "user", NILS, "fullName=Nils"));
}

static void one_assignment_a_pair(void **state)
{
    struct world *w = *state;
    const char *fields = fmt("party=%s|account=%s|level=view", tx(PAPIR), tx(FJORD));
    assign(w, nid(10), PAPIR, FJORD, "view");
    struct reply reply = create(w, KARI, "assignment", nid(11), fields);
    assert_reply(reply, STATUS_EXISTS);
    assert_reply(create(w, KARI, "assignment", nid(11),
                        fmt("party=%s|account=%s|level=view", tx(department(w, "sales")),
                            tx(FJORD))),
                 STATUS_INVALID_VALUE);
    assert_reply(create(w, KARI, "assignment", nid(11),
                        fmt("party=%s|account=%s|level=view", tx(nid(77)), tx(FJORD))),
                 STATUS_NOT_FOUND);
    assert_reply(update(w, KARI, "assignment", nid(10), "status=Ended"), STATUS_DENIED);
    assert_reply(update(w, KARI, "assignment", nid(10), fmt("account=%s", tx(BERG))),
                 STATUS_INVALID_VALUE);
    /* Ended and begun again in one mutation: the newer word counts. */
    struct changes changes = {.count = 0};
    add_remove(&changes, nid(10), 0);
    add_create(&changes, "assignment", nid(11), fields);
    assert_ok(send(w, KARI, &changes));
    assert_true(opening_of(w, EVA, account_scope_of(FJORD)).open);
}

static void time_begins_and_ends_assignments(void **state)
{
    struct world *w = *state;
    int64_t today = (int64_t)(w->now / DAY);
    char from[SCHEMA_TIME_TEXT], until[SCHEMA_TIME_TEXT];
    schema_time_to_text((today + 2) * (int64_t)DAY, from);
    schema_time_to_text((today + 4) * (int64_t)DAY, until);
    struct scope scope = account_scope_of(FJORD);
    assert_ok(create(w, KARI, "assignment", nid(10),
                     fmt("party=%s|account=%s|level=view|from=%.10s|until=%.10s", tx(PAPIR),
                         tx(FJORD), from, until)));
    assert_string_equal(value_of(w, nid(10), "status"), "Scheduled");
    assert_false(opening_of(w, EVA, scope).open);
    assert_int_equal(memory_state_due_count(w->memory), 2);
    uint64_t due;
    assert_int_equal(apply_next_due(&w->state, &due), STATUS_OK);
    assert_int_equal(due, (uint64_t)(today + 2) * DAY);

    w->now = due - 2;
    uint64_t before = head(w);
    run_due(w);
    assert_int_equal(head(w), before);
    effects_clear(&w->effects);
    run_due(w);
    assert_int_equal(head(w), before + 1);
    assert_int_equal(w->effects.subject_count, 1);
    assert_string_equal(value_of(w, nid(10), "status"), "Active");
    assert_true(bytes_is(stored(w, nid(10))->stamps[1].by, "system"));
    assert_int_equal(opening_of(w, EVA, scope).since, before + 1);

    /* The last day is a day of access. */
    assert_int_equal(apply_next_due(&w->state, &due), STATUS_OK);
    assert_int_equal(due, (uint64_t)(today + 5) * DAY);
    w->now = due;
    run_due(w);
    assert_string_equal(value_of(w, nid(10), "status"), "Ended");
    assert_int_equal(opening_of(w, EVA, scope).closed, head(w));
    assert_int_equal(apply_next_due(&w->state, &due), STATUS_OK);
    assert_true(due == UINT64_MAX);

    /* A longer one lives again. */
    schema_time_to_text((today + 9) * (int64_t)DAY, until);
    assert_ok(update(w, KARI, "assignment", nid(10), fmt("until=%.10s", until)));
    assert_true(opening_of(w, EVA, scope).open);
    assert_int_equal(memory_state_due_count(w->memory), 1);
    assert_reply(update(w, KARI, "assignment", nid(10), "until=2026-01-01"), STATUS_INVALID_VALUE);
    assert_ok(erase(w, KARI, nid(10)));
    assert_int_equal(memory_state_due_count(w->memory), 0);
}

static void a_restricted_account_is_its_teams(void **state)
{
    struct world *w = *state;
    struct scope scope = account_scope_of(FJORD);
    assert_reply(update(w, KARI, "account", FJORD, "restricted=true"), STATUS_INVALID_VALUE);
    assert_true(sees(w, NILS, FJORD));
    struct reply closed =
        update(w, KARI, "account", FJORD, fmt("restricted=true|team=%s", tx(KARI)));
    assert_ok(closed);
    assert_true(sees(w, KARI, FJORD));
    assert_false(sees(w, NILS, FJORD));
    assert_false(sees(w, w->ada, FJORD));
    assert_int_equal(opening_of(w, NILS, scope).closed, closed.seq);
    assert_int_equal(opening_of(w, KARI, scope).since, closed.seq);
    assert_reply(update(w, NILS, "account", FJORD, "restricted=false"), STATUS_NOT_FOUND);
    struct reply hidden = create(w, NILS, "note", nid(30), in_account(FJORD, "text=x"));
    struct reply absent = create(w, NILS, "note", nid(30), in_account(nid(77), "text=x"));
    assert_reply(hidden, STATUS_NOT_FOUND);
    assert_reply(absent, STATUS_NOT_FOUND);
    assert_string_equal(hidden.field, absent.field);
    assert_string_equal(hidden.detail, absent.detail);

    effects_clear(&w->effects);
    struct reply joined = update(w, KARI, "account", FJORD, fmt("assignedUser=%s", tx(NILS)));
    assert_int_equal(opening_of(w, NILS, scope).since, joined.seq);
    assert_int_equal(opening_of(w, KARI, scope).since, closed.seq);
    assert_int_equal(w->effects.subject_count, 1);
    /* One may leave; the last cannot be taken away. */
    struct reply left = update(w, KARI, "account", FJORD, "team=");
    assert_int_equal(opening_of(w, KARI, scope).closed, left.seq);
    assert_reply(update(w, NILS, "account", FJORD, "assignedUser="), STATUS_INVALID_VALUE);
    struct reply opened = update(w, NILS, "account", FJORD, "restricted=false");
    assert_int_equal(opening_of(w, KARI, scope).since, opened.seq);
    assert_true(sees(w, w->ada, FJORD));
}

static void a_partner_sees_a_restricted_account_by_assignment_only(void **state)
{
    struct world *w = *state;
    assign(w, nid(10), PAPIR, FJORD, "view");
    assert_ok(update(w, KARI, "account", FJORD, fmt("restricted=true|team=%s", tx(KARI))));
    assert_true(sees(w, EVA, FJORD));
    assert_false(sees(w, DAG, FJORD));
}

static void what_outsiders_cannot_see_is_no_conflict_of_theirs(void **state)
{
    struct world *w = *state;
    assign(w, nid(10), PAPIR, FJORD, "edit");
    struct reply made = create(w, EVA, "contact", nid(20), in_account(FJORD, "lastName=B"));
    assert_ok(update(w, KARI, "contact", nid(20), "leadSource=Call"));
    w->base = made.seq;
    assert_ok(erase(w, EVA, nid(20)));
    w->base = 0;
    made = create(w, EVA, "contact", nid(21), in_account(FJORD, "lastName=B"));
    assert_ok(update(w, KARI, "contact", nid(21), "leadSource=Call|firstName=A"));
    w->base = made.seq;
    struct reply reply = erase(w, EVA, nid(21));
    assert_reply(reply, STATUS_CONFLICT);
    assert_int_equal(reply.conflict_count, 1);
}

static void an_assignment_until_today_is_active_today(void **state)
{
    struct world *w = *state;
    char today[SCHEMA_TIME_TEXT], yesterday[SCHEMA_TIME_TEXT];
    schema_time_to_text((int64_t)w->now, today);
    schema_time_to_text((int64_t)(w->now - DAY), yesterday);
    assert_ok(create(w, KARI, "assignment", nid(10),
                     fmt("party=%s|account=%s|level=view|until=%.10s", tx(PAPIR), tx(FJORD),
                         today)));
    assert_string_equal(value_of(w, nid(10), "status"), "Active");
    assert_ok(create(w, KARI, "assignment", nid(11),
                     fmt("party=%s|account=%s|level=view|until=%.10s", tx(PAPIR), tx(BERG),
                         yesterday)));
    assert_string_equal(value_of(w, nid(11), "status"), "Ended");
    assert_false(opening_of(w, EVA, account_scope_of(BERG)).open);
    assert_int_equal(opening_of(w, EVA, account_scope_of(BERG)).closed, 0);
}

static void the_last_of_a_team_stays(void **state)
{
    struct world *w = *state;
    assert_ok(update(w, KARI, "account", FJORD,
                     fmt("restricted=true|team=%s|assignedUser=%s", tx(KARI), tx(NILS))));
    assert_ok(erase(w, w->ada, KARI));
    struct reply reply = erase(w, w->ada, NILS);
    assert_reply(reply, STATUS_REFERENCED);
    assert_ok(update(w, NILS, "account", FJORD, fmt("team=%s", tx(MONA))));
    assert_ok(erase(w, w->ada, NILS));
    assert_reply(erase(w, w->ada, MONA), STATUS_REFERENCED);
    assert_ok(update(w, MONA, "account", FJORD, "restricted=false"));
    assert_ok(erase(w, w->ada, MONA));
}

static void whoever_lost_sight_before_does_not_hear_of_the_end(void **state)
{
    struct world *w = *state;
    assign(w, nid(10), PAPIR, FJORD, "edit");
    const char *fields = in_account(FJORD, "lastName=B");
    assert_ok(create(w, KARI, "contact", nid(20), fields));
    assert_ok(create(w, KARI, "contact", nid(21), fields));
    assert_ok(share(w, KARI, nid(20), NULL, "partners"));
    assert_ok(erase(w, KARI, nid(20)));
    assert_ok(erase(w, KARI, nid(21)));
    assert_reply(update(w, EVA, "contact", nid(20), "lastName=C"), STATUS_NOT_FOUND);
    assert_reply(update(w, EVA, "contact", nid(21), "lastName=C"), STATUS_CONFLICT);
    assert_ok(erase(w, KARI, nid(10)));
    assert_reply(update(w, EVA, "contact", nid(21), "lastName=C"), STATUS_NOT_FOUND);
}

/* What the company's own people cannot see, they could neither mend nor share again. */
static void the_company_keeps_sight_of_its_records(void **state)
{
    struct world *w = *state;
    struct reply alone = create_in(w, KARI, "note", nid(20), in_account(FJORD, "text=x"), NULL,
                                   fmt("partner:%s", tx(PAPIR)));
    assert_reply(alone, STATUS_INVALID_VALUE);
    assert_string_equal(alone.field, "audience");
    assert_reply(share(w, KARI, FJORD, NULL, "internal"), STATUS_INVALID_VALUE);
    const char *sales = fmt("dept:%s", tx(department(w, "sales")));
    assert_ok(share(w, KARI, FJORD, sales, "internal"));
    assert_reply(share(w, KARI, FJORD, NULL, sales), STATUS_INVALID_VALUE);
    assert_ok(share(w, KARI, FJORD, "internal", NULL));
}

static void an_account_goes_only_when_nothing_is_in_it(void **state)
{
    struct world *w = *state;
    assert_ok(create_in(w, KARI, "note", nid(20), in_account(FJORD, "text=x"), NULL,
                        fmt("dept:%s", tx(department(w, "sales")))));
    struct reply reply = erase(w, KARI, FJORD);
    assert_reply(reply, STATUS_REFERENCED);
    assert_true(strlen(reply.detail) > 0);
    struct changes changes = {.count = 0};
    add_remove(&changes, nid(20), 0);
    add_remove(&changes, FJORD, 0);
    assert_ok(send(w, KARI, &changes));
    assert_false(is_there(w, FJORD));
    add_create(&changes, "note", nid(21), in_account(BERG, "text=x"));
    add_remove(&changes, BERG, 0);
    assert_reply(send(w, KARI, &changes), STATUS_REFERENCED);
    /* Whatever its audience: even one that the remover does not see. */
    assert_ok(create_in(w, w->ada, "note", nid(22), in_account(BERG, "text=x"), NULL,
                        fmt("dept:%s", tx(department(w, "support")))));
    assert_reply(erase(w, KARI, BERG), STATUS_REFERENCED);
    assert_reply(erase(w, KARI, nid(22)), STATUS_NOT_FOUND);
    assert_ok(create(w, KARI, "account", nid(3), "name=Empty"));
    assert_ok(erase(w, KARI, nid(3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_assignment_opens_an_account),
        TEST(the_company_keeps_sight_of_its_records),
        TEST(a_partner_hears_the_same_of_what_is_hidden_and_what_is_not),
        TEST(a_level_says_what_a_partner_may_do),
        TEST(partners_never_share_move_or_manage),
        TEST(internal_fields_are_not_for_partners),
        TEST(at_home_a_partner_works_with_their_own),
        TEST(audiences_by_kind_of_partner),
        TEST(roles_of_staff),
        TEST(one_assignment_a_pair),
        TEST(time_begins_and_ends_assignments),
        TEST(a_restricted_account_is_its_teams),
        TEST(a_partner_sees_a_restricted_account_by_assignment_only),
        TEST(what_outsiders_cannot_see_is_no_conflict_of_theirs),
        TEST(an_assignment_until_today_is_active_today),
        TEST(the_last_of_a_team_stays),
        TEST(whoever_lost_sight_before_does_not_hear_of_the_end),
        TEST(an_account_goes_only_when_nothing_is_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
