#include "protocol/condition.h"

#include <assert.h>

#include "protocol/fold.h"
#include "protocol/wire.h"

static bool read_op(struct bytes text, enum condition_op *out)
{
    static const char *const names[] = {"=", "!=", "<", "<=", ">", ">=", "contains"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (bytes_is(text, names[i])) {
            *out = (enum condition_op)i;
            return true;
        }
    }
    return false;
}

static enum status read_condition(const struct entity_def *entity, struct wire_reader *reader,
                                  struct condition *out, struct fault *fault)
{
    uint32_t parts;
    struct bytes op;
    if (!wire_get_array(reader, &parts) || parts != 3 || !wire_get_str(reader, &out->field) ||
        !wire_get_str(reader, &op) || !wire_skip(reader, &out->value)) {
        return fault_set(fault, STATUS_WRONG_KIND, bytes_text("where"),
                         "each condition is an array [field, op, value]");
    }
    if (!read_op(op, &out->op)) {
        return fault_set(fault, STATUS_INVALID_VALUE, out->field,
                         "the operators are = != < <= > >= contains");
    }
    struct wire_reader wanted = wire_read(out->value);
    struct bytes text;
    if (out->op == OP_CONTAINS && wire_get_str(&wanted, &text) &&
        text.size > CONDITION_CONTAINS_MAX) {
        return fault_set(fault, STATUS_LIMIT, out->field, "at most %u bytes can be looked for",
                         CONDITION_CONTAINS_MAX);
    }
    out->def = entity != NULL ? schema_field(entity, out->field) : NULL;
    if (out->def == NULL) {
        return STATUS_OK;
    }
    out->field = bytes_text(out->def->name);
    if (out->op == OP_CONTAINS) {
        return STATUS_OK;
    }
    /* nil asks for fields that are not set, whether or not the field is required. */
    struct wire_reader value = wire_read(out->value);
    return wire_peek(&value) == WIRE_NIL ? STATUS_OK : schema_check(out->def, out->value, fault);
}

enum status conditions_read(struct bytes entity_name, struct bytes encoded, struct conditions *out,
                            struct fault *fault)
{
    out->count = 0;
    if (encoded.size == 0) {
        return STATUS_OK;
    }
    const struct entity_def *entity = schema_entity(entity_name);
    struct wire_reader reader = wire_read(encoded);
    uint32_t count;
    if (!wire_get_array(&reader, &count)) {
        return fault_set(fault, STATUS_WRONG_KIND, bytes_text("where"),
                         "must be an array of conditions");
    }
    if (count > CONDITIONS_MAX) {
        return fault_set(fault, STATUS_LIMIT, bytes_text("where"),
                         "at most %u conditions are allowed", CONDITIONS_MAX);
    }
    while (out->count < count) {
        enum status status = read_condition(entity, &reader, &out->conditions[out->count], fault);
        if (status != STATUS_OK) {
            return status;
        }
        out->count++;
    }
    return STATUS_OK;
}

static enum field_kind kind_by_shape(struct bytes value)
{
    struct wire_reader reader = wire_read(value);
    switch (wire_peek(&reader)) {
    case WIRE_BOOL:
        return KIND_BOOLEAN;
    case WIRE_INT:
    case WIRE_UINT:
        return KIND_INTEGER;
    case WIRE_BIN:
        return KIND_REFERENCE;
    case WIRE_MAP:
        return KIND_MONEY;
    case WIRE_NONE:
    case WIRE_NIL:
    case WIRE_STR:
    case WIRE_ARRAY:
        break;
    }
    return KIND_TEXT;
}

void condition_key(const struct field_def *def, struct bytes value, struct buffer *out)
{
    if (value.size > 0) {
        schema_index_key(def != NULL ? def->kind : kind_by_shape(value), value, out);
    }
}

/* What is looked for, folded, and of each beginning of it the longest border: by Knuth, Morris and
 * Pratt, "Fast pattern matching in strings" (1977). It is found in a time that does not depend on
 * what it and the text are, since both can be an adversary's. */
struct part {
    size_t size;
    uint8_t octets[FOLD_MAX(CONDITION_CONTAINS_MAX)];
    uint16_t border[FOLD_MAX(CONDITION_CONTAINS_MAX) + 1];
};

/* How much of the part there is at the end of what was read, when this byte follows. */
static size_t step(const struct part *part, size_t same, uint8_t octet)
{
    while (same > 0 && octet != part->octets[same]) {
        same = part->border[same];
    }
    return same + (octet == part->octets[same]);
}

