#include "server/core/record/view.h"

#include "protocol/wire.h"

/* Staff may know every tag, outsiders only their own. */
static bool tag_is_for(const struct principal *who, struct tag tag)
{
    return !who->partner || access_holds_tag(who, tag);
}

/* The newest stamp among the fields for this viewer; the creation when there is none newer. */
static const struct stamp *newest_stamp(const struct principal *who, const struct record *record)
{
    const struct stamp *newest = &record->created;
    for (unsigned i = 0; i < record->field_count; i++) {
        const struct record_field *field = &record->fields[i];
        const struct stamp *stamp = &record->stamps[field->stamp];
        if (stamp->seq > newest->seq && access_sees_field(who, record, field)) {
            newest = stamp;
        }
    }
    return newest;
}

static uint64_t newest_placement(const struct principal *who, const struct record *record)
{
    uint64_t newest = 0;
    for (unsigned i = 0; i < record->placement_count; i++) {
        const struct placement *placement = &record->placements[i];
        uint64_t moved =
            placement->removed > placement->added ? placement->removed : placement->added;
        if (moved > newest && scope_equal(placement->scope, record->scope) &&
            tag_is_for(who, placement->tag)) {
            newest = moved;
        }
    }
    return newest;
}

uint64_t view_seq(const struct principal *who, const struct record *record)
{
    uint64_t fields = newest_stamp(who, record)->seq;
    uint64_t audience = newest_placement(who, record);
    return fields > audience ? fields : audience;
}

static void put_tag(struct buffer *out, struct tag tag)
{
    uint8_t octets[TAG_SIZE];
    tag_put(tag, octets);
    wire_put_bin(out, bytes_of(octets, sizeof octets));
}

static void put_audience(struct buffer *out, const struct principal *who,
                         const struct record *record)
{
    size_t begin = wire_begin_array(out);
    uint32_t count = 0;
    for (unsigned i = 0; i < record->placement_count; i++) {
        const struct placement *placement = &record->placements[i];
        if (placement->removed == 0 && scope_equal(placement->scope, record->scope) &&
            tag_is_for(who, placement->tag)) {
            put_tag(out, placement->tag);
            count++;
        }
    }
    wire_end(out, begin, count);
}

static void put_fields(struct buffer *out, const struct principal *who, const struct record *record)
{
    size_t begin = wire_begin_map(out);
    uint32_t count = 0;
    for (unsigned i = 0; i < record->field_count; i++) {
        const struct record_field *field = &record->fields[i];
        struct wire_reader reader = wire_read(field->value);
        if (wire_peek(&reader) != WIRE_NIL && access_sees_field(who, record, field)) {
            wire_put_str(out, field->name);
            wire_put_raw(out, field->value);
            count++;
        }
    }
    wire_end(out, begin, count);
}

void view_encode(struct buffer *out, const struct principal *who, const struct record *record)
{
    const struct stamp *modified = newest_stamp(who, record);
    uint8_t scope[SCOPE_SIZE];
    scope_put(record->scope, scope);
    wire_put_map(out, 10);
    wire_put_text(out, "id");
    wire_put_id(out, record->id);
    wire_put_text(out, "entity");
    wire_put_str(out, record->entity);
    wire_put_text(out, "scope");
    wire_put_bin(out, bytes_of(scope, sizeof scope));
    wire_put_text(out, "audience");
    put_audience(out, who, record);
    wire_put_text(out, "seq");
    wire_put_uint(out, view_seq(who, record));
    wire_put_text(out, "createdBy");
    wire_put_str(out, record->created.by);
    wire_put_text(out, "createdAt");
    wire_put_uint(out, record->created.at_ms);
    wire_put_text(out, "modifiedBy");
    wire_put_str(out, modified->by);
    wire_put_text(out, "modifiedAt");
    wire_put_uint(out, modified->at_ms);
    wire_put_text(out, "fields");
    put_fields(out, who, record);
}

enum status view_allowed(const struct state *state, const struct principal *who,
                         const struct record *record)
{
    struct opening opening;
    enum status status = access_opening(state, who, record->scope, &opening);
    if (status != STATUS_OK) {
        return status;
    }
    return verdict_status(access_judge(who, &opening, record, ACTION_READ));
}

enum status view_load(const struct state *state, const struct principal *who, struct id id,
                      struct record *out)
{
    struct bytes encoded;
    enum status status = state->ops->record(state->self, id, &encoded);
    if (status == STATUS_OK) {
        status = record_decode(encoded, out);
    }
    return status == STATUS_OK ? view_allowed(state, who, out) : status;
}
