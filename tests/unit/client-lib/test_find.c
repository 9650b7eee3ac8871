/* Reads and local queries, with what waits for the server laid over. The random test prints its
 * seed and takes another from TANDEM_SEED. */
#include "laid_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "client-lib/client/client_find.h"
#include "tests/survival/faults/failing_memory.h"

/* The numbers of the records met, with a letter where they are not synced: "1 2p 3c 4r". */
struct met {
    char text[1024];
    unsigned stop_after;
    unsigned count;
    const void *bytes; /* of the last one */
};

static bool note_record(void *context, const tandem_record *record)
{
    struct met *met = context;
    static const char *const states[] = {"", "p", "c", "r"};
    size_t used = strlen(met->text);
    snprintf(met->text + used, sizeof met->text - used, "%s%u%s", used > 0 ? " " : "",
             record->view.id.octet[15], states[tandem_record_state(record)]);
    met->bytes = record->encoded.data;
    return ++met->count != met->stop_after;
}

static tandem_client *client_of(const struct laid_world *world)
{
    return world->world->client;
}

static void expect_found(struct laid_world *world, const tandem_find *find, const char *expected)
{
    struct met met = {.count = 0};
    assert_ok(tandem_find_each(client_of(world), find, note_record, &met));
    assert_string_equal(met.text, expected);
}

static void expect_each(struct laid_world *world, const char *entity, const char *expected)
{
    struct met met = {.count = 0};
    assert_ok(tandem_each(client_of(world), entity, note_record, &met));
    assert_string_equal(met.text, expected);
}

static void expect_timeline(struct laid_world *world, unsigned account, const char *expected)
{
    struct met met = {.count = 0};
    assert_ok(tandem_timeline(client_of(world), id_text(account), note_record, &met));
    assert_string_equal(met.text, expected);
}

static bool note_text(void *context, const tandem_record *record)
{
    const char *text = tandem_record_text(record, "description");
    snprintf(context, 64, "%s", text != NULL ? text : "-");
    return true;
}

static void expect_description(struct laid_world *world, unsigned id, const char *expected)
{
    char text[64] = "";
    tandem_code code = tandem_get(client_of(world), id_text(id), note_text, text);
    if (expected == NULL) {
        assert_int_equal(code, STATUS_NOT_FOUND);
    } else {
        assert_ok(code);
        assert_string_equal(text, expected);
    }
}

/* ---- Pending changes ---- */

static void an_edit_shows_at_once_and_is_replaced_by_what_the_server_made_of_it(void **state)
{
    struct laid_world *world = *state;
    const struct said held = {.id = 1, .description = "old", .seq = 5};
    hold_records(world, &held, 1, 5);
    expect_description(world, 1, "old");
    (void)queue_edit(world, EDIT_UPDATE, &(struct said){.id = 1, .description = "mine"});
    expect_description(world, 1, "mine");
    expect_each(world, NULL, "1p");
    assert_true(answer_next(world, STATUS_OK, 8));
    expect_description(world, 1, "mine"); /* the replica does not show it yet */
    expect_each(world, "contact", "1p");
    const struct said merged = {.id = 1, .description = "merged", .seq = 8};
    hold_records(world, &merged, 1, 8);
    expect_description(world, 1, "merged");
    expect_each(world, "contact", "1");
}

/* Through the calls of a program. */
static void a_mutation_that_is_sent_shows_at_once(void **state)
{
    struct laid_world *world = *state;
    OUTCOMES(1);
    sign_in(world->world, 0);
    world->world->told_count = 0;
    assert_ok(send_note(world->world, "typed", &outcomes[0]));
    struct met met = {.count = 0};
    assert_ok(tandem_each(client_of(world), "note", note_record, &met));
    assert_int_equal(met.count, 1);
    assert_int_equal(met.text[strlen(met.text) - 1], 'p');
    assert_int_equal(world->world->told_count, 1);
    assert_int_equal(world->world->told[0].kind, TANDEM_EVENT_CHANGED);
    assert_string_equal(world->world->told[0].title, "typed");
}

