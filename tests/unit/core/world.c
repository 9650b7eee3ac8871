#include "tests/unit/core/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"
#include "server/core/record/record.h"

#define TEXTS 16
#define TEXT_SIZE 1024

static char *next_text(void)
{
    static char texts[TEXTS][TEXT_SIZE];
    static unsigned next;
    return texts[next++ % TEXTS];
}

struct id nid(unsigned n)
{
    uint8_t random[10] = {0};
    put_u32(random + 6, n);
    return id_make(WORLD_START + n, random);
}

const char *tx(struct id id)
{
    return id_to_text(id, next_text());
}

const char *fmt(const char *format, ...)
{
    char *text = next_text();
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, TEXT_SIZE, format, arguments);
    va_end(arguments);
    return text;
}

static struct buffer founding(const char *name)
{
    struct buffer body = {0};
    wire_put_map(&body, 2);
    wire_put_text(&body, "name");
    wire_put_text(&body, name);
    wire_put_text(&body, "credential");
    wire_put_text(&body, "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA");
    return body;
}

void world_init(struct world *world)
{
    memset(world, 0, sizeof *world);
    world->memory = memory_state_new();
    world->state = memory_state_view(world->memory);
    world->now = WORLD_START;
    struct buffer body = founding("ada");
    const struct id none = {{0}};
    assert_int_equal(order(world, COMMAND_FOUND, none, buffer_bytes(&body)), STATUS_OK);
    buffer_release(&body);
    assert_int_equal(principal_find_user(&world->state, bytes_text("ada"), &world->ada),
                     STATUS_OK);
}

void world_release(struct world *world)
{
    memory_state_free(world->memory);
    effects_release(&world->effects);
    buffer_release(&world->log);
}

struct memory_state *world_replay(const struct world *world)
{
    struct memory_state *memory = memory_state_new();
    const struct state state = memory_state_view(memory);
    struct effects effects = {0};
    for (size_t at = 0; at < world->log.size;) {
        size_t size = get_u32(world->log.data + at);
        struct command command;
        assert_int_equal(command_decode(bytes_of(world->log.data + at + 4, size), &command),
                         STATUS_OK);
        assert_int_equal(apply_command(&state, &command, &effects), STATUS_OK);
        at += 4 + size;
    }
    effects_release(&effects);
    return memory;
}

int world_setup(void **state)
{
    struct world *world = malloc(sizeof *world);
    if (!world)
        return -1;
    world_init(world);
    *state = world;
    return 0;
}

int world_teardown(void **state)
{
    world_release(*state);
    free(*state);
    return 0;
}

static void put_field(struct buffer *out, const struct entity_def *entity, struct bytes name,
                      struct bytes value)
{
    const struct field_def *def = entity ? schema_field(entity, name) : NULL;
    struct fault fault;
    wire_put_str(out, name);
    if (value.size == 0) {
        wire_put_nil(out);
    } else if (!def) {
        wire_put_str(out, value);
    } else if (schema_parse(def, value, out, &fault) != STATUS_OK) {
        wire_put_str(out, value); /* for tests of what is refused */
    }
}

void put_fields(struct buffer *out, const char *entity, const char *fields)
{
    const struct entity_def *def = schema_entity(bytes_text(entity));
    size_t begin = wire_begin_map(out);
    uint32_t count = 0;
    while (*fields) {
        size_t size = strcspn(fields, "|");
        size_t name = strcspn(fields, "=");
        assert_true(name < size);
        put_field(out, def, bytes_of(fields, name), bytes_of(fields + name + 1, size - name - 1));
        fields += size + (fields[size] == '|');
        count++;
    }
    wire_end(out, begin, count);
}

static void put_tags(struct buffer *out, const char *tags)
{
    size_t begin = wire_begin_array(out);
    uint32_t count = 0;
    while (*tags) {
        size_t size = strcspn(tags, " ");
        uint8_t octets[TAG_SIZE];
        struct tag tag;
        assert_true(tag_from_text(bytes_of(tags, size), &tag));
        tag_put(tag, octets);
        wire_put_bin(out, bytes_of(octets, sizeof octets));
        tags += size + (tags[size] == ' ');
        count++;
    }
    wire_end(out, begin, count);
}

