/* What an import replaces of what others wrote (cli_import.h). A file is one's own to import, and
 * its rows win; so those whose values they replace are told of, also in a dry run, when it is not
 * too late. */
#include <jansson.h>
#include <string.h>

#include "cli/cli_import.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"

void import_note_replaced(struct import *import, unsigned long line, size_t target,
                          const struct index_entry *entry, const char *to)
{
    const char *from = entry->values[target];
    if (from[0] == '\0' || entry->by[0] == '\0' ||
        strcmp(entry->by, import->cli->profile.session.user) == 0) {
        return;
    }
    if (import->replaced < IMPORT_SHOWN) {
        struct import_replaced *shown = &import->replacements[import->replaced];
        *shown = (struct import_replaced){.line = line, .target = target, .at_ms = entry->at_ms};
        shown->from = text_copy(from);
        shown->to = text_copy(to);
        (void)snprintf(shown->by, sizeof shown->by, "%s", entry->by);
    }
    import->replaced++;
}

void import_release_replaced(struct import *import)
{
    for (size_t i = 0; i < import->replaced && i < IMPORT_SHOWN; i++) {
        memory_free(import->replacements[i].from);
        memory_free(import->replacements[i].to);
    }
    import->replaced = 0;
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
        (void)json_array_append_new(
            list, json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s}", "line", (json_int_t)shown->line,
                            "column", import_column(import, field), "field", field, "from",
                            text(shown->from), "to", text(shown->to), "by", shown->by, "at",
                            tandem_time_text(shown->at_ms, at)));
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
    (void)fprintf(out, "  %lu value%s in records that others changed last %s replaced:\n",
                  import->replaced, import->replaced == 1 ? "" : "s",
                  import->dry_run         ? "would be"
                  : import->replaced == 1 ? "is"
                                          : "are");
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