/* The replica may be ahead of the answer. */
static void changes_that_come_before_their_answer_are_not_laid_twice(void **state)
{
    struct laid_world *world = *state;
    const struct said held = {.id = 1, .description = "old", .seq = 5};
    const struct said theirs = {.id = 1, .description = "theirs", .seq = 9};
    hold_records(world, &held, 1, 5);
    (void)queue_edit(world, EDIT_UPDATE, &(struct said){.id = 1, .description = "mine"});
    hold_records(world, &theirs, 1, 9);
    expect_description(world, 1, "mine");
    assert_true(answer_next(world, STATUS_OK, 8));
    expect_description(world, 1, "theirs");
    expect_each(world, NULL, "1");
}

/* A record that was fetched before its turn is newer than the cursor. */
static void a_record_ahead_of_the_cursor_shows_what_it_shows(void **state)
{
    struct laid_world *world = *state;
    const struct said held = {.id = 1, .description = "old", .seq = 5};
    const struct said ahead = {.id = 1, .description = "theirs", .seq = 9};
    hold_records(world, &held, 1, 5);
    (void)queue_edit(world, EDIT_UPDATE, &(struct said){.id = 1, .description = "mine"});
    assert_true(answer_next(world, STATUS_OK, 8));
    expect_description(world, 1, "mine");
    hold_records(world, &ahead, 1, 6);
    expect_description(world, 1, "theirs");
}

static void new_records_stand_in_their_place_and_removed_ones_in_none(void **state)
{
    struct laid_world *world = *state;
    const struct said held[] = {{.id = 2}, {.id = 4}, {.id = 6}, {.id = 7, .entity = "lead"}};
    hold_records(world, held, 4, 5);
    (void)queue_edit(world, EDIT_CREATE, &(struct said){.id = 1});
    (void)queue_edit(world, EDIT_CREATE, &(struct said){.id = 5});
    (void)queue_edit(world, EDIT_CREATE, &(struct said){.id = 8, .entity = "lead"});
    (void)queue_edit(world, EDIT_CREATE, &(struct said){.id = 9});
    (void)queue_edit(world, EDIT_REMOVE, &(struct said){.id = 4});
    (void)queue_edit(world, EDIT_UPDATE, &(struct said){.id = 3, .description = "not held"});
    expect_each(world, "contact", "1p 2 5p 6 9p");
    expect_each(world, "lead", "7 8p");
    expect_each(world, NULL, "1p 2 5p 6 7 8p 9p");
    expect_found(world, &(tandem_find){.entity = "contact", .descending = true}, "9p 6 5p 2 1p");
    expect_found(world, &(tandem_find){.descending = true, .limit = 3}, "9p 8p 7");
    expect_description(world, 4, NULL);
    expect_description(world, 3, NULL);
    expect_description(world, 5, "-");
}

static void a_walk_ends_when_it_is_told_to(void **state)
{
    struct laid_world *world = *state;
    const struct said held[] = {{.id = 2}, {.id = 4}};
    hold_records(world, held, 2, 5);
    (void)queue_edit(world, EDIT_CREATE, &(struct said){.id = 1});
    (void)queue_edit(world, EDIT_CREATE, &(struct said){.id = 3});
    (void)queue_edit(world, EDIT_CREATE, &(struct said){.id = 5});
    static const char *const expected[] = {"1p", "1p 2", "1p 2 3p", "1p 2 3p 4", "1p 2 3p 4 5p"};
    for (unsigned n = 1; n <= 5; n++) {
        struct met met = {.stop_after = n};
        assert_ok(tandem_each(client_of(world), "contact", note_record, &met));
        assert_string_equal(met.text, expected[n - 1]);
        expect_found(world, &(tandem_find){.entity = "contact", .limit = n}, expected[n - 1]);
    }
}

