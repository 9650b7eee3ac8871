/* Queries with and without indexes of fields: what is answered is the same, whatever was changed,
 * queued or purged before. Prints its seed and takes another from TANDEM_SEED. */
#include "index_world.h"

/* ---- Changes that wait ---- */

static void put_op(struct buffer *out, const char *op, unsigned number, const char *entity,
                   const struct buffer *values)
{
    wire_put_array(out, 1);
    wire_put_map(out, 2u + (entity != NULL) + (values != NULL));
    wire_put_text(out, "op");
    wire_put_text(out, op);
    wire_put_text(out, "id");
    wire_put_id(out, id_of(number));
    if (entity != NULL) {
        wire_put_text(out, "entity");
        wire_put_text(out, entity);
    }
    if (values != NULL) {
        wire_put_text(out, "fields");
        wire_put_raw(out, buffer_bytes(values));
    }
}

static void queue_change(struct laid_world *world, unsigned number, uint64_t *seed)
{
    struct buffer values = {0}, changes = {0}, seen = {0};
    uint64_t order = 0;
    unsigned way = below(seed, 6);
    put_fields(&values, seed);
    if (way == 0)
        put_op(&changes, "remove", number, NULL, NULL);
    else if (number > DEALS)
        put_op(&changes, "create", number, "opportunity", &values);
    else
        put_op(&changes, "update", number, NULL, &values);
    wire_put_array(&seen, 0);
    const struct outbox_item item = {
        .at_ms = 1000, .changes = buffer_bytes(&changes), .seen = buffer_bytes(&seen)};
    assert_ok(outbox_store_add(client_of(world)->store, &item, &order));
    buffer_release(&values);
    buffer_release(&changes);
    buffer_release(&seen);
}

/* ---- Random questions ---- */

struct question {
    tandem_find find;
    tandem_condition where[3];
    char texts[3][SCHEMA_KEY_MAX + 40];
};

static void say_value(enum field_kind kind, uint64_t *seed, char *out, size_t size)
{
    struct buffer value = {0};
    const struct field_def def = {.name = "x", .kind = kind == KIND_ENUM ? KIND_TEXT : kind};
    struct buffer text = {0};
    out[0] = 0;
    if (below(seed, 8) > 0)
        put_value(&value, kind, seed);
    if (value.size > 0)
        schema_print(&def, buffer_bytes(&value), &text);
    bytes_to_text(buffer_bytes(&text), out, size);
    buffer_release(&value);
    buffer_release(&text);
}

static void ask_field(struct question *question, size_t i, uint64_t *seed, bool defined)
{
    static const char *const ops[] = {"=", "=", "=", "<", "<=", ">", ">=", "!=", "contains"};
    size_t field = below(seed, FIELDS - (defined ? 0 : 2));
    const char *op = ops[below(seed, sizeof ops / sizeof *ops)];
    if (fields[field].kind == KIND_TAGS)
        op = "contains";
    say_value(fields[field].kind == KIND_TAGS ? KIND_TEXT : fields[field].kind, seed,
              question->texts[i], sizeof question->texts[i]);
    question->where[i] = (tandem_condition){fields[field].name, op, question->texts[i], NULL};
}

static void random_question(uint64_t *seed, struct question *out, bool defined)
{
    memset(out, 0, sizeof *out);
    out->find.entity = "opportunity";
    out->find.where_count = below(seed, 4);
    for (size_t i = 0; i < out->find.where_count; i++)
        ask_field(out, i, seed, defined);
    /* Twice the same field now and then. */
    if (out->find.where_count == 2 && below(seed, 2) == 0) {
        out->where[1].field = out->where[0].field;
        memcpy(out->texts[1], out->texts[0], sizeof out->texts[1]);
    }
    out->find.where = out->where;
    if (below(seed, 3) > 0)
        out->find.sort = fields[below(seed, FIELDS - (defined ? 1 : 2))].name;
    out->find.descending = below(seed, 2) == 0;
    out->find.limit = below(seed, 2) == 0 ? 1 + below(seed, 40) : 0;
    out->find.states = below(seed, 4) == 0 ? below(seed, 16) : 0;
}

