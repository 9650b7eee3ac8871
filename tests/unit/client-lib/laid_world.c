#include "laid_world.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- The world ---- */

int laid_set_up(void **state)
{
    static struct laid_world laid;
    void *inner = NULL;
    assert_int_equal(set_up(&inner), 0);
    laid.world = inner;
    open_client(laid.world, true);
    tandem_client *client = laid.world->client;
    replica_set_read_only(client->replica, false); /* as if it led */
    assert_ok(outbox_store_set_user(client->store, id_of(500), bytes_text("kari")));
    assert_ok(outbox_store_start(client->store, 0));
    *state = &laid;
    return 0;
}

int laid_tear_down(void **state)
{
    struct laid_world *laid = *state;
    void *inner = laid->world;
    return tear_down(&inner);
}

/* ---- What is said, as bytes ---- */

static void put_fields(struct buffer *out, const struct said *said)
{
    uint32_t count = (said->account != 0 ? 1u : 0u) + (said->description != NULL ? 1u : 0u) +
                     (said->date != 0 ? 1u : 0u);
    wire_put_map(out, count);
    if (said->account != 0) {
        wire_put_text(out, "account");
        wire_put_id(out, id_of(said->account));
    }
    if (said->description != NULL) {
        wire_put_text(out, "description");
        wire_put_text(out, said->description);
    }
    if (said->date != 0) {
        wire_put_text(out, "dateStart");
        wire_put_int(out, said->date);
    }
}

static const char *entity_of(const struct said *said)
{
    return said->entity != NULL ? said->entity : "contact";
}

void hold_records(struct laid_world *world, const struct said *said, size_t count, uint64_t cursor)
{
    struct replica *replica = world->world->client->replica;
    assert_ok(replica_begin(replica));
    for (size_t i = 0; i < count; i++) {
        struct buffer fields = {0}, encoded = {0};
        struct record_view view;
        put_fields(&fields, &said[i]);
        struct made made = {.id = said[i].id,
                            .entity = entity_of(&said[i]),
                            .scope = {.kind = SCOPE_LIBRARY},
                            .seq = said[i].seq != 0 ? said[i].seq : 1,
                            .created_at = 1,
                            .fields = buffer_bytes(&fields)};
        if (said[i].account != 0)
            made.scope = account_of(said[i].account);
        put_record(&encoded, &made);
        assert_true(record_view_read(buffer_bytes(&encoded), &view));
        assert_ok(replica_put(replica, &view, buffer_bytes(&encoded)));
        buffer_release(&fields);
        buffer_release(&encoded);
    }
    assert_ok(replica_set_cursor(replica, cursor));
    assert_ok(replica_commit(replica));
}

uint64_t queue_edit(struct laid_world *world, enum edit_op op, const struct said *said)
{
    static const char *const names[] = {"create", "update", "remove"};
    struct buffer changes = {0};
    uint64_t order = 0;
    wire_put_array(&changes, 1);
    wire_put_map(&changes, op == EDIT_CREATE ? 4 : op == EDIT_UPDATE ? 3 : 2);
    wire_put_text(&changes, "op");
    wire_put_text(&changes, names[op]);
    wire_put_text(&changes, "id");
    wire_put_id(&changes, id_of(said->id));
    if (op == EDIT_CREATE) {
        wire_put_text(&changes, "entity");
        wire_put_text(&changes, entity_of(said));
    }
    if (op != EDIT_REMOVE) {
        wire_put_text(&changes, "fields");
        put_fields(&changes, said);
    }
    struct buffer seen = {0};
    wire_put_array(&seen, 0);
    const struct outbox_item item = {
        .at_ms = 1000, .changes = buffer_bytes(&changes), .seen = buffer_bytes(&seen)};
    assert_ok(outbox_store_add(world->world->client->store, &item, &order));
    buffer_release(&changes);
    buffer_release(&seen);
    tell_entry(world, order);
    return order;
}

static bool take_number(void *context, uint64_t number, struct bytes frame)
{
    uint64_t *first = context;
    (void)frame;
    if (*first == 0)
        *first = number;
    return true;
}

static bool tell_item(void *context, const struct outbox_item *item)
{
    client_outbox_changed(context, item);
    return true;
}

bool answer_next(struct laid_world *world, enum status status, uint64_t seq)
{
    struct outbox_store *store = world->world->client->store;
    static uint64_t first;
    first = 0;
    assert_ok(outbox_store_send(store, 1, 1, take_number, &first));
    if (first == 0)
        return false;
    const struct outbox_answer answer = {
        .number = first, .seq = seq, .status = status, .change = -1};
    assert_ok(outbox_store_record(store, &answer, 1, 2000, tell_item, world->world->client));
    return true;
}

void tell_entry(struct laid_world *world, uint64_t order)
{
    assert_ok(
        outbox_store_get(world->world->client->store, order, tell_item, world->world->client));
}

/* ---- Chance ---- */

uint64_t next_random(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

unsigned below(uint64_t *seed, unsigned bound)
{
    return (unsigned)(next_random(seed) % bound);
}

uint64_t seed_from(uint64_t otherwise)
{
    const char *given = getenv("TANDEM_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : otherwise;
    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}
