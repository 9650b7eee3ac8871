/* Entries of the outbox in words (cli_entry.h). */
#include <string.h>

#include "cli/cli_entry.h"
#include "cli/cli_names.h"
#include "cli/cli_text.h"
#include "protocol/schema.h"

/* Of each value, where an entry is told of in a line. */
#define VALUE_COLUMNS 120u

uint64_t entry_number(const json_t *entry)
{
    return (uint64_t)json_integer_value(json_object_get(entry, "entry"));
}

bool entry_is(const json_t *entry, tandem_entry_state state)
{
    return strcmp(cli_member(entry, "state"), entry_state_name(state)) == 0;
}

bool entry_changes(const json_t *entry, const char *id)
{
    size_t index = 0;
    json_t *change = NULL;
    json_array_foreach(json_object_get(entry, "changes"), index, change)
    {
        if (strcmp(cli_member(change, "id"), id) == 0) {
            return true;
        }
    }
    return false;
}

static const char *verb(const char *op)
{
    static const char *const verbs[][2] = {{"create", "add"}, {"update", "edit"}};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(op, verbs[i][0]) == 0) {
            return verbs[i][1];
        }
    }
    return op;
}

/* Records it changes; a record's changes stand together. */
static size_t count_records(const json_t *changes)
{
    const char *last = "";
    size_t records = 0;
    size_t index = 0;
    json_t *change = NULL;
    json_array_foreach(changes, index, change)
    {
        records += strcmp(cli_member(change, "id"), last) != 0;
        last = cli_member(change, "id");
    }
    return records;
}

/* A record that its author removes, which waits, is not gone for anybody else. */
static bool is_gone(const json_t *entry, const json_t *change)
{
    bool waits = entry_is(entry, TANDEM_ENTRY_WAITING) || entry_is(entry, TANDEM_ENTRY_SENT);
    return json_is_true(json_object_get(change, "gone")) &&
           !(waits && strcmp(cli_member(change, "op"), "remove") == 0);
}

static void add_record(const json_t *entry, const json_t *change, struct buffer *out)
{
    const char *title = cli_member(change, "title");
    bool named = title[0] != '\0';
    text_addf(out, "%s%s%s%s", cli_member(change, "entity"),
              cli_member(change, "entity")[0] == '\0' ? "" : " ",
              named ? title : cli_member(change, "id"),
              named && is_gone(entry, change) ? " (removed)" : "");
}

static bool mentions(const json_t *change)
{
    return strcmp(cli_member(change, "op"), "mention") == 0;
}

/* "edit ", "mention kari in " */
static void add_verb(const json_t *change, struct buffer *out)
{
    text_addf(out, "%s ", verb(cli_member(change, "op")));
    if (mentions(change)) {
        text_addf(out, "%s in ", cli_member(change, "mine"));
    }
}

void entry_add_what(const json_t *entry, struct buffer *out)
{
    const json_t *changes = json_object_get(entry, "changes");
    const json_t *first = json_array_get(changes, 0);
    size_t records = count_records(changes);
    add_verb(first, out);
    add_record(entry, first, out);
    if (records > 1) {
        text_addf(out, " and %zu more", records - 1);
    }
}

/* What a change does to its field; a removal, a share or a mention has none. */
static bool has_field(const json_t *change)
{
    return cli_member(change, "field")[0] != '\0' && !mentions(change);
}

static bool removes(const json_t *change)
{
    return strcmp(cli_member(change, "op"), "remove") == 0;
}

/* ", with suppliers, partner:Nordic Paper" */
static void add_tags(const json_t *change, const char *key, const char *word, const char **between,
                     struct buffer *out)
{
    const json_t *tags = json_object_get(change, key);
    size_t index = 0;
    json_t *tag = NULL;
    json_array_foreach(tags, index, tag)
    {
        text_addf(out, "%s%s", index == 0 ? *between : ", ", index == 0 ? word : "");
        names_put(json_object_get(change, "names"),
                  json_is_string(tag) ? json_string_value(tag) : "", out);
        *between = ", ";
    }
}

