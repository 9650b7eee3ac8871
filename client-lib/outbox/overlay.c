#include "client-lib/outbox/overlay.h"

#include <string.h>

#include "protocol/message.h"
#include "protocol/wire.h"

/* One change of an entry; what it does not say is none. */
struct change {
    struct id id;
    struct bytes op, entity, scope, audience, fields, add, remove;
};

static bool read_change(struct bytes map, struct change *out)
{
    *out = (struct change){0};
    if (!wire_map_id(map, "id", &out->id) || !wire_map_str(map, "op", &out->op))
        return false;
    (void)wire_map_str(map, "entity", &out->entity);
    (void)wire_map_bin(map, "scope", &out->scope);
    (void)wire_map_find(map, "audience", &out->audience);
    (void)wire_map_find(map, "fields", &out->fields);
    (void)wire_map_find(map, "add", &out->add);
    (void)wire_map_find(map, "remove", &out->remove);
    return true;
}

struct overlay_ids overlay_ids(struct bytes changes)
{
    struct overlay_ids ids = {wire_read(changes), 0};
    (void)wire_get_array(&ids.reader, &ids.left);
    return ids;
}

bool overlay_ids_next(struct overlay_ids *ids, struct id *out)
{
    struct bytes map;
    if (ids->left == 0)
        return false;
    ids->left--;
    return wire_skip(&ids->reader, &map) && wire_map_id(map, "id", out);
}

static bool is_nil(struct bytes value)
{
    struct wire_reader reader = wire_read(value);
    return wire_peek(&reader) == WIRE_NIL;
}

/* ---- Writing a version ---- */

static void put_view(struct buffer *out, const struct record_view *view)
{
    uint8_t scope[SCOPE_SIZE];
    scope_put(view->scope, scope);
    wire_put_map(out, 10);
    wire_put_text(out, "id");
    wire_put_id(out, view->id);
    wire_put_text(out, "entity");
    wire_put_str(out, view->entity);
    wire_put_text(out, "scope");
    wire_put_bin(out, bytes_of(scope, sizeof scope));
    wire_put_text(out, "audience");
    wire_put_raw(out, view->audience);
    wire_put_text(out, "seq");
    wire_put_uint(out, view->seq);
    wire_put_text(out, "createdBy");
    wire_put_str(out, view->created_by);
    wire_put_text(out, "createdAt");
    wire_put_int(out, view->created_at);
    wire_put_text(out, "modifiedBy");
    wire_put_str(out, view->modified_by);
    wire_put_text(out, "modifiedAt");
    wire_put_int(out, view->modified_at);
    wire_put_text(out, "fields");
    wire_put_raw(out, view->fields);
}

/* Makes `view`, whose parts may lie in the version before, the record. */
static enum status keep_version(struct overlay *overlay, const struct record_view *view)
{
    buffer_clear(&overlay->next);
    put_view(&overlay->next, view);
    if (overlay->next.failed)
        return STATUS_NO_MEMORY;
    struct buffer before = overlay->record;
    overlay->record = overlay->next;
    overlay->next = before;
    return STATUS_OK;
}

/* ---- Fields ---- */

struct setting {
    struct bytes name, value;
    bool known; /* the record had the field already */
};

struct settings {
    struct setting list[WIRE_MAX_KEYS];
    size_t count;
};

/* A field goes by one name, whichever of its aliases was written. */
static struct bytes canonical(const struct entity_def *entity, struct bytes name)
{
    const struct field_def *field = entity != NULL ? schema_field(entity, name) : NULL;
    return field != NULL ? bytes_text(field->name) : name;
}

static struct setting *find_setting(struct settings *settings, struct bytes name)
{
    for (size_t i = 0; i < settings->count; i++)
        if (bytes_equal(settings->list[i].name, name))
            return &settings->list[i];
    return NULL;
}

static bool read_settings(const struct entity_def *entity, struct bytes map, struct settings *out)
{
    struct wire_reader reader = wire_read(map);
    uint32_t count = 0;
    out->count = 0;
    if (!wire_get_map(&reader, &count) || count > WIRE_MAX_KEYS)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes name, value;
        if (!wire_get_str(&reader, &name) || !wire_skip(&reader, &value) || name.size == 0 ||
            name.size > RECORD_NAME_MAX)
            return false;
        name = canonical(entity, name);
        struct setting *setting = find_setting(out, name);
        if (setting == NULL)
            setting = &out->list[out->count++];
        *setting = (struct setting){name, value, false};
    }
    return true;
}

