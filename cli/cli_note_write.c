/* note with a text for a note there is, and note --restore. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_mention.h"
#include "cli/cli_note.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"

/* Says that it is done, or where it waits. `sentence` is for people, without its end. */
static void tell_done(struct cli *cli, struct open_note *open, const char *id, bool kept,
                      const char *sentence, uint64_t restored)
{
    uint64_t version = tandem_note_version(open->note);
    if (!cli->json) {
        (void)text_put(cli->out, sentence, 0);
        if (kept || cli->local) {
            (void)fprintf(cli->out, ". It waits on this machine until the server can be reached\n");
        } else {
            (void)fprintf(cli->out, ", as version %" PRIu64 "\n", version);
        }
        return;
    }
    json_t *object = json_pack("{s:s}", "id", id);
    if (restored > 0) {
        (void)json_object_set_new(object, "restored", json_integer((json_int_t)restored));
    }
    if (kept || cli->local) {
        (void)json_object_set_new(object, "waiting", json_true());
    } else {
        (void)json_object_set_new(object, "version", json_integer((json_int_t)version));
    }
    (void)json_dumpf(object, cli->out, JSON_COMPACT);
    (void)fputc('\n', cli->out);
    json_decref(object);
}

static enum tandem_failure tell_code(struct cli *cli, const char *what, tandem_code code)
{
    cli->fault = (tandem_fault){.code = code, .change = -1};
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
    struct buffer sentence = {0};
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
        text_addf(&sentence, "Added to note %s", about->title);
        tell_done(cli, &open, about->id, kept,
                  text_of(&sentence) == NULL ? "Added" : text_of(&sentence), 0);
        mention_tell(cli, about->id, NULL, text, kept);
    }
    buffer_release(&sentence);
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

/* ---- Restoring ------------------------------------------------------------------------------- */

struct made {
    bool known;
    int64_t at_ms;
    char by[72];
};

static bool take_made(void *context, const tandem_note_version_info *info)
{
    struct made *made = context;
    made->known = true;
    made->at_ms = info->at_ms;
    (void)bytes_to_text(bytes_text(info->by), made->by, sizeof made->by);
    return false;
}

static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xC0) != 0x80;
}

/* Replaces only what differs, so that what others wrote in the rest stays theirs. */
static tandem_code replace_difference(tandem_note *note, const char *wanted, size_t wanted_size)
{
    size_t size = 0;
    const char *now = tandem_note_text(note, &size);
    size_t shorter = size < wanted_size ? size : wanted_size;
    size_t same = 0;
    size_t tail = 0;
    while (same < shorter && now[same] == wanted[same]) {
        same++;
    }
    while (same > 0 && ((same < size && !begins_character(now[same])) ||
                        (same < wanted_size && !begins_character(wanted[same])))) {
        same--;
    }
    while (tail < shorter - same && now[size - tail - 1] == wanted[wanted_size - tail - 1]) {
        tail++;
    }
    while (tail > 0 && !begins_character(now[size - tail])) {
        tail--;
    }
    if (size - same - tail == 0 && wanted_size - same - tail == 0) {
        return TANDEM_OK;
    }
    return tandem_note_replace(note, same, size - same - tail, wanted + same,
                               wanted_size - same - tail);
}

static bool is_same(tandem_note *note, const struct note_version *version)
{
    size_t size = 0;
    const char *now = tandem_note_text(note, &size);
    return size == version->size && memcmp(now, version->text, size) == 0;
}

static enum tandem_failure restore(struct cli *cli, const char *id, const struct made *made,
                                   const struct note_version *version)
{
    struct open_note open = {.cli = cli};
    struct buffer sentence = {0};
    char when[32];
    bool kept = false;
    enum tandem_failure failure = note_open(&open, cli, id, false);
    if (failure != TANDEM_DONE) {
        return failure;
    }
    bool same = is_same(open.note, version);
    tandem_code code = replace_difference(open.note, version->text, version->size);
    failure = code == TANDEM_OK ? note_wait_saved(&open, "nothing was restored", &kept)
                                : tell_code(cli, "nothing was restored", code);
    if (failure == TANDEM_DONE) {
        text_addf(&sentence, "%s version %" PRIu64,
                  same ? "Nothing to restore, it reads as" : "Restored", version->version);
        if (made->known) {
            text_addf(&sentence, " (%s, %s)", made->by, text_local_time(made->at_ms, when));
        }
        tell_done(cli, &open, id, kept,
                  text_of(&sentence) == NULL ? "Restored" : text_of(&sentence), version->version);
    }
    buffer_release(&sentence);
    note_close(&open);
    return failure;
}

enum tandem_failure note_restore(struct cli *cli, const char *name, uint64_t version)
{
    struct sighting about;
    struct note_version wanted = {.text = NULL};
    struct made made = {.known = false};
    enum tandem_failure failure = cli_connect(cli, CLI_SERVER);
    if (failure == TANDEM_DONE) {
        failure = note_lookup(cli, name, &about);
    }
    if (failure == TANDEM_DONE) {
        failure = note_ask(cli, about.id, version, NULL, NULL, &wanted);
    }
    if (failure == TANDEM_DONE) {
        failure = note_ask_versions(cli, about.id, version + 1, 1, take_made, &made);
    }
    if (failure == TANDEM_DONE) {
        failure = restore(cli, about.id, &made, &wanted);
    }
    memory_free(wanted.text);
    return failure;
}
