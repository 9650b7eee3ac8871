#include "client-lib/outbox/resolve.h"

#include "protocol/schema.h"

/* ---- The conflicts of a change ---- */

/* A server that had too much to tell names only the change. */
static bool none_is_named(const struct outbox_item *item)
{
    struct wire_reader reader = outbox_list(item->conflicts);
    struct outbox_conflict conflict;
    return !outbox_conflict_next(&reader, &conflict);
}

/* The seq of the newest conflict with somebody else about the record, 0 when there is none. */
static uint64_t conflict_seq(const struct outbox_item *item, struct bytes own, struct id id,
                             bool *any)
{
    struct wire_reader reader = outbox_list(item->conflicts);
    struct outbox_conflict conflict;
    uint64_t newest = 0;
    *any = false;
    while (outbox_conflict_next(&reader, &conflict)) {
        if (!id_equal(conflict.id, id))
            continue;
        *any = true;
        bool is_own = own.size > 0 && bytes_equal(conflict.by, own);
        if (conflict.seq > newest && !is_own)
            newest = conflict.seq;
    }
    return newest;
}

static bool is_deleted(const struct outbox_item *item, struct id id)
{
    struct outbox_conflict conflict;
    return outbox_conflict_find(item->conflicts, id, (struct bytes){0}, &conflict);
}

/* ---- Removals ---- */

static bool tells_of_deletions_only(struct bytes conflicts)
{
    struct wire_reader reader = outbox_list(conflicts);
    struct outbox_conflict conflict;
    while (outbox_conflict_next(&reader, &conflict))
        if (conflict.field.size > 0)
            return false;
    return true;
}

bool resolve_removals(struct bytes changes, struct bytes conflicts, struct buffer *out,
                      uint32_t *left)
{
    struct wire_reader reader = outbox_list(changes);
    struct outbox_change change;
    struct outbox_conflict conflict;
    bool any = false, only = tells_of_deletions_only(conflicts);
    size_t begin = wire_begin_array(out);
    *left = 0;
    while (only && outbox_change_next(&reader, &change)) {
        only = bytes_is(change.op, "remove");
        if (outbox_conflict_find(conflicts, change.id, (struct bytes){0}, &conflict)) {
            any = true;
        } else {
            wire_put_raw(out, change.encoded);
            ++*left;
        }
    }
    wire_end(out, begin, *left);
    return any && only;
}

uint64_t resolve_newest(struct bytes conflicts)
{
    struct wire_reader reader = outbox_list(conflicts);
    struct outbox_conflict conflict;
    uint64_t newest = 0;
    while (outbox_conflict_next(&reader, &conflict))
        if (conflict.seq > newest)
            newest = conflict.seq;
    return newest;
}

/* ---- Writing changes ---- */

/* The change with some of its keys replaced: `base` unless 0, `id` and `fields` unless none. */
static void put_change(struct resolve *resolve, const struct outbox_change *change, uint64_t base,
                       const struct id *id, struct bytes fields, struct buffer *out)
{
    struct wire_reader reader = wire_read(change->encoded);
    uint32_t count = 0, written = 0;
    (void)wire_get_map(&reader, &count);
    size_t begin = wire_begin_map(out);
    for (uint32_t i = 0; i < count; i++) {
        struct bytes key, value;
        if (!wire_get_str(&reader, &key) || !wire_skip(&reader, &value))
            break;
        if ((base != 0 && bytes_is(key, "base")))
            continue;
        wire_put_str(out, key);
        if (id != NULL && bytes_is(key, "id"))
            wire_put_id(out, *id);
        else
            wire_put_raw(out, fields.size > 0 && bytes_is(key, "fields") ? fields : value);
        written++;
    }
    if (base != 0) {
        wire_put_text(out, "base");
        wire_put_uint(out, base);
        written++;
    }
    wire_end(out, begin, written);
    resolve->count++;
}

/* ---- Mine ---- */

