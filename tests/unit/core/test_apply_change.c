/* What the four kinds of change do to records: values, stamps, conflicts, places, references. */
#include <string.h>

#include "protocol/wire.h"
#include "server/core/record/record.h"
#include "tests/unit/core/world.h"

#define KARI nid(900)
#define NILS nid(901)

static void staff(struct world *w)
{
    add_staff(w, KARI, "kari", "Member", "sales");
    add_staff(w, NILS, "nils", "Member", "support");
}

static void a_record_is_made_with_stamps_scope_and_audience(void **state)
{
    struct world *w = *state;
    struct reply reply = create(w, w->ada, "account", nid(1), "name=Fjord Bruk AS|phone=+47 22");
    assert_ok(reply);
    assert_int_equal(reply.seq, 2);
    const struct record *record = stored(w, nid(1));
    assert_int_equal(record->seq, 2);
    assert_int_equal(record->shared_seq, 2);
    assert_int_equal(record->created.at_ms, w->now);
    assert_true(bytes_is(record->created.by, "ada"));
    assert_int_equal(record->stamp_count, 1);
    assert_string_equal(value_of(w, nid(1), "phoneNumber"), "+47 22");
    assert_string_equal(scope_text(w, nid(1)), fmt("account:%s", tx(nid(1))));
    assert_string_equal(audience_of(w, nid(1)), "internal partners");
}

static void an_id_is_used_once(void **state)
{
    struct world *w = *state;
    struct id highest;
    memset(&highest, 0xff, sizeof highest);
    assert_ok(create(w, w->ada, "lead", nid(1), "lastName=A"));
    assert_reply(create(w, w->ada, "lead", nid(1), "lastName=A"), STATUS_EXISTS);
    assert_ok(erase(w, w->ada, nid(1)));
    assert_reply(create(w, w->ada, "lead", nid(1), "lastName=A"), STATUS_EXISTS);
    assert_reply(create(w, w->ada, "lead", highest, "lastName=A"), STATUS_INVALID_VALUE);
    assert_reply(create(w, w->ada, "lead", (struct id){{0}}, "lastName=A"), STATUS_INVALID_VALUE);
}

static void values_are_checked(void **state)
{
    struct world *w = *state;
    assert_reply(create(w, w->ada, "starship", nid(1), "name=A"), STATUS_UNKNOWN_ENTITY);
    struct reply reply = create(w, w->ada, "account", nid(1), "name=A|colour=red");
    assert_reply(reply, STATUS_UNKNOWN_FIELD);
    assert_string_equal(reply.field, "colour");
    reply = create(w, w->ada, "account", nid(1), "name=A|type=Friend");
    assert_reply(reply, STATUS_INVALID_VALUE);
    assert_string_equal(reply.field, "type");
    assert_reply(create(w, w->ada, "account", nid(1), "name=A|numberOfEmployees=many"),
                 STATUS_WRONG_KIND);
    assert_reply(create(w, w->ada, "account", nid(1), "industry=Paper"), STATUS_MISSING_FIELD);
    assert_ok(create(w, w->ada, "account", nid(1), "name=A"));
    assert_reply(update(w, w->ada, "account", nid(1), "name="), STATUS_MISSING_FIELD);
    assert_string_equal(value_of(w, nid(1), "name"), "A");
}

static void numbers_are_stored_in_their_shortest_form(void **state)
{
    struct world *w = *state;
    static const uint8_t wide[] = {0xd3, 0, 0, 0, 0, 0, 0, 0, 5};
    assert_ok(create(w, w->ada, "account", nid(1), "name=A|numberOfEmployees=5"));
    struct changes changes = {.count = 1};
    wire_put_map(&changes.list, 3);
    wire_put_text(&changes.list, "op");
    wire_put_text(&changes.list, "update");
    wire_put_text(&changes.list, "id");
    wire_put_id(&changes.list, nid(1));
    wire_put_text(&changes.list, "fields");
    wire_put_map(&changes.list, 1);
    wire_put_text(&changes.list, "numberOfEmployees");
    wire_put_raw(&changes.list, bytes_of(wide, sizeof wide));
    uint64_t before = stored(w, nid(1))->seq;
    assert_ok(send(w, w->ada, &changes));
    assert_int_equal(stored(w, nid(1))->seq, before);
}

