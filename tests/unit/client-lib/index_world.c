#include "index_world.h"

#include <stdio.h>

/* ---- Seeing which indexes are used, and hiding them ---- */

struct index_watch watch;

enum status __real_replica_index_look(struct replica *, const struct replica_index_name *,
                                      enum replica_index_state *);
enum status __wrap_replica_index_look(struct replica *replica,
                                      const struct replica_index_name *name,
                                      enum replica_index_state *out);
enum status __wrap_replica_index_look(struct replica *replica,
                                      const struct replica_index_name *name,
                                      enum replica_index_state *out)
{
    enum status status = __real_replica_index_look(replica, name, out);
    if (watch.hidden && *out == REPLICA_INDEX_WHOLE)
        *out = REPLICA_INDEX_UNFINISHED;
    return status;
}

enum status __real_replica_index_walk(struct replica *, const struct replica_index_range *,
                                      replica_walk_fn *, void *, size_t *);
enum status __wrap_replica_index_walk(struct replica *replica,
                                      const struct replica_index_range *range,
                                      replica_walk_fn *each, void *context, size_t *missing);
enum status __wrap_replica_index_walk(struct replica *replica,
                                      const struct replica_index_range *range,
                                      replica_walk_fn *each, void *context, size_t *missing)
{
    watch.walks++;
    return __real_replica_index_walk(replica, range, each, context, missing);
}

int index_set_up(void **state)
{
    memset(&watch, 0, sizeof watch);
    return laid_set_up(state);
}

tandem_client *client_of(const struct laid_world *world)
{
    return world->world->client;
}

struct replica *replica_of(const struct laid_world *world)
{
    return client_of(world)->replica;
}

unsigned run_all(struct laid_world *world)
{
    unsigned slices = 0;
    bool done = false;
    assert_ok(replica_scrub(replica_of(world), SIZE_MAX, &done));
    assert_true(done);
    while (replica_index_due(replica_of(world)) == 0) {
        assert_ok(replica_index_run(replica_of(world), 0));
        assert_true(++slices < 1000);
    }
    return slices;
}

enum replica_index_state state_of(struct laid_world *world, const char *entity, const char *field,
                                  uint8_t kind)
{
    const struct replica_index_name name = {bytes_text(entity), bytes_text(field), kind};
    enum replica_index_state found;
    assert_ok(__real_replica_index_look(replica_of(world), &name, &found));
    return found;
}

void want(struct laid_world *world, const char *entity, const char *field, uint8_t kind)
{
    const struct replica_index_name name = {bytes_text(entity), bytes_text(field), kind};
    replica_index_want(replica_of(world), &name);
}

/* ---- What is found ---- */

static uint32_t number_of(struct id id)
{
    return get_u32(id.octet + 12);
}

static bool note_record(void *context, const tandem_record *record)
{
    struct found *found = context;
    assert_true(found->count < FOUND_MOST);
    found->of[found->count++] =
        number_of(record->view.id) * 4 + (uint32_t)tandem_record_state(record);
    return found->count != found->stop_after;
}

tandem_code find_records(struct laid_world *world, const tandem_find *find, bool hidden,
                         struct found *found)
{
    found->count = 0;
    watch.hidden = hidden;
    tandem_code code = tandem_find_each(client_of(world), find, note_record, found);
    watch.hidden = false;
    return code;
}

void expect_same(struct laid_world *world, const tandem_find *asked, size_t stop_after)
{
    static struct found with, without;
    with.stop_after = without.stop_after = stop_after;
    assert_ok(find_records(world, asked, false, &with));
    assert_ok(find_records(world, asked, true, &without));
    if (with.count == without.count &&
        memcmp(with.of, without.of, with.count * sizeof *with.of) == 0)
        return;
    print_error("%s where", asked->entity);
    for (size_t i = 0; i < asked->where_count; i++)
        print_error(" %s %s '%s'", asked->where[i].field, asked->where[i].op, asked->where[i].text);
    print_error(", sort %s %d, limit %u, states %u: %zu with, %zu without\n",
                asked->sort != NULL ? asked->sort : "-", asked->descending, asked->limit,
                asked->states, with.count, without.count);
    fail();
}

/* ---- Records ---- */

/* Text of which more than a key is the same. */
static void put_long(struct buffer *out, uint64_t *seed)
{
    char text[SCHEMA_KEY_MAX + 8];
    memset(text, 'q', sizeof text);
    text[sizeof text - 1] = 0;
    text[SCHEMA_KEY_MAX + below(seed, 2)] = (char)('a' + below(seed, 3));
    wire_put_text(out, text);
}

static void put_text(struct buffer *out, uint64_t *seed)
{
    static const char *const texts[] = {"",     "a",        "A",         "ab",      "b",
                                        "b\tc", "abcdefgh", "abcdefghi", "ABCDEFGH",
                                        "Å",    "å",        "ÅSE",       "ȺB"};
    char text[16];
    unsigned way = below(seed, 6);
    if (way == 0) {
        put_long(out, seed);
    } else if (way < 3) {
        wire_put_text(out, texts[below(seed, sizeof texts / sizeof *texts)]);
    } else {
        snprintf(text, sizeof text, "%c%u", 'a' + (int)below(seed, 6), below(seed, 50));
        wire_put_text(out, text);
    }
}