/* What somebody may set when a record is made. */
static bool is_settable(struct bytes entity, struct bytes name)
{
    const struct entity_def *known = schema_entity(entity);
    const struct field_def *field = known != NULL ? schema_field(known, name) : NULL;
    return field == NULL || (field->flags & FIELD_SYSTEM) == 0;
}

static bool has_key(struct bytes map, struct bytes name)
{
    struct wire_reader reader = wire_read(map);
    struct bytes key;
    uint32_t count = 0;
    if (map.size == 0 || !wire_get_map(&reader, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!wire_get_str(&reader, &key) || !wire_skip(&reader, NULL))
            return false;
        if (bytes_equal(key, name))
            return true;
    }
    return false;
}

/* Appends the pairs of a map that are not in `but` and can be set; nil is left out. */
static uint32_t put_pairs(struct bytes map, struct bytes but, struct bytes entity,
                          struct buffer *out)
{
    struct wire_reader reader = wire_read(map);
    uint32_t count = 0, written = 0;
    if (map.size == 0 || !wire_get_map(&reader, &count))
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes key, value;
        if (!wire_get_str(&reader, &key) || !wire_skip(&reader, &value))
            break;
        struct wire_reader peek = wire_read(value);
        if (wire_peek(&peek) == WIRE_NIL || has_key(but, key) || !is_settable(entity, key))
            continue;
        wire_put_str(out, key);
        wire_put_raw(out, value);
        written++;
    }
    return written;
}

/* The record as its author had it before them, under another id. */
static void put_again(struct resolve *resolve, const struct outbox_change *change,
                      const struct outbox_seen *seen, struct buffer *out)
{
    const struct entity_def *entity = schema_entity(seen->entity);
    bool named_scope = (entity == NULL || entity->home == HOME_ANY) && seen->scope.kind != 0 &&
                       seen->scope.kind != SCOPE_ACCOUNT;
    uint8_t scope[SCOPE_SIZE];
    wire_put_map(out, named_scope ? 5 : 4);
    wire_put_text(out, "op");
    wire_put_text(out, "create");
    wire_put_text(out, "id");
    wire_put_id(out, resolve->new_id);
    wire_put_text(out, "entity");
    wire_put_str(out, seen->entity);
    if (named_scope) {
        scope_put(seen->scope, scope);
        wire_put_text(out, "scope");
        wire_put_bin(out, bytes_of(scope, sizeof scope));
    }
    wire_put_text(out, "fields");
    size_t begin = wire_begin_map(out);
    uint32_t count = put_pairs(seen->fields, change->fields, seen->entity, out);
    count += put_pairs(change->fields, (struct bytes){0}, seen->entity, out);
    wire_end(out, begin, count);
    resolve->count++;
}

static void mine_of_deleted(struct resolve *resolve, const struct outbox_change *change,
                            struct buffer *out)
{
    struct outbox_seen seen;
    if (bytes_is(change->op, "remove"))
        return; /* it is what the author wanted */
    if (resolve->made && id_equal(resolve->old_id, change->id)) {
        put_change(resolve, change, 0, &resolve->new_id, (struct bytes){0}, out);
        return;
    }
    /* One at a time: there is one new id. */
    if (resolve->made || !bytes_is(change->op, "update") ||
        !outbox_seen_find(resolve->item->seen, change->id, &seen) || seen.entity.size == 0) {
        resolve->status = STATUS_NOT_FOUND;
        return;
    }
    resolve->made = true;
    resolve->old_id = change->id;
    put_again(resolve, change, &seen, out);
}

static void mine_of_change(struct resolve *resolve, const struct outbox_change *change,
                           bool any_named, struct buffer *out)
{
    bool any = false;
    uint64_t base = conflict_seq(resolve->item, resolve->own, change->id, &any);
    if (!any)
        base = resolve->seen_now(resolve->context, change->id);
    bool judged = bytes_is(change->op, "update") || bytes_is(change->op, "remove");
    put_change(resolve, change, judged && (any || !any_named) ? base : 0, NULL, (struct bytes){0},
               out);
}

