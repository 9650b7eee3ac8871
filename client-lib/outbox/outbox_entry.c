#include "client-lib/outbox/outbox_entry.h"

#include <string.h>

static const char *const known_keys[] = {
    "state",  "at",     "changes", "number", "base",      "overwrite", "seen",   "seq",
    "status", "change", "field",   "detail", "conflicts", "answered",  "behind", "accessEnded",
    "typed",  "renames"};

/* ---- Writing ---- */

struct writing {
    struct buffer *out;
    uint32_t count;
};

static void put_key(struct writing *writing, const char *key)
{
    wire_put_text(writing->out, key);
    writing->count++;
}

static void put_number(struct writing *writing, const char *key, uint64_t value)
{
    if (value == 0)
        return;
    put_key(writing, key);
    wire_put_uint(writing->out, value);
}

static void put_flag(struct writing *writing, const char *key, bool value)
{
    if (!value)
        return;
    put_key(writing, key);
    wire_put_bool(writing->out, true);
}

static void put_str(struct writing *writing, const char *key, struct bytes text)
{
    if (text.size == 0)
        return;
    put_key(writing, key);
    wire_put_str(writing->out, text);
}

static void put_list(struct writing *writing, const char *key, struct bytes array)
{
    if (array.size == 0)
        return;
    put_key(writing, key);
    wire_put_raw(writing->out, array);
}

static void put_answer(struct writing *writing, const struct outbox_item *item)
{
    if (item->status == STATUS_OK)
        return;
    put_str(writing, "status", bytes_text(status_name(item->status)));
    if (item->change >= 0) {
        put_key(writing, "change");
        wire_put_uint(writing->out, (uint64_t)item->change);
    }
    put_str(writing, "field", item->field);
    put_str(writing, "detail", item->detail);
    put_list(writing, "conflicts", item->conflicts);
    put_key(writing, "answered");
    wire_put_int(writing->out, item->answered_ms);
}

static bool is_known(struct bytes key)
{
    for (size_t i = 0; i < sizeof known_keys / sizeof *known_keys; i++)
        if (bytes_is(key, known_keys[i]))
            return true;
    return false;
}

static void put_unknown(struct writing *writing, struct bytes before)
{
    struct wire_reader reader = wire_read(before);
    struct bytes key, value;
    uint32_t count = 0;
    if (before.size == 0 || !wire_get_map(&reader, &count))
        return;
    for (uint32_t i = 0; i < count; i++) {
        if (!wire_get_str(&reader, &key) || !wire_skip(&reader, &value))
            return;
        if (is_known(key))
            continue;
        wire_put_str(writing->out, key);
        wire_put_raw(writing->out, value);
        writing->count++;
    }
}

void outbox_entry_encode(struct buffer *out, const struct outbox_item *item, struct bytes before)
{
    struct writing writing = {out, 0};
    size_t begin = wire_begin_map(out);
    put_key(&writing, "state");
    wire_put_uint(out, (uint64_t)item->state);
    put_key(&writing, "at");
    wire_put_int(out, item->at_ms);
    put_list(&writing, "changes", item->changes);
    put_number(&writing, "number", item->number);
    put_number(&writing, "base", item->base);
    put_number(&writing, "typed", item->typed);
    put_flag(&writing, "overwrite", item->overwrite);
    put_list(&writing, "seen", item->seen);
    put_number(&writing, "seq", item->seq);
    put_answer(&writing, item);
    put_number(&writing, "behind", item->behind);
    put_flag(&writing, "accessEnded", item->access_ended);
    put_list(&writing, "renames", item->renames);
    put_unknown(&writing, before);
    wire_end(out, begin, writing.count);
}

/* ---- Reading ---- */

/* Optional parts: absent leaves `out` as it is; present must be of its kind. */
static bool get_number(struct bytes map, const char *key, uint64_t *out)
{
    struct bytes value;
    return !wire_map_find(map, key, &value) || wire_map_uint(map, key, out);
}

static bool get_time(struct bytes map, const char *key, int64_t *out)
{
    struct bytes value;
    if (!wire_map_find(map, key, &value))
        return true;
    struct wire_reader reader = wire_read(value);
    return wire_get_int(&reader, out);
}

static bool get_str(struct bytes map, const char *key, struct bytes *out)
{
    struct bytes value;
    return !wire_map_find(map, key, &value) || wire_map_str(map, key, out);
}

static bool get_flag(struct bytes map, const char *key, bool *out)
{
    struct bytes value;
    if (!wire_map_find(map, key, &value))
        return true;
    struct wire_reader reader = wire_read(value);
    return wire_get_bool(&reader, out);
}

static bool get_value(struct bytes map, const char *key, enum wire_type type, struct bytes *out)
{
    struct bytes value;
    if (!wire_map_find(map, key, &value))
        return true;
    struct wire_reader reader = wire_read(value);
    if (wire_peek(&reader) != type)
        return false;
    *out = value;
    return true;
}

