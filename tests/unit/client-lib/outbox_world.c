#include "outbox_world.h"

#include <fcntl.h>
#include <sys/stat.h>

enum status try_open(struct world *world, tandem_fault *fault)
{
    buffer_clear(&world->damaged);
    return outbox_store_open(world->folder, &world->port.port, &world->store, &world->damaged,
                             fault);
}

void open_again(struct world *world)
{
    outbox_store_close(world->store);
    assert_ok(try_open(world, NULL));
}

int set_up(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof world);
    fake_port_init(&world.port);
    world.folder = folder_new();
    *state = &world;
    assert_ok(try_open(&world, NULL));
    return 0;
}

int tear_down(void **state)
{
    struct world *world = *state;
    outbox_store_close(world->store);
    buffer_release(&world->damaged);
    folder_remove(world->folder);
    return 0;
}

/* ---- Entries ---- */

/* One change; `refers` (0: none) is put as a reference among the fields. */
void put_change(struct buffer *out, const char *op, unsigned id, const char *text, unsigned refers)
{
    bool creates = strcmp(op, "create") == 0;
    bool removes = strcmp(op, "remove") == 0;
    wire_put_array(out, 1);
    wire_put_map(out, removes ? 2u : creates ? 4u : 3u);
    wire_put_text(out, "op");
    wire_put_text(out, op);
    wire_put_text(out, "id");
    wire_put_id(out, id_of(id));
    if (removes)
        return;
    if (creates) {
        wire_put_text(out, "entity");
        wire_put_text(out, "note");
    }
    wire_put_text(out, "fields");
    wire_put_map(out, refers != 0 ? 2 : 1);
    wire_put_text(out, "text");
    wire_put_text(out, text);
    if (refers != 0) {
        wire_put_text(out, "account");
        wire_put_id(out, id_of(refers));
    }
}

static void put_seen(struct buffer *out, unsigned id, unsigned account, const char *text)
{
    struct buffer fields = {0};
    wire_put_map(&fields, 1);
    wire_put_text(&fields, "text");
    wire_put_text(&fields, text);
    const struct outbox_seen seen = {.id = id_of(id),
                                     .entity = bytes_text("note"),
                                     .scope = account_of(account),
                                     .seq = 7,
                                     .fields = buffer_bytes(&fields)};
    wire_put_array(out, 1);
    outbox_seen_put(out, &seen);
    buffer_release(&fields);
}

uint64_t queue_as(struct world *world, tandem_entry_state state, const char *op, unsigned id,
                  const char *text, unsigned refers)
{
    struct buffer changes = {0}, seen = {0};
    uint64_t order = 0;
    put_change(&changes, op, id, text, refers);
    if (strcmp(op, "create") != 0)
        put_seen(&seen, id, 1, "what was there");
    const struct outbox_item item = {.state = state,
                                     .base = 40,
                                     .at_ms = 1234,
                                     .changes = buffer_bytes(&changes),
                                     .seen = buffer_bytes(&seen)};
    assert_ok(outbox_store_add(world->store, &item, &order));
    buffer_release(&changes);
    buffer_release(&seen);
    return order;
}

uint64_t queue(struct world *world, const char *op, unsigned id, const char *text)
{
    return queue_as(world, TANDEM_ENTRY_WAITING, op, id, text, 0);
}

/* ---- What is there ---- */

bool copy_item(void *context, const struct outbox_item *item)
{
    struct copy *copy = context;
    memset(copy, 0, sizeof *copy);
    copy->item = *item;
    assert_true(item->changes.size < sizeof copy->changes);
    memcpy(copy->changes, item->changes.data, item->changes.size);
    bytes_to_text(item->detail, copy->detail, sizeof copy->detail);
    struct wire_reader seen = outbox_list(item->seen);
    (void)outbox_seen_next(&seen, &copy->seen);
    struct wire_reader conflicts = outbox_list(item->conflicts);
    copy->has_theirs =
        outbox_conflict_next(&conflicts, &copy->conflict) && copy->conflict.theirs.size > 0;
    return true;
}

struct copy entry(struct world *world, uint64_t order)
{
    struct copy copy;
    assert_ok(outbox_store_get(world->store, order, copy_item, &copy));
    return copy;
}

bool note_order(void *context, const struct outbox_item *item)
{
    struct orders *orders = context;
    assert_true(orders->count < ORDERS_MOST);
    orders->order[orders->count++] = item->order;
    return true;
}

struct orders all(struct world *world, unsigned states)
{
    struct orders orders = {.count = 0};
    assert_ok(outbox_store_each(world->store, states, note_order, &orders));
    return orders;
}

bool take_frame(void *context, uint64_t number, struct bytes frame)
{
    struct frames *frames = context;
    struct message message;
    assert_true(frames->count < 80);
    assert_ok(message_decode(frame, &message, NULL));
    assert_int_equal(message.as.mutate.number, number);
    frames->answered[frames->count] = message.as.mutate.answered;
    buffer_append(&frames->frame[frames->count], frame.data, frame.size);
    frames->number[frames->count++] = number;
    return frames->count != frames->stop_at;
}

struct frames send_from(struct world *world, uint64_t from)
{
    struct frames frames = {.count = 0};
    assert_ok(outbox_store_send(world->store, from, LIMIT_IN_FLIGHT, take_frame, &frames));
    return frames;
}

void release(struct frames *frames)
{
    for (size_t i = 0; i < frames->count; i++)
        buffer_release(&frames->frame[i]);
}

size_t send_all(struct world *world)
{
    struct frames frames = send_from(world, 1);
    release(&frames);
    return frames.count;
}

struct orders answer(struct world *world, uint64_t number, enum status status, uint64_t seq)
{
    struct orders told = {.count = 0};
    const struct outbox_answer one = {
        .number = number, .seq = seq, .status = status, .change = -1, .detail = bytes_text("why")};
    assert_ok(outbox_store_record(world->store, &one, 1, 999, note_order, &told));
    return told;
}

size_t count(struct world *world, tandem_entry_state state)
{
    return outbox_store_count(world->store, 1u << state);
}

bool file_has(struct world *world, const char *name, const char *text)
{
    char path[512];
    struct stat stat;
    bool found = false;
    snprintf(path, sizeof path, "%s/%s", world->folder, name);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &stat) == 0);
    char *contents = malloc((size_t)stat.st_size);
    assert_non_null(contents);
    assert_int_equal(read(fd, contents, (size_t)stat.st_size), stat.st_size);
    found = memmem(contents, (size_t)stat.st_size, text, strlen(text)) != NULL;
    free(contents);
    close(fd);
    return found;
}