static void add_sharing(const json_t *change, const char **between, struct buffer *out)
{
    add_tags(change, "with", "with ", between, out);
    add_tags(change, "without", "no longer with ", between, out);
}

/* The author's value, with names; to where a line is enough. Whether it is there whole. */
static bool add_value(const json_t *change, size_t columns, struct buffer *out)
{
    struct buffer value = {0};
    names_put(json_object_get(change, "names"), cli_member(change, "mine"), &value);
    const char *text = text_of(&value);
    bool whole = text_add_short(out, text == NULL ? "" : text, columns, "");
    buffer_release(&value);
    return whole;
}

static void add_values_of(const json_t *entry, const char *id, struct buffer *out)
{
    const char *between = "";
    size_t index = 0;
    json_t *change = NULL;
    json_array_foreach(json_object_get(entry, "changes"), index, change)
    {
        if (removes(change) || strcmp(cli_member(change, "id"), id) != 0) {
            continue;
        }
        if (has_field(change)) {
            text_addf(out, "%s%s=", between, cli_member(change, "field"));
            (void)add_value(change, VALUE_COLUMNS, out);
            between = ", ";
        }
        add_sharing(change, &between, out);
    }
}

void entry_add_values(const json_t *entry, struct buffer *out)
{
    const json_t *first = json_array_get(json_object_get(entry, "changes"), 0);
    add_values_of(entry, cli_member(first, "id"), out);
}

void entry_add_line(const json_t *entry, struct buffer *out)
{
    struct buffer values = {0};
    entry_add_what(entry, out);
    entry_add_values(entry, &values);
    if (values.size > 0) {
        text_addf(out, ": %.*s", (int)values.size, (const char *)values.data);
    }
    buffer_release(&values);
}

/* Who changed it, when all who did are one. */
static const char *other_author(const json_t *entry)
{
    const char *by = "";
    size_t index = 0;
    json_t *change = NULL;
    json_array_foreach(json_object_get(entry, "changes"), index, change)
    {
        if (!json_is_true(json_object_get(change, "conflict"))) {
            continue;
        }
        if (by[0] != '\0' && strcmp(by, cli_member(change, "by")) != 0) {
            return "others";
        }
        by = cli_member(change, "by");
    }
    return by[0] == '\0' ? "others" : by;
}

/* Refused since it is out of sight. Who may not do it, but sees it, is told why. */
static bool is_out_of_sight(const json_t *entry)
{
    return json_is_true(json_object_get(entry, "accessEnded")) &&
           strcmp(cli_member(entry, "code"), tandem_error_name(TANDEM_CODE_DENIED)) != 0;
}

/* "(note Price list follows, by nils)" */
static void add_in_the_way(const json_t *entry, struct buffer *out)
{
    size_t index = 0;
    json_t *record = NULL;
    json_array_foreach(json_object_get(entry, "inTheWay"), index, record)
    {
        text_addf(out, "%s%s %s, by %s", index == 0 ? " (" : "; ", cli_member(record, "entity"),
                  cli_member(record, "title"), cli_member(record, "by"));
    }
    text_add(out, index == 0 ? "" : ")");
}

void entry_add_why(const json_t *entry, bool paused, struct buffer *out)
{
    uint64_t behind = (uint64_t)json_integer_value(json_object_get(entry, "behind"));
    const char *reason = cli_member(entry, "reason");
    if (entry_is(entry, TANDEM_ENTRY_CONFLICT)) {
        text_addf(out, "in conflict with %s", other_author(entry));
    } else if (is_out_of_sight(entry)) {
        text_add(out, "refused: it was removed, or is no longer yours to see");
    } else if (entry_is(entry, TANDEM_ENTRY_REFUSED)) {
        text_addf(out, "refused%s%s", reason[0] == '\0' ? "" : ": ", reason);
        add_in_the_way(entry, out);
    } else if (entry_is(entry, TANDEM_ENTRY_SENT)) {
        text_add(out, "not answered yet");
    } else if (behind != 0) {
        text_addf(out, "waits for entry %llu", (unsigned long long)behind);
    } else if (paused) {
        text_add(out, "offline");
    } else {
        text_add(out, reason[0] == '\0' ? "not sent yet" : reason);
    }
}

