/* schema: which entities and fields there are. docs/SCHEMA.md is what --markdown prints. */
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "cli/cli_list_of_commands.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"
#include "protocol/schema.h"

#define OWN_VALUES 256u

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
    case HOME_USER:
        return "Lives in the scope of the user whom it is for; nobody makes one themselves";
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

/* The fields of one entity on their way to the screen, as rows or as JSON. */
struct listing {
    struct cli *cli;
    const char *entity;
    struct table table;
    json_t *fields;
    bool own_entity; /* one of the company's own */
    bool in_account; /* which lives in an account */
};

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

static void add_row(struct table *table, const tandem_field_info *info, bool own)
{
    struct buffer kind = {0};
    struct buffer flags = {0};
    struct buffer values = {0};
    text_addf(&kind, "%s%s%s", info->kind, info->target == NULL ? "" : " to ",
              info->target == NULL ? "" : info->target);
    add_flags(&flags, info);
    if (own) {
        text_addf(&flags, "%syour own", flags.size == 0 ? "" : ", ");
    }
    add_values(&values, info->values, ", ");
    const char *cells[] = {info->name, text_of(&kind), info->visibility, text_of(&flags),
                           text_of(&values)};
    table_row(table, cells);
    buffer_release(&kind);
    buffer_release(&flags);
    buffer_release(&values);
}

static void add_field(struct listing *listing, const tandem_field_info *info, bool own)
{
    if (!listing->cli->json) {
        add_row(&listing->table, info, own);
        return;
    }
    json_t *object = field_object(info);
    if (own) {
        (void)json_object_set_new(object, "custom", json_true());
    }
    (void)json_array_append_new(listing->fields, object);
}

/* The values of an enum, out of the tags they are kept in. */
static void split_values(const char *text, const char *values[OWN_VALUES + 1])
{
    size_t count = 0;
    for (const char *at = text; at != NULL && *at != '\0' && count < OWN_VALUES;) {
        values[count] = text_next_part(&at);
        if (values[count] == NULL) {
            break;
        }
        count++;
    }
    values[count] = NULL;
}

static bool take_own_field(void *context, const tandem_record *record)
{
    struct listing *listing = context;
    const char *values[OWN_VALUES + 1];
    const char *entity = tandem_record_text(record, "entity");
    const char *required = tandem_record_text(record, "required");
    tandem_field_info info = {.name = tandem_record_text(record, "name"),
                              .kind = tandem_record_text(record, "kind"),
                              .target = tandem_record_text(record, "target"),
                              .visibility = tandem_record_text(record, "class"),
                              .required = required != NULL && strcmp(required, "true") == 0};
    if (entity == NULL || info.name == NULL || info.kind == NULL ||
        strcmp(entity, listing->entity) != 0) {
        return true;
    }
    info.visibility = info.visibility == NULL ? "internal" : info.visibility;
    split_values(tandem_record_text(record, "values"), values);
    info.values = values[0] == NULL ? NULL : values;
    add_field(listing, &info, true);
    for (size_t i = 0; values[i] != NULL; i++) {
        memory_free((void *)(uintptr_t)values[i]);
    }
    return true;
}

static bool take_own_entity(void *context, const tandem_record *record)
{
    struct listing *listing = context;
    const char *home = tandem_record_text(record, "home");
    listing->own_entity = true;
    listing->in_account = home != NULL && strcmp(home, "account") == 0;
    return true;
}

/* What the library knows; of an entity of the company's own, what each of these has. */
static void add_built_in(struct listing *listing)
{
    tandem_field_info info;
    for (size_t i = 0; tandem_field_at(listing->entity, i, &info); i++) {
        add_field(listing, &info, false);
    }
    if (!listing->own_entity) {
        return;
    }
    if (tandem_field_find("account", "name", &info)) {
        add_field(listing, &info, false);
    }
    if (listing->in_account && tandem_field_find("contact", "account", &info)) {
        add_field(listing, &info, false);
    }
    for (size_t i = 0; tandem_field_at("account", i, &info); i++) {
        if (info.common) {
            add_field(listing, &info, false);
        }
    }
}