static void begin_change(struct changes *changes, uint32_t keys, const char *op, struct id id)
{
    changes->count++;
    wire_put_map(&changes->list, keys + 2);
    wire_put_text(&changes->list, "op");
    wire_put_text(&changes->list, op);
    wire_put_text(&changes->list, "id");
    wire_put_id(&changes->list, id);
}

void add_create_in(struct changes *changes, const char *entity, struct id id, const char *fields,
                   const char *scope, const char *audience)
{
    begin_change(changes, 2u + (scope != NULL) + (audience != NULL), "create", id);
    wire_put_text(&changes->list, "entity");
    wire_put_text(&changes->list, entity);
    wire_put_text(&changes->list, "fields");
    put_fields(&changes->list, entity, fields);
    if (scope) {
        struct scope value;
        uint8_t octets[SCOPE_SIZE];
        assert_true(scope_from_text(bytes_text(scope), &value));
        scope_put(value, octets);
        wire_put_text(&changes->list, "scope");
        wire_put_bin(&changes->list, bytes_of(octets, sizeof octets));
    }
    if (audience) {
        wire_put_text(&changes->list, "audience");
        put_tags(&changes->list, audience);
    }
}

void add_create(struct changes *changes, const char *entity, struct id id, const char *fields)
{
    add_create_in(changes, entity, id, fields, NULL, NULL);
}

void add_update(struct changes *changes, const char *entity, struct id id, const char *fields,
                uint64_t base)
{
    begin_change(changes, 1u + (base > 0), "update", id);
    wire_put_text(&changes->list, "fields");
    put_fields(&changes->list, entity, fields);
    if (base > 0) {
        wire_put_text(&changes->list, "base");
        wire_put_uint(&changes->list, base);
    }
}

void add_remove(struct changes *changes, struct id id, uint64_t base)
{
    begin_change(changes, base > 0, "remove", id);
    if (base > 0) {
        wire_put_text(&changes->list, "base");
        wire_put_uint(&changes->list, base);
    }
}

void add_share(struct changes *changes, struct id id, const char *add, const char *remove)
{
    begin_change(changes, 0u + (add != NULL) + (remove != NULL), "share", id);
    if (add) {
        wire_put_text(&changes->list, "add");
        put_tags(&changes->list, add);
    }
    if (remove) {
        wire_put_text(&changes->list, "remove");
        put_tags(&changes->list, remove);
    }
}

static struct reply read_reply(struct bytes answer)
{
    struct message message;
    struct fault fault;
    struct reply reply = {.change = -1};
    assert_int_equal(message_decode(answer, &message, &fault), STATUS_OK);
    assert_int_equal(message.type, MESSAGE_RESULT);
    const struct msg_result *result = &message.as.result;
    reply.status = status_from_name(result->status);
    reply.seq = result->seq;
    if (message_has(&message, "change"))
        reply.change = (int)result->change;
    bytes_to_text(result->field, reply.field, sizeof reply.field);
    bytes_to_text(result->detail, reply.detail, sizeof reply.detail);
    if (message_has(&message, "conflicts")) {
        reply.conflict_count = message_count(result->conflicts);
        assert_true(result->conflicts.size <= sizeof reply.conflicts);
        memcpy(reply.conflicts, result->conflicts.data, result->conflicts.size);
        reply.conflict_size = result->conflicts.size;
    }
    return reply;
}

void give(struct world *world, const struct command *command)
{
    struct buffer log = {0};
    struct command replayed;
    command_encode(&log, command);
    assert_int_equal(command_decode(buffer_bytes(&log), &replayed), STATUS_OK);
    put_u32(buffer_extend(&world->log, 4), (uint32_t)log.size);
    buffer_append(&world->log, log.data, log.size);
    assert_int_equal(apply_command(&world->state, &replayed, &world->effects), STATUS_OK);
    assert_false(world->effects.failed);
    buffer_release(&log);
}

struct id client_of(struct id user)
{
    user.octet[0] ^= 0x80;
    return user;
}