static uint64_t stamp_of(struct world *w, struct id id, const char *field)
{
    const struct record *record = stored(w, id);
    return record->stamps[record_field_any(record, bytes_text(field))->stamp].seq;
}

static void each_field_keeps_the_seq_of_its_own_change(void **state)
{
    struct world *w = *state;
    struct reply first = create(w, w->ada, "account", nid(1), "name=A|industry=Paper|rating=Hot");
    struct reply second = update(w, w->ada, "account", nid(1), "name=A|industry=Wood");
    assert_int_equal(stamp_of(w, nid(1), "name"), first.seq);
    assert_int_equal(stamp_of(w, nid(1), "industry"), second.seq);
    assert_int_equal(stored(w, nid(1))->shared_seq, second.seq);
    struct reply third = update(w, w->ada, "account", nid(1), "rating=Cold");
    assert_int_equal(stored(w, nid(1))->seq, third.seq);
    assert_int_equal(stored(w, nid(1))->shared_seq, second.seq);
    struct reply fourth = update(w, w->ada, "account", nid(1), "industry=");
    assert_int_equal(stamp_of(w, nid(1), "industry"), fourth.seq);
    assert_null(record_field(stored(w, nid(1)), "industry"));
    assert_int_equal(stored(w, nid(1))->shared_seq, fourth.seq);
    /* The stamp of the second change is nobody's any more. */
    assert_int_equal(stored(w, nid(1))->stamp_count, 3);
}

static void what_changes_nothing_takes_a_seq_and_rewrites_nothing(void **state)
{
    struct world *w = *state;
    struct reply first = create(w, w->ada, "account", nid(1), "name=A|industry=Paper");
    struct reply second = update(w, w->ada, "account", nid(1), "name=A|website=");
    assert_ok(second);
    assert_int_equal(second.seq, first.seq + 1);
    assert_int_equal(head(w), second.seq);
    assert_int_equal(stored(w, nid(1))->seq, first.seq);
    struct changes changes = {.count = 0};
    add_update(&changes, "account", nid(1), "industry=Wood", 0);
    add_update(&changes, "account", nid(1), "industry=Paper", 0);
    add_update(&changes, "account", nid(1), "website=https://a.example", 0);
    add_update(&changes, "account", nid(1), "website=", 0);
    add_share(&changes, nid(1), "suppliers", NULL);
    add_share(&changes, nid(1), NULL, "suppliers");
    assert_ok(send(w, w->ada, &changes));
    assert_int_equal(stored(w, nid(1))->seq, first.seq);
    assert_int_equal(stamp_of(w, nid(1), "industry"), first.seq);
}

static void changes_of_a_mutation_see_each_other(void **state)
{
    struct world *w = *state;
    struct changes changes = {.count = 0};
    add_create(&changes, "account", nid(1), "name=A");
    add_create(&changes, "contact", nid(2), fmt("lastName=B|account=%s", tx(nid(1))));
    add_create(&changes, "profile", nid(3), fmt("account=%s|keyPeople=%s", tx(nid(1)), tx(nid(2))));
    add_update(&changes, "contact", nid(2), "lastName=C", 0);
    add_create(&changes, "lead", nid(4), "lastName=D");
    add_remove(&changes, nid(4), 0);
    assert_ok(send(w, w->ada, &changes));
    assert_string_equal(value_of(w, nid(2), "lastName"), "C");
    struct bytes unused;
    assert_int_equal(w->state.ops->record(w->state.self, nid(4), &unused), STATUS_NOT_FOUND);
}

static void different_fields_edited_at_once_both_win(void **state)
{
    struct world *w = *state;
    staff(w);
    struct reply made = create(w, w->ada, "account", nid(1), "name=A|industry=Paper");
    assert_ok(update(w, KARI, "account", nid(1), "industry=Wood"));
    w->base = made.seq;
    assert_ok(update(w, NILS, "account", nid(1), "name=B"));
    assert_string_equal(value_of(w, nid(1), "industry"), "Wood");
    assert_string_equal(value_of(w, nid(1), "name"), "B");
}

static struct bytes conflict_part(const struct reply *reply, unsigned n, const char *key)
{
    struct wire_reader reader = wire_read(bytes_of(reply->conflicts, reply->conflict_size));
    struct bytes map, value = {NULL, 0};
    uint32_t count;
    assert_true(wire_get_array(&reader, &count) && n < count);
    for (unsigned i = 0; i <= n; i++)
        assert_true(wire_skip(&reader, &map));
    wire_map_find(map, key, &value);
    return value;
}

