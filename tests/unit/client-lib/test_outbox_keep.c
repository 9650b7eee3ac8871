/* The outbox's file: what depends on what, what of others is taken out again, and what another
 * history of the server makes of it. */
#include "outbox_world.h"

/* Account 1 is made, then note 2 in it, then note 2 is edited; and note 9, which has nothing to do
 * with it. */
static void what_depends_on_a_refused_creation_waits_for_it(void **state)
{
    struct world *world = *state;
    uint64_t made = queue(world, "create", 1, "account");
    uint64_t other = queue(world, "create", 9, "other");
    assert_ok(outbox_store_start(world->store, 0));
    assert_int_equal(send_all(world), 2);
    uint64_t edit = queue(world, "update", 1, "edited");
    struct orders told = answer(world, 1, STATUS_EXISTS, 0);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.order[1], edit);
    assert_int_equal(entry(world, edit).item.behind, made);
    (void)answer(world, 2, STATUS_OK, 5);
    /* What is queued from now on is held at once, by a reference too. */
    uint64_t note = queue_as(world, TANDEM_ENTRY_SENT, "create", 2, "note", 1);
    assert_int_equal(entry(world, note).item.behind, made);
    uint64_t note_edit = queue(world, "update", 2, "note edited");
    assert_int_equal(entry(world, note_edit).item.behind, made);
    assert_int_equal(send_all(world), 0);
    (void)other;
    /* Replaced: everything follows, in order. */
    struct buffer changes = {0};
    uint64_t again = 0;
    put_change(&changes, "create", 1, "with another name", 0);
    const struct outbox_item item = {.changes = buffer_bytes(&changes), .at_ms = 5};
    assert_ok(outbox_store_replace(world->store, made, &item, 1, &again));
    buffer_release(&changes);
    assert_int_equal(outbox_store_get(world->store, made, copy_item, NULL), STATUS_NOT_FOUND);
    struct orders waiting = all(world, 1u << TANDEM_ENTRY_WAITING);
    assert_int_equal(waiting.count, 4);
    assert_int_equal(waiting.order[0], again);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(entry(world, waiting.order[i]).item.behind, 0);
    assert_int_equal(send_all(world), 4);
}

static void what_was_sent_with_a_refused_creation_joins_it(void **state)
{
    struct world *world = *state;
    uint64_t made = queue(world, "create", 1, "account");
    uint64_t note = queue_as(world, TANDEM_ENTRY_WAITING, "create", 2, "note", 1);
    uint64_t edit = queue(world, "update", 2, "edited");
    assert_ok(outbox_store_start(world->store, 0));
    assert_int_equal(send_all(world), 3);
    (void)answer(world, 1, STATUS_EXISTS, 0);
    (void)answer(world, 2, STATUS_NOT_FOUND, 0);
    (void)answer(world, 3, STATUS_NOT_FOUND, 0);
    assert_int_equal(entry(world, note).item.behind, made);
    assert_int_equal(entry(world, edit).item.behind, made);
    assert_int_equal(count(world, TANDEM_ENTRY_REFUSED), 1);
    /* The creation is given up: the others are tried on their own, and are not lost. */
    assert_ok(outbox_store_drop(world->store, made));
    assert_int_equal(send_all(world), 2);
    (void)answer(world, 4, STATUS_NOT_FOUND, 0);
    assert_int_equal(entry(world, note).item.state, TANDEM_ENTRY_REFUSED);
    (void)answer(world, 5, STATUS_NOT_FOUND, 0);
    assert_int_equal(entry(world, edit).item.behind, note);
}

static struct bytes conflict_about(struct buffer *out, unsigned id, const char *theirs)
{
    struct buffer value = {0};
    wire_put_text(&value, theirs);
    const struct outbox_conflict conflict = {.id = id_of(id),
                                             .field = bytes_text("text"),
                                             .theirs = buffer_bytes(&value),
                                             .by = bytes_text("nils"),
                                             .at_ms = 3,
                                             .seq = 60};
    wire_put_array(out, 1);
    outbox_conflict_put(out, &conflict);
    buffer_release(&value);
    return buffer_bytes(out);
}