/* ---- Paragraphs ------------------------------------------------------------------------------ */

/* Whole, whatever its length: who decides is to see all that the decision replaces. A name, where
 * the value has one, with the id behind it: two records may be called the same. `who`: whose it
 * is. */
static void print_value(FILE *out, const json_t *change, const char *key, const char *who)
{
    const char *value = cli_member(change, key);
    struct buffer named = {0};
    names_put(json_object_get(change, "names"), value, &named);
    const char *text = text_of(&named);
    text = text == NULL ? value : text;
    size_t lines = 1;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    (void)fprintf(out, "    %-8s", key);
    if (value[0] == '\0') {
        (void)fputs("nothing", out);
    } else if (lines > 1) {
        (void)fprintf(out, "%zu lines", lines);
    } else {
        (void)fputc('"', out);
        (void)text_put(out, text, 0);
        (void)fputc('"', out);
        (void)fprintf(out, "%s%s", strcmp(text, value) == 0 ? "" : "  ",
                      strcmp(text, value) == 0 ? "" : value);
    }
    (void)text_put(out, who, 0);
    (void)fputc('\n', out);
    if (lines > 1) {
        text_put_lines(out, text, "      | ");
    }
    buffer_release(&named);
}

static int64_t ms_of(const char *text)
{
    int64_t ms = 0;
    return schema_time_from_text(bytes_text(text), &ms) ? ms : 0;
}

static void print_theirs(const json_t *change, FILE *out)
{
    char when[32];
    struct buffer text = {0};
    text_addf(&text, "  (%s, %s)", cli_member(change, "by"),
              text_local_time(ms_of(cli_member(change, "at")), when));
    const char *who = text_of(&text) == NULL ? "" : text_of(&text);
    if (has_field(change)) {
        print_value(out, change, "theirs", who);
    } else {
        (void)fprintf(out, "    %-8s%s", "theirs", removes(change) ? "changed" : "deleted");
        (void)text_put(out, who, 0);
        (void)fputc('\n', out);
    }
    buffer_release(&text);
}

/* The values of the record that are longer than a line shows. */
static void print_long_values(const json_t *entry, const char *id, FILE *out)
{
    size_t index = 0;
    json_t *change = NULL;
    json_array_foreach(json_object_get(entry, "changes"), index, change)
    {
        struct buffer line = {0};
        if (!removes(change) && has_field(change) && strcmp(cli_member(change, "id"), id) == 0 &&
            !add_value(change, VALUE_COLUMNS, &line)) {
            (void)fputs("  ", out);
            (void)text_put(out, cli_member(change, "field"), 0);
            (void)fputc('\n', out);
            print_value(out, change, "mine", "");
        }
        buffer_release(&line);
    }
}

void entry_print_long_values(const json_t *entry, FILE *out)
{
    const json_t *first = json_array_get(json_object_get(entry, "changes"), 0);
    print_long_values(entry, cli_member(first, "id"), out);
}

/* Of a record that one side deleted there is no value of mine to show, or only all of them. */
static void print_mine(const json_t *entry, const json_t *change, FILE *out)
{
    if (removes(change)) {
        (void)fprintf(out, "    %-8sdeleted\n", "mine");
        return;
    }
    if (has_field(change)) {
        print_value(out, change, "mine", "");
        return;
    }
    struct buffer values = {0};
    add_values_of(entry, cli_member(change, "id"), &values);
    const char *text = text_of(&values);
    (void)fprintf(out, "    %-8schanged%s", "mine", values.size > 0 ? ": " : "");
    (void)text_put(out, text == NULL ? "" : text, 0);
    (void)fputc('\n', out);
    buffer_release(&values);
    print_long_values(entry, cli_member(change, "id"), out);
}

static void print_conflict(const json_t *entry, const json_t *change, FILE *out)
{
    (void)fputs("  ", out);
    (void)text_put(out, has_field(change) ? cli_member(change, "field") : "the record itself", 0);
    (void)fputc('\n', out);
    if (has_field(change)) {
        print_value(out, change, "base", "");
    }
    print_mine(entry, change, out);
    print_theirs(change, out);
}