static void assert_part_text(const struct reply *reply, unsigned n, const char *key,
                             const char *expected)
{
    struct wire_reader reader = wire_read(conflict_part(reply, n, key));
    struct bytes text;
    assert_true(wire_get_str(&reader, &text));
    assert_true(bytes_is(text, expected));
}

static void the_same_field_is_a_conflict_that_shows_both(void **state)
{
    struct world *w = *state;
    staff(w);
    struct reply made = create(w, w->ada, "account", nid(1), "name=A|industry=Paper|website=x");
    struct reply theirs = update(w, KARI, "account", nid(1), "industry=Wood|name=B");
    w->base = made.seq;
    struct reply reply = update(w, NILS, "account", nid(1), "industry=Stone|website=y|name=C");
    assert_reply(reply, STATUS_CONFLICT);
    assert_int_equal(reply.change, 0);
    assert_int_equal(reply.conflict_count, 2);
    assert_part_text(&reply, 0, "field", "industry");
    assert_part_text(&reply, 0, "theirs", "Wood");
    assert_part_text(&reply, 0, "by", "kari");
    struct wire_reader reader = wire_read(conflict_part(&reply, 0, "seq"));
    uint64_t seq;
    assert_true(wire_get_uint(&reader, &seq));
    assert_int_equal(seq, theirs.seq);
    assert_string_equal(value_of(w, nid(1), "website"), "x");
    /* Somebody who saw it may change it; somebody who insists may, too. */
    w->base = theirs.seq;
    assert_ok(update(w, NILS, "account", nid(1), "industry=Stone"));
    w->base = made.seq;
    w->mode = "overwrite";
    assert_ok(update(w, KARI, "account", nid(1), "industry=Iron"));
}

static void equal_values_and_ones_own_changes_do_not_conflict(void **state)
{
    struct world *w = *state;
    staff(w);
    struct reply made = create(w, w->ada, "account", nid(1), "name=A|industry=Paper");
    assert_ok(update(w, KARI, "account", nid(1), "industry=Wood"));
    w->base = made.seq;
    assert_ok(update(w, NILS, "account", nid(1), "industry=Wood"));
    assert_ok(update(w, KARI, "account", nid(1), "industry=Stone"));
    assert_reply(update(w, NILS, "account", nid(1), "industry=Iron"), STATUS_CONFLICT);
    w->base = 0;
    assert_ok(update(w, NILS, "account", nid(1), "industry=Iron"));
}

static void a_change_may_carry_its_own_base(void **state)
{
    struct world *w = *state;
    staff(w);
    struct reply made = create(w, w->ada, "account", nid(1), "name=A");
    struct reply theirs = update(w, KARI, "account", nid(1), "name=B");
    struct changes changes = {.count = 0};
    w->base = made.seq;
    add_update(&changes, "account", nid(1), "name=C", theirs.seq);
    assert_ok(send(w, NILS, &changes));
}

static void removing_what_somebody_changed_is_a_conflict(void **state)
{
    struct world *w = *state;
    staff(w);
    struct reply made = create(w, w->ada, "lead", nid(1), "lastName=A");
    assert_ok(update(w, KARI, "lead", nid(1), "lastName=B"));
    w->base = made.seq;
    struct reply reply = erase(w, NILS, nid(1));
    assert_reply(reply, STATUS_CONFLICT);
    assert_int_equal(reply.conflict_count, 1);
    assert_true(is_there(w, nid(1)));
    assert_ok(erase(w, KARI, nid(1)));
    assert_false(is_there(w, nid(1)));
}