static enum tandem_failure find_own_entity(struct listing *listing)
{
    tandem_condition condition = {.field = "name", .op = "=", .text = listing->entity};
    tandem_query query = {.entity = "customEntity", .where = &condition, .where_count = 1};
    return cli_query(listing->cli, &query, take_own_entity, listing) == TANDEM_OK
               ? TANDEM_DONE
               : cli_fault(listing->cli, NULL, &listing->cli->fault);
}

static void print_listing(struct listing *listing)
{
    struct cli *cli = listing->cli;
    if (!cli->json) {
        table_print(&listing->table, cli->out, text_terminal_width(cli->out));
        return;
    }
    json_t *object = json_pack("{s:s, s:O}", "entity", listing->entity, "fields", listing->fields);
    (void)json_dumpf(object, cli->out, JSON_COMPACT);
    (void)fputc('\n', cli->out);
    json_decref(object);
}

/* `online`: the company's own fields are asked for too. */
static enum tandem_failure print_entity(struct cli *cli, const char *entity, bool online)
{
    static const char *const headings[] = {"field", "kind", "class", "", "values"};
    struct listing listing = {.cli = cli, .entity = entity, .fields = json_array()};
    bool known = schema_entity(bytes_text(entity)) != NULL;
    enum tandem_failure failure = TANDEM_DONE;
    tandem_query query = {.entity = "customField"};
    table_init(&listing.table, 5);
    table_row(&listing.table, headings);
    if (online && !known) {
        failure = find_own_entity(&listing);
    }
    if (failure == TANDEM_DONE && !known && !listing.own_entity) {
        failure = cli_refuse(cli, TANDEM_REFUSED,
                             "there is no %sentity %s. See what there is: tandem schema",
                             online ? "" : "built-in ", entity);
    }
    if (failure == TANDEM_DONE) {
        add_built_in(&listing);
    }
    if (failure == TANDEM_DONE && online &&
        cli_query(cli, &query, take_own_field, &listing) != TANDEM_OK) {
        failure = cli_fault(cli, NULL, &cli->fault);
    }
    if (failure == TANDEM_DONE) {
        print_listing(&listing);
    }
    table_release(&listing.table);
    json_decref(listing.fields);
    return failure;
}

/* The built-in fields are told also where nobody is signed in or the server is away. */
static bool go_online(struct cli *cli)
{
    if (!cli->profile.signed_in) {
        cli_note(cli, "Sign in to see the company's own entities and fields too.");
        return false;
    }
    return cli_connect(cli, CLI_READS) == TANDEM_DONE;
}

static bool print_own_name(void *context, const tandem_record *record)
{
    struct cli *cli = context;
    const char *name = tandem_record_text(record, "name");
    (void)text_put(cli->out, name == NULL ? "" : name, 0);
    (void)fputs("  (your own)\n", cli->out);
    return true;
}

enum tandem_failure command_schema(struct cli *cli, const struct arguments *arguments)
{
    enum tandem_failure failure = TANDEM_DONE;
    if (arguments_has(arguments, "markdown")) {
        markdown(cli->out);
        return TANDEM_DONE;
    }
    if (arguments->count == 1) {
        return print_entity(cli, arguments->positional[0], go_online(cli));
    }
    for (size_t i = 0; i < tandem_entity_count() && failure == TANDEM_DONE; i++) {
        if (cli->json) {
            failure = print_entity(cli, tandem_entity_name(i), false);
        } else {
            (void)fprintf(cli->out, "%s\n", tandem_entity_name(i));
        }
    }
    tandem_query query = {.entity = "customEntity"};
    if (!cli->json && go_online(cli) &&
        cli_query(cli, &query, print_own_name, cli) != TANDEM_OK) {
        failure = cli_fault(cli, NULL, &cli->fault);
    }
    cli_note(cli, "The fields of one: tandem schema ENTITY");
    return failure;
}
