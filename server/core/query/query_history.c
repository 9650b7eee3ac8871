/* Who changed a record, when, from what to what.
 *
 * A stored entry names each change with the class of its field. Staff see the changes of fields
 * that are for them. An outsider sees those of shared fields since the record was shared with
 * them: what was written in it before was not meant for them, whatever it says now. */
#include "server/core/query/query.h"

#include "protocol/memory.h"
#include "protocol/wire.h"
#include "server/core/record/view.h"

#define DEFAULT_LIMIT 100u
#define PAGE_BUDGET 5000u

struct change {
    struct bytes field, from, to;
    enum field_class class;
};

static bool read_change(struct bytes encoded, struct change *out)
{
    struct bytes name, class;
    uint64_t number;
    if (!wire_map_find(encoded, "field", &name) || !wire_map_find(encoded, "class", &class) ||
        !wire_map_find(encoded, "from", &out->from) || !wire_map_find(encoded, "to", &out->to)) {
        return false;
    }
    struct wire_reader name_reader = wire_read(name), class_reader = wire_read(class);
    if (!wire_get_str(&name_reader, &out->field) || !wire_get_uint(&class_reader, &number) ||
        number > CLASS_RESTRICTED) {
        return false;
    }
    out->class = (enum field_class)number;
    return true;
}

static bool sees_change(const struct principal *who, const struct record *record,
                        const struct change *change)
{
    const struct record_field *field = record_field_any(record, change->field);
    if (field != NULL) {
        return access_sees_field(who, record, field);
    }
    return access_field(who, change->class, bytes_of(NULL, 0), ACTION_READ).allowed;
}

/* Whoever asks, and memory to look at what a change refers to. */
struct reader {
    const struct state *state;
    const struct principal *who;
    struct record *target;
};

/* Whether the viewer may know the value: an outsider may not know the id of what is not theirs,
 * such as the account a contact was moved from. */
static bool may_know(const struct reader *asker, struct bytes value)
{
    struct wire_reader reader = wire_read(value);
    uint32_t count = 1;
    struct id id;
    if (!asker->who->partner) {
        return true;
    }
    wire_get_array(&reader, &count);
    while (count-- > 0 && wire_get_id(&reader, &id)) {
        if (view_load(asker->state, asker->who, id, asker->target) != STATUS_OK) {
            return false;
        }
    }
    return true;
}

static void put_value(struct buffer *out, const struct reader *asker, struct bytes value)
{
    if (may_know(asker, value)) {
        wire_put_raw(out, value);
    } else {
        wire_put_nil(out);
    }
}

/* `first` is the change by which an outsider came to see the record: what it replaced was not
 * meant for them. */
static void put_change(struct buffer *out, const struct reader *asker, const struct change *change,
                       bool first)
{
    wire_put_map(out, 3);
    wire_put_text(out, "field");
    wire_put_str(out, change->field);
    wire_put_text(out, "from");
    if (first) {
        wire_put_nil(out);
    } else {
        put_value(out, asker, change->from);
    }
    wire_put_text(out, "to");
    put_value(out, asker, change->to);
}

static void copy_key(struct buffer *out, struct bytes entry, const char *key)
{
    struct bytes value;
    wire_put_text(out, key);
    if (wire_map_find(entry, key, &value)) {
        wire_put_raw(out, value);
    } else {
        wire_put_nil(out);
    }
}

