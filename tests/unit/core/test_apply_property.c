/* Random mutations, and after each what must hold of any state; the seed is printed and may be
 * given as TANDEM_SEED. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "protocol/memory.h"
#include "server/core/record/record.h"
#include "tests/unit/core/world.h"

#define STAFF 3u
#define PARTNERS 3u
#define ACCOUNTS 4u
#define MOST_RECORDS 2000u

static struct id staff_id(unsigned i)
{
    return nid(900 + i);
}
static struct id partner_id(unsigned i)
{
    return nid(50 + i);
}
static struct id partner_user(unsigned i)
{
    return nid(950 + i);
}

struct run {
    struct world *w;
    unsigned next; /* id */
    struct id ids[MOST_RECORDS];
    unsigned count;
};

static unsigned pick(unsigned below)
{
    return (unsigned)rand() % below;
}

static struct id any_id(const struct run *run)
{
    return run->count ? run->ids[pick(run->count)] : nid(1);
}

static struct id any_account(const struct run *run)
{
    (void)run;
    return nid(1 + pick(ACCOUNTS));
}

static struct id any_user(void)
{
    return pick(4) ? staff_id(pick(STAFF)) : partner_user(pick(PARTNERS));
}

static const char *any_tags(void)
{
    static const char *const fixed[] = {"internal", "partners", "suppliers", "distributors"};
    const char *first = fixed[pick(4)];
    return pick(2) ? first : fmt("%s partner:%s", first, tx(partner_id(pick(PARTNERS))));
}

static const char *any_day(const struct world *w)
{
    char text[SCHEMA_TIME_TEXT];
    int64_t day = (int64_t)(w->now / DAY) + (int64_t)pick(12) - 4;
    return fmt("%.10s", schema_time_to_text(day * (int64_t)DAY, text));
}

static void random_create(struct run *run, struct changes *changes)
{
    struct id id = nid(1000 + run->next++);
    const char *account = tx(any_account(run));
    if (run->count < MOST_RECORDS)
        run->ids[run->count++] = id;
    switch (pick(5)) {
    case 0:
        add_create(changes, "note", id, fmt("text=n%u|account=%s", run->next, account));
        break;
    case 1:
        add_create_in(changes, "note", id, fmt("text=n|account=%s", account), NULL, any_tags());
        break;
    case 2:
        add_create(changes, "contact", id, fmt("lastName=c|account=%s", account));
        break;
    case 3:
        add_create_in(changes, "task", id, "name=t",
                      fmt("party:%s", tx(partner_id(pick(PARTNERS)))), NULL);
        break;
    default:
        add_create(changes, "assignment", id,
                   fmt("party=%s|account=%s|level=%s%s", tx(partner_id(pick(PARTNERS))), account,
                       pick(2) ? "view" : "edit",
                       pick(2) ? fmt("|from=%s|until=%s", any_day(run->w), any_day(run->w)) : ""));
    }
}

static void random_update(struct run *run, struct changes *changes)
{
    struct id id = any_id(run);
    struct record *record = memory_new(sizeof *record);
    struct bytes encoded;
    char entity[65] = "note";
    if (run->w->state.ops->record(run->w->state.self, id, &encoded) == STATUS_OK &&
        record_decode(encoded, record) == STATUS_OK)
        bytes_to_text(record->entity, entity, sizeof entity);
    memory_free(record);
    uint64_t base = pick(3) ? 0 : 1 + pick((unsigned)head(run->w));
    if (strcmp(entity, "assignment") == 0)
        add_update(changes, entity, id,
                   pick(2)   ? fmt("until=%s", any_day(run->w))
                   : pick(2) ? "level=comment"
                             : "until=",
                   base);
    else if (strcmp(entity, "contact") == 0)
        add_update(changes, entity, id,
                   pick(3) ? fmt("lastName=c%u|leadSource=Call", pick(9))
                           : fmt("account=%s", pick(4) ? tx(any_account(run)) : ""),
                   base);
    else if (strcmp(entity, "note") == 0)
        add_update(changes, entity, id,
                   pick(3) ? fmt("text=n%u", pick(9))
                           : fmt("account=%s", pick(4) ? tx(any_account(run)) : ""),
                   base);
    else
        add_update(changes, entity, id, "name=t", base);
}

static void random_account_change(struct run *run, struct changes *changes)
{
    const char *fields[] = {fmt("name=a%u", pick(99)),
                            "rating=Hot",
                            "rating=Cold",
                            fmt("restricted=true|team=%s,%s", tx(staff_id(0)), tx(staff_id(1))),
                            "restricted=false",
                            fmt("assignedUser=%s", tx(staff_id(pick(STAFF)))),
                            "assignedUser=|team=",
                            fmt("team=%s,%s", tx(staff_id(0)), tx(staff_id(2)))};
    add_update(changes, "account", any_account(run), fields[pick(8)], 0);
}

