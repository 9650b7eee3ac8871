/* The schema as callers see it, and hints for names that are nearly right. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "client-lib/base/mutation.h"
#include "protocol/schema.h"
#include "tandem/tandem.h"

size_t tandem_entity_count(void)
{
    return schema_entity_count();
}

const char *tandem_entity_name(size_t index)
{
    return index < schema_entity_count() ? schema_entity_at(index)->name : NULL;
}

static const char *class_name(enum field_class class)
{
    switch (class) {
    case CLASS_SHARED:
        return "shared";
    case CLASS_INTERNAL:
        return "internal";
    default:
        return "restricted";
    }
}

static void describe(const struct field_def *field, bool common, tandem_field_info *out)
{
    *out = (tandem_field_info){
        .name = field->name,
        .kind = schema_kind_name(field->kind),
        .visibility = class_name(field->class),
        .target = field->target,
        .values = field->values,
        .required = (field->flags & FIELD_REQUIRED) != 0,
        .indexed = (field->flags & (FIELD_INDEXED | FIELD_UNIQUE)) != 0,
        .unique = (field->flags & FIELD_UNIQUE) != 0,
        .fixed = (field->flags & FIELD_FIXED) != 0,
        .system = (field->flags & FIELD_SYSTEM) != 0,
        .common = common,
    };
}

static bool is_common(const struct field_def *field)
{
    size_t count = 0;
    const struct field_def *common = schema_common_fields(&count);
    for (size_t i = 0; i < count; i++)
        if (field == &common[i])
            return true;
    return false;
}

bool tandem_field_at(const char *entity, size_t index, tandem_field_info *out)
{
    const struct entity_def *def = schema_entity(bytes_text(entity));
    size_t common_count = 0;
    const struct field_def *common = schema_common_fields(&common_count);
    if (def == NULL || index >= def->field_count + common_count)
        return false;
    if (index < def->field_count)
        describe(&def->fields[index], false, out);
    else
        describe(&common[index - def->field_count], true, out);
    return true;
}

bool tandem_field_find(const char *entity, const char *name, tandem_field_info *out)
{
    const struct entity_def *def = schema_entity(bytes_text(entity));
    const struct field_def *field = def != NULL ? schema_field(def, bytes_text(name)) : NULL;
    if (field == NULL)
        return false;
    describe(field, is_common(field), out);
    return true;
}

char *tandem_time_text(int64_t ms, char out[25])
{
    return schema_time_to_text(ms, out);
}

#define HINT_NAME 32

/* Letters to insert, delete or replace to get from one name to the other, case apart (Levenshtein,
 * one row). */
static size_t distance(struct bytes a, struct bytes b)
{
    size_t row[HINT_NAME + 1];
    if (a.size > HINT_NAME || b.size > HINT_NAME)
        return HINT_NAME;
    for (size_t j = 0; j <= b.size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            size_t replaced = diagonal + (tolower(a.data[i - 1]) != tolower(b.data[j - 1]));
            diagonal = row[j];
            size_t shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = replaced < shorter ? replaced : shorter;
        }
    }
    return row[b.size];
}

/* Whether one begins with or contains the other, case apart: "phone" in "phoneNumber". */
static bool contains(const char *name, struct bytes part)
{
    char text[HINT_NAME + 1];
    if (part.size < 3 || part.size > HINT_NAME)
        return false;
    return strcasestr(name, bytes_to_text(part, text, sizeof text)) != NULL;
}

void field_hint(struct bytes entity, struct bytes name, char *out, size_t size)
{
    char entity_name[RECORD_NAME_MAX + 1];
    tandem_field_info field;
    size_t used = 0;
    int listed = 0;
    out[0] = 0;
    bytes_to_text(entity, entity_name, sizeof entity_name);
    for (size_t i = 0; listed < 3 && tandem_field_at(entity_name, i, &field); i++) {
        size_t near = 1 + name.size / 4;
        if (distance(name, bytes_text(field.name)) > near && !contains(field.name, name))
            continue;
        int length = snprintf(out + used, size - used, "%s%s",
                              listed == 0 ? "; did you mean " : ", ", field.name);
        if (length < 0 || (size_t)length >= size - used) {
            out[used] = 0;
            return;
        }
        used += (size_t)length;
        listed++;
    }
    if (listed > 0 && used + 1 < size)
        snprintf(out + used, size - used, "?");
}
