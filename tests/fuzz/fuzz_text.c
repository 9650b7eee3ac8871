/* Texts that people and files give: ids, scopes, tags and times; conditions, lists and column
 * specifications of the command line. The first byte chooses; what is read can be written and read
 * again as the same. */
#include "fuzz.h"

#include <string.h>

#include "cli/cli_csv.h"
#include "cli/cli_map.h"
#include "cli/cli_text.h"
#include "cli/cli_value.h"
#include "cli/cli_where.h"
#include "protocol/id.h"
#include "protocol/memory.h"
#include "protocol/schema.h"
#include "protocol/wire.h"

static void use_id(struct bytes text)
{
    struct id id, again;
    char out[ID_TEXT_SIZE];
    if (!id_from_text(text, &id))
        return;
    MUST(text.size == 32 || text.size == 36);
    MUST(strlen(id_to_text(id, out)) == ID_TEXT_SIZE - 1);
    MUST(id_from_text(bytes_text(out), &again) && id_equal(id, again));
}

static void use_scope(struct bytes text)
{
    struct scope scope, again;
    char out[SCOPE_TEXT_SIZE];
    uint8_t octets[SCOPE_SIZE];
    if (!scope_from_text(text, &scope) && !scope_from_bytes(text, &scope))
        return;
    scope_put(scope, octets);
    MUST(scope_from_bytes(bytes_of(octets, sizeof octets), &again) && scope_equal(scope, again));
    MUST(scope_from_text(bytes_text(scope_to_text(scope, out)), &again));
    MUST(scope_equal(scope, again));
}

static void use_tag(struct bytes text)
{
    struct tag tag, again;
    char out[TAG_TEXT_SIZE];
    uint8_t octets[TAG_SIZE];
    if (!tag_from_text(text, &tag) && !tag_from_bytes(text, &tag))
        return;
    tag_put(tag, octets);
    MUST(tag_from_bytes(bytes_of(octets, sizeof octets), &again) && tag_equal(tag, again));
    MUST(tag_from_text(bytes_text(tag_to_text(tag, out)), &again) && tag_equal(tag, again));
}

static void use_time(struct bytes text)
{
    int64_t ms, again;
    char out[SCHEMA_TIME_TEXT];
    if (!schema_time_from_text(text, &ms))
        return;
    MUST(schema_time_from_text(bytes_text(schema_time_to_text(ms, out)), &again) && again == ms);
}

static void use_utf8(const char *text, size_t size)
{
    uint32_t point;
    size_t read;
    MUST(text_is_utf8(text, size) == wire_utf8_valid(bytes_of(text, size)));
    for (size_t at = 0; at < size; at += read) {
        read = text_decode(text + at, size - at, &point);
        MUST(read <= size - at);
        if (read == 0)
            break;
    }
    (void)text_width(text);
}

static void use_list(const char *text)
{
    size_t parts = 0;
    for (const char *at = text, *before; *at != '\0'; parts++) {
        before = at;
        char *part = text_next_part(&at);
        MUST(part != NULL && at > before && strlen(part) <= (size_t)(at - before));
        memory_free(part);
    }
    MUST(parts < 2 || text_has_separator(text));
}

static void use_words(const char *text)
{
    char name[FIELDS_NAME], field[72];
    const char *value, *op;
    if (fields_split(text, name, &value))
        MUST(name[0] != '\0' && strlen(name) < sizeof name && value > text);
    if (where_split(text, field, sizeof field, &op, &value))
        MUST(field[0] != '\0' && strlen(field) < sizeof field && op[0] != '\0' && value > text);
    (void)text_distance(text, "annualRevenue", strlen("annualRevenue"));
}

static void use_map(const char *text)
{
    static struct map map;
    static const char *const header[] = {"Name", "City", "name", "Customer ID", ""};
    static const char *const cells[] = {"Fjord", "Bergen", "", "17", "x"};
    char problem[512];
    struct buffer out = {0};
    memset(&map, 0, sizeof map);
    problem[0] = '\0';
    bool read = map_add(&map, text, problem);
    MUST(read || problem[0] != '\0');
    problem[0] = '\0';
    if (!map_add_constant(&map, text, problem))
        MUST(problem[0] != '\0');
    if (!map_add_lookup(&map, NULL, text, problem))
        MUST(problem[0] != '\0');
    MUST(map.count <= MAP_MOST);
    if (!map_resolve(&map, header, 5, problem))
        return;
    for (size_t i = 0; i < map.count; i++) {
        MUST(map.entries[i].index >= -1 && map.entries[i].index < 5);
        map_text(&map.entries[i], header, cells, 5, &out);
    }
    buffer_release(&out);
}

static void use_cell(const char *text)
{
    static const char *const kinds[] = {"date", "time",    "money",    "boolean", "integer",
                                        "tags", "decimal", "longText", "enum",    "address"};
    struct buffer out = {0};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds * 3; i++) {
        const struct value_form form = {(enum value_dates)(i % 3), i % 2 ? "NOK" : NULL};
        buffer_clear(&out);
        value_from_cell(&form, kinds[i / 3], text, &out);
        MUST(!out.failed);
    }
    buffer_clear(&out);
    value_add_part("city", text, &out);
    value_normal("account", "annualRevenue", text, &out);
    value_normal("contact", "address", text, &out);
    MUST(!out.failed);
    const char *plain = csv_unguard(text);
    MUST(plain == text || plain == text + 1);
    buffer_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct bytes exact = bytes_of(data + 1, size - 1);
    char *text = malloc(size);
    MUST(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0] % 8) {
    case 0:
        use_id(exact);
        break;
    case 1:
        use_scope(exact);
        break;
    case 2:
        use_tag(exact);
        break;
    case 3:
        use_time(exact);
        break;
    case 4:
        use_utf8(text, strlen(text));
        break;
    case 5:
        use_list(text);
        use_words(text);
        break;
    case 6:
        use_map(text);
        break;
    default:
        use_cell(text);
        break;
    }
    free(text);
    return 0;
}