/* Writes the fields of a record (an encoded map) with those of the change set and cleared. More
 * than a record has room for is left out: the server refuses it. *changed tells whether anything
 * is different then. */
static bool merge_fields(struct bytes fields, struct settings *settings, struct buffer *out,
                         bool *changed)
{
    struct wire_reader reader = wire_read(fields);
    uint32_t count = 0, kept = 0;
    size_t begin = wire_begin_map(out);
    *changed = false;
    if (!wire_get_map(&reader, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes name, value;
        if (!wire_get_str(&reader, &name) || !wire_skip(&reader, &value))
            return false;
        struct setting *setting = find_setting(settings, name);
        if (setting != NULL) {
            setting->known = true;
            *changed = *changed || !bytes_equal(value, setting->value);
            value = setting->value;
        }
        if (is_nil(value))
            continue;
        wire_put_str(out, name);
        wire_put_raw(out, value);
        kept++;
    }
    for (size_t i = 0; i < settings->count && kept < LIMIT_FIELDS; i++) {
        const struct setting *setting = &settings->list[i];
        if (setting->known || is_nil(setting->value))
            continue;
        wire_put_str(out, setting->name);
        wire_put_raw(out, setting->value);
        *changed = true;
        kept++;
    }
    wire_end(out, begin, kept);
    return true;
}

/* ---- Where a record lives, and for whom ---- */

/* Of a custom entity only the server knows where its records live; those of most are in the account
 * that they name. */
static enum home home_of(const struct entity_def *entity)
{
    return entity != NULL ? entity->home : HOME_ANY;
}

static bool account_scope(struct bytes fields, struct scope *out)
{
    struct id id;
    if (!wire_map_id(fields, "account", &id))
        return false;
    *out = (struct scope){SCOPE_ACCOUNT, id};
    return true;
}

static struct scope new_scope(const struct entity_def *entity, const struct change *change,
                              struct bytes fields)
{
    struct scope scope = {.kind = SCOPE_LIBRARY};
    enum home home = home_of(entity);
    if (home == HOME_SELF)
        return (struct scope){SCOPE_ACCOUNT, change->id};
    if (home == HOME_LIBRARY || account_scope(fields, &scope))
        return scope;
    struct scope named;
    if (home == HOME_ANY && scope_from_bytes(change->scope, &named))
        scope = named;
    return scope;
}

/* A record follows its field account. */
static struct scope moved_scope(const struct entity_def *entity, struct scope scope,
                                struct bytes fields)
{
    enum home home = home_of(entity);
    if (home != HOME_ACCOUNT && home != HOME_ANY)
        return scope;
    if (!account_scope(fields, &scope) && scope.kind == SCOPE_ACCOUNT)
        scope = (struct scope){.kind = SCOPE_LIBRARY};
    return scope;
}

struct audience {
    struct tag tags[LIMIT_PLACEMENTS];
    size_t count;
};

static void add_tag(struct audience *audience, struct tag tag)
{
    for (size_t i = 0; i < audience->count; i++)
        if (tag_equal(audience->tags[i], tag))
            return;
    if (audience->count < LIMIT_PLACEMENTS)
        audience->tags[audience->count++] = tag;
}

static void remove_tag(struct audience *audience, struct tag tag)
{
    for (size_t i = 0; i < audience->count; i++) {
        if (!tag_equal(audience->tags[i], tag))
            continue;
        audience->count--;
        memmove(&audience->tags[i], &audience->tags[i + 1],
                (audience->count - i) * sizeof *audience->tags);
        return;
    }
}

/* Hands each tag of an encoded array to `change`; none is an empty array. */
static bool each_tag(struct bytes array, struct audience *audience,
                     void (*change)(struct audience *, struct tag))
{
    struct wire_reader reader = wire_read(array);
    uint32_t count = 0;
    if (array.size == 0)
        return true;
    if (!wire_get_array(&reader, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes bytes;
        struct tag tag;
        if (!wire_get_bin(&reader, &bytes) || !tag_from_bytes(bytes, &tag))
            return false;
        change(audience, tag);
    }
    return true;
}

static void put_audience(struct buffer *out, const struct audience *audience)
{
    wire_put_array(out, (uint32_t)audience->count);
    for (size_t i = 0; i < audience->count; i++) {
        uint8_t octets[TAG_SIZE];
        tag_put(audience->tags[i], octets);
        wire_put_bin(out, bytes_of(octets, sizeof octets));
    }
}

static bool is_of(const struct overlay_author *author, struct id party)
{
    for (size_t i = 0; i < author->party_count; i++)
        if (id_equal(author->parties[i], party))
            return true;
    return false;
}

/* What a record starts with when its author says nothing, as far as the author would be told of it.
 * Of a party that is not theirs only the server knows what it is. */
static void default_audience(const struct entity_def *entity, struct scope scope,
                             const struct overlay_author *author, struct audience *out)
{
    struct tag tag = {.kind = TAG_INTERNAL};
    if (author->partner) {
        if (author->party_count > 0)
            add_tag(out, (struct tag){TAG_PARTNER, author->parties[0]});
    } else if (scope.kind == SCOPE_PARTY) {
        if (is_of(author, scope.id))
            add_tag(out, (struct tag){TAG_DEPARTMENT, scope.id});
    } else {
        add_tag(out, tag);
        tag.kind = TAG_PARTNERS;
        if (scope.kind != SCOPE_USER && entity != NULL && entity->audience == AUDIENCE_PARTNERS)
            add_tag(out, tag);
    }
}

/* ---- The four operations ---- */

/* What laying one change over the record needs to know. */
struct laying {
    struct overlay *overlay;
    const struct change *change;
    const struct overlay_author *author;
    int64_t at_ms;
};

static struct bytes author_name(const struct laying *laying)
{
    struct bytes name = laying->author->name;
    return name.size <= RECORD_NAME_MAX ? name : bytes_of(NULL, 0);
}

static bool is_entity(struct bytes name)
{
    return name.size > 0 && name.size <= RECORD_NAME_MAX && memchr(name.data, 0, name.size) == NULL;
}

/* A record that is there already was created by this change: the replica is ahead of the answer. */
static enum status lay_create(const struct laying *laying)
{
    static const uint8_t empty_map[] = {0x80};
    const struct change *change = laying->change;
    const struct entity_def *entity = schema_entity(change->entity);
    struct audience audience = {.count = 0};
    struct buffer fields = {0}, tags = {0};
    struct settings settings;
    bool changed = false;
    enum status status = STATUS_MALFORMED;
    if (laying->overlay->record.size > 0)
        return STATUS_OK;
    if (is_entity(change->entity) && read_settings(entity, change->fields, &settings) &&
        merge_fields(bytes_of(empty_map, sizeof empty_map), &settings, &fields, &changed) &&
        each_tag(change->audience, &audience, add_tag)) {
        struct record_view view = {.id = change->id, .entity = change->entity};
        view.created_by = view.modified_by = author_name(laying);
        view.created_at = view.modified_at = laying->at_ms;
        view.fields = buffer_bytes(&fields);
        view.scope = new_scope(entity, change, view.fields);
        if (change->audience.size == 0)
            default_audience(entity, view.scope, laying->author, &audience);
        put_audience(&tags, &audience);
        view.audience = buffer_bytes(&tags);
        status =
            fields.failed || tags.failed ? STATUS_NO_MEMORY : keep_version(laying->overlay, &view);
    }
    buffer_release(&fields);
    buffer_release(&tags);
    return status;
}

static enum status lay_update(const struct laying *laying, struct record_view *view)
{
    const struct entity_def *entity = schema_entity(view->entity);
    struct buffer fields = {0};
    struct settings settings;
    bool changed = false;
    enum status status = STATUS_MALFORMED;
    if (read_settings(entity, laying->change->fields, &settings) &&
        merge_fields(view->fields, &settings, &fields, &changed)) {
        status = fields.failed ? STATUS_NO_MEMORY : STATUS_OK;
    }
    if (status == STATUS_OK && changed) {
        view->fields = buffer_bytes(&fields);
        view->scope = moved_scope(entity, view->scope, view->fields);
        view->modified_by = author_name(laying);
        view->modified_at = laying->at_ms;
        status = keep_version(laying->overlay, view);
    }
    buffer_release(&fields);
    return status;
}

static enum status lay_share(const struct laying *laying, struct record_view *view)
{
    struct audience audience = {.count = 0};
    struct buffer tags = {0};
    enum status status = STATUS_MALFORMED;
    if (each_tag(view->audience, &audience, add_tag) &&
        each_tag(laying->change->add, &audience, add_tag) &&
        each_tag(laying->change->remove, &audience, remove_tag)) {
        put_audience(&tags, &audience);
        view->audience = buffer_bytes(&tags);
        status = tags.failed ? STATUS_NO_MEMORY : keep_version(laying->overlay, view);
    }
    buffer_release(&tags);
    return status;
}

/* What is done beside these four, as a mention, shows when the server has answered. */
static enum status lay(const struct laying *laying)
{
    struct overlay *overlay = laying->overlay;
    struct bytes op = laying->change->op;
    struct record_view view;
    if (bytes_is(op, "create"))
        return lay_create(laying);
    if (overlay->record.size == 0)
        return STATUS_OK;
    if (bytes_is(op, "remove")) {
        buffer_clear(&overlay->record);
        return STATUS_OK;
    }
    if (!record_view_read(buffer_bytes(&overlay->record), &view))
        return STATUS_MALFORMED;
    if (bytes_is(op, "update"))
        return lay_update(laying, &view);
    return bytes_is(op, "share") ? lay_share(laying, &view) : STATUS_OK;
}

/* ---- Entries ---- */

static void mark(struct overlay *overlay, tandem_state state)
{
    static const int gravity[] = {[TANDEM_STATE_SYNCED] = 0,
                                  [TANDEM_STATE_PENDING] = 1,
                                  [TANDEM_STATE_REFUSED] = 2,
                                  [TANDEM_STATE_CONFLICT] = 3};
    if (gravity[state] > gravity[overlay->state])
        overlay->state = state;
}

static tandem_state state_of(tandem_entry_state state)
{
    if (state == TANDEM_ENTRY_CONFLICT)
        return TANDEM_STATE_CONFLICT;
    return state == TANDEM_ENTRY_REFUSED ? TANDEM_STATE_REFUSED : TANDEM_STATE_PENDING;
}

enum status overlay_begin(struct overlay *overlay, struct bytes held)
{
    buffer_clear(&overlay->record);
    overlay->entry = 0;
    overlay->state = TANDEM_STATE_SYNCED;
    overlay->apart = false;
    buffer_append(&overlay->record, held.data, held.size);
    return overlay->record.failed ? STATUS_NO_MEMORY : STATUS_OK;
}

enum status overlay_add(struct overlay *overlay, const struct outbox_item *item, struct id id,
                        uint64_t shown, const struct overlay_author *author)
{
    struct wire_reader reader = wire_read(item->changes);
    uint32_t count = 0;
    tandem_state state = state_of(item->state);
    bool lies = state == TANDEM_STATE_PENDING;
    bool met = false;
    enum status status = STATUS_OK;
    if (item->state == TANDEM_ENTRY_ACCEPTED && item->seq <= shown)
        return STATUS_OK;
    if (!wire_get_array(&reader, &count))
        return STATUS_MALFORMED;
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        struct bytes map;
        struct change change;
        if (!wire_skip(&reader, &map) || !wire_map_id(map, "id", &change.id))
            return STATUS_MALFORMED;
        if (!id_equal(change.id, id))
            continue;
        if (!read_change(map, &change))
            return STATUS_MALFORMED;
        met = true;
        if (!lies && overlay->record.size == 0 && bytes_is(change.op, "create"))
            overlay->apart = lies = true;
        if (lies)
            status = lay(&(struct laying){overlay, &change, author, item->at_ms});
    }
    if (met && status == STATUS_OK) {
        mark(overlay, state);
        if (state == TANDEM_STATE_PENDING)
            overlay->entry = item->order;
    }
    return status;
}

void overlay_release(struct overlay *overlay)
{
    buffer_release(&overlay->record);
    buffer_release(&overlay->next);
}
