/* note --restore: an old version's text becomes the newest one's, by as little as differs, so that
 * who wrote what stays stays. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_note.h"
#include "cli/cli_prompt.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"

struct restoring {
    struct cli *cli;
    char id[TANDEM_ID_TEXT];
    struct note_version wanted;
    struct buffer name; /* "version 3 (kari, 2026-03-01 09:30)" */
    size_t comes, goes; /* characters */
    bool differs;
};

/* ---- What it would do ------------------------------------------------------------------------ */

static bool take_made(void *context, const tandem_note_version_info *info)
{
    struct restoring *restoring = context;
    char when[32];
    if (info->version == restoring->wanted.version) {
        text_addf(&restoring->name, " (%s, %s)", info->by, text_local_time(info->at_ms, when));
    }
    return false;
}

static enum tandem_failure find_version(struct restoring *restoring, uint64_t version)
{
    struct cli *cli = restoring->cli;
    enum tandem_failure failure =
        note_ask(cli, restoring->id, version, NULL, NULL, &restoring->wanted);
    text_addf(&restoring->name, "version %" PRIu64, restoring->wanted.version);
    if (failure == TANDEM_DONE && restoring->wanted.version > 0) {
        failure = note_ask_versions(cli, restoring->id, restoring->wanted.version + 1, 1, take_made,
                                    restoring);
    }
    return failure == TANDEM_DONE && text_of(&restoring->name) == NULL ? cli_no_memory(cli)
                                                                       : failure;
}

static size_t count_characters(const char *text, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    }
    return count;
}

struct counting {
    struct restoring *restoring;
    const char *now;
};

static bool count_difference(void *context, const tandem_note_difference *difference)
{
    const struct counting *counting = context;
    struct restoring *restoring = counting->restoring;
    restoring->differs = true;
    restoring->comes += count_characters(difference->inserted, difference->inserted_size);
    restoring->goes += count_characters(counting->now + difference->from, difference->removed);
    return true;
}

static tandem_code compare(struct restoring *restoring, const tandem_note *note)
{
    size_t size = 0;
    struct counting counting = {restoring, tandem_note_text(note, &size)};
    return tandem_note_differences(counting.now, size, restoring->wanted.text,
                                   restoring->wanted.size, count_difference, &counting);
}

/* What there is now can be brought back in the same way. */
static bool agrees(struct restoring *restoring, const tandem_note *note)
{
    struct cli *cli = restoring->cli;
    char comes[32], goes[32];
    bool terminal = !cli->json && isatty(STDIN_FILENO) && isatty(fileno(cli->err));
    bool in_vain = tandem_note_read_only(note) || !restoring->differs; /* which is told, unasked */
    if (!terminal || in_vain) {
        return true;
    }
    cli_note(cli,
             "This brings back %s: %s characters come back, %s go, and the rest stays with who "
             "wrote it. The note as it is now stays as version %" PRIu64 ".",
             text_of(&restoring->name), text_number(restoring->comes, comes),
             text_number(restoring->goes, goes), tandem_note_version(note));
    return prompt_yes("Restore it? (yes/no) ");
}

/* ---- Doing it -------------------------------------------------------------------------------- */

static void tell_restored(const struct restoring *restoring, const tandem_note *note,
                          const char *name)
{
    struct cli *cli = restoring->cli;
    uint64_t version = tandem_note_version(note);
    if (cli->json) {
        json_t *object =
            json_pack("{s:s, s:I, s:I}", "id", restoring->id, "restored",
                      (json_int_t)restoring->wanted.version, "version", (json_int_t)version);
        (void)json_dumpf(object, cli->out, JSON_COMPACT);
        (void)fputc('\n', cli->out);
        json_decref(object);
    } else if (restoring->differs) {
        (void)text_put(cli->out, "Restored ", 0);
        (void)text_put(cli->out, name, 0);
        (void)fprintf(cli->out, ", as version %" PRIu64 "\n", version);
    } else {
        (void)text_put(cli->out, "Nothing to restore: the note reads as ", 0);
        (void)text_put(cli->out, name, 0);
        (void)fputc('\n', cli->out);
    }
}

static enum tandem_failure set_text(struct restoring *restoring, struct open_note *open)
{
    struct cli *cli = restoring->cli;
    bool kept = false;
    tandem_code code =
        tandem_note_set_text(open->note, restoring->wanted.text, restoring->wanted.size);
    if (code != TANDEM_OK) {
        note_take_fault(cli, code);
        return cli_fault(cli, "nothing was restored", &cli->fault);
    }
    return note_wait_saved(open, "nothing was restored", &kept);
}

static enum tandem_failure restore(struct restoring *restoring, bool agreed)
{
    struct cli *cli = restoring->cli;
    struct open_note open = {.cli = cli};
    enum tandem_failure failure = note_open(&open, cli, restoring->id, false);
    if (failure != TANDEM_DONE) {
        return failure;
    }
    if (compare(restoring, open.note) != TANDEM_OK) {
        failure = cli_no_memory(cli);
    } else if (!agreed && !agrees(restoring, open.note)) {
        failure = cli_refuse(cli, TANDEM_REFUSED, "nothing was restored");
    } else {
        failure = set_text(restoring, &open);
    }
    if (failure == TANDEM_DONE) {
        tell_restored(restoring, open.note, text_of(&restoring->name));
    }
    note_close(&open);
    return failure;
}

enum tandem_failure note_restore(struct cli *cli, const char *name, uint64_t version, bool agreed)
{
    struct restoring restoring = {.cli = cli};
    struct sighting about;
    enum tandem_failure failure = cli_connect(cli, CLI_SERVER);
    if (failure == TANDEM_DONE) {
        failure = note_lookup(cli, name, &about);
    }
    if (failure == TANDEM_DONE) {
        (void)bytes_to_text(bytes_text(about.id), restoring.id, sizeof restoring.id);
        failure = find_version(&restoring, version);
    }
    if (failure == TANDEM_DONE) {
        failure = restore(&restoring, agreed);
    }
    memory_free(restoring.wanted.text);
    buffer_release(&restoring.name);
    return failure;
}