static void a_timeline_has_what_is_typed_and_moved_into_it(void **state)
{
    struct laid_world *world = *state;
    const struct said held[] = {{.id = 11, .entity = "interaction", .account = 1, .date = 100},
                                {.id = 12, .entity = "interaction", .account = 1, .date = 300},
                                {.id = 13, .entity = "interaction", .account = 2, .date = 200},
                                {.id = 14, .entity = "contact", .account = 1}};
    hold_records(world, held, 4, 5);
    expect_timeline(world, 1, "12 11");
    (void)queue_edit(world, EDIT_CREATE,
                     &(struct said){.id = 15, .entity = "interaction", .account = 1, .date = 200});
    (void)queue_edit(world, EDIT_UPDATE, &(struct said){.id = 13, .account = 1, .date = 50});
    (void)queue_edit(world, EDIT_UPDATE, &(struct said){.id = 12, .account = 2});
    expect_timeline(world, 1, "15p 11 13p");
    expect_timeline(world, 2, "12p");
    expect_found(world, &(tandem_find){.account = id_text(1), .from_ms = 50, .to_ms = 200},
                 "11 13p");
    expect_found(world, &(tandem_find){.account = id_text(1), .from_ms = 51, .to_ms = 201},
                 "15p 11");
    expect_found(world, &(tandem_find){.account = id_text(1), .from_ms = 9, .to_ms = 9}, "");
    expect_found(world, &(tandem_find){.account = id_text(1), .entity = "contact"}, "14");
    expect_found(world, &(tandem_find){.account = id_text(1), .entity = "interaction", .limit = 2},
                 "15p 11");
    expect_found(
        world, &(tandem_find){.account = id_text(1), .entity = "interaction", .sort = "dateStart"},
        "13p 11 15p");
}

/* ---- What was not taken ---- */

static void what_was_not_taken_marks_its_record_and_changes_nothing(void **state)
{
    struct laid_world *world = *state;
    const struct said held[] = {{.id = 1, .description = "one"},
                                {.id = 2, .description = "two"},
                                {.id = 3, .description = "three"}};
    hold_records(world, held, 3, 5);
    (void)queue_edit(world, EDIT_UPDATE, &(struct said){.id = 1, .description = "mine"});
    (void)queue_edit(world, EDIT_REMOVE, &(struct said){.id = 2});
    assert_true(answer_next(world, STATUS_CONFLICT, 0));
    assert_true(answer_next(world, STATUS_DENIED, 0));
    expect_description(world, 1, "one");
    expect_description(world, 2, "two");
    expect_each(world, "contact", "1c 2r 3");
    (void)queue_edit(world, EDIT_UPDATE, &(struct said){.id = 1, .description = "again"});
    expect_description(world, 1, "again");
    expect_each(world, NULL, "1c 2r 3");
    tandem_find find = {.states = TANDEM_IN_STATE(TANDEM_STATE_CONFLICT)};
    expect_found(world, &find, "1c");
    find.states |= TANDEM_IN_STATE(TANDEM_STATE_REFUSED);
    expect_found(world, &find, "1c 2r");
    find.states = TANDEM_IN_STATE(TANDEM_STATE_SYNCED);
    expect_found(world, &find, "3");
    find.states |= TANDEM_IN_STATE(TANDEM_STATE_REFUSED);
    expect_found(world, &find, "2r 3");
}

static void a_new_record_that_was_refused_is_seen_by_those_who_ask_for_it(void **state)
{
    struct laid_world *world = *state;
    const struct said held = {.id = 3};
    hold_records(world, &held, 1, 5);
    (void)queue_edit(world, EDIT_CREATE, &(struct said){.id = 1, .description = "typed"});
    assert_true(answer_next(world, STATUS_DENIED, 0));
    expect_description(world, 1, "typed");
    expect_each(world, NULL, "3");
    expect_each(world, "contact", "3");
    expect_found(world, &(tandem_find){.states = TANDEM_IN_STATE(TANDEM_STATE_REFUSED)}, "1r");
    expect_found(world,
                 &(tandem_find){.states = TANDEM_IN_STATE(TANDEM_STATE_REFUSED) |
                                          TANDEM_IN_STATE(TANDEM_STATE_SYNCED)},
                 "1r 3");
    (void)queue_edit(world, EDIT_UPDATE, &(struct said){.id = 1, .description = "still"});
    expect_description(world, 1, "still");
    expect_each(world, NULL, "3");
    expect_found(world, &(tandem_find){.states = TANDEM_IN_STATE(TANDEM_STATE_REFUSED)}, "1r");
}

/* ---- Conditions and orders ---- */