static void refuse_with_conflict(struct world *world, uint64_t number, unsigned id)
{
    struct buffer conflicts = {0};
    struct orders told = {.count = 0};
    const struct outbox_answer conflict = {.number = number,
                                           .status = STATUS_CONFLICT,
                                           .change = 0,
                                           .conflicts = conflict_about(&conflicts, id, "theirs")};
    assert_ok(outbox_store_record(world->store, &conflict, 1, 1, note_order, &told));
    buffer_release(&conflicts);
}

static void others_values_go_with_their_scope_and_mine_stays(void **state)
{
    struct world *world = *state;
    uint64_t waiting = queue(world, "update", 2, "mine waiting");
    uint64_t conflict = queue(world, "update", 3, "mine in conflict");
    assert_ok(outbox_store_start(world->store, 0));
    assert_int_equal(send_all(world), 2);
    refuse_with_conflict(world, 2, 3);
    assert_true(entry(world, conflict).has_theirs);
    assert_ok(outbox_store_forget_scope(world->store, account_of(8)));
    assert_true(entry(world, conflict).has_theirs);
    assert_true(file_has(world, "outbox.mdb", "what was there"));
    assert_ok(outbox_store_forget_scope(world->store, account_of(1)));
    struct copy stripped = entry(world, conflict);
    assert_false(stripped.has_theirs);
    assert_int_equal(stripped.conflict.by.size, 0);
    assert_int_equal(stripped.conflict.seq, 60);
    assert_int_equal(stripped.seen.fields.size, 0);
    assert_true(stripped.seen.lost);
    /* The answer to what was under way says why. */
    (void)answer(world, 1, STATUS_NOT_FOUND, 0);
    assert_true(entry(world, waiting).item.access_ended);
    bool done = false;
    for (int turn = 0; turn < 100 && !done; turn++)
        assert_ok(outbox_store_scrub(world->store, 1u << 20, &done));
    assert_true(done);
    assert_false(file_has(world, "outbox.mdb", "what was there"));
    assert_false(file_has(world, "outbox.mdb", "theirs\xa2"));
    assert_true(file_has(world, "outbox.mdb", "mine waiting"));
    assert_true(file_has(world, "outbox.mdb", "mine in conflict"));
}

/* The server judged while the record was still to be seen, and its answer comes after the purge. */
static void a_conflict_told_after_the_purge_leaves_nothing_of_others(void **state)
{
    struct world *world = *state;
    uint64_t order = queue(world, "update", 2, "mine");
    assert_ok(outbox_store_start(world->store, 0));
    assert_int_equal(send_all(world), 1);
    assert_ok(outbox_store_forget_scope(world->store, account_of(1)));
    refuse_with_conflict(world, 1, 2);
    struct copy kept = entry(world, order);
    assert_int_equal(kept.item.state, TANDEM_ENTRY_CONFLICT);
    assert_false(kept.has_theirs);
    assert_int_equal(kept.conflict.by.size, 0);
    assert_true(kept.item.access_ended);
    assert_false(file_has(world, "outbox.mdb", "theirs\xa2"));
    assert_true(file_has(world, "outbox.mdb", "mine"));
}

static void a_purge_after_the_refusal_tells_why_as_well(void **state)
{
    struct world *world = *state;
    uint64_t order = queue(world, "update", 2, "mine");
    assert_ok(outbox_store_start(world->store, 0));
    assert_int_equal(send_all(world), 1);
    (void)answer(world, 1, STATUS_NOT_FOUND, 0);
    assert_false(entry(world, order).item.access_ended);
    assert_ok(outbox_store_forget_scope(world->store, account_of(1)));
    assert_true(entry(world, order).item.access_ended);
}

