/* Parts of `tandem show`. */
#ifndef TANDEM_CLI_SHOW_H
#define TANDEM_CLI_SHOW_H

#include "cli/cli.h"

/* "  name                Fjord Bruk AS", with further lines of the text below each other. */
void show_line(FILE *out, const char *name, const char *text);
/* Shows the record of this id or name, as it was, when its removal waits in the outbox of the open
 * copy. False, and nothing is printed, when none does. */
bool show_removed(struct cli *cli, const char *text);

/* ---- Of a note, what its record has not yet (cli_show_note.c) ---- */

struct show_note {
    char *text; /* the newest; NULL: the record has it, or it is not to be had */
    uint64_t version;
    size_t waiting; /* characters typed on this machine, in a copy of a profile that is offline */
};

/* `version` as the record has it; NULL: none. To be released. */
void show_note_find(struct cli *cli, const char *id, const char *version, struct show_note *out);
void show_note_release(struct show_note *note);
/* The record's JSON with what was found added: a copy, for memory_free(); NULL without memory. */
char *show_note_json(const struct show_note *note, const char *json);
/* Says what it is that is shown. */
void show_note_print(struct cli *cli, const char *id, const struct show_note *note);

#endif