/* Whether the elements of the array can all be read by `next`. */
#define ALL_READ(array, next, type)                                                                \
    do {                                                                                           \
        struct wire_reader reader = outbox_list(array);                                            \
        type element;                                                                              \
        while (next(&reader, &element))                                                            \
            ;                                                                                      \
        if (!wire_at_end(&reader))                                                                 \
            return false;                                                                          \
    } while (0)

static bool lists_hold(const struct outbox_item *item)
{
    if (item->changes.size == 0)
        return false;
    ALL_READ(item->changes, outbox_change_next, struct outbox_change);
    ALL_READ(item->seen, outbox_seen_next, struct outbox_seen);
    ALL_READ(item->conflicts, outbox_conflict_next, struct outbox_conflict);
    return true;
}

static bool get_answer(struct bytes map, struct outbox_item *out)
{
    struct bytes status = {0};
    uint64_t change = UINT64_MAX;
    if (!get_str(map, "status", &status) || !get_number(map, "change", &change) ||
        !get_str(map, "field", &out->field) || !get_str(map, "detail", &out->detail) ||
        !get_value(map, "conflicts", WIRE_ARRAY, &out->conflicts) ||
        !get_time(map, "answered", &out->answered_ms))
        return false;
    out->status = status.size > 0 ? status_from_name(status) : STATUS_OK;
    out->change = change < INT32_MAX ? (int)change : -1;
    return true;
}

/* What the states promise each other. */
static bool is_coherent(const struct outbox_item *item)
{
    switch (item->state) {
    case TANDEM_ENTRY_WAITING:
        return item->number == 0;
    case TANDEM_ENTRY_SENT:
        return item->number != 0 && item->behind == 0;
    case TANDEM_ENTRY_ACCEPTED:
        return item->seq != 0;
    case TANDEM_ENTRY_CONFLICT:
    case TANDEM_ENTRY_REFUSED:
        return item->status != STATUS_OK;
    default:
        return false;
    }
}

bool outbox_entry_decode(struct bytes value, uint64_t order, struct outbox_item *out)
{
    uint64_t state = TANDEM_ENTRY_STATES;
    struct wire_reader reader = wire_read(value);
    *out = (struct outbox_item){.order = order, .change = -1};
    if (wire_validate(value, NULL) != STATUS_OK || wire_peek(&reader) != WIRE_MAP)
        return false;
    if (!wire_map_uint(value, "state", &state) || state >= TANDEM_ENTRY_STATES ||
        !get_time(value, "at", &out->at_ms) ||
        !get_value(value, "changes", WIRE_ARRAY, &out->changes) ||
        !get_number(value, "number", &out->number) || !get_number(value, "base", &out->base) ||
        !get_number(value, "typed", &out->typed) ||
        !get_flag(value, "overwrite", &out->overwrite) ||
        !get_value(value, "seen", WIRE_ARRAY, &out->seen) || !get_number(value, "seq", &out->seq) ||
        !get_answer(value, out) || !get_number(value, "behind", &out->behind) ||
        !get_flag(value, "accessEnded", &out->access_ended) ||
        !get_value(value, "renames", WIRE_ARRAY, &out->renames))
        return false;
    out->state = (tandem_entry_state)state;
    return is_coherent(out) && lists_hold(out);
}

/* ---- Lists ---- */

struct wire_reader outbox_list(struct bytes array)
{
    struct wire_reader reader = wire_read(array);
    uint32_t count;
    if (array.size == 0 || !wire_get_array(&reader, &count))
        return wire_read((struct bytes){0});
    return reader;
}

/* The next element, when it is a map; the reader stays where it is otherwise. */
static bool next_map(struct wire_reader *reader, struct bytes *out)
{
    return wire_peek(reader) == WIRE_MAP && wire_skip(reader, out);
}

static bool is_op(struct bytes op)
{
    return bytes_is(op, "create") || bytes_is(op, "update") || bytes_is(op, "remove") ||
           bytes_is(op, "share") || bytes_is(op, "mention");
}

bool outbox_change_next(struct wire_reader *reader, struct outbox_change *out)
{
    struct wire_reader next = *reader;
    *out = (struct outbox_change){0};
    if (!next_map(&next, &out->encoded) || !wire_map_str(out->encoded, "op", &out->op) ||
        !is_op(out->op) || !wire_map_id(out->encoded, "id", &out->id) ||
        !get_str(out->encoded, "entity", &out->entity) ||
        !get_value(out->encoded, "fields", WIRE_MAP, &out->fields))
        return false;
    *reader = next;
    return true;
}