static void changing_what_is_deleted_is_a_conflict(void **state)
{
    struct world *w = *state;
    staff(w);
    assert_ok(create(w, w->ada, "lead", nid(1), "lastName=A"));
    struct reply gone = erase(w, KARI, nid(1));
    assert_int_equal(stored(w, nid(1))->seq, gone.seq);
    assert_true(stored(w, nid(1))->deleted);
    assert_int_equal(stored(w, nid(1))->field_count, 0);
    struct reply reply = update(w, NILS, "lead", nid(1), "lastName=B");
    assert_reply(reply, STATUS_CONFLICT);
    assert_part_text(&reply, 0, "by", "kari");
    assert_reply(share(w, NILS, nid(1), "suppliers", NULL), STATUS_NOT_FOUND);
    assert_reply(update(w, NILS, "lead", nid(2), "lastName=B"), STATUS_NOT_FOUND);
    /* So is removing it once more, whoever did it first and whatever the remover had seen. */
    for (int overwrite = 0; overwrite < 2; overwrite++) {
        w->mode = overwrite != 0 ? "overwrite" : NULL;
        reply = erase(w, overwrite != 0 ? KARI : NILS, nid(1));
        assert_reply(reply, STATUS_CONFLICT);
        assert_int_equal(reply.conflict_count, 1);
        assert_part_text(&reply, 0, "field", "");
        assert_part_text(&reply, 0, "by", "kari");
    }
    w->mode = NULL;
    assert_reply(erase(w, NILS, nid(2)), STATUS_NOT_FOUND);
}

/* Whoever had lost sight of a record before it was deleted must not hear that it is gone, and
 * whoever never saw it that it ever was. */
static void removing_what_was_deleted_out_of_sight_finds_nothing(void **state)
{
    struct world *w = *state;
    staff(w);
    const struct id papir = nid(50), eva = nid(51);
    add_partner(w, papir, "Papir", "supplier");
    add_partner_user(w, eva, "eva", papir);
    assert_ok(create(w, KARI, "account", nid(1), "name=A"));
    assign(w, nid(60), papir, nid(1), "edit");
    for (unsigned i = 2; i < 5; i++)
        assert_ok(create(w, KARI, "note", nid(i), fmt("text=x|account=%s", tx(nid(1)))));
    assert_ok(share(w, KARI, nid(2), "partners", NULL));
    assert_ok(share(w, KARI, nid(3), "partners", NULL));
    assert_ok(share(w, KARI, nid(3), NULL, "partners"));
    for (unsigned i = 2; i < 5; i++)
        assert_ok(erase(w, KARI, nid(i)));
    assert_reply(erase(w, eva, nid(2)), STATUS_CONFLICT);
    assert_reply(erase(w, eva, nid(3)), STATUS_NOT_FOUND);
    assert_reply(erase(w, eva, nid(4)), STATUS_NOT_FOUND);
}

static void records_live_where_their_entity_says(void **state)
{
    struct world *w = *state;
    staff(w);
    struct id sales = department(w, "sales");
    assert_ok(create(w, KARI, "account", nid(1), "name=A"));
    assert_ok(create(w, KARI, "product", nid(2), "name=Pulp"));
    assert_string_equal(scope_text(w, nid(2)), "library");
    assert_string_equal(audience_of(w, nid(2)), "internal partners");
    assert_ok(create(w, KARI, "note", nid(3), fmt("text=x|account=%s", tx(nid(1)))));
    assert_string_equal(scope_text(w, nid(3)), fmt("account:%s", tx(nid(1))));
    assert_string_equal(audience_of(w, nid(3)), "internal");
    assert_ok(create(w, KARI, "note", nid(4), "text=x"));
    assert_string_equal(scope_text(w, nid(4)), "library");
    assert_ok(create_in(w, KARI, "note", nid(5), "text=x", fmt("user:%s", tx(KARI)), NULL));
    assert_string_equal(audience_of(w, nid(5)), "internal");
    assert_ok(create_in(w, KARI, "note", nid(6), "text=x", fmt("party:%s", tx(sales)), NULL));
    assert_string_equal(audience_of(w, nid(6)), fmt("dept:%s", tx(sales)));
    assert_reply(create(w, KARI, "profile", nid(7), "goals=x"), STATUS_MISSING_FIELD);
    assert_reply(create_in(w, KARI, "note", nid(8), "text=x", fmt("account:%s", tx(nid(1))), NULL),
                 STATUS_INVALID_VALUE);
    /* Another's inbox and another department's scope are not there. */
    assert_reply(create_in(w, KARI, "note", nid(8), "text=x", fmt("user:%s", tx(NILS)), NULL),
                 STATUS_NOT_FOUND);
    assert_reply(create_in(w, NILS, "note", nid(8), "text=x", fmt("party:%s", tx(sales)), NULL),
                 STATUS_NOT_FOUND);
    assert_false(sees(w, NILS, nid(5)));
    assert_false(sees(w, NILS, nid(6)));
    assert_true(sees(w, KARI, nid(6)));
}

