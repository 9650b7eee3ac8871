/* The store against a model that is obviously right: an array of records, searched from end to
 * end. Random batches change both; some are aborted, and then the model goes back too; now and
 * then the store is closed and opened again. After every batch each walk is compared. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "protocol/schema.h"

#define RECORDS 500
#define SCOPES 3
#define SUBJECTS 3
#define BATCHES 200

static const struct tag tags[] = {
    {.kind = TAG_INTERNAL}, {.kind = TAG_PARTNERS}, {.kind = TAG_SUPPLIERS}};
#define TAGS (sizeof tags / sizeof *tags)

static const char *const entities[] = {"interaction", "account", "machine"};
/* Each, and as lists have it. */
static const char *const texts[][2] = {
    {"a", "a"},       {"ab", "ab"},     {"b", "b"},   {"A", "a"},   {"abcdefgh", "abcdefgh"},
    {"\x01", "\x01"}, {"zz", "zz"},     {"Åb", "åb"}, {"åB", "åb"}, {"abcdefghi", "abcdefghi"},
    {"Ⱥ", "ⱥ"},       {"\u212a", "k"},  {"k", "k"},   {"ø", "ø"},   {"Ø", "ø"}};
#define TEXTS (sizeof texts / sizeof *texts)

struct model {
    uint64_t seq;
    struct made *made[RECORDS]; /* NULL: not there */
    struct access_row access[SUBJECTS][SCOPES];
    bool has_access[SUBJECTS][SCOPES];
};

static unsigned pick(unsigned below)
{
    return (unsigned)rand() % below;
}

static void model_release(struct model *model)
{
    for (size_t i = 0; i < RECORDS; i++)
        if (model->made[i] != NULL)
            made_free(model->made[i]);
}

static void model_copy(struct model *to, const struct model *from)
{
    *to = *from;
    for (size_t i = 0; i < RECORDS; i++)
        if (from->made[i] != NULL)
            to->made[i] = made_copy(from->made[i]);
}

static const char *timeline_field(void)
{
    return schema_entity(bytes_text("interaction"))->timeline_field;
}

static void change_fields(struct made *made)
{
    if (pick(2))
        made_text(made, "externalId", texts[pick(TEXTS)][0]);
    if (pick(3) == 0)
        made_clear(made, "externalId");
    if (bytes_is(made->record.entity, "account") && pick(2))
        made_text(made, "name", texts[pick(TEXTS)][0]);
    if (bytes_is(made->record.entity, "interaction") && pick(2))
        made_time(made, timeline_field(), (int64_t)pick(7) - 3);
}

static struct placement *live_placement(struct record *record, struct scope scope, struct tag tag)
{
    for (size_t i = 0; i < record->placement_count; i++) {
        struct placement *placement = &record->placements[i];
        if (scope_equal(placement->scope, scope) && tag_equal(placement->tag, tag))
            return placement;
    }
    return NULL;
}

/* Gives or takes an audience tag in the record's scope. */
static void toggle(struct made *made, struct tag tag, uint64_t seq)
{
    struct placement *placement = live_placement(&made->record, made->record.scope, tag);
    if (placement == NULL) {
        made_place(made, made->record.scope, tag, seq);
    } else if (placement->removed == 0) {
        placement->removed = seq;
    } else {
        placement->added = seq;
        placement->removed = 0;
    }
}

static void end_placements(struct made *made, uint64_t seq)
{
    for (size_t i = 0; i < made->record.placement_count; i++)
        if (made->record.placements[i].removed == 0)
            made->record.placements[i].removed = seq;
}

static void change_record(struct model *model, struct state state, unsigned number)
{
    struct made *old = model->made[number], *made;
    const uint64_t seq = model->seq;
    if (old == NULL) {
        made = made_new(number, entities[number % 3], account_scope(pick(SCOPES)), seq);
        made_place(made, made->record.scope, tag_internal, seq);
        change_fields(made);
    } else {
        made = made_copy(old);
        const unsigned what = pick(8);
        made->record.seq = seq;
        if (what > 0)
            made->record.shared_seq = seq;
        if (what <= 3)
            change_fields(made);
        if (what == 4 || what == 5)
            toggle(made, tags[pick(TAGS)], seq);
        if (what == 6) {
            end_placements(made, seq);
            made->record.scope = account_scope(pick(SCOPES));
            toggle(made, tag_internal, seq);
        }
        if (what == 7) {
            made->record.deleted = !made->record.deleted;
            if (made->record.deleted)
                end_placements(made, seq);
        }
    }
    put(state, old, made);
    if (old != NULL)
        made_free(old);
    model->made[number] = made;
}

static void change_access(struct model *model, struct state state)
{
    const unsigned subject = pick(SUBJECTS), scope = pick(SCOPES);
    struct access_row *row = &model->access[subject][scope];
    if (pick(2))
        row->granted = model->seq;
    else
        row->revoked = model->seq;
    row->level = (uint8_t)pick(4);
    model->has_access[subject][scope] = true;
    assert_ok(state.ops->put_access(state.self, id_number(subject), account_scope(scope), row));
}

