#include "cli/cli_where.h"

#include <string.h>

#include "cli/cli_text.h"
#include "protocol/memory.h"

bool where_split(const char *text, char *field, size_t size, const char **op, const char **value)
{
    static const struct {
        const char *sign, *op;
    } signs[] = {{"!=", "!="}, {"<=", "<="}, {">=", ">="}, {"=", "="},
                 {"<", "<"},   {">", ">"},   {"~", "contains"}};
    size_t length = strcspn(text, "!<>=~");
    if (length == 0 || length >= size) {
        return false;
    }
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        size_t sign = strlen(signs[i].sign);
        if (strncmp(text + length, signs[i].sign, sign) == 0) {
            memcpy(field, text, length);
            field[length] = '\0';
            *op = signs[i].op;
            *value = text + length + sign;
            return true;
        }
    }
    return false;
}

static enum tandem_failure read_condition(struct cli *cli, const char *text, struct where *out)
{
    char field[72];
    const char *op = NULL;
    const char *value = NULL;
    if (!where_split(text, field, sizeof field, &op, &value)) {
        return cli_usage(cli, "\"%s\" is no condition: write field=value, field!=value, field<value, "
                              "field>=value or field~part",
                         text);
    }
    size_t i = out->count++;
    out->fields[i] = text_copy(field);
    out->texts[i] = text_copy(value);
    if (out->fields[i] == NULL || out->texts[i] == NULL) {
        return cli_no_memory(cli);
    }
    out->conditions[i] =
        (tandem_condition){.field = out->fields[i], .op = op, .text = out->texts[i]};
    return TANDEM_DONE;
}

static enum tandem_failure read_order(struct cli *cli, const struct arguments *arguments,
                                      struct where *out)
{
    const char *sort = arguments_value(arguments, "sort");
    const char *limit = arguments_value(arguments, "limit");
    unsigned long number = 0;
    if (sort != NULL) {
        out->query.descending = sort[0] == '-';
        (void)snprintf(out->sort, sizeof out->sort, "%s", sort + (sort[0] == '-'));
        out->query.sort = out->sort;
    }
    if (limit != NULL && !arguments_number(limit, 1, 1000000000, &number)) {
        return cli_usage(cli, "--limit is a number of records, at least 1");
    }
    out->query.limit = (unsigned)number;
    return TANDEM_DONE;
}

enum tandem_failure where_read(struct cli *cli, const char *entity,
                               const struct arguments *arguments, struct where *out)
{
    size_t count = arguments_repeats(arguments, "where");
    *out = (struct where){.query = {.entity = entity}};
    if (count > WHERE_MOST) {
        return cli_usage(cli, "at most %u conditions", WHERE_MOST);
    }
    enum tandem_failure failure = read_order(cli, arguments, out);
    for (size_t i = 0; i < count && failure == TANDEM_DONE; i++) {
        failure = read_condition(cli, arguments_nth(arguments, "where", i), out);
    }
    out->query.where = out->conditions;
    out->query.where_count = out->count;
    return failure;
}

/* One condition: a custom field gets its kind, a name in a reference becomes an id. */
static enum tandem_failure resolve_one(struct cli *cli, struct where *where, size_t i)
{
    struct buffer text = {0};
    enum tandem_failure failure =
        fields_facts(cli, where->query.entity, where->fields[i], &where->facts[i]);
    if (failure == TANDEM_DONE && strcmp(where->facts[i].kind, "tags") == 0 &&
        strcmp(where->conditions[i].op, "contains") != 0) {
        failure = cli_refuse(cli, TANDEM_REFUSED, "%s holds several words; ask for one of them: %s~%s",
                             where->facts[i].name, where->facts[i].name, where->texts[i]);
    }
    if (failure == TANDEM_DONE) {
        failure = fields_resolve(cli, &where->facts[i], where->texts[i], &text);
    }
    const char *resolved = text_of(&text);
    char *owned = resolved == NULL ? NULL : text_copy(resolved);
    buffer_release(&text);
    if (failure != TANDEM_DONE || owned == NULL) {
        memory_free(owned);
        return failure != TANDEM_DONE ? failure : cli_no_memory(cli);
    }
    memory_free(where->texts[i]);
    where->texts[i] = owned;
    where->conditions[i].text = owned;
    where->conditions[i].kind = where->facts[i].custom ? where->facts[i].kind : NULL;
    return TANDEM_DONE;
}

/* The copy could sort by any field, and the server by those that it has an index of: what works
 * must not depend on which of them answers. */
static enum tandem_failure resolve_order(struct cli *cli, struct where *where)
{
    const char *entity = where->query.entity;
    struct field_facts facts;
    tandem_field_info info;
    if (where->query.sort == NULL) {
        return TANDEM_DONE;
    }
    enum tandem_failure failure = fields_check_entity(cli, entity);
    if (failure == TANDEM_DONE && text_same(where->sort, "createdAt")) {
        where->query.sort = NULL; /* ids are in that order */
        return TANDEM_DONE;
    }
    failure = failure == TANDEM_DONE ? fields_facts(cli, entity, where->sort, &facts) : failure;
    if (failure != TANDEM_DONE) {
        return failure;
    }
    if (!tandem_field_find(entity, facts.name, &info) || (!info.indexed && !info.unique)) {
        return cli_refuse(cli, TANDEM_REFUSED,
                          "lists cannot be sorted by %s, only by indexed fields and createdAt. See: "
                          "tandem schema %s",
                          facts.name, entity);
    }
    (void)snprintf(where->sort, sizeof where->sort, "%s", facts.name);
    return TANDEM_DONE;
}

enum tandem_failure where_resolve(struct cli *cli, struct where *where)
{
    enum tandem_failure failure =
        where->count == 0 ? TANDEM_DONE : fields_check_entity(cli, where->query.entity);
    failure = failure == TANDEM_DONE ? resolve_order(cli, where) : failure;
    for (size_t i = 0; i < where->count && failure == TANDEM_DONE; i++) {
        failure = resolve_one(cli, where, i);
    }
    return failure;
}

void where_release(struct where *where)
{
    for (size_t i = 0; i < where->count; i++) {
        memory_free(where->fields[i]);
        memory_free(where->texts[i]);
    }
    *where = (struct where){.count = 0};
}
