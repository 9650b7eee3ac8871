/* What an import replaces of what others wrote (cli_import.h). A file is one's own to import, and
 * its rows win; so those whose values they replace are told of, also in a dry run, when it is not
 * too late. A record says who changed it last; who wrote one of its values its history says, which
 * is asked for up to a number of records. */
#include <jansson.h>
#include <string.h>

#include "cli/cli_import.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"

/* Records whose history is asked for, each of which takes as long as an answer does. */
#define ASKED_MOST 500u
/* Entries of it: who wrote a value before those is not known. */
#define HISTORY_MOST 200u

/* Newest first: who wrote a field first met is who wrote its value. */
static bool take_entry(void *context, const tandem_history_entry *entry)
{
    json_t *authors = context;
    for (size_t i = 0; i < entry->change_count; i++) {
        if (json_object_get(authors, entry->fields[i]) == NULL) {
            (void)json_object_set_new(authors, entry->fields[i],
                                      json_pack("{s:s, s:I}", "by", entry->by, "at",
                                                (json_int_t)entry->at_ms));
        }
    }
    return true;
}

/* Who wrote the field's value, as {"by":..., "at":...}; NULL when that is not known. */
static const json_t *find_author(struct import *import, const char *id, const char *field)
{
    struct cli *cli = import->cli;
    tandem_fault fault = cli->fault;
    if (cli->local || import->fatal != TANDEM_DONE) {
        return NULL;
    }
    if (strcmp(import->authors_of, id) != 0) {
        json_decref(import->authors);
        import->authors = import->asked < ASKED_MOST ? json_object() : NULL;
        (void)snprintf(import->authors_of, sizeof import->authors_of, "%s", id);
        if (import->authors != NULL) {
            import->asked++; /* asking in vain is no failure of the import */
            (void)cli_history(cli, id, HISTORY_MOST, take_entry, import->authors);
            cli->fault = fault;
        }
    }
    return json_object_get(import->authors, field);
}

static void keep(struct import_replaced *shown, const char *from, const char *to, const char *by)
{
    shown->from = text_copy(from);
    shown->to = text_copy(to);
    (void)bytes_to_text(bytes_text(by), shown->by, sizeof shown->by);
}

void import_note_replaced(struct import *import, unsigned long line, size_t target,
                          const struct index_entry *entry, const char *to)
{
    const char *from = entry->values[target];
    const json_t *author =
        from[0] == '\0' ? NULL
                        : find_author(import, entry->id, import->targets[target].facts.name);
    const char *by =
        author == NULL ? entry->by : json_string_value(json_object_get(author, "by"));
    if (from[0] == '\0' || by == NULL || by[0] == '\0' ||
        strcmp(by, import->cli->profile.session.user) == 0) {
        return;
    }
    if (import->replaced < IMPORT_SHOWN) {
        struct import_replaced *shown = &import->replacements[import->replaced];
        *shown = (struct import_replaced){
            .line = line,
            .target = target,
            .guessed = author == NULL,
            .at_ms = author == NULL ? entry->at_ms
                                    : json_integer_value(json_object_get(author, "at"))};
        keep(shown, from, to, by);
    }
    import->replaced++;
    import->guessed += author == NULL;
}

void import_release_replaced(struct import *import)
{
    for (size_t i = 0; i < import->replaced && i < IMPORT_SHOWN; i++) {
        memory_free(import->replacements[i].from);
        memory_free(import->replacements[i].to);
    }
    import->replaced = 0;
    json_decref(import->authors);
    import->authors = NULL;
}

static const char *text(const char *kept)
{
    return kept == NULL ? "" : kept;
}

void import_put_replaced(const struct import *import, json_t *object)
{
    json_t *list = json_array();
    for (size_t i = 0; i < import->replaced && i < IMPORT_SHOWN; i++) {
        const struct import_replaced *shown = &import->replacements[i];
        const char *field = import->targets[shown->target].facts.name;
        char at[25];
        json_t *one =
            json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s}", "line", (json_int_t)shown->line, "column",
                      import_column(import, field), "field", field, "from", text(shown->from), "to",
                      text(shown->to), "by", shown->by, "at", tandem_time_text(shown->at_ms, at));
        if (one != NULL && shown->guessed) {
            (void)json_object_set_new(one, "guessed", json_true());
        }
        (void)json_array_append_new(list, one);
    }
    (void)json_object_set_new(object, "replaced", json_integer((json_int_t)import->replaced));
    (void)json_object_set_new(object, "replacements", list);
}

static void put_quoted(FILE *out, const char *value)
{
    if (value[0] == '\0') {
        (void)fputs("nothing", out);
        return;
    }
    (void)fputc('"', out);
    (void)text_put(out, value, 60);
    (void)fputc('"', out);
}

void import_report_replaced(const struct import *import)
{
    FILE *out = import->cli->out;
    if (import->replaced == 0) {
        return;
    }
    (void)fprintf(out, "  %lu value%s that others wrote %s replaced:\n",
                  import->replaced, import->replaced == 1 ? "" : "s",
                  import->dry_run         ? "would be"
                  : import->replaced == 1 ? "is"
                                          : "are");
    if (import->guessed > 0) {
        (void)fprintf(out, "  of %lu it is only known who changed the record last\n",
                      import->guessed);
    }
    for (size_t i = 0; i < import->replaced && i < IMPORT_SHOWN; i++) {
        const struct import_replaced *shown = &import->replacements[i];
        char when[32];
        (void)fprintf(out, "  line %lu, ", shown->line);
        (void)text_put(out, import_column(import, import->targets[shown->target].facts.name), 0);
        (void)fputs(": ", out);
        put_quoted(out, text(shown->from));
        (void)fputs(" -> ", out);
        put_quoted(out, text(shown->to));
        (void)fputs("  (", out);
        (void)text_put(out, shown->by, 0);
        (void)fprintf(out, ", %s)\n", text_local_time(shown->at_ms, when));
    }
    if (import->replaced > IMPORT_SHOWN) {
        (void)fprintf(out, "  and %lu more\n", import->replaced - IMPORT_SHOWN);
    }
}