struct reply send_numbered(struct world *world, struct id user, struct id client, uint64_t number,
                           struct changes *changes)
{
    struct message message = {.type = MESSAGE_MUTATE};
    struct msg_mutate *mutate = &message.as.mutate;
    struct buffer list = {0}, body = {0};
    wire_put_array(&list, changes->count);
    buffer_append(&list, changes->list.data, changes->list.size);
    mutate->number = number;
    mutate->changes = buffer_bytes(&list);
    mutate->base = world->base;
    mutate->mode = bytes_text(world->mode);
    mutate->answered = world->answered;
    if (world->base)
        message_mark(&message, "base");
    if (world->mode)
        message_mark(&message, "mode");
    if (world->answered)
        message_mark(&message, "answered");
    message_encode(&body, &message);
    const struct command command = {.kind = COMMAND_MUTATE,
                                    .actor = user,
                                    .client = client,
                                    .at_ms = ++world->now,
                                    .body = buffer_bytes(&body)};
    give(world, &command);
    struct reply reply = read_reply(buffer_bytes(&world->effects.answer));
    buffer_release(&list);
    buffer_release(&body);
    buffer_release(&changes->list);
    changes->count = 0;
    return reply;
}

struct reply send(struct world *world, struct id user, struct changes *changes)
{
    unsigned i = 0;
    while (i < world->client_count && !id_equal(world->clients[i].user, user))
        i++;
    assert_true(i < WORLD_CLIENTS);
    if (i == world->client_count) {
        world->client_count++;
        world->clients[i].user = user;
    }
    return send_numbered(world, user, client_of(user), ++world->clients[i].number, changes);
}

struct reply create_in(struct world *world, struct id user, const char *entity, struct id id,
                       const char *fields, const char *scope, const char *audience)
{
    struct changes changes = {.count = 0};
    add_create_in(&changes, entity, id, fields, scope, audience);
    return send(world, user, &changes);
}

struct reply create(struct world *world, struct id user, const char *entity, struct id id,
                    const char *fields)
{
    return create_in(world, user, entity, id, fields, NULL, NULL);
}

struct reply update(struct world *world, struct id user, const char *entity, struct id id,
                    const char *fields)
{
    struct changes changes = {.count = 0};
    add_update(&changes, entity, id, fields, 0);
    return send(world, user, &changes);
}

struct reply erase(struct world *world, struct id user, struct id id)
{
    struct changes changes = {.count = 0};
    add_remove(&changes, id, 0);
    return send(world, user, &changes);
}

struct reply share(struct world *world, struct id user, struct id id, const char *add,
                   const char *remove)
{
    struct changes changes = {.count = 0};
    add_share(&changes, id, add, remove);
    return send(world, user, &changes);
}

enum status order(struct world *world, enum command_kind kind, struct id actor, struct bytes body)
{
    struct command command = {.kind = kind, .actor = actor, .at_ms = ++world->now, .body = body};
    command.client = client_of(actor);
    command.entropy[0] = 7;
    give(world, &command);
    if (world->effects.answer.size == 0)
        return STATUS_OK;
    return read_reply(buffer_bytes(&world->effects.answer)).status;
}

void run_due(struct world *world)
{
    const struct id none = {{0}};
    assert_int_equal(order(world, COMMAND_DUE, none, bytes_of(NULL, 0)), STATUS_OK);
}

static bool load(struct world *world, struct id id, struct record *record)
{
    struct bytes encoded;
    enum status status = world->state.ops->record(world->state.self, id, &encoded);
    if (status == STATUS_NOT_FOUND)
        return false;
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(record_decode(encoded, record), STATUS_OK);
    return true;
}

const struct record *stored(struct world *world, struct id id)
{
    static struct record record;
    assert_true(load(world, id, &record));
    return &record;
}