static void a_removed_record_keeps_its_base_until_the_answer(void **state)
{
    struct world *world = *state;
    uint64_t deleted = queue(world, "update", 2, "mine");
    uint64_t hidden = queue(world, "update", 3, "mine");
    assert_ok(outbox_store_start(world->store, 0));
    assert_int_equal(send_all(world), 2);
    assert_ok(outbox_store_forget_record(world->store, id_of(2)));
    assert_ok(outbox_store_forget_record(world->store, id_of(3)));
    assert_true(entry(world, deleted).seen.fields.size > 0);
    refuse_with_conflict(world, 1, 2);
    (void)answer(world, 2, STATUS_NOT_FOUND, 0);
    assert_true(entry(world, deleted).seen.fields.size > 0);
    assert_int_equal(entry(world, hidden).seen.fields.size, 0);
    assert_true(entry(world, hidden).item.access_ended);
}

static bool judge(void *context, const struct outbox_item *item, uint64_t *base,
                  struct buffer *conflicts)
{
    (void)context;
    *base = 3;
    if (item->order != 2)
        return true;
    (void)conflict_about(conflicts, 2, "theirs");
    return false;
}

static void another_history_makes_bases_anew(void **state)
{
    struct world *world = *state;
    assert_ok(outbox_store_set_epoch(world->store, id_of(100)));
    assert_false(outbox_store_rebasing(world->store));
    assert_ok(outbox_store_start(world->store, 0));
    queue(world, "update", 1, "accepted");
    assert_int_equal(send_all(world), 1);
    (void)answer(world, 1, STATUS_OK, 500);
    queue(world, "update", 2, "sent");
    assert_int_equal(send_all(world), 1);
    queue(world, "update", 3, "waiting");
    assert_ok(outbox_store_set_epoch(world->store, id_of(100)));
    assert_int_equal(count(world, TANDEM_ENTRY_ACCEPTED), 1);
    assert_ok(outbox_store_set_epoch(world->store, id_of(101)));
    assert_int_equal(count(world, TANDEM_ENTRY_ACCEPTED), 0);
    assert_ok(outbox_store_start(world->store, 1));
    assert_int_equal(count(world, TANDEM_ENTRY_WAITING), 2); /* the server has not had number 2 */
    open_again(world);
    assert_true(outbox_store_rebasing(world->store));
    struct orders told = {.count = 0};
    assert_ok(outbox_store_rebase(world->store, judge, note_order, &told));
    assert_false(outbox_store_rebasing(world->store));
    assert_int_equal(told.count, 1);
    assert_int_equal(entry(world, 2).item.state, TANDEM_ENTRY_CONFLICT);
    assert_true(entry(world, 2).has_theirs);
    assert_int_equal(entry(world, 3).item.base, 3);
    assert_int_equal(send_all(world), 1);
}

static void what_was_accepted_goes_with_its_user(void **state)
{
    struct world *world = *state;
    assert_ok(outbox_store_set_user(world->store, id_of(500), bytes_text("kari")));
    assert_ok(outbox_store_start(world->store, 0));
    queue(world, "create", 1, "text");
    assert_int_equal(send_all(world), 1);
    (void)answer(world, 1, STATUS_OK, 50);
    assert_ok(outbox_store_set_user(world->store, id_of(500), bytes_text("kari")));
    assert_int_equal(count(world, TANDEM_ENTRY_ACCEPTED), 1);
    assert_ok(outbox_store_set_user(world->store, id_of(501), bytes_text("nils")));
    assert_int_equal(outbox_store_count(world->store, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_depends_on_a_refused_creation_waits_for_it),
        TEST(what_was_sent_with_a_refused_creation_joins_it),
        TEST(others_values_go_with_their_scope_and_mine_stays),
        TEST(a_purge_after_the_refusal_tells_why_as_well),
        TEST(a_conflict_told_after_the_purge_leaves_nothing_of_others),
        TEST(a_removed_record_keeps_its_base_until_the_answer),
        TEST(what_was_accepted_goes_with_its_user),
        TEST(another_history_makes_bases_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
