/* tandem note, in nine parts: cli_note.c finds out what is wanted, and which note is meant;
 * cli_note_open.c opens a note and waits for it; cli_note_read.c prints, cli_note_versions.c lists
 * what was done to it, cli_note_write.c appends, cli_note_restore.c brings a version back,
 * cli_note_edit.c is the live editor's loop, around the model in cli/editor/;
 * cli_note_work.c is about what is not with the server yet, cli_note_refused.c remembers what it
 * would not have.
 *
 * Where the profile has a folder on this machine notes are opened in it, so that what is typed is
 * safe there before it is sent, and is sent once, whatever happens to the line. A profile without
 * one works with the server alone; only the editor makes one.
 */
#ifndef TANDEM_CLI_NOTE_H
#define TANDEM_CLI_NOTE_H

#include "cli/cli.h"
#include "cli/cli_lookup.h"
#include "tandem/note.h"

/* Bytes a note's text may have; the library has the last word. */
#define NOTE_MOST (192u * 1024u)

/* A note that is open. */
struct open_note {
    struct cli *cli;
    tandem_note *note;
    char id[TANDEM_ID_TEXT];
    bool alone;   /* nothing waited in it when it was opened */
    bool here;    /* the server has it open for us, and what it had has been merged */
    bool changed; /* something came */
    bool saved;   /* since something was typed */
    bool ended;
    bool keeps; /* asked for: one that has ended while it was waited for stays open, untold */
    tandem_code refused; /* why the server does not take what was typed, or OK */
    tandem_code code;    /* why it has ended */
    char detail[160];
    tandem_note_event_fn *on_event; /* told after that was noted; may be NULL */
    void *context;
};

/* The note that is meant: by its id; by its first line, when only one has it; or by the exact name
 * of an account that has just one. The command is connected. Tells when there is none. */
enum tandem_failure note_lookup(struct cli *cli, const char *text, struct sighting *out);
/* Whether the profile has a folder on this machine. */
bool note_has_folder(const struct cli *cli);

/* Opens the note of a command that is connected, by cli_connect(). While cli->local it is as the
 * copy has it, else as the server has it: that is waited for. `keep`: in the profile's folder where
 * there is one, which then is what cli->client is, connected; what is typed is safe there, but
 * where another process leads the folder the text may be a moment old. Tells when it cannot. */
enum tandem_failure note_open(struct open_note *open, struct cli *cli, const char *id, bool keep);
/* Opens it in the handle as it is, without waiting. NOT_FOUND and the like are not told. */
tandem_code note_open_here(struct open_note *open, struct cli *cli, const char *id);
/* Waits until the server has it open, or whoever leads the folder has written it there. Tells when
 * it cannot be, with the note closed. */
enum tandem_failure note_wait_here(struct open_note *open, const char *id);
void note_close(struct open_note *open);
/* Waits until the server has what was typed. DONE also when it has not, but this machine keeps it;
 * *kept says so. Tells when it was refused, or is lost: `what` says what has not happened then. */
enum tandem_failure note_wait_saved(struct open_note *open, const char *what, bool *kept);

/* What an edit of the note failed with becomes cli->fault. */
void note_take_fault(struct cli *cli, tandem_code code);

struct note_work {
    size_t waiting;
    tandem_code code; /* why it will not be taken; OK: it is to be sent */
};
/* Whether the profile's folder has something typed in this note that the server has not. Nothing is
 * open before; afterwards the folder is, unconnected, if it has. */
bool note_find_work(struct cli *cli, const char *id, struct note_work *out);

/* In what follows a version is 0 for the newest, TANDEM_NOTE_BEGINNING for version 0. */

/* Prints the note as it is, or version `version` of it. */
enum tandem_failure note_print(struct cli *cli, const char *name, uint64_t version);
/* Who wrote which passage of it. */
enum tandem_failure note_blame(struct cli *cli, const char *name, uint64_t version);
/* The newest `limit` versions, by themselves where `single`, else groups of them. */
enum tandem_failure note_versions(struct cli *cli, const char *name, bool single, size_t limit);
/* Gives up what was typed in it on this machine and the server has not. */
enum tandem_failure note_discard(struct cli *cli, const char *name);
/* Gives it the text of a version again. At a terminal the person is asked, unless `agreed`. */
enum tandem_failure note_restore(struct cli *cli, const char *name, uint64_t version, bool agreed);
/* The command is connected; `text` begins a line of its own. */
enum tandem_failure note_append(struct cli *cli, const struct sighting *about, const char *text);
enum tandem_failure note_edit(struct cli *cli, const char *name);

/* A version as the server has it; `each` (may be NULL) is told who wrote what. The text is copied,
 * to be freed with memory_free(). Tells when there is no such version. */
struct note_version {
    uint64_t version, oldest, newest;
    char *text;
    size_t size;
};
enum tandem_failure note_ask(struct cli *cli, const char *id, uint64_t version,
                             tandem_note_passage_fn *each, void *context, struct note_version *out);
/* The same without a word to the person; cli->fault has what went wrong, and where the line was
 * lost cli->client is gone. */
tandem_code note_ask_quietly(struct cli *cli, const char *id, uint64_t version,
                             tandem_note_passage_fn *each, void *context, struct note_version *out);
/* Versions below `before` (0: all), newest first. */
enum tandem_failure note_ask_versions(struct cli *cli, const char *id, uint64_t before,
                                      unsigned limit, tandem_note_version_fn *each, void *context);

/* ---- What was typed and is not with the server (cli_note_work.c) ---- */

/* Of the folder that is open: [{"note":ID, "title":..., "waiting":12, "state":"waiting"}, ...], of
 * what is not taken "refused" with "code" and "reason". To json_decref(). */
json_t *note_work_list(struct cli *cli);
/* A line for each; whether there was any. */
bool note_work_print(struct cli *cli, const json_t *notes, FILE *out);
/* The folder is open and connected: waits until what can be sent is, and tells what became of each
 * note of the list; how many were refused. */
size_t note_work_settle(struct cli *cli, json_t *noted);
/* The same for a profile that has a folder and was never offline. Nothing is open before. */
enum tandem_failure note_work_send(struct cli *cli, size_t *refused);
/* Characters of one's own that are kept of a note that has ended, but for ends of lines; the folder
 * is open. */
size_t note_count_words(struct cli *cli, const char *id);
/* The folder is about to be deleted; nothing is open before and after. As outbox_agree_to_lose()
 * and outbox_tell_lost(). */
enum tandem_failure note_work_agree_to_lose(struct cli *cli, const char *what);
void note_work_tell_lost(struct cli *cli);

/* ---- What was refused, remembered (cli_note_refused.c) ---- */

/* Says of a note of note_work_list() that it was refused, and why. */
void note_refused_put(json_t *note, tandem_code code);
/* Says so of those of the list that were refused when they were last sent. */
void note_refused_recall(const struct cli *cli, json_t *notes);
/* Remembers which of the list, which is all there are, were refused; no others. */
void note_refused_remember(const struct cli *cli, const json_t *notes);
void note_refused_forget(const struct cli *cli, const char *id);

#endif