const char *value_of(struct world *world, struct id id, const char *field)
{
    const struct record *record = stored(world, id);
    const struct entity_def *entity = schema_entity(record->entity);
    const struct field_def *def = entity ? schema_field(entity, bytes_text(field)) : NULL;
    const struct record_field *value = record_field(record, field);
    struct buffer text = {0};
    char *out = next_text();
    *out = '\0';
    if (value && def) {
        schema_print(def, value->value, &text);
        bytes_to_text(buffer_bytes(&text), out, TEXT_SIZE);
        buffer_release(&text);
    } else if (value) {
        bytes_to_text(record_text(record, field), out, TEXT_SIZE);
    }
    return out;
}

const char *audience_of(struct world *world, struct id id)
{
    const struct record *record = stored(world, id);
    uint8_t tags[LIMIT_PLACEMENTS][TAG_SIZE];
    unsigned count = 0;
    for (unsigned i = 0; i < record->placement_count; i++) {
        if (record->placements[i].removed)
            continue;
        uint8_t octets[TAG_SIZE];
        unsigned at = count++;
        tag_put(record->placements[i].tag, octets);
        for (; at > 0 && memcmp(tags[at - 1], octets, TAG_SIZE) > 0; at--)
            memcpy(tags[at], tags[at - 1], TAG_SIZE);
        memcpy(tags[at], octets, TAG_SIZE);
    }
    char *out = next_text();
    size_t size = 0;
    *out = '\0';
    for (unsigned i = 0; i < count; i++) {
        struct tag tag;
        char text[TAG_TEXT_SIZE];
        tag_from_bytes(bytes_of(tags[i], TAG_SIZE), &tag);
        size += (size_t)snprintf(out + size, TEXT_SIZE - size, "%s%s", i ? " " : "",
                                 tag_to_text(tag, text));
    }
    return out;
}

const char *scope_text(struct world *world, struct id id)
{
    return scope_to_text(stored(world, id)->scope, next_text());
}

bool is_there(struct world *world, struct id id)
{
    static struct record record;
    return load(world, id, &record) && !record.deleted;
}

struct opening opening_of(struct world *world, struct id user, struct scope scope)
{
    struct principal who;
    struct opening opening;
    assert_int_equal(principal_load(&world->state, user, &who), STATUS_OK);
    assert_int_equal(access_opening(&world->state, &who, scope, &opening), STATUS_OK);
    return opening;
}

struct scope account_scope_of(struct id account)
{
    return (struct scope){SCOPE_ACCOUNT, account};
}

bool sees(struct world *world, struct id user, struct id id)
{
    static struct record record;
    struct principal who;
    struct opening opening;
    if (!load(world, id, &record))
        return false;
    assert_int_equal(principal_load(&world->state, user, &who), STATUS_OK);
    assert_int_equal(access_opening(&world->state, &who, record.scope, &opening), STATUS_OK);
    return access_judge(&who, &opening, &record, ACTION_READ).allowed;
}

uint64_t head(struct world *world)
{
    struct meta meta;
    assert_int_equal(world->state.ops->meta(world->state.self, &meta), STATUS_OK);
    return meta.seq;
}

struct id department(struct world *world, const char *name)
{
    struct buffer place = {0};
    struct id id;
    assert_int_equal(world->state.ops->index_next(world->state.self, bytes_text("party"),
                                                  bytes_text("name"), bytes_text(name), false,
                                                  &place, &id),
                     STATUS_OK);
    buffer_release(&place);
    return id;
}

void add_staff(struct world *world, struct id id, const char *name, const char *role,
               const char *department_name)
{
    assert_ok(create(world, world->ada, "user", id,
                     fmt("name=%s|role=%s|departments=%s", name, role,
                         tx(department(world, department_name)))));
}

void add_partner(struct world *world, struct id party, const char *name, const char *kind)
{
    assert_ok(create(world, world->ada, "party", party, fmt("name=%s|kind=%s", name, kind)));
}

void add_partner_user(struct world *world, struct id id, const char *name, struct id party)
{
    assert_ok(create(world, world->ada, "user", id,
                     fmt("name=%s|role=Partner|partner=%s", name, tx(party))));
}

void assign(struct world *world, struct id id, struct id party, struct id account,
            const char *level)
{
    assert_ok(create(world, world->ada, "assignment", id,
                     fmt("party=%s|account=%s|level=%s", tx(party), tx(account), level)));
}
