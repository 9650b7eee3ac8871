/* note with a text for a note there is, and note --discard. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_mention.h"
#include "cli/cli_note.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"

/* Says that it is done, or where it waits. */
static void tell_added(struct cli *cli, struct open_note *open, const struct sighting *about,
                       bool kept)
{
    bool waits = kept || cli->local;
    uint64_t version = tandem_note_version(open->note);
    if (cli->json) {
        json_t *object =
            waits ? json_pack("{s:s, s:b}", "id", about->id, "waiting", 1)
                  : json_pack("{s:s, s:I}", "id", about->id, "version", (json_int_t)version);
        (void)json_dumpf(object, cli->out, JSON_COMPACT);
        (void)fputc('\n', cli->out);
        json_decref(object);
        return;
    }
    (void)fputs("Added to note ", cli->out);
    (void)text_put(cli->out, about->title, 0);
    if (waits) {
        (void)fprintf(cli->out, ". It waits on this machine until the server can be reached\n");
    } else {
        (void)fprintf(cli->out, ", as version %" PRIu64 "\n", version);
    }
}

static enum tandem_failure tell_code(struct cli *cli, const char *what, tandem_code code)
{
    note_take_fault(cli, code);
    return cli_fault(cli, what, &cli->fault);
}

/* ---- Appending ------------------------------------------------------------------------------- */

static enum tandem_failure refuse_too_large(struct cli *cli, size_t has, size_t more)
{
    char holds[32], text[32], left[32];
    return cli_refuse(
        cli, TANDEM_REFUSED,
        "the note has %s already, so there is room for %s, and the text is %s. Nothing "
        "was sent",
        text_bytes(has, holds), text_bytes(NOTE_MOST > has ? NOTE_MOST - has : 0, left),
        text_bytes(more, text));
}

static void tell_sending(struct cli *cli, size_t size)
{
    char bytes[32];
    if (size > 16384 && !cli->json && !cli->local && isatty(fileno(cli->err)) != 0) {
        cli_note(cli, "Sending %s ...", text_bytes(size, bytes));
    }
}

/* At the end, as a line of its own. */
static enum tandem_failure insert_at_end(struct cli *cli, struct open_note *open, const char *text)
{
    size_t size = 0;
    const char *now = tandem_note_text(open->note, &size);
    bool newline = size > 0 && now[size - 1] != '\n';
    size_t length = strlen(text);
    if (size + newline + length > NOTE_MOST) {
        return refuse_too_large(cli, size, newline + length);
    }
    char *line = memory_new(length + 2);
    if (line == NULL) {
        return cli_no_memory(cli);
    }
    line[0] = '\n';
    memcpy(line + newline, text, length);
    tell_sending(cli, length);
    tandem_code code = tandem_note_insert(open->note, size, line, newline + length);
    memory_free(line);
    return code == TANDEM_OK ? TANDEM_DONE : tell_code(cli, "nothing was added", code);
}

enum tandem_failure note_append(struct cli *cli, const struct sighting *about, const char *text)
{
    struct open_note open = {.cli = cli};
    bool kept = false;
    enum tandem_failure failure = note_open(&open, cli, about->id, true);
    if (failure != TANDEM_DONE) {
        return failure;
    }
    failure = insert_at_end(cli, &open, text);
    if (failure == TANDEM_DONE) {
        failure = note_wait_saved(&open, "the text was not added", &kept);
    }
    if (failure == TANDEM_DONE) {
        tell_added(cli, &open, about, kept);
        mention_tell(cli, about->id, NULL, text, kept);
    }
    note_close(&open);
    return failure;
}

/* ---- Giving up ---------------------------------------------------------------------------------
 */

enum tandem_failure note_discard(struct cli *cli, const char *name)
{
    struct note_work work = {.waiting = 0};
    char number[32];
    if (!lookup_is_id(name)) {
        return cli_usage(cli, "--discard needs the id of the note");
    }
    if (!note_find_work(cli, name, &work)) {
        return cli_refuse(cli, TANDEM_REFUSED,
                          "nothing that you typed in this note waits on this machine");
    }
    tandem_code code = tandem_note_discard(cli->client, name);
    if (code != TANDEM_OK) {
        return tell_code(cli, "nothing was given up", code);
    }
    note_refused_forget(cli, name);
    if (cli->json) {
        json_t *object = json_pack("{s:s, s:I}", "id", name, "discarded", (json_int_t)work.waiting);
        (void)json_dumpf(object, cli->out, JSON_COMPACT);
        (void)fputc('\n', cli->out);
        json_decref(object);
    } else {
        (void)fprintf(cli->out, "Gave up %s character%s typed in note %s\n",
                      text_number(work.waiting, number), work.waiting == 1 ? "" : "s", name);
    }
    return TANDEM_DONE;
}