static void conditions_speak_of_what_is_pending(void **state)
{
    struct laid_world *world = *state;
    const struct said held[] = {
        {.id = 1, .description = "red"}, {.id = 2, .description = "green"}, {.id = 3}};
    hold_records(world, held, 3, 5);
    (void)queue_edit(world, EDIT_UPDATE, &(struct said){.id = 2, .description = "red"});
    (void)queue_edit(world, EDIT_UPDATE, &(struct said){.id = 1, .description = "blue"});
    const tandem_condition red = {.field = "description", .op = "=", .text = "red"};
    tandem_find find = {.entity = "contact", .where = &red, .where_count = 1};
    expect_found(world, &find, "2p");
    const tandem_condition part = {.field = "description", .op = "contains", .text = "E"};
    find.where = &part;
    expect_found(world, &find, "1p 2p");
    const tandem_condition none = {.field = "description", .op = "=", .text = ""};
    find.where = &none;
    expect_found(world, &find, "3");
    const tandem_condition both[] = {{.field = "description", .op = ">", .text = "blue"},
                                     {.field = "description", .op = "!=", .text = "green"}};
    find.where = both;
    find.where_count = 2;
    expect_found(world, &find, "2p");
}

static void records_sort_by_a_field_and_those_without_it_come_last(void **state)
{
    struct laid_world *world = *state;
    const struct said held[] = {{.id = 1, .description = "d"},
                                {.id = 2, .description = "b"},
                                {.id = 3},
                                {.id = 4, .description = "b"},
                                {.id = 5, .description = "a"}};
    hold_records(world, held, 5, 5);
    (void)queue_edit(world, EDIT_UPDATE, &(struct said){.id = 1, .description = "aa"});
    (void)queue_edit(world, EDIT_CREATE, &(struct said){.id = 6, .description = "c"});
    tandem_find find = {.entity = "contact", .sort = "description"};
    expect_found(world, &find, "5 1p 2 4 6p 3");
    find.descending = true;
    expect_found(world, &find, "6p 4 2 1p 5 3");
    find.limit = 2;
    expect_found(world, &find, "6p 4");
}

/* Many more than the limit: the places kept are thinned out as they come. */
static void a_limit_keeps_the_first_of_many(void **state)
{
    struct laid_world *world = *state;
    struct said held[200];
    char texts[200][8];
    for (unsigned i = 0; i < 200; i++) {
        snprintf(texts[i], sizeof texts[i], "%03u", (i * 71 + 5) % 200);
        held[i] = (struct said){.id = i + 1, .description = texts[i]};
    }
    hold_records(world, held, 200, 5);
    tandem_find find = {.entity = "contact", .sort = "description", .limit = 2};
    /* (i * 71 + 5) % 200 is 0 for i = 45 and 1 for i = 76. */
    assert_string_equal(texts[45], "000");
    assert_string_equal(texts[76], "001");
    expect_found(world, &find, "46 77");
    find.descending = true;
    struct met met = {.count = 0};
    assert_ok(tandem_find_each(client_of(world), &find, note_record, &met));
    assert_int_equal(met.count, 2);
    assert_string_equal(texts[strtoul(met.text, NULL, 10) - 1], "199");
}