static void batch(struct model *model, struct state state)
{
    for (unsigned mutations = 1 + pick(30); mutations > 0; mutations--) {
        model->seq++;
        for (unsigned changes = 1 + pick(6); changes > 0; changes--) {
            const unsigned number = pick(RECORDS);
            struct made *made = model->made[number];
            if (pick(5) == 0) {
                change_access(model, state);
            } else if (made != NULL && made->record.deleted && pick(2)) {
                assert_ok(state.ops->forget_record(state.self, &made->record));
                made_free(made);
                model->made[number] = NULL;
            } else {
                change_record(model, state, number);
            }
        }
    }
    const struct meta meta = {.epoch = id_number(999), .seq = model->seq};
    assert_ok(state.ops->put_meta(state.self, &meta));
}

/* One place of the model's lists: sorted by key, then by number. */
struct place {
    int64_t number_key;
    const char *text_key; /* NULL: the number orders */
    unsigned record;
};

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (a->text_key != NULL) {
        const int order = strcmp(a->text_key, b->text_key);
        if (order != 0)
            return order;
    } else if (a->number_key != b->number_key) {
        return a->number_key < b->number_key ? -1 : 1;
    }
    return a->record < b->record ? -1 : a->record > b->record;
}

static void sort_places(struct place *places, size_t count)
{
    qsort(places, count, sizeof *places, compare_places);
}

static void compare_feed(const struct model *model, struct state state)
{
    struct place places[RECORDS];
    size_t count = 0;
    for (unsigned i = 0; i < RECORDS; i++)
        if (model->made[i] != NULL)
            places[count++] = (struct place){(int64_t)model->made[i]->record.seq, NULL, i};
    sort_places(places, count);
    uint64_t seq = 0;
    struct id id = {{0}};
    for (size_t i = 0; i < count; i++) {
        assert_ok(state.ops->feed_next(state.self, &seq, &id));
        assert_int_equal(seq, places[i].number_key);
        assert_id(id, places[i].record);
    }
    assert_status(state.ops->feed_next(state.self, &seq, &id), NOT_FOUND);
}

/* By the words of server/core/record/record.h, not by its code. */
static uint64_t lane_seq(const struct record *record, const struct placement *placement)
{
    if (placement->removed != 0)
        return placement->removed;
    if (placement->tag.kind == TAG_INTERNAL)
        return record->seq;
    return record->shared_seq > placement->added ? record->shared_seq : placement->added;
}

static void compare_lane(const struct model *model, struct state state, struct scope scope,
                         struct tag tag)
{
    struct place places[RECORDS];
    size_t count = 0;
    for (unsigned i = 0; i < RECORDS; i++) {
        if (model->made[i] == NULL)
            continue;
        struct record *record = &model->made[i]->record;
        const struct placement *placement = live_placement(record, scope, tag);
        if (placement != NULL)
            places[count++] = (struct place){(int64_t)lane_seq(record, placement), NULL, i};
    }
    sort_places(places, count);
    uint64_t seq = 0;
    struct id id = {{0}};
    for (size_t i = 0; i < count; i++) {
        assert_ok(state.ops->lane_next(state.self, scope, tag, &seq, &id));
        assert_int_equal(seq, places[i].number_key);
        assert_id(id, places[i].record);
    }
    assert_status(state.ops->lane_next(state.self, scope, tag, &seq, &id), NOT_FOUND);
}

static const char *listed_as(struct bytes text)
{
    size_t i = 0;
    while (i < TEXTS && !bytes_is(text, texts[i][0]))
        i++;
    assert_true(i < TEXTS);
    return texts[i][1];
}

static size_t model_index(const struct model *model, const char *entity, const char *field,
                          const char *exact, struct place *places)
{
    size_t count = 0;
    for (unsigned i = 0; i < RECORDS; i++) {
        const struct made *made = model->made[i];
        if (made == NULL || made->record.deleted || !bytes_is(made->record.entity, entity))
            continue;
        const struct bytes text = record_text(&made->record, field);
        if (text.size == 0)
            continue;
        if (exact == NULL || strcmp(listed_as(text), exact) == 0)
            places[count++] = (struct place){0, listed_as(text), i};
    }
    sort_places(places, count);
    return count;
}

static void compare_index(const struct model *model, struct state state, const char *entity,
                          const char *field, const char *exact, bool descending)
{
    struct place places[RECORDS];
    const size_t count = model_index(model, entity, field, exact, places);
    struct buffer place = {0};
    struct id id;
    for (size_t i = 0; i <= count; i++) {
        const enum status status =
            state.ops->index_next(state.self, bytes_text(entity), bytes_text(field),
                                  bytes_text(exact), descending, &place, &id);
        assert_int_equal(status, i == count ? STATUS_NOT_FOUND : STATUS_OK);
        if (i < count)
            assert_id(id, places[descending ? count - 1 - i : i].record);
        if (pick(3) == 0) { /* another walk in between */
            struct buffer other = {0};
            state.ops->index_next(state.self, bytes_text("account"), bytes_text("name"),
                                  (struct bytes){0}, pick(2), &other, &id);
            buffer_release(&other);
        }
    }
    buffer_release(&place);
}