static void a_record_moves_with_its_account(void **state)
{
    struct world *w = *state;
    staff(w);
    add_partner(w, nid(50), "Papir", "supplier");
    assert_ok(create(w, KARI, "account", nid(1), "name=A"));
    assert_ok(create(w, KARI, "account", nid(2), "name=B"));
    assert_ok(create_in(w, KARI, "note", nid(3), fmt("text=x|account=%s", tx(nid(1))), NULL,
                        fmt("internal partner:%s", tx(nid(50)))));
    struct reply moved = update(w, KARI, "note", nid(3), fmt("account=%s", tx(nid(2))));
    assert_ok(moved);
    assert_string_equal(scope_text(w, nid(3)), fmt("account:%s", tx(nid(2))));
    assert_string_equal(audience_of(w, nid(3)), fmt("internal partner:%s", tx(nid(50))));
    const struct record *record = stored(w, nid(3));
    assert_int_equal(record->placement_count, 4);
    for (unsigned i = 0; i < record->placement_count; i++) {
        bool old = id_equal(record->placements[i].scope.id, nid(1));
        assert_int_equal(old ? record->placements[i].removed : record->placements[i].added,
                         moved.seq);
    }
    /* Back again: the old placements live again, the new ones are over. */
    struct reply back = update(w, KARI, "note", nid(3), fmt("account=%s", tx(nid(1))));
    assert_int_equal(stored(w, nid(3))->placement_count, 4);
    assert_true(record_is_live(stored(w, nid(3)), NULL, (struct tag){.kind = TAG_INTERNAL}));
    assert_int_equal(stored(w, nid(3))->placements[0].added, back.seq);
    assert_ok(update(w, KARI, "note", nid(3), "account="));
    assert_string_equal(scope_text(w, nid(3)), "library");
}

static void one_moves_only_where_one_may_create(void **state)
{
    struct world *w = *state;
    staff(w);
    assert_ok(create(w, KARI, "account", nid(1), "name=A"));
    assert_ok(create(w, KARI, "account", nid(2), fmt("name=B|restricted=true|team=%s", tx(KARI))));
    assert_ok(create(w, KARI, "note", nid(3), fmt("text=x|account=%s", tx(nid(1)))));
    assert_reply(update(w, NILS, "note", nid(3), fmt("account=%s", tx(nid(2)))), STATUS_NOT_FOUND);
    assert_ok(update(w, KARI, "note", nid(3), fmt("account=%s", tx(nid(2)))));
    assert_false(sees(w, NILS, nid(3)));
}

static void sharing_adds_and_ends_placements(void **state)
{
    struct world *w = *state;
    staff(w);
    add_partner(w, nid(50), "Papir", "supplier");
    assert_ok(create(w, KARI, "account", nid(1), "name=A"));
    struct reply made = create(w, KARI, "note", nid(2), fmt("text=x|account=%s", tx(nid(1))));
    struct reply shared = share(w, KARI, nid(2), fmt("suppliers partner:%s", tx(nid(50))), NULL);
    assert_ok(shared);
    assert_string_equal(audience_of(w, nid(2)), fmt("internal suppliers partner:%s", tx(nid(50))));
    assert_int_equal(stored(w, nid(2))->shared_seq, made.seq);
    assert_int_equal(stored(w, nid(2))->seq, shared.seq);
    struct reply ended = share(w, KARI, nid(2), NULL, "suppliers");
    assert_string_equal(audience_of(w, nid(2)), fmt("internal partner:%s", tx(nid(50))));
    const struct record *record = stored(w, nid(2));
    assert_int_equal(record->placements[1].removed, ended.seq);
    assert_reply(share(w, KARI, nid(2), NULL, fmt("internal partner:%s", tx(nid(50)))),
                 STATUS_INVALID_VALUE);
    assert_reply(share(w, KARI, nid(2), fmt("partner:%s", tx(nid(51))), NULL), STATUS_NOT_FOUND);
    assert_reply(share(w, KARI, nid(2), fmt("dept:%s", tx(nid(50))), NULL), STATUS_NOT_FOUND);
    /* One may leave others alone with it. */
    assert_ok(share(w, KARI, nid(2), fmt("dept:%s", tx(department(w, "support"))), "internal"));
    assert_false(sees(w, KARI, nid(2)));
    assert_true(sees(w, NILS, nid(2)));
    assert_reply(share(w, KARI, nid(2), "internal", NULL), STATUS_NOT_FOUND);
}