static void what_cannot_be_asked_is_refused(void **state)
{
    struct laid_world *world = *state;
    const tandem_condition condition = {.field = "nosuch", .op = "=", .text = "x"};
    const tandem_condition bad = {.field = "dateStart", .op = "=", .text = "soon"};
    struct met met = {.count = 0};
    const struct {
        tandem_find find;
        enum status status;
    } cases[] = {
        {{.entity = "contact", .where = &condition, .where_count = 1}, STATUS_UNKNOWN_FIELD},
        {{.where = &condition, .where_count = 1}, STATUS_USAGE},
        {{.entity = "interaction", .where = &bad, .where_count = 1}, STATUS_INVALID_VALUE},
        {{.entity = "contact", .sort = "nosuch"}, STATUS_UNKNOWN_FIELD},
        {{.entity = "account", .sort = "billingAddress"}, STATUS_INVALID_VALUE},
        {{.sort = "name"}, STATUS_USAGE},
        {{.account = "nobody"}, STATUS_INVALID_VALUE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tandem_fault fault;
        assert_int_equal(tandem_find_each(client_of(world), &cases[i].find, note_record, &met),
                         cases[i].status);
        tandem_last_fault(client_of(world), &fault);
        assert_int_equal(fault.code, cases[i].status);
        assert_true(fault.detail[0] != 0);
    }
    expect_found(world, &(tandem_find){.entity = "nosuch"}, "");
}

/* ---- Cost ---- */

static void what_nothing_lies_over_is_not_copied(void **state)
{
    struct laid_world *world = *state;
    const struct said held[] = {{.id = 1, .description = "one"}, {.id = 2, .description = "two"}};
    struct met direct = {.count = 0}, met = {.count = 0};
    hold_records(world, held, 2, 5);
    const uint64_t before = failing_memory_calls();
    assert_ok(tandem_each(client_of(world), "contact", note_record, &direct));
    assert_int_equal(failing_memory_calls(), before);
    (void)queue_edit(world, EDIT_UPDATE, &(struct said){.id = 1, .description = "mine"});
    assert_ok(tandem_each(client_of(world), "contact", note_record, &met));
    assert_string_equal(met.text, "1p 2");
    assert_ptr_equal(met.bytes, direct.bytes);
}

static bool find_all(void *context)
{
    struct laid_world *world = context;
    struct met met = {.count = 0}, sorted = {.count = 0}, got = {.count = 0};
    const tandem_condition part = {.field = "description", .op = "contains", .text = "e"};
    const tandem_find find = {
        .entity = "contact", .sort = "description", .where = &part, .where_count = 1, .states = 15};
    tandem_code code = tandem_each(client_of(world), "contact", note_record, &met);
    if (code == TANDEM_OK)
        code = tandem_find_each(client_of(world), &find, note_record, &sorted);
    if (code == TANDEM_OK)
        code = tandem_get(client_of(world), id_text(1), note_record, &got);
    if (code != TANDEM_OK) {
        assert_int_equal(code, STATUS_NO_MEMORY);
        return false;
    }
    assert_string_equal(met.text, "1p 2c 3");
    assert_string_equal(sorted.text, "3 1p 2c");
    assert_string_equal(got.text, "1p");
    return true;
}

static void a_read_is_whole_or_says_that_memory_is_short(void **state)
{
    struct laid_world *world = *state;
    const struct said held[] = {{.id = 1, .description = "one"},
                                {.id = 2, .description = "twe"},
                                {.id = 3, .description = "e"}};
    hold_records(world, held, 3, 5);
    (void)queue_edit(world, EDIT_UPDATE, &(struct said){.id = 2, .description = "lost"});
    assert_true(answer_next(world, STATUS_CONFLICT, 0));
    (void)queue_edit(world, EDIT_UPDATE, &(struct said){.id = 1, .description = "mine"});
    failing_memory_each(find_all, world);
}

/* ---- Callbacks that change what is walked ---- */

static bool edit_meanwhile(void *context, const tandem_record *record)
{
    struct laid_world *world = context;
    unsigned id = record->view.id.octet[15];
    if (id == 1) {
        (void)queue_edit(world, EDIT_REMOVE, &(struct said){.id = 4});
        (void)queue_edit(world, EDIT_UPDATE, &(struct said){.id = 2, .description = "mine"});
        expect_description(world, 2, "mine");
        expect_description(world, 4, NULL);
    }
    assert_int_not_equal(id, 4);
    return true;
}

static void a_callback_may_change_what_is_still_to_come(void **state)
{
    struct laid_world *world = *state;
    const struct said held[] = {{.id = 1}, {.id = 2}, {.id = 3}};
    hold_records(world, held, 3, 5);
    (void)queue_edit(world, EDIT_CREATE, &(struct said){.id = 4});
    assert_ok(tandem_each(client_of(world), "contact", edit_meanwhile, world));
}

/* ---- Random queries ---- */

#define RECORDS 24u

struct naive {
    unsigned id;
    bool found, apart;
    char entity[16], description[16];
    uint64_t account; /* 0: none */
    bool timed;
    int64_t date;
    tandem_state state;
};

static bool note_naive(void *context, const tandem_record *record)
{
    struct naive *naive = context;
    const char *text = tandem_record_text(record, "description");
    naive->found = true;
    naive->state = tandem_record_state(record);
    snprintf(naive->entity, sizeof naive->entity, "%s", tandem_record_entity(record));
    snprintf(naive->description, sizeof naive->description, "%s", text != NULL ? text : "");
    naive->account = record->view.scope.kind == SCOPE_ACCOUNT ? record->view.scope.id.octet[15] : 0;
    naive->timed = strcmp(naive->entity, "interaction") == 0 && naive->account != 0;
    naive->date = tandem_record_created_at(record);
    struct bytes value;
    if (wire_map_find(record->view.fields, "dateStart", &value)) {
        struct wire_reader reader = wire_read(value);
        assert_true(wire_get_int(&reader, &naive->date));
    }
    return true;
}

struct question {
    tandem_find find;
    tandem_condition where;
    unsigned account;
    char account_text[ID_TEXT_SIZE];
    bool by_time;
};

static bool naive_meets(const struct question *question, const struct naive *naive)
{
    const tandem_find *find = &question->find;
    bool in_state = (find->states & TANDEM_IN_STATE(naive->state)) != 0;
    if (!naive->found || (naive->apart ? !in_state : find->states != 0 && !in_state))
        return false;
    if (find->entity != NULL && strcmp(find->entity, naive->entity) != 0)
        return false;
    if (question->account != 0 && question->account != naive->account)
        return false;
    if ((question->by_time || find->to_ms != 0) && !naive->timed)
        return false;
    if (find->to_ms != 0 && (naive->date < find->from_ms || naive->date >= find->to_ms))
        return false;
    return find->where_count == 0 || strcmp(naive->description, question->where.text) == 0;
}

static const struct question *asked;

static int naive_order(const void *left, const void *right)
{
    const struct naive *a = left, *b = right;
    bool down = asked->find.descending || asked->by_time;
    int order = 0;
    if (asked->by_time) {
        order = (a->date > b->date) - (a->date < b->date);
    } else if (asked->find.sort != NULL) {
        if ((a->description[0] == 0) != (b->description[0] == 0))
            return a->description[0] == 0 ? 1 : -1;
        order = strcmp(a->description, b->description);
    }
    if (order == 0)
        order = (a->id > b->id) - (a->id < b->id);
    return down ? -order : order;
}

static void random_said(uint64_t *seed, struct said *out)
{
    static const char *const texts[] = {NULL, "a", "b", "bb", "c"};
    *out = (struct said){.id = 1 + below(seed, RECORDS)};
    out->entity = out->id % 2 == 0 ? "contact" : "interaction";
    out->account = below(seed, 3);
    out->description = texts[below(seed, 5)];
    out->date = strcmp(out->entity, "contact") == 0 ? 0 : 1 + below(seed, 6);
    out->seq = 1 + below(seed, 20);
}

static void random_outbox(struct laid_world *world, uint64_t *seed, bool held[RECORDS + 1])
{
    static const enum status answers[] = {STATUS_OK, STATUS_OK, STATUS_CONFLICT, STATUS_DENIED};
    struct said said;
    for (unsigned i = 0; i < 12; i++) {
        random_said(seed, &said);
        hold_records(world, &said, 1, 10);
        held[said.id] = true;
    }
    for (unsigned i = 0; i < 10; i++) {
        random_said(seed, &said);
        enum edit_op op = below(seed, 4) == 0 ? EDIT_REMOVE
                          : held[said.id]     ? EDIT_UPDATE
                                              : EDIT_CREATE;
        (void)queue_edit(world, op, &said);
        if (i < 5)
            (void)answer_next(world, answers[below(seed, 4)], 5 + below(seed, 10));
    }
}

static void random_question(uint64_t *seed, struct question *out)
{
    static const char *const texts[] = {"a", "b", "bb", ""};
    *out = (struct question){.account = below(seed, 3)};
    tandem_find *find = &out->find;
    static const char *const entities[] = {NULL, "contact", "interaction"};
    find->entity = entities[below(seed, 3)];
    if (out->account != 0)
        find->account = id_to_text(id_of(out->account), out->account_text);
    find->descending = below(seed, 2) == 0;
    if (find->entity != NULL && below(seed, 3) == 0)
        find->sort = "description";
    out->by_time = out->account != 0 && find->sort == NULL &&
                   (find->entity == NULL || strcmp(find->entity, "interaction") == 0);
    if (below(seed, 4) == 0) {
        find->from_ms = below(seed, 5);
        find->to_ms = find->from_ms + 1 + below(seed, 5);
    }
    if (find->entity != NULL && below(seed, 3) == 0) {
        out->where = (tandem_condition){"description", "=", texts[below(seed, 4)], NULL};
        find->where = &out->where;
        find->where_count = 1;
    }
    find->states = below(seed, 2) == 0 ? 0 : below(seed, 16);
    find->limit = below(seed, 3) == 0 ? 1 + below(seed, 6) : 0;
}

static void ask(struct laid_world *world, const struct question *question,
                const bool held[RECORDS + 1])
{
    struct naive all[RECORDS];
    struct met expected = {.count = 0};
    size_t count = 0;
    for (unsigned id = 1; id <= RECORDS; id++) {
        struct naive *naive = &all[count];
        *naive = (struct naive){.id = id};
        tandem_code code = tandem_get(client_of(world), id_text(id), note_naive, naive);
        assert_true(code == TANDEM_OK || code == STATUS_NOT_FOUND);
        naive->apart = !held[id] && naive->state > TANDEM_STATE_PENDING;
        count += naive_meets(question, naive);
    }
    asked = question;
    qsort(all, count, sizeof *all, naive_order);
    if (question->find.limit != 0 && count > question->find.limit)
        count = question->find.limit;
    for (size_t i = 0; i < count; i++) {
        static const char *const states[] = {"", "p", "c", "r"};
        size_t used = strlen(expected.text);
        snprintf(expected.text + used, sizeof expected.text - used, "%s%u%s", used > 0 ? " " : "",
                 all[i].id, states[all[i].state]);
    }
    expect_found(world, &question->find, expected.text);
}

static void queries_find_what_one_look_at_each_record_finds(void **state)
{
    uint64_t seed = seed_from(1122);
    (void)state;
    for (unsigned round = 0; round < 4; round++) {
        uint64_t own = seed + round;
        bool held[RECORDS + 1] = {false};
        void *inner = NULL;
        assert_int_equal(laid_set_up(&inner), 0);
        random_outbox(inner, &own, held);
        for (unsigned i = 0; i < 300; i++) {
            struct question question;
            random_question(&own, &question);
            ask(inner, &question, held);
        }
        assert_int_equal(laid_tear_down(&inner), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAID_TEST(an_edit_shows_at_once_and_is_replaced_by_what_the_server_made_of_it),
        LAID_TEST(a_mutation_that_is_sent_shows_at_once),
        LAID_TEST(changes_that_come_before_their_answer_are_not_laid_twice),
        LAID_TEST(a_record_ahead_of_the_cursor_shows_what_it_shows),
        LAID_TEST(new_records_stand_in_their_place_and_removed_ones_in_none),
        LAID_TEST(a_walk_ends_when_it_is_told_to),
        LAID_TEST(a_timeline_has_what_is_typed_and_moved_into_it),
        LAID_TEST(what_was_not_taken_marks_its_record_and_changes_nothing),
        LAID_TEST(a_new_record_that_was_refused_is_seen_by_those_who_ask_for_it),
        LAID_TEST(conditions_speak_of_what_is_pending),
        LAID_TEST(records_sort_by_a_field_and_those_without_it_come_last),
        LAID_TEST(a_limit_keeps_the_first_of_many),
        LAID_TEST(what_cannot_be_asked_is_refused),
        LAID_TEST(what_nothing_lies_over_is_not_copied),
        LAID_TEST(a_read_is_whole_or_says_that_memory_is_short),
        LAID_TEST(a_callback_may_change_what_is_still_to_come),
        cmocka_unit_test(queries_find_what_one_look_at_each_record_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