static struct reply random_mutation(struct run *run)
{
    struct changes changes = {.count = 0};
    for (unsigned n = pick(3) ? 1 : 1 + pick(4); n > 0; n--) {
        unsigned what = pick(10);
        if (what < 3)
            random_create(run, &changes);
        else if (what < 6)
            random_update(run, &changes);
        else if (what < 7)
            random_account_change(run, &changes);
        else if (what < 8)
            add_remove(&changes, any_id(run), 0);
        else
            add_share(&changes, any_id(run), pick(2) ? any_tags() : NULL,
                      pick(2) ? any_tags() : NULL);
    }
    return send(run->w, any_user(), &changes);
}

/* Whether the lane holds the record, at this seq and nowhere else. */
static bool lane_holds(struct world *w, const struct placement *placement, uint64_t at,
                       struct id id)
{
    uint64_t seq = 0;
    struct id found = {{0}};
    unsigned times = 0;
    bool right = false;
    while (w->state.ops->lane_next(w->state.self, placement->scope, placement->tag, &seq, &found) ==
           STATUS_OK) {
        if (id_equal(found, id)) {
            times++;
            right = seq == at;
        }
    }
    return times == 1 && right;
}

static void check_record(struct world *w, const struct record *record, uint64_t seq)
{
    bool live = false, used[RECORD_MAX_STAMPS] = {false};
    assert_int_equal(record->seq, seq);
    assert_true(record->shared_seq <= record->seq);
    assert_true(record->created.seq <= record->seq);
    for (unsigned i = 0; i < record->placement_count; i++) {
        const struct placement *placement = &record->placements[i];
        assert_true(placement->added <= record->seq && placement->removed <= record->seq);
        assert_true(!placement->removed || placement->removed > placement->added);
        assert_true(lane_holds(w, placement, record_lane_seq(record, placement), record->id));
        if (!placement->removed) {
            live = true;
            assert_true(scope_equal(placement->scope, record->scope));
        }
    }
    assert_int_equal(live, !record->deleted);
    for (unsigned i = 0; i < record->field_count; i++) {
        const struct record_field *field = &record->fields[i];
        used[field->stamp] = true;
        if (field->class == CLASS_SHARED)
            assert_true(record->stamps[field->stamp].seq <= record->shared_seq);
    }
    for (unsigned i = 0; i < record->stamp_count; i++) {
        assert_true(used[i] || record->deleted);
        assert_true(record->stamps[i].seq <= record->seq);
    }
    const struct id account = record_reference(record, "account");
    if (!record->deleted && !id_is_zero(account)) {
        assert_int_equal(record->scope.kind, SCOPE_ACCOUNT);
        assert_true(id_equal(record->scope.id, account));
    }
}

struct pairs {
    uint8_t level[PARTNERS][ACCOUNTS]; /* of the live, active assignment; 0 for none */
    unsigned due;
};

static void note_assignment(const struct record *record, struct pairs *pairs)
{
    struct bytes status = record_text(record, "status"), level = record_text(record, "level");
    for (unsigned p = 0; p < PARTNERS; p++)
        for (unsigned a = 0; a < ACCOUNTS; a++)
            if (bytes_is(status, "Active") &&
                id_equal(record_reference(record, "party"), partner_id(p)) &&
                id_equal(record_reference(record, "account"), nid(1 + a))) {
                assert_int_equal(pairs->level[p][a], LEVEL_NONE);
                pairs->level[p][a] = bytes_is(level, "view")      ? LEVEL_VIEW
                                     : bytes_is(level, "comment") ? LEVEL_COMMENT
                                                                  : LEVEL_EDIT;
            }
    if (!bytes_is(status, "Ended"))
        pairs->due += 0u + (record_field(record, "until") != NULL) +
                      (bytes_is(status, "Scheduled") && record_field(record, "from") != NULL);
}

/* Whom of the staff each account is open to; one that was deleted, as it last was. */
struct open {
    bool to_staff[ACCOUNTS][STAFF];
};

static void note_accounts(struct world *w, struct open *open)
{
    struct record *account = memory_new(sizeof *account);
    for (unsigned a = 0; a < ACCOUNTS; a++) {
        memcpy(account, stored(w, nid(1 + a)), sizeof *account);
        const bool restricted = record_boolean(account, "restricted");
        for (unsigned u = 0; u < STAFF && !account->deleted; u++)
            open->to_staff[a][u] = !restricted ||
                                   record_has_reference(account, "team", staff_id(u)) ||
                                   record_has_reference(account, "assignedUser", staff_id(u));
    }
    memory_free(account);
}

static void check_rows(struct world *w, const struct pairs *pairs, const struct open *open)
{
    for (unsigned p = 0; p < PARTNERS; p++)
        for (unsigned a = 0; a < ACCOUNTS; a++) {
            struct opening opening = opening_of(w, partner_user(p), account_scope_of(nid(1 + a)));
            assert_int_equal(opening.open, pairs->level[p][a] != LEVEL_NONE);
            assert_int_equal(opening.level, pairs->level[p][a]);
        }
    assert_int_equal(memory_state_due_count(w->memory), pairs->due);
    for (unsigned a = 0; a < ACCOUNTS; a++)
        for (unsigned u = 0; u < STAFF; u++)
            assert_int_equal(opening_of(w, staff_id(u), account_scope_of(nid(1 + a))).open,
                             open->to_staff[a][u]);
}