static void put_money(struct buffer *out, uint64_t *seed)
{
    wire_put_map(out, 2);
    wire_put_text(out, "amount");
    wire_put_int(out, (int64_t)below(seed, 2000) - 1000);
    wire_put_text(out, "currency");
    wire_put_text(out, below(seed, 2) == 0 ? "NOK" : "EUR");
}

static void put_date(struct buffer *out, uint64_t *seed)
{
    char text[16];
    snprintf(text, sizeof text, "20%02u-%02u-%02u", below(seed, 30), 1 + below(seed, 12),
             1 + below(seed, 28));
    wire_put_text(out, text);
}

static void put_decimal(struct buffer *out, uint64_t *seed)
{
    char text[24];
    snprintf(text, sizeof text, "%s%u.%02u", below(seed, 2) == 0 ? "-" : "", below(seed, 30),
             below(seed, 4) * 25);
    wire_put_text(out, text);
}

void put_value(struct buffer *out, enum field_kind kind, uint64_t *seed)
{
    static const char *const stages[] = {"Prospecting", "Proposal", "Closed Won"};
    if (below(seed, 25) == 0) {
        wire_put_nil(out);
        return;
    }
    switch (below(seed, 40) == 0 ? (enum field_kind)below(seed, KIND_COUNT) : kind) {
    case KIND_INTEGER:
        wire_put_int(out, (int64_t)below(seed, 200) - 100);
        break;
    case KIND_MONEY:
        put_money(out, seed);
        break;
    case KIND_ENUM:
        wire_put_text(out, stages[below(seed, 3)]);
        break;
    case KIND_DATE:
        put_date(out, seed);
        break;
    case KIND_DECIMAL:
        put_decimal(out, seed);
        break;
    case KIND_REFERENCE:
        wire_put_id(out, id_of(1 + below(seed, 9)));
        break;
    case KIND_TAGS:
        wire_put_array(out, 1);
        put_text(out, seed);
        break;
    default:
        put_text(out, seed);
    }
}

const struct index_field fields[FIELDS] = {
    {"name", KIND_TEXT},      {"stage", KIND_ENUM},     {"probability", KIND_INTEGER},
    {"amount", KIND_MONEY},   {"closeDate", KIND_DATE}, {"campaign", KIND_REFERENCE},
    {"margin", KIND_DECIMAL}, {"tags", KIND_TAGS}};

void put_fields(struct buffer *out, uint64_t *seed)
{
    bool has[FIELDS];
    uint32_t count = 0;
    for (size_t i = 0; i < FIELDS; i++)
        count += has[i] = below(seed, 5) > 0;
    wire_put_map(out, count);
    for (size_t i = 0; i < FIELDS; i++) {
        if (!has[i])
            continue;
        wire_put_text(out, fields[i].name);
        put_value(out, fields[i].kind, seed);
    }
}

struct scope scope_of(unsigned account)
{
    return account == 0 ? (struct scope){.kind = SCOPE_LIBRARY} : account_of(account);
}

void put_encoded(struct laid_world *world, const struct made *made)
{
    struct buffer encoded = {0};
    struct record_view view;
    put_record(&encoded, made);
    assert_true(record_view_read(buffer_bytes(&encoded), &view));
    assert_ok(replica_put(replica_of(world), &view, buffer_bytes(&encoded)));
    buffer_release(&encoded);
}

void put_deal(struct laid_world *world, unsigned number, uint64_t *seed)
{
    struct buffer values = {0};
    put_fields(&values, seed);
    const struct made made = {.id = number,
                              .entity = below(seed, 30) == 0 ? "lead" : "opportunity",
                              .scope = scope_of(below(seed, ACCOUNTS)),
                              .seq = 1 + below(seed, 40),
                              .fields = buffer_bytes(&values)};
    put_encoded(world, &made);
    buffer_release(&values);
}

/* The record that defines "margin". */
static void put_definition(struct laid_world *world, const char *kind)
{
    struct buffer values = {0};
    wire_put_map(&values, 4);
    wire_put_text(&values, "entity");
    wire_put_text(&values, "opportunity");
    wire_put_text(&values, "name");
    wire_put_text(&values, "margin");
    wire_put_text(&values, "kind");
    wire_put_text(&values, kind);
    wire_put_text(&values, "class");
    wire_put_text(&values, "shared");
    const struct made made = {.id = CUSTOM_RECORD,
                              .entity = "customField",
                              .scope = {.kind = SCOPE_PARTY, .id = id_of(3)},
                              .seq = 1,
                              .fields = buffer_bytes(&values)};
    put_encoded(world, &made);
    buffer_release(&values);
}

void define(struct laid_world *world, const char *kind)
{
    assert_ok(replica_begin(replica_of(world)));
    put_definition(world, kind);
    assert_ok(replica_commit(replica_of(world)));
}

void hold_deals(struct laid_world *world, unsigned count, uint64_t *seed)
{
    assert_ok(replica_begin(replica_of(world)));
    put_definition(world, "decimal");
    for (unsigned i = 0; i < count; i++)
        put_deal(world, 1 + below(seed, DEALS), seed);
    assert_ok(replica_set_cursor(replica_of(world), 50));
    assert_ok(replica_commit(replica_of(world)));
}

/* ---- Crashes ---- */

void begin_anew(struct laid_world *world)
{
    client_abandon(client_of(world));
    open_client(world->world, true);
    replica_set_read_only(replica_of(world), false);
    assert_ok(outbox_store_start(client_of(world)->store, 0));
    assert_ok(replica_index_run(replica_of(world), 0));
}