bool outbox_seen_next(struct wire_reader *reader, struct outbox_seen *out)
{
    struct wire_reader next = *reader;
    struct bytes map, scope = {0};
    *out = (struct outbox_seen){0};
    if (!next_map(&next, &map) || !wire_map_id(map, "id", &out->id) ||
        !get_str(map, "entity", &out->entity) || !get_number(map, "seq", &out->seq) ||
        !get_value(map, "fields", WIRE_MAP, &out->fields) || !get_flag(map, "lost", &out->lost))
        return false;
    if (wire_map_bin(map, "scope", &scope) && !scope_from_bytes(scope, &out->scope))
        return false;
    *reader = next;
    return true;
}

void outbox_seen_put(struct buffer *out, const struct outbox_seen *seen)
{
    struct writing writing = {out, 0};
    uint8_t scope[SCOPE_SIZE];
    size_t begin = wire_begin_map(out);
    put_key(&writing, "id");
    wire_put_id(out, seen->id);
    put_str(&writing, "entity", seen->entity);
    if (seen->scope.kind != 0) {
        scope_put(seen->scope, scope);
        put_key(&writing, "scope");
        wire_put_bin(out, bytes_of(scope, sizeof scope));
    }
    put_number(&writing, "seq", seen->seq);
    put_list(&writing, "fields", seen->fields);
    put_flag(&writing, "lost", seen->lost);
    wire_end(out, begin, writing.count);
}

bool outbox_seen_find(struct bytes list, struct id id, struct outbox_seen *out)
{
    struct wire_reader reader = outbox_list(list);
    while (outbox_seen_next(&reader, out))
        if (id_equal(out->id, id))
            return true;
    *out = (struct outbox_seen){.id = id};
    return false;
}

bool outbox_conflict_next(struct wire_reader *reader, struct outbox_conflict *out)
{
    struct wire_reader next = *reader;
    struct bytes map, theirs;
    *out = (struct outbox_conflict){0};
    if (!next_map(&next, &map) || !wire_map_id(map, "id", &out->id) ||
        !get_str(map, "field", &out->field) || !get_str(map, "by", &out->by) ||
        !get_time(map, "at", &out->at_ms) || !get_number(map, "seq", &out->seq))
        return false;
    if (wire_map_find(map, "theirs", &theirs)) {
        struct wire_reader value = wire_read(theirs);
        if (wire_peek(&value) != WIRE_NIL)
            out->theirs = theirs;
    }
    *reader = next;
    return true;
}

void outbox_conflict_put(struct buffer *out, const struct outbox_conflict *conflict)
{
    wire_put_map(out, 6);
    wire_put_text(out, "id");
    wire_put_id(out, conflict->id);
    wire_put_text(out, "field");
    wire_put_str(out, conflict->field);
    wire_put_text(out, "theirs");
    if (conflict->theirs.size > 0)
        wire_put_raw(out, conflict->theirs);
    else
        wire_put_nil(out);
    wire_put_text(out, "by");
    wire_put_str(out, conflict->by);
    wire_put_text(out, "at");
    wire_put_int(out, conflict->at_ms);
    wire_put_text(out, "seq");
    wire_put_uint(out, conflict->seq);
}

void outbox_conflicts_copy(struct bytes value, struct buffer *out)
{
    struct wire_reader reader = outbox_list(value);
    struct outbox_conflict conflict;
    uint32_t count = 0;
    size_t begin = wire_begin_array(out);
    for (; outbox_conflict_next(&reader, &conflict); count++)
        outbox_conflict_put(out, &conflict);
    wire_end(out, begin, count);
}

bool outbox_conflict_find(struct bytes list, struct id id, struct bytes field,
                          struct outbox_conflict *out)
{
    struct wire_reader reader = outbox_list(list);
    while (outbox_conflict_next(&reader, out))
        if (id_equal(out->id, id) && bytes_equal(out->field, field))
            return true;
    return false;
}

/* Looks through one value for ids; false when `each` has had enough. Values nest no deeper than
 * wire_validate() allows. */
static bool find_ids(struct wire_reader *reader, outbox_id_fn *each, void *context)
{
    struct id id;
    uint32_t count = 0;
    if (wire_get_id(reader, &id))
        return each(context, id);
    bool is_map = wire_get_map(reader, &count);
    if (!is_map && !wire_get_array(reader, &count))
        return wire_skip(reader, NULL);
    for (uint32_t i = 0; i < count; i++)
        if ((is_map && !wire_skip(reader, NULL)) || !find_ids(reader, each, context))
            return false;
    return true;
}

void outbox_ids(struct bytes changes, outbox_id_fn *each, void *context)
{
    struct wire_reader reader = wire_read(changes);
    if (changes.size > 0)
        (void)find_ids(&reader, each, context);
}

bool outbox_creates(struct bytes changes, struct id id)
{
    struct wire_reader reader = outbox_list(changes);
    struct outbox_change change;
    while (outbox_change_next(&reader, &change))
        if (id_equal(change.id, id) && bytes_is(change.op, "create"))
            return true;
    return false;
}