/* Said naively: a partner sees what is in an assigned account, the library or their own party, and
 * speaks to partners, their kind or them. Partner 0 is a supplier, 1 a distributor, 2 neither. */
static bool partner_should_see(const struct pairs *pairs, const struct record *record, unsigned p)
{
    bool open = record->scope.kind == SCOPE_LIBRARY ||
                (record->scope.kind == SCOPE_PARTY && id_equal(record->scope.id, partner_id(p)));
    for (unsigned a = 0; a < ACCOUNTS; a++)
        if (record->scope.kind == SCOPE_ACCOUNT && id_equal(record->scope.id, nid(1 + a)))
            open = pairs->level[p][a] != LEVEL_NONE;
    for (unsigned i = 0; open && i < record->placement_count; i++) {
        const struct placement *placement = &record->placements[i];
        if (!placement->removed &&
            (placement->tag.kind == TAG_PARTNERS ||
             (placement->tag.kind == TAG_SUPPLIERS && p == 0) ||
             (placement->tag.kind == TAG_DISTRIBUTORS && p == 1) ||
             (placement->tag.kind == TAG_PARTNER && id_equal(placement->tag.id, partner_id(p)))))
            return true;
    }
    return false;
}

/* Walks the feed twice: first what each record and the assignments say, then who sees what. */
static void check_state(struct world *w, const struct open *open)
{
    struct record *record = memory_new(sizeof *record);
    struct pairs pairs = {.due = 0};
    unsigned in_feed = 0;
    for (int round = 0; round < 2; round++) {
        uint64_t seq = 0;
        struct id id = {{0}};
        struct bytes encoded;
        while (w->state.ops->feed_next(w->state.self, &seq, &id) == STATUS_OK) {
            assert_int_equal(w->state.ops->record(w->state.self, id, &encoded), STATUS_OK);
            assert_int_equal(record_decode(encoded, record), STATUS_OK);
            if (round == 0) {
                in_feed++;
                check_record(w, record, seq);
                if (!record->deleted && bytes_is(record->entity, "assignment"))
                    note_assignment(record, &pairs);
            }
            for (unsigned p = 0; round == 1 && p < PARTNERS; p++)
                assert_int_equal(sees(w, partner_user(p), id),
                                 partner_should_see(&pairs, record, p));
        }
    }
    check_rows(w, &pairs, open);
    assert_true(in_feed > 0);
    memory_free(record);
}

static void found_company(struct world *w)
{
    static const char *const kinds[] = {"supplier", "reseller", "agency"};
    for (unsigned i = 0; i < STAFF; i++)
        add_staff(w, staff_id(i), fmt("staff%u", i), "Member", i ? "support" : "sales");
    for (unsigned i = 0; i < PARTNERS; i++) {
        add_partner(w, partner_id(i), fmt("partner%u", i), kinds[i]);
        add_partner_user(w, partner_user(i), fmt("outside%u", i), partner_id(i));
    }
    for (unsigned i = 0; i < ACCOUNTS; i++)
        assert_ok(create(w, staff_id(0), "account", nid(1 + i), fmt("name=a%u", i)));
}

static void step(struct run *run)
{
    struct world *w = run->w;
    struct buffer before = {0}, after = {0};
    uint64_t seq = head(w);
    memory_state_dump(w->memory, false, &before);
    unsigned known = run->count;
    struct reply reply = random_mutation(run);
    if (reply.status != STATUS_OK)
        run->count = known; /* what was to be made is not there */
    if (reply.status == STATUS_OK) {
        assert_int_equal(reply.seq, seq + 1);
        assert_int_equal(head(w), seq + 1);
    } else {
        memory_state_dump(w->memory, false, &after);
        assert_true(bytes_equal(buffer_bytes(&before), buffer_bytes(&after)));
    }
    if (pick(8) == 0) {
        w->now += DAY;
        run_due(w);
    }
    buffer_release(&before);
    buffer_release(&after);
}

static void any_state_is_sound_and_replays(void **state)
{
    struct world *w = *state;
    struct run *run = memory_new(sizeof *run);
    struct open *open = memory_new(sizeof *open);
    struct buffer here = {0}, there = {0};
    unsigned accepted = 0;
    const char *given = getenv("TANDEM_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    print_message("TANDEM_SEED=%u\n", seed);
    srand(seed);
    run->w = w;
    found_company(w);
    note_accounts(w, open);
    for (unsigned i = 0; i < 600; i++) {
        uint64_t seq = head(w);
        step(run);
        accepted += head(w) > seq;
        note_accounts(w, open);
        if (i % 10 == 0)
            check_state(w, open);
    }
    check_state(w, open);
    print_message("%u of 600 accepted\n", accepted);
    assert_true(accepted > 60); /* or the test tries nothing */
    struct memory_state *again = world_replay(w);
    memory_state_dump(w->memory, true, &here);
    memory_state_dump(again, true, &there);
    assert_true(bytes_equal(buffer_bytes(&here), buffer_bytes(&there)));
    buffer_release(&here);
    buffer_release(&there);
    memory_state_free(again);
    memory_free(open);
    memory_free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(any_state_is_sound_and_replays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