enum status resolve_mine(struct resolve *resolve, struct buffer *out)
{
    struct wire_reader reader = outbox_list(resolve->item->changes);
    struct outbox_change change;
    bool any_named = !none_is_named(resolve->item);
    size_t begin = wire_begin_array(out);
    while (outbox_change_next(&reader, &change) && resolve->status == STATUS_OK) {
        if (is_deleted(resolve->item, change.id) && !bytes_is(change.op, "create") &&
            !resolve->is_created(resolve->context, resolve->item, change.id))
            mine_of_deleted(resolve, &change, out);
        else
            mine_of_change(resolve, &change, any_named, out);
    }
    wire_end(out, begin, resolve->count);
    return resolve->status == STATUS_OK && out->failed ? STATUS_NO_MEMORY : resolve->status;
}

/* ---- Theirs ---- */

/* The fields of the change that are not in conflict. */
static uint32_t free_fields(const struct outbox_item *item, const struct outbox_change *change,
                            struct buffer *out)
{
    struct wire_reader reader = wire_read(change->fields);
    struct outbox_conflict conflict;
    uint32_t count = 0, kept = 0;
    size_t begin = wire_begin_map(out);
    if (change->fields.size > 0 && !wire_get_map(&reader, &count))
        count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes name, value;
        if (!wire_get_str(&reader, &name) || !wire_skip(&reader, &value))
            break;
        if (outbox_conflict_find(item->conflicts, change->id, name, &conflict))
            continue;
        wire_put_str(out, name);
        wire_put_raw(out, value);
        kept++;
    }
    wire_end(out, begin, kept);
    return kept;
}

/* Whether something that the mutation removes was changed by others, and so is kept. */
static bool keeps_removed(const struct outbox_item *item)
{
    struct wire_reader reader = outbox_list(item->changes);
    struct outbox_change change;
    bool any = false;
    for (int i = 0; outbox_change_next(&reader, &change) && !any; i++) {
        if (!bytes_is(change.op, "remove"))
            continue;
        if (none_is_named(item))
            any = i == item->change;
        else if (!is_deleted(item, change.id))
            (void)conflict_seq(item, (struct bytes){0}, change.id, &any);
    }
    return any;
}

static void theirs_of_change(struct resolve *resolve, const struct outbox_change *change,
                             struct buffer *out)
{
    const struct outbox_item *item = resolve->item;
    struct buffer fields = {0};
    bool any = false;
    (void)conflict_seq(item, resolve->own, change->id, &any);
    bool creates = bytes_is(change->op, "create");
    if (!any || creates) {
        put_change(resolve, change, 0, NULL, (struct bytes){0}, out);
        return;
    }
    if (is_deleted(item, change->id) || bytes_is(change->op, "remove"))
        return;
    uint32_t kept = free_fields(item, change, &fields);
    if (bytes_is(change->op, "share"))
        put_change(resolve, change, 0, NULL, (struct bytes){0}, out);
    else if (kept > 0)
        put_change(resolve, change, 0, NULL, buffer_bytes(&fields), out);
    if (fields.failed)
        resolve->status = STATUS_NO_MEMORY;
    buffer_release(&fields);
}

enum status resolve_theirs(struct resolve *resolve, struct buffer *out)
{
    struct wire_reader reader = outbox_list(resolve->item->changes);
    struct outbox_change change;
    bool any_named = !none_is_named(resolve->item);
    bool removes = !keeps_removed(resolve->item);
    size_t begin = wire_begin_array(out);
    for (int i = 0; outbox_change_next(&reader, &change); i++) {
        if (!removes && bytes_is(change.op, "remove"))
            continue;
        if (any_named || (resolve->item->change >= 0 && i != resolve->item->change))
            theirs_of_change(resolve, &change, out);
    }
    wire_end(out, begin, resolve->count);
    return resolve->status == STATUS_OK && out->failed ? STATUS_NO_MEMORY : resolve->status;
}