static void print_record(const json_t *entry, const json_t *change, FILE *out)
{
    struct buffer line = {0};
    add_verb(change, &line);
    add_record(entry, change, &line);
    (void)fputs("  ", out);
    (void)text_put(out, text_of(&line) == NULL ? "" : text_of(&line), 0);
    (void)fprintf(out, "  %s\n",
                  cli_member(change, "title")[0] == '\0' ? "" : cli_member(change, "id"));
    buffer_release(&line);
}

void entry_print_conflicts(const json_t *entry, FILE *out)
{
    const json_t *changes = json_object_get(entry, "changes");
    bool several = count_records(changes) > 1;
    const char *last = "";
    size_t index = 0;
    json_t *change = NULL;
    json_array_foreach(changes, index, change)
    {
        if (!json_is_true(json_object_get(change, "conflict"))) {
            continue;
        }
        if (several && strcmp(last, cli_member(change, "id")) != 0) {
            print_record(entry, change, out);
        }
        last = cli_member(change, "id");
        print_conflict(entry, change, out);
    }
}

/* Whom it is shared with. */
static void print_sharing(const json_t *change, FILE *out)
{
    struct buffer line = {0};
    const char *between = "";
    add_sharing(change, &between, &line);
    if (line.size > 0) {
        (void)fputs("  ", out);
        (void)text_put(out, text_of(&line) == NULL ? "" : text_of(&line), 0);
        (void)fputc('\n', out);
    }
    buffer_release(&line);
}

void entry_print_changes(const json_t *entry, FILE *out)
{
    const char *last = "";
    size_t index = 0;
    json_t *change = NULL;
    json_array_foreach(json_object_get(entry, "changes"), index, change)
    {
        if (strcmp(last, cli_member(change, "id")) != 0) {
            last = cli_member(change, "id");
            print_record(entry, change, out);
        }
        print_sharing(change, out);
        if (json_is_true(json_object_get(change, "conflict"))) {
            print_conflict(entry, change, out);
        } else if (has_field(change)) {
            (void)fputs("  ", out);
            (void)text_put(out, cli_member(change, "field"), 0);
            (void)fputc('\n', out);
            print_value(out, change, "base", "");
            print_value(out, change, "mine", "");
        }
    }
}

/* Whether the conflict is only about values, so that another one can be chosen. */
static bool is_about_values(const json_t *entry)
{
    size_t index = 0;
    json_t *change = NULL;
    json_array_foreach(json_object_get(entry, "changes"), index, change)
    {
        if (json_is_true(json_object_get(change, "conflict")) &&
            (!has_field(change) || removes(change))) {
            return false;
        }
    }
    return true;
}

void entry_print_next_step(const json_t *entry, FILE *out)
{
    unsigned long long number = entry_number(entry);
    if (entry_is(entry, TANDEM_ENTRY_CONFLICT)) {
        (void)fprintf(out, "  Decide: tandem resolve %llu --mine%s\n", number,
                      is_about_values(entry) ? ", --theirs or --set FIELD=VALUE" : " or --theirs");
    } else if (is_out_of_sight(entry)) {
        (void)fprintf(
            out,
            "  Ask for access to it, if it is still there; what you wrote is kept: tandem "
            "outbox show %llu. With access again: tandem outbox retry %llu, or let it go: "
            "tandem outbox drop %llu\n",
            number, number, number);
    } else if (json_array_size(json_object_get(entry, "inTheWay")) > 0) {
        const json_t *record = json_array_get(json_object_get(entry, "inTheWay"), 0);
        (void)fprintf(
            out,
            "  Remove that too: tandem remove %s, then tandem outbox retry %llu, or let it "
            "go: tandem outbox drop %llu\n",
            cli_member(record, "id"), number, number);
    } else if (entry_is(entry, TANDEM_ENTRY_REFUSED)) {
        (void)fprintf(out,
                      "  Try again: tandem outbox retry %llu, or let it go: tandem outbox drop "
                      "%llu\n",
                      number, number);
    }
}

void entry_print_json(const json_t *entry, FILE *out)
{
    (void)json_dumpf(entry, out, JSON_COMPACT);
    (void)fputc('\n', out);
}
