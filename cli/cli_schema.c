/* schema: which entities and fields there are. docs/SCHEMA.md is what --markdown prints. */
#include <jansson.h>
#include <string.h>

#include "cli/cli_list_of_commands.h"
#include "cli/cli_text.h"
#include "protocol/schema.h"

static void add_values(struct buffer *out, const char *const *values, const char *between)
{
    for (size_t i = 0; values != NULL && values[i] != NULL; i++) {
        text_addf(out, "%s%s", i == 0 ? "" : between, values[i]);
    }
}

static void add_flags(struct buffer *out, const tandem_field_info *info)
{
    const struct {
        bool set;
        const char *word;
    } flags[] = {
        {info->required, "required"}, {info->unique, "unique"},
        {info->indexed && !info->unique, "sortable"}, {info->fixed, "set once"},
        {info->system, "set by the server"},
    };
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (flags[i].set) {
            text_addf(out, "%s%s", out->size == 0 ? "" : ", ", flags[i].word);
        }
    }
}

/* ---- Markdown -------------------------------------------------------------------------------- */

static void markdown_field(FILE *out, const tandem_field_info *info)
{
    struct buffer flags = {0};
    struct buffer values = {0};
    add_flags(&flags, info);
    add_values(&values, info->values, ", ");
    const char *flag_text = text_of(&flags);
    const char *value_text = text_of(&values);
    (void)fprintf(out, "| %s | %s%s%s | %s | %s | %s |\n", info->name, info->kind,
                  info->target == NULL ? "" : " to ", info->target == NULL ? "" : info->target,
                  info->visibility, flag_text == NULL ? "" : flag_text,
                  value_text == NULL ? "" : value_text);
    buffer_release(&flags);
    buffer_release(&values);
}

static void markdown_head(FILE *out)
{
    (void)fputs("\n| field | kind | class | | values |\n|---|---|---|---|---|\n", out);
}

static const char *home_text(enum home home)
{
    switch (home) {
    case HOME_SELF:
        return "Its scope is its own";
    case HOME_ACCOUNT:
        return "Lives in the scope of its account";
    case HOME_ANY:
        return "Lives in the scope of its account, else in the one named at creation, else in the "
               "library";
    default:
        return "Lives in the library";
    }
}

static void markdown_entity(FILE *out, const char *name)
{
    const struct entity_def *entity = schema_entity(bytes_text(name));
    tandem_field_info info;
    (void)fprintf(out, "\n## %s\n\n%s. Its audience starts as %s. It is called by its `%s`.\n", name,
                  home_text(entity->home),
                  entity->audience == AUDIENCE_PARTNERS ? "`internal` and `partners`" : "`internal`",
                  entity->title_field);
    markdown_head(out);
    for (size_t i = 0; tandem_field_at(name, i, &info); i++) {
        if (!info.common) {
            markdown_field(out, &info);
        }
    }
}

static void markdown(FILE *out)
{
    tandem_field_info info;
    (void)fputs(
        "# Entities and fields\n\n"
        "This page is the output of `tandem schema --markdown`; a test compares the two.\n\n"
        "Kinds are those of `protocol/PROTOCOL.md`. Class: `shared` fields are seen by everyone who\n"
        "sees the record, `internal` ones by departments, `restricted` ones by the departments they\n"
        "name. Text is read like this: boolean `true`, `false`, `yes`, `no`, `1`, `0`; date\n"
        "`2026-03-01`; time `2026-03-01T09:30Z` or a date; money `1250.50 NOK`; address\n"
        "`street; city; region; postalCode; country` or `city=Bergen; country=Norway`; tags and\n"
        "references separated by commas. A backslash before a separator makes it part of the value.\n"
        "\n## Every record\n",
        out);
    markdown_head(out);
    for (size_t i = 0; tandem_field_at("account", i, &info); i++) {
        if (info.common) {
            markdown_field(out, &info);
        }
    }
    for (size_t i = 0; i < tandem_entity_count(); i++) {
        markdown_entity(out, tandem_entity_name(i));
    }
}

/* ---- For a person, for a program --------------------------------------------------------------- */

static void print_fields(struct cli *cli, const char *entity)
{
    static const char *const headings[] = {"field", "kind", "class", "", "values"};
    struct table table;
    tandem_field_info info;
    table_init(&table, 5);
    table_row(&table, headings);
    for (size_t i = 0; tandem_field_at(entity, i, &info); i++) {
        struct buffer kind = {0};
        struct buffer flags = {0};
        struct buffer values = {0};
        text_addf(&kind, "%s%s%s", info.kind, info.target == NULL ? "" : " to ",
                  info.target == NULL ? "" : info.target);
        add_flags(&flags, &info);
        add_values(&values, info.values, ", ");
        const char *cells[] = {info.name, text_of(&kind), info.visibility, text_of(&flags),
                               text_of(&values)};
        table_row(&table, cells);
        buffer_release(&kind);
        buffer_release(&flags);
        buffer_release(&values);
    }
    table_print(&table, cli->out, text_terminal_width(cli->out));
    table_release(&table);
}

static json_t *field_object(const tandem_field_info *info)
{
    json_t *object = json_pack("{s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:b}", "name", info->name,
                               "kind", info->kind, "class", info->visibility, "required",
                               info->required, "indexed", info->indexed, "unique", info->unique,
                               "fixed", info->fixed, "system", info->system);
    if (info->target != NULL) {
        (void)json_object_set_new(object, "target", json_string(info->target));
    }
    if (info->values != NULL) {
        json_t *values = json_array();
        for (size_t i = 0; info->values[i] != NULL; i++) {
            (void)json_array_append_new(values, json_string(info->values[i]));
        }
        (void)json_object_set_new(object, "values", values);
    }
    return object;
}

static void print_object(struct cli *cli, const char *entity)
{
    json_t *fields = json_array();
    tandem_field_info info;
    for (size_t i = 0; tandem_field_at(entity, i, &info); i++) {
        (void)json_array_append_new(fields, field_object(&info));
    }
    json_t *object = json_pack("{s:s, s:o}", "entity", entity, "fields", fields);
    (void)json_dumpf(object, cli->out, JSON_COMPACT);
    (void)fputc('\n', cli->out);
    json_decref(object);
}

static enum tandem_failure print_entity(struct cli *cli, const char *entity)
{
    if (schema_entity(bytes_text(entity)) == NULL) {
        return cli_refuse(cli, TANDEM_REFUSED,
                          "there is no built-in entity %s. See what there is: tandem schema, and "
                          "tandem list customField",
                          entity);
    }
    if (cli->json) {
        print_object(cli, entity);
    } else {
        print_fields(cli, entity);
    }
    return TANDEM_DONE;
}

enum tandem_failure command_schema(struct cli *cli, const struct arguments *arguments)
{
    if (arguments_has(arguments, "markdown")) {
        markdown(cli->out);
        return TANDEM_DONE;
    }
    if (arguments->count == 1) {
        return print_entity(cli, arguments->positional[0]);
    }
    for (size_t i = 0; i < tandem_entity_count(); i++) {
        if (cli->json) {
            print_object(cli, tandem_entity_name(i));
        } else {
            (void)fprintf(cli->out, "%s\n", tandem_entity_name(i));
        }
    }
    cli_note(cli, "The fields of one: tandem schema ENTITY");
    return TANDEM_DONE;
}