/* What cannot be asked is refused in both ways. */
static void ask(struct laid_world *world, const struct question *question, uint64_t *seed)
{
    static struct found found;
    found.stop_after = 0;
    tandem_code code = find_records(world, &question->find, true, &found);
    if (code == TANDEM_OK)
        expect_same(world, &question->find, below(seed, 4) == 0 ? 1 + below(seed, 10) : 0);
    else if (code != STATUS_INVALID_VALUE && code != STATUS_WRONG_KIND)
        fail_msg("%s: %s", tandem_error_name(code), question->where[0].field);
}

/* ---- Random changes ---- */

struct history {
    struct laid_world *world;
    uint64_t seed;
    bool defined;
    unsigned waiting;
};

static void want_any(struct history *history)
{
    size_t field = below(&history->seed, FIELDS - 1);
    bool custom = field == CUSTOM && below(&history->seed, 2) == 0;
    want(history->world, "opportunity", fields[field].name,
         custom ? REPLICA_INDEX_BY_SHAPE : (uint8_t)fields[field].kind);
}

static void change_records(struct history *history)
{
    uint64_t *seed = &history->seed;
    struct replica *replica = replica_of(history->world);
    size_t count = 0;
    assert_ok(replica_begin(replica));
    for (unsigned i = below(seed, 60); i > 0; i--) {
        const unsigned number = 1 + below(seed, DEALS);
        if (below(seed, 3) > 0) {
            put_deal(history->world, number, seed);
        } else {
            enum status status = replica_remove(replica, id_of(number), NULL);
            assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
        }
    }
    if (below(seed, 6) == 0)
        assert_ok(replica_purge(replica, scope_of(below(seed, ACCOUNTS)), &count));
    if (below(seed, 8) == 0)
        assert_ok(replica_clear(replica, scope_of(below(seed, ACCOUNTS))));
    if (below(seed, 5) == 0)
        replica_abort(replica);
    else
        assert_ok(replica_commit(replica));
}

static void change_definition(struct history *history)
{
    static const char *const kinds[] = {"decimal", "text", "integer"};
    struct replica *replica = replica_of(history->world);
    history->defined = below(&history->seed, 3) > 0;
    if (history->defined) {
        define(history->world, kinds[below(&history->seed, 3)]);
        return;
    }
    assert_ok(replica_begin(replica));
    enum status status = replica_remove(replica, id_of(CUSTOM_RECORD), NULL);
    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
    assert_ok(replica_commit(replica));
}

static void start_over(struct history *history)
{
    struct replica *replica = replica_of(history->world);
    assert_ok(replica_begin(replica));
    assert_ok(replica_empty(replica, id_of(7), bytes_text("")));
    assert_ok(replica_commit(replica));
    hold_deals(history->world, HELD, &history->seed);
    history->defined = true;
}

static void change(struct history *history)
{
    switch (below(&history->seed, 12)) {
    case 0:
    case 1:
    case 2:
        want_any(history);
        break;
    case 3:
    case 4:
        (void)run_all(history->world);
        break;
    case 5:
        if (history->waiting++ < 30)
            queue_change(history->world, 1 + below(&history->seed, DEALS + 20), &history->seed);
        break;
    case 6:
        change_definition(history);
        break;
    case 7:
        if (below(&history->seed, 10) == 0)
            start_over(history);
        else
            begin_anew(history->world);
        break;
    default:
        change_records(history);
    }
    if (below(&history->seed, 2) == 0)
        assert_ok(replica_index_run(replica_of(history->world), 0));
}

static void an_index_answers_what_a_walk_answers(void **state)
{
    uint64_t seed = seed_from(2026);
    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        void *inner = NULL;
        assert_int_equal(index_set_up(&inner), 0);
        struct history history = {.world = inner, .seed = seed + round, .defined = true};
        hold_deals(inner, HELD, &history.seed);
        for (unsigned i = 0; i < 36; i++) {
            struct question question;
            change(&history);
            for (unsigned n = 0; n < 8; n++) {
                random_question(&history.seed, &question, history.defined);
                ask(inner, &question, &history.seed);
            }
        }
        assert_true(watch.walks > 20);
        assert_int_equal(laid_tear_down(&inner), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_answers_what_a_walk_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