static void prepare(struct bytes text, struct part *out)
{
    out->size = fold_begin(text, out->octets, sizeof out->octets);
    out->border[0] = out->border[1] = 0;
    for (size_t i = 1, same = 0; i < out->size; i++) {
        same = step(out, same, out->octets[i]);
        out->border[i + 1] = (uint16_t)same;
    }
}

/* Whether `wanted` occurs in `text`, letters of either case being the same. Folded characters are
 * compared byte by byte: in UTF-8 none begins within another. */
static bool text_contains(struct bytes text, struct bytes wanted)
{
    struct part part;
    uint8_t folded[256];
    if (wanted.size == 0 || wanted.size > CONDITION_CONTAINS_MAX) {
        return wanted.size == 0;
    }
    prepare(wanted, &part);
    for (size_t same = 0, size; (size = fold_next(&text, folded, sizeof folded)) > 0;) {
        for (size_t i = 0; i < size; i++) {
            same = step(&part, same, folded[i]);
            if (same == part.size) {
                return true;
            }
        }
    }
    return false;
}

/* In text: a part of it. In an array: one of its elements. In a map: a part of one of its texts. */
static bool value_contains(struct bytes value, struct bytes wanted)
{
    struct wire_reader reader = wire_read(value), wanted_reader = wire_read(wanted);
    struct bytes text, part, element;
    bool textual = wire_get_str(&wanted_reader, &part);
    if (textual && wire_get_str(&reader, &text)) {
        return text_contains(text, part);
    }
    uint32_t count;
    bool map = false;
    if (!wire_get_array(&reader, &count)) {
        map = wire_get_map(&reader, &count);
        if (!map) {
            return false;
        }
    }
    while (count-- > 0) {
        if ((map && !wire_skip(&reader, NULL)) || !wire_skip(&reader, &element)) {
            return false;
        }
        if (bytes_equal(element, wanted) || (textual && map && value_contains(element, wanted))) {
            return true;
        }
    }
    return false;
}

/* The key of a value in room of the caller's, which no key exceeds: comparing asks for no memory,
 * and cannot come to the wrong end for want of it. */
static struct bytes key_in(const struct field_def *def, struct bytes value,
                           uint8_t room[SCHEMA_KEY_MAX])
{
    struct buffer key = {.data = room, .capacity = SCHEMA_KEY_MAX};
    condition_key(def, value, &key);
    assert(key.data == room && !key.failed);
    return buffer_bytes(&key);
}

/* Texts whose keys are cut, in full. */
static int compare_texts(struct bytes value, struct bytes wanted)
{
    struct wire_reader reader = wire_read(value), wanted_reader = wire_read(wanted);
    struct bytes mine = {0}, other = {0};
    wire_get_str(&reader, &mine);
    wire_get_str(&wanted_reader, &other);
    return fold_compare(mine, other);
}

/* Numbers may be written in several widths, so equality too compares keys where the kind has
 * them, and the bytes where it has none. Long text shares a key with what begins alike. */
static int compare_values(const struct condition *condition, struct bytes value, bool *ordered)
{
    uint8_t my_room[SCHEMA_KEY_MAX], wanted_room[SCHEMA_KEY_MAX];
    const struct bytes mine = key_in(condition->def, value, my_room);
    const struct bytes wanted = key_in(condition->def, condition->value, wanted_room);
    *ordered = mine.size > 0 && wanted.size > 0;
    if (!*ordered) {
        return bytes_compare(value, condition->value);
    }
    int order = bytes_compare(mine, wanted);
    bool cut = mine.size >= SCHEMA_KEY_MAX && wanted.size >= SCHEMA_KEY_MAX;
    return order == 0 && cut ? compare_texts(value, condition->value) : order;
}

static bool is_nil(struct bytes value)
{
    struct wire_reader reader = wire_read(value);
    return wire_peek(&reader) == WIRE_NIL;
}

bool condition_meets(const struct condition *condition, struct bytes value, size_t *scanned)
{
    bool none = value.size == 0 || is_nil(value);
    bool wants_none = is_nil(condition->value);
    if (none || wants_none) {
        bool both = none && wants_none;
        return condition->op == OP_EQUAL ? both : condition->op == OP_UNEQUAL && !both;
    }
    *scanned += value.size;
    if (condition->op == OP_CONTAINS) {
        return value_contains(value, condition->value);
    }
    bool ordered;
    int order = compare_values(condition, value, &ordered);
    switch (condition->op) {
    case OP_EQUAL:
        return order == 0;
    case OP_UNEQUAL:
        return order != 0;
    case OP_LESS:
        return ordered && order < 0;
    case OP_AT_MOST:
        return ordered && order <= 0;
    case OP_MORE:
        return ordered && order > 0;
    case OP_AT_LEAST:
        return ordered && order >= 0;
    case OP_CONTAINS:
        break;
    }
    return false;
}