static void an_audience_is_chosen_at_creation(void **state)
{
    struct world *w = *state;
    staff(w);
    struct id sales = department(w, "sales");
    assert_ok(create(w, KARI, "account", nid(1), "name=A"));
    const char *fields = fmt("text=x|account=%s", tx(nid(1)));
    assert_ok(create_in(w, KARI, "note", nid(2), fields, NULL, fmt("dept:%s", tx(sales))));
    assert_false(sees(w, NILS, nid(2)));
    assert_reply(create_in(w, KARI, "note", nid(3), fields, NULL, ""), STATUS_INVALID_VALUE);
    assert_reply(create_in(w, KARI, "note", nid(3), fields, NULL, fmt("partner:%s", tx(nid(51)))),
                 STATUS_NOT_FOUND);
    assert_reply(create_in(w, KARI, "note", nid(3), "text=x", fmt("party:%s", tx(sales)),
                           "partners"),
                 STATUS_INVALID_VALUE);
    assert_reply(create_in(w, KARI, "note", nid(3), "text=x", fmt("user:%s", tx(KARI)),
                           "internal partners"),
                 STATUS_INVALID_VALUE);
}

static void references_must_be_there_and_fit(void **state)
{
    struct world *w = *state;
    staff(w);
    assert_ok(create(w, KARI, "account", nid(1), "name=A"));
    assert_ok(create(w, KARI, "contact", nid(2), fmt("lastName=B|account=%s", tx(nid(1)))));
    struct reply reply = create(w, KARI, "contact", nid(3),
                                fmt("lastName=C|reportsTo=%s", tx(nid(77))));
    assert_reply(reply, STATUS_NOT_FOUND);
    assert_string_equal(reply.field, "reportsTo");
    assert_reply(create(w, KARI, "contact", nid(3), fmt("lastName=C|reportsTo=%s", tx(nid(1)))),
                 STATUS_INVALID_VALUE);
    assert_ok(create(w, KARI, "contact", nid(3), fmt("lastName=C|reportsTo=%s", tx(nid(2)))));
    assert_ok(erase(w, KARI, nid(2)));
    assert_reply(create(w, KARI, "contact", nid(4), fmt("lastName=C|reportsTo=%s", tx(nid(2)))),
                 STATUS_NOT_FOUND);
    /* What was set when it was there may stay. */
    assert_ok(update(w, KARI, "contact", nid(3), "lastName=D"));
    assert_ok(update(w, KARI, "contact", nid(3), fmt("reportsTo=%s", tx(nid(2)))));
    /* Into another's inbox nobody can point. */
    assert_ok(create_in(w, NILS, "note", nid(5), "text=x", fmt("user:%s", tx(NILS)), NULL));
    assert_reply(create(w, KARI, "note", nid(6), fmt("text=x|parent=%s", tx(nid(5)))),
                 STATUS_NOT_FOUND);
}

static void history_tells_what_changed(void **state)
{
    struct world *w = *state;
    struct bytes entry, changes, value;
    uint64_t seq;
    assert_ok(create(w, w->ada, "account", nid(1), "name=A|industry=Paper"));
    struct reply reply = update(w, w->ada, "account", nid(1), "industry=Wood|name=A");
    assert_int_equal(w->state.ops->history_next(w->state.self, nid(1), UINT64_MAX, &seq, &entry),
                     STATUS_OK);
    assert_int_equal(seq, reply.seq);
    assert_true(wire_map_find(entry, "changes", &changes));
    struct wire_reader reader = wire_read(changes);
    uint32_t count;
    struct bytes change, text;
    assert_true(wire_get_array(&reader, &count));
    assert_int_equal(count, 1);
    assert_true(wire_skip(&reader, &change));
    assert_true(wire_map_find(change, "from", &value));
    reader = wire_read(value);
    assert_true(wire_get_str(&reader, &text) && bytes_is(text, "Paper"));
    assert_true(wire_map_find(change, "to", &value));
    reader = wire_read(value);
    assert_true(wire_get_str(&reader, &text) && bytes_is(text, "Wood"));
    assert_true(wire_map_find(entry, "op", &value));
    reader = wire_read(value);
    assert_true(wire_get_str(&reader, &text) && bytes_is(text, "update"));
    assert_true(wire_map_find(entry, "by", &value));
    reader = wire_read(value);
    assert_true(wire_get_str(&reader, &text) && bytes_is(text, "ada"));
}