static void compare_timeline(const struct model *model, struct state state, struct scope scope)
{
    struct place places[RECORDS];
    size_t count = 0;
    for (unsigned i = 0; i < RECORDS; i++) {
        const struct made *made = model->made[i];
        if (made == NULL || made->record.deleted || !bytes_is(made->record.entity, "interaction") ||
            !scope_equal(made->record.scope, scope))
            continue;
        int64_t ms = 1000;
        const struct record_field *field = record_field(&made->record, timeline_field());
        if (field != NULL) {
            struct wire_reader reader = wire_read(field->value);
            assert_true(wire_get_int(&reader, &ms));
        }
        places[count++] = (struct place){ms, NULL, i};
    }
    sort_places(places, count);
    struct buffer place = {0};
    struct id id;
    while (count > 0) {
        assert_ok(state.ops->timeline_next(state.self, scope, &place, &id));
        assert_id(id, places[--count].record);
    }
    assert_status(state.ops->timeline_next(state.self, scope, &place, &id), NOT_FOUND);
    buffer_release(&place);
}

static uint64_t newest(const struct access_row *row)
{
    return row->granted > row->revoked ? row->granted : row->revoked;
}

static void compare_access(const struct model *model, struct state state, unsigned subject)
{
    struct place places[SCOPES];
    size_t count = 0;
    struct scope scope = {0};
    struct access_row row;
    for (unsigned i = 0; i < SCOPES; i++) {
        if (!model->has_access[subject][i])
            continue;
        const struct access_row *expected = &model->access[subject][i];
        places[count++] = (struct place){(int64_t)newest(expected), NULL, i};
        assert_ok(state.ops->access_next(state.self, id_number(subject), scope, &scope, &row));
        assert_true(scope_equal(scope, account_scope(i)));
        assert_int_equal(row.granted, expected->granted);
        assert_int_equal(row.revoked, expected->revoked);
        assert_int_equal(row.level, expected->level);
    }
    assert_status(state.ops->access_next(state.self, id_number(subject), scope, &scope, &row),
                  NOT_FOUND);
    sort_places(places, count);
    uint64_t seq = 0;
    scope = (struct scope){0};
    for (size_t i = 0; i < count; i++) {
        assert_ok(state.ops->access_change_next(state.self, id_number(subject), &seq, &scope));
        assert_int_equal(seq, places[i].number_key);
        assert_true(scope_equal(scope, account_scope(places[i].record)));
    }
    assert_status(state.ops->access_change_next(state.self, id_number(subject), &seq, &scope),
                  NOT_FOUND);
}

static void compare(const struct model *model, struct state state)
{
    compare_feed(model, state);
    for (unsigned scope = 0; scope < SCOPES; scope++) {
        for (size_t tag = 0; tag < TAGS; tag++)
            compare_lane(model, state, account_scope(scope), tags[tag]);
        compare_timeline(model, state, account_scope(scope));
    }
    for (size_t i = 0; i < 3; i++) {
        const char *exact = texts[pick(TEXTS)][1];
        for (int descending = 0; descending < 2; descending++) {
            compare_index(model, state, entities[i], "externalId", NULL, descending);
            compare_index(model, state, entities[i], "externalId", exact, descending);
            compare_index(model, state, entities[i], "name", NULL, descending);
        }
    }
    for (unsigned i = 0; i < SUBJECTS; i++)
        compare_access(model, state, i);
}

static void complain(void *context, const char *text)
{
    (void)context;
    print_error("%s\n", text);
}

static void the_store_does_what_the_model_does(void **state)
{
    struct fixture *fixture = *state;
    struct model *model = calloc(1, sizeof *model), *next = calloc(1, sizeof *next);
    const char *given = getenv("TANDEM_SEED");
    const unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    print_message("seed %u (TANDEM_SEED=%u repeats it)\n", seed, seed);
    srand(seed);
    for (unsigned i = 0; i < BATCHES; i++) {
        model_copy(next, model);
        fixture_begin(fixture);
        batch(next, fixture->write);
        compare(next, fixture->write);
        if (pick(5) == 0) {
            fixture_abort(fixture);
            model_release(next);
        } else {
            fixture_commit(fixture);
            model_release(model);
            *model = *next;
        }
        if (pick(40) == 0) {
            fixture_close(fixture);
            fixture_open(fixture, false);
        }
        fixture_look(fixture);
        compare(model, fixture->read);
        fixture_done(fixture);
        assert_ok(store_check(fixture->store, complain, NULL, NULL));
    }
    model_release(model);
    free(model);
    free(next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_store_does_what_the_model_does, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