/* Appends the viewer's version of the entry; false when nothing of it is for them. */
static bool put_entry(struct buffer *out, const struct reader *asker, const struct record *record,
                      struct bytes entry, bool first)
{
    const struct principal *who = asker->who;
    struct bytes changes, audience = {NULL, 0}, encoded;
    bool has_audience = !who->partner && wire_map_find(entry, "audience", &audience);
    size_t start = out->size;
    wire_put_map(out, has_audience ? 6 : 5);
    static const char *const keys[] = {"seq", "at", "by", "op"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        copy_key(out, entry, keys[i]);
    }
    wire_put_text(out, "changes");
    size_t begin = wire_begin_array(out);
    uint32_t shown = 0, count = 0;
    if (wire_map_find(entry, "changes", &changes)) {
        struct wire_reader reader = wire_read(changes);
        struct change change;
        wire_get_array(&reader, &count);
        for (uint32_t i = 0; i < count && wire_skip(&reader, &encoded); i++) {
            if (read_change(encoded, &change) && sees_change(who, record, &change)) {
                put_change(out, asker, &change, first);
                shown++;
            }
        }
    }
    wire_end(out, begin, shown);
    if (has_audience) {
        copy_key(out, entry, "audience");
    }
    bool nothing = shown == 0 && (who->partner || count > 0) && !has_audience;
    if (nothing && !out->failed) {
        out->size = start;
    }
    return !nothing;
}

/* A deleted record keeps its history for the staff it was meant for. */
static enum status load(const struct state *state, const struct principal *who, struct id id,
                        struct record *record)
{
    enum status status = view_load(state, who, id, record);
    if (status != STATUS_NOT_FOUND || who->partner) {
        return status;
    }
    struct bytes encoded;
    struct opening opening;
    status = state->ops->record(state->self, id, &encoded);
    if (status == STATUS_OK) {
        status = record_decode(encoded, record);
    }
    if (status == STATUS_OK) {
        status = access_opening(state, who, record->scope, &opening);
    }
    if (status != STATUS_OK) {
        return status;
    }
    bool theirs = record->deleted && opening.open && access_audience_left(who, record, 0);
    return theirs ? STATUS_OK : STATUS_NOT_FOUND;
}

/* Seq below which history is not for this viewer. */
static enum status visible_since(const struct state *state, const struct principal *who,
                                 const struct record *record, uint64_t *since)
{
    *since = 0;
    if (!who->partner) {
        return STATUS_OK;
    }
    struct opening opening;
    enum status status = access_opening(state, who, record->scope, &opening);
    uint64_t shared = access_audience_since(who, record);
    *since = shared > opening.since ? shared : opening.since;
    return status;
}

static enum status walk(const struct reader *asker, const struct record *record, struct id id,
                        uint64_t before, uint64_t since, uint64_t limit, struct page *page)
{
    for (uint32_t examined = 0;
         page->count < limit && page->items.size < PAGE_BYTES && examined < PAGE_BUDGET;
         examined++) {
        struct bytes entry;
        uint64_t seq;
        enum status status =
            asker->state->ops->history_next(asker->state->self, id, before, &seq, &entry);
        if (status == STATUS_NOT_FOUND || (status == STATUS_OK && seq < since)) {
            return STATUS_OK;
        }
        if (status != STATUS_OK) {
            return status;
        }
        page->count +=
            put_entry(&page->items, asker, record, entry, asker->who->partner && seq == since);
        before = seq;
    }
    uint8_t place[8];
    put_u64(place, before);
    buffer_append(&page->next, place, sizeof place);
    return STATUS_OK;
}

enum status query_history(const struct state *state, const struct principal *who,
                          const struct msg_history *request, struct record *scratch,
                          struct page *page, struct fault *fault)
{
    uint64_t before = UINT64_MAX, since = 0, limit = request->limit;
    if (request->after.size > 0) {
        if (request->after.size != 8) {
            return fault_set(fault, STATUS_INVALID_VALUE, bytes_text("after"),
                             "this is no place of this history");
        }
        before = get_u64(request->after.data);
    }
    limit = limit == 0 ? DEFAULT_LIMIT : limit > LIMIT_PAGE ? LIMIT_PAGE : limit;
    struct reader asker = {state, who, memory_new(sizeof *asker.target)};
    enum status status =
        asker.target != NULL ? load(state, who, request->id, scratch) : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        status = visible_since(state, who, scratch, &since);
    }
    if (status == STATUS_OK) {
        status = walk(&asker, scratch, request->id, before, since, limit, page);
    }
    memory_free(asker.target);
    bool failed = page->items.failed || page->next.failed;
    return status == STATUS_OK && failed ? STATUS_NO_MEMORY : status;
}
