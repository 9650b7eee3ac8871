#include "server/core/query/query_where.h"

#include "protocol/wire.h"

struct bytes where_value(const struct principal *who, const struct record *record,
                         struct bytes field)
{
    const struct record_field *found = record_field_any(record, field);
    if (found == NULL || !access_sees_field(who, record, found)) {
        return (struct bytes){NULL, 0};
    }
    struct wire_reader reader = wire_read(found->value);
    return wire_peek(&reader) == WIRE_NIL ? (struct bytes){NULL, 0} : found->value;
}

bool where_meets(const struct conditions *where, const struct principal *who,
                 const struct record *record, size_t *scanned)
{
    for (uint32_t i = 0; i < where->count; i++) {
        const struct condition *condition = &where->conditions[i];
        if (!condition_meets(condition, where_value(who, record, condition->field), scanned)) {
            return false;
        }
    }
    return true;
}