static bool touched(const struct world *w, struct scope scope, struct tag tag)
{
    for (size_t i = 0; i < w->effects.lane_count; i++)
        if (scope_equal(w->effects.lanes[i].scope, scope) &&
            tag_equal(w->effects.lanes[i].tag, tag))
            return true;
    return false;
}

static void only_moved_lanes_are_touched(void **state)
{
    struct world *w = *state;
    const struct tag internal = {.kind = TAG_INTERNAL}, partners = {.kind = TAG_PARTNERS};
    assert_ok(create(w, w->ada, "account", nid(1), "name=A|rating=Hot"));
    struct scope scope = account_scope_of(nid(1));
    effects_clear(&w->effects);
    assert_ok(update(w, w->ada, "account", nid(1), "rating=Cold"));
    assert_true(touched(w, scope, internal));
    assert_false(touched(w, scope, partners));
    effects_clear(&w->effects);
    assert_ok(update(w, w->ada, "account", nid(1), "name=B"));
    assert_true(touched(w, scope, partners));
    effects_clear(&w->effects);
    assert_ok(share(w, w->ada, nid(1), NULL, "partners"));
    assert_true(touched(w, scope, partners));
    assert_int_equal(w->effects.seq, head(w));
    effects_clear(&w->effects);
    assert_ok(update(w, w->ada, "account", nid(1), "name=C"));
    assert_false(touched(w, scope, partners));
}

static void records_are_bounded(void **state)
{
    struct world *w = *state;
    struct changes changes = {.count = 0};
    char text[60001];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_ok(create(w, w->ada, "account", nid(1), "name=A"));
    changes.count = 1;
    wire_put_map(&changes.list, 4);
    wire_put_text(&changes.list, "op");
    wire_put_text(&changes.list, "create");
    wire_put_text(&changes.list, "id");
    wire_put_id(&changes.list, nid(2));
    wire_put_text(&changes.list, "entity");
    wire_put_text(&changes.list, "profile");
    wire_put_text(&changes.list, "fields");
    wire_put_map(&changes.list, 6);
    wire_put_text(&changes.list, "account");
    wire_put_id(&changes.list, nid(1));
    static const char *const fields[] = {"goals", "preferences", "importantDates",
                                         "howWeWorkTogether", "description"};
    for (unsigned i = 0; i < 5; i++) {
        wire_put_text(&changes.list, fields[i]);
        wire_put_text(&changes.list, text);
    }
    assert_reply(send(w, w->ada, &changes), STATUS_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_record_is_made_with_stamps_scope_and_audience),
        WORLD_TEST(an_id_is_used_once),
        WORLD_TEST(values_are_checked),
        WORLD_TEST(numbers_are_stored_in_their_shortest_form),
        WORLD_TEST(each_field_keeps_the_seq_of_its_own_change),
        WORLD_TEST(what_changes_nothing_takes_a_seq_and_rewrites_nothing),
        WORLD_TEST(changes_of_a_mutation_see_each_other),
        WORLD_TEST(different_fields_edited_at_once_both_win),
        WORLD_TEST(the_same_field_is_a_conflict_that_shows_both),
        WORLD_TEST(equal_values_and_ones_own_changes_do_not_conflict),
        WORLD_TEST(a_change_may_carry_its_own_base),
        WORLD_TEST(removing_what_somebody_changed_is_a_conflict),
        WORLD_TEST(changing_what_is_deleted_is_a_conflict),
        WORLD_TEST(removing_what_was_deleted_out_of_sight_finds_nothing),
        WORLD_TEST(records_live_where_their_entity_says),
        WORLD_TEST(a_record_moves_with_its_account),
        WORLD_TEST(one_moves_only_where_one_may_create),
        WORLD_TEST(sharing_adds_and_ends_placements),
        WORLD_TEST(an_audience_is_chosen_at_creation),
        WORLD_TEST(references_must_be_there_and_fit),
        WORLD_TEST(history_tells_what_changed),
        WORLD_TEST(only_moved_lanes_are_touched),
        WORLD_TEST(records_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
