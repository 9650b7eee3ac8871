/* One encoder and one decoder for all messages, driven by a table of the members of each. */
#include "protocol/message.h"

#include <assert.h>
#include <string.h>

enum member_kind { MEMBER_U64, MEMBER_BOOL, MEMBER_STR, MEMBER_BIN, MEMBER_RAW, MEMBER_ID, MEMBER_SCOPE };
enum member_need { OPTIONAL, REQUIRED };

struct member {
    const char *wire;
    size_t offset; /* within the message's own struct */
    size_t limit;  /* most bytes, 0: no limit of its own */
    enum member_kind kind;
    enum member_need need;
};

struct description {
    const char *name;
    const struct member *members;
    size_t count;
};

/* A line of messages.def does not know its message; the function around it does. */
#define ROW(kind, member, wire, need, limit) \
    {wire, offsetof(self, member), limit, MEMBER_##kind, need},
#define M(name, NAME, wire)                                                           \
    static struct description describe_##name(void)                                   \
    {                                                                                 \
        typedef struct msg_##name self;                                               \
        static const struct member members[] = {MSG_##NAME(ROW)};                     \
        static_assert(sizeof members / sizeof members[0] <= 32, "`present` has 32");   \
        static_assert(offsetof(struct msg_##name, present) == 0, "it comes first");   \
        return (struct description){wire, members, sizeof members / sizeof members[0]}; \
    }
MESSAGES(M)
#undef M

static struct description describe(enum message_type type)
{
    switch (type) {
#define M(name, NAME, wire)   \
    case MESSAGE_##NAME:      \
        return describe_##name();
        MESSAGES(M)
#undef M
    default:
        return (struct description){"", NULL, 0};
    }
}

static enum message_type type_of(struct bytes name)
{
#define M(message, NAME, wire)  \
    if (bytes_is(name, wire))   \
        return MESSAGE_##NAME;
    MESSAGES(M)
#undef M
    return MESSAGE_NONE;
}

const char *message_name(enum message_type type)
{
    return describe(type).name;
}

/* `present` is the first member of every message's struct, so it is the union's first bytes. */
static uint32_t present_of(const struct message *message)
{
    uint32_t present;
    memcpy(&present, &message->as, sizeof present);
    return present;
}

static void set_present(struct message *message, size_t index)
{
    const uint32_t present = present_of(message) | 1u << index;
    memcpy(&message->as, &present, sizeof present);
}

/* Index of the member, or the count of members when there is none. */
static size_t find(const struct description *description, struct bytes wire)
{
    size_t i = 0;
    while (i < description->count && !bytes_is(wire, description->members[i].wire))
        i++;
    return i;
}

bool message_has(const struct message *message, const char *wire_field)
{
    const struct description description = describe(message->type);
    const size_t index = find(&description, bytes_text(wire_field));
    return index < description.count && (present_of(message) >> index & 1u) != 0;
}

void message_mark(struct message *message, const char *wire_field)
{
    const struct description description = describe(message->type);
    const size_t index = find(&description, bytes_text(wire_field));
    assert(index < description.count);
    set_present(message, index);
}

uint32_t message_count(struct bytes array)
{
    struct wire_reader reader = wire_read(array);
    uint32_t count = 0;
    return wire_get_array(&reader, &count) ? count : 0;
}

/* ---- decoding ---- */

static bool get_scope(struct wire_reader *reader, struct scope *out)
{
    struct bytes bytes;
    return wire_get_bin(reader, &bytes) && scope_from_bytes(bytes, out);
}

/* Reads `value` into its place in the message's struct. Only a value that is accepted is stored,
 * so that a refused field reads as absent. */
static enum status get_member(const struct member *member, struct bytes value, void *place)
{
    struct wire_reader reader = wire_read(value);
    struct bytes slice = value;
    bool fits = true;
    switch (member->kind) {
    case MEMBER_U64:
        return wire_get_uint(&reader, place) ? STATUS_OK : STATUS_WRONG_KIND;
    case MEMBER_BOOL:
        return wire_get_bool(&reader, place) ? STATUS_OK : STATUS_WRONG_KIND;
    case MEMBER_ID:
        return wire_get_id(&reader, place) ? STATUS_OK : STATUS_WRONG_KIND;
    case MEMBER_SCOPE:
        return get_scope(&reader, place) ? STATUS_OK : STATUS_WRONG_KIND;
    case MEMBER_STR:
        fits = wire_get_str(&reader, &slice);
        break;
    case MEMBER_BIN:
        fits = wire_get_bin(&reader, &slice);
        break;
    case MEMBER_RAW:
        break;
    }
    if (!fits)
        return STATUS_WRONG_KIND;
    if (member->limit > 0 && slice.size > member->limit)
        return STATUS_TOO_LARGE;
    memcpy(place, &slice, sizeof slice);
    return STATUS_OK;
}

static enum status note_fault(struct fault *fault, enum status status, const struct member *member,
                              size_t offset)
{
    const struct bytes field = bytes_text(member->wire);
    if (status == STATUS_TOO_LARGE)
        fault_set(fault, status, field, "longer than %zu bytes", member->limit);
    else if (status == STATUS_MISSING_FIELD)
        fault_set(fault, status, field, "missing");
    else
        fault_set(fault, status, field, "of another type than this field has");
    if (fault != NULL)
        fault->offset = offset;
    return status;
}

/* Reads all members, also behind one that is refused: the request number, wherever it stands, is
 * what the answer to a refused message needs. The first refusal is the one reported. */
static enum status get_members(struct bytes frame, const struct description *description,
                               struct message *out, struct fault *fault)
{
    enum status result = STATUS_OK;
    struct wire_reader reader = wire_read(frame);
    uint32_t pairs = 0;
    wire_get_map(&reader, &pairs);
    for (uint32_t i = 0; i < pairs; i++) {
        struct bytes key, value;
        if (!wire_get_str(&reader, &key) || !wire_skip(&reader, &value))
            return fault_set(fault, STATUS_MALFORMED, bytes_text(NULL), "cut short");
        const size_t index = find(description, key);
        if (index == description->count)
            continue;
        const struct member *member = &description->members[index];
        const enum status status = get_member(member, value, (char *)&out->as + member->offset);
        if (status == STATUS_OK)
            set_present(out, index);
        else if (result == STATUS_OK)
            result = note_fault(fault, status, member, (size_t)(value.data - frame.data));
    }
    for (size_t i = 0; i < description->count && result == STATUS_OK; i++)
        if (description->members[i].need == REQUIRED && (present_of(out) >> i & 1u) == 0)
            result = note_fault(fault, STATUS_MISSING_FIELD, &description->members[i], 0);
    return result;
}

static enum status get_type(struct bytes frame, enum message_type *type, struct fault *fault)
{
    const struct bytes field = bytes_text("type");
    struct wire_reader reader = wire_read(frame);
    struct bytes value, name;
    if (wire_peek(&reader) != WIRE_MAP)
        return fault_set(fault, STATUS_MALFORMED, bytes_text(NULL), "a message is a map");
    if (!wire_map_find(frame, "type", &value))
        return fault_set(fault, STATUS_MISSING_FIELD, field, "missing");
    reader = wire_read(value);
    if (!wire_get_str(&reader, &name))
        return fault_set(fault, STATUS_WRONG_KIND, field, "the type is a string");
    *type = type_of(name);
    /* A long name is left out whole: cut, it might end in half a character. */
    if (*type == MESSAGE_NONE)
        return fault_set(fault, STATUS_UNKNOWN_MESSAGE, field, "\"%.*s\"",
                         name.size <= 64 ? (int)name.size : 0, (const char *)name.data);
    return STATUS_OK;
}

enum status message_decode(struct bytes frame, struct message *out, struct fault *fault)
{
    memset(out, 0, sizeof *out);
    enum status status = wire_validate(frame, fault);
    if (status == STATUS_OK)
        status = get_type(frame, &out->type, fault);
    if (status != STATUS_OK)
        return status;
    const struct description description = describe(out->type);
    return get_members(frame, &description, out, fault);
}

/* ---- encoding ---- */

static struct bytes slice_at(const void *place)
{
    struct bytes slice;
    memcpy(&slice, place, sizeof slice);
    return slice;
}

static void put_member(struct buffer *out, const struct member *member, const void *place)
{
    uint8_t scope[SCOPE_SIZE];
    wire_put_text(out, member->wire);
    switch (member->kind) {
    case MEMBER_U64:
        wire_put_uint(out, *(const uint64_t *)place);
        break;
    case MEMBER_BOOL:
        wire_put_bool(out, *(const bool *)place);
        break;
    case MEMBER_STR:
        wire_put_str(out, slice_at(place));
        break;
    case MEMBER_BIN:
        wire_put_bin(out, slice_at(place));
        break;
    case MEMBER_RAW:
        assert(slice_at(place).size > 0);
        wire_put_raw(out, slice_at(place));
        break;
    case MEMBER_ID:
        wire_put_id(out, *(const struct id *)place);
        break;
    case MEMBER_SCOPE:
        scope_put(*(const struct scope *)place, scope);
        wire_put_bin(out, bytes_of(scope, sizeof scope));
        break;
    }
}

static bool is_sent(const struct message *message, const struct member *member, size_t index)
{
    return member->need == REQUIRED || (present_of(message) >> index & 1u) != 0;
}

void message_encode(struct buffer *out, const struct message *message)
{
    const struct description description = describe(message->type);
    assert(description.members != NULL);
    uint32_t pairs = 1;
    for (size_t i = 0; i < description.count; i++)
        pairs += is_sent(message, &description.members[i], i);
    wire_put_map(out, pairs);
    wire_put_text(out, "type");
    wire_put_text(out, description.name);
    for (size_t i = 0; i < description.count; i++) {
        const struct member *member = &description.members[i];
        if (is_sent(message, member, i))
            put_member(out, member, (const char *)&message->as + member->offset);
    }
}
