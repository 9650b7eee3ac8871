/* note --print, --blame: a note's text, as it is and as it was. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_entry.h"
#include "cli/cli_note.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"
#include "protocol/status.h"

/* Reads a version from the server, which alone knows it. */
static enum tandem_failure look_up(struct cli *cli, const char *name, struct sighting *about)
{
    enum tandem_failure failure = cli_connect(cli, CLI_SERVER);
    return failure == TANDEM_DONE ? note_lookup(cli, name, about) : failure;
}

static void print_json(struct cli *cli, json_t *object)
{
    (void)json_dumpf(object, cli->out, JSON_COMPACT);
    (void)fputc('\n', cli->out);
    json_decref(object);
}

/* ---- The text -------------------------------------------------------------------------------- */

/* To a terminal without what it would obey; to a file or a pipe as it is. */
static void print_text(struct cli *cli, const char *text, size_t size)
{
    int descriptor = fileno(cli->out);
    if (descriptor >= 0 && isatty(descriptor)) {
        (void)text_put(cli->out, text, 0);
    } else {
        (void)fwrite(text, 1, size, cli->out);
    }
    if (size > 0 && text[size - 1] != '\n') {
        (void)fputc('\n', cli->out);
    }
}

/* What is to be printed, and what of it the server has not. */
struct printed {
    const char *id;
    uint64_t version;
    const char *text;
    size_t size;
    bool waits;
    uint64_t entry; /* of the outbox, with another text; 0: none */
};

static void print_note(struct cli *cli, const struct printed *printed)
{
    if (!cli->json) {
        print_text(cli, printed->text, printed->size);
        return;
    }
    json_t *object = json_pack("{s:s, s:I, s:s%}", "id", printed->id, "version",
                               (json_int_t)printed->version, "text", printed->text, printed->size);
    if (printed->waits) {
        (void)json_object_set_new(object, "waiting", json_true());
    }
    if (printed->entry != 0) {
        (void)json_object_set_new(object, "entry", json_integer((json_int_t)printed->entry));
    }
    print_json(cli, object);
}

/* The newest text that waits in the outbox for this note, by `tandem edit` say: the entry, or NULL;
 * to json_decref(). *text points into it. */
static json_t *find_pending_text(struct cli *cli, const char *id, const char **text)
{
    json_t *found = NULL;
    size_t index = 0;
    size_t line = 0;
    json_t *entry = NULL;
    json_t *change = NULL;
    json_t *entries =
        tandem_outbox_count(cli->client, ENTRY_OPEN) > 0 ? entry_read_all(cli, ENTRY_OPEN) : NULL;
    json_array_foreach(entries, index, entry)
    {
        json_array_foreach(json_object_get(entry, "changes"), line, change)
        {
            const char *field = json_string_value(json_object_get(change, "field"));
            const char *about = json_string_value(json_object_get(change, "id"));
            const char *mine = json_string_value(json_object_get(change, "mine"));
            if (mine != NULL && field != NULL && strcmp(field, "text") == 0 && about != NULL &&
                text_same(about, id)) {
                *text = mine;
                found = entry;
            }
        }
    }
    json_incref(found);
    json_decref(entries);
    return found;
}

/* With a text that waits in the outbox, where nothing was typed besides: which of the two comes of
 * both only the server knows. */
static void print_open(struct open_note *open)
{
    struct cli *cli = open->cli;
    const char *pending = NULL;
    struct printed printed = {.id = open->id, .version = tandem_note_version(open->note)};
    printed.text = tandem_note_text(open->note, &printed.size);
    printed.waits = tandem_note_waiting(open->note) > 0;
    bool typed = printed.waits || tandem_note_code(open->note) != TANDEM_OK;
    json_t *entry = find_pending_text(cli, open->id, &pending);
    if (entry != NULL) {
        printed.entry = entry_number(entry);
        printed.waits = true;
    }
    if (entry != NULL && !typed) {
        printed.text = pending;
        printed.size = strlen(pending);
    }
    print_note(cli, &printed);
    if (entry != NULL && !cli->json) {
        cli_note(cli,
                 typed ? "Another text for the whole note waits as well, and is not in this one: "
                         "tandem outbox show %llu"
                       : "This text waits on this machine, in the outbox: tandem outbox show %llu",
                 (unsigned long long)printed.entry);
    }
    json_decref(entry);
}

/* As the copy has it. */
static enum tandem_failure print_from_copy(struct cli *cli, const char *id)
{
    struct open_note open = {.cli = cli};
    enum tandem_failure failure = note_open(&open, cli, id, true);
    if (failure == TANDEM_DONE) {
        print_open(&open);
        note_close(&open);
    }
    return failure;
}

/* Of a note that may still be read the text has both. */
static void tell_not_taken(struct cli *cli, const char *id, tandem_code why)
{
    cli_note(cli, "%s: %s. Give it up: tandem note %s --discard",
             why == STATUS_DENIED
                 ? "What you typed on this machine is in this text, and the server has not taken it"
                 : "This is what you typed and the server has not taken",
             tandem_error_text(why), id);
}

/* With what was typed on this machine and the server has not: it is sent first, where that can be.
 * The folder is open. */
static enum tandem_failure print_with_work(struct cli *cli, const char *id,
                                           const struct note_work *work)
{
    struct open_note open = {.cli = cli, .keeps = true};
    tandem_server server = cli_server(cli, true);
    tandem_code why = work->code;
    bool ended = why != TANDEM_OK;
    bool kept = true;
    bool online = !ended && !tandem_paused(cli->client) && cli_sign_in(cli, &server) == TANDEM_DONE;
    tandem_code code = note_open_here(&open, cli, id);
    if (code != TANDEM_OK) {
        cli->fault = (tandem_fault){.code = code, .change = -1};
        return cli_fault(cli, id, &cli->fault);
    }
    enum tandem_failure failure = online ? note_wait_here(&open, id) : TANDEM_DONE;
    if (failure == TANDEM_DONE && online) {
        failure = note_wait_saved(&open, NULL, &kept);
    }
    if (open.ended && !ended) {
        ended = true;
        why = open.code;
    }
    if (failure == TANDEM_DONE) {
        print_open(&open);
    }
    if (failure == TANDEM_DONE && ended && work->waiting > 0) {
        tell_not_taken(cli, id, why);
    } else if (failure == TANDEM_DONE && kept) {
        cli_note(cli,
                 "What you typed on this machine is in this text, but not yet with the server.");
    }
    if (open.note != NULL) {
        note_close(&open);
    }
    return failure;
}

static enum tandem_failure print_from_server(struct cli *cli, const char *id, uint64_t version)
{
    struct note_version got;
    enum tandem_failure failure = note_ask(cli, id, version, NULL, NULL, &got);
    if (failure == TANDEM_DONE) {
        const struct printed printed = {
            .id = id, .version = got.version, .text = got.text, .size = got.size};
        print_note(cli, &printed);
    }
    memory_free(got.text);
    return failure;
}

enum tandem_failure note_print(struct cli *cli, const char *name, uint64_t version)
{
    struct sighting about;
    struct note_work work;
    if (!cli->profile.signed_in) {
        return cli_refuse_signed_out(cli);
    }
    if (version == 0 && note_find_work(cli, name, &work)) {
        return print_with_work(cli, name, &work);
    }
    enum tandem_failure failure = cli_connect(cli, version == 0 ? CLI_READS : CLI_SERVER);
    if (failure == TANDEM_DONE) {
        failure = note_lookup(cli, name, &about);
    }
    if (failure != TANDEM_DONE) {
        return failure;
    }
    return cli->local ? print_from_copy(cli, about.id) : print_from_server(cli, about.id, version);
}

/* ---- Who wrote what -------------------------------------------------------------------------- */

struct passage {
    size_t from, size;
    int64_t at_ms;
    char by[72];
};

struct blame {
    struct buffer passages; /* struct passage each */
};

static bool take_passage(void *context, const tandem_note_passage *passage)
{
    struct blame *blame = context;
    struct passage kept = {passage->from, passage->size, passage->at_ms, ""};
    (void)bytes_to_text(bytes_text(passage->by), kept.by, sizeof kept.by);
    buffer_append(&blame->passages, &kept, sizeof kept);
    return !blame->passages.failed;
}

static size_t passage_count(const struct blame *blame)
{
    return blame->passages.size / sizeof(struct passage);
}

static struct passage passage_at(const struct blame *blame, size_t index)
{
    struct passage out;
    memcpy(&out, blame->passages.data + index * sizeof out, sizeof out);
    return out;
}

static size_t widest_name(const struct blame *blame)
{
    size_t widest = 0;
    for (size_t i = 0; i < passage_count(blame); i++) {
        struct passage passage = passage_at(blame, i);
        size_t width = text_width(passage.by);
        widest = width > widest ? width : widest;
    }
    return widest;
}

/* One piece of a line, behind who wrote it and when; one that goes on within the line has a plus.
 */
static bool print_piece(struct cli *cli, const struct passage *passage, const char *text,
                        size_t size, size_t name_width, bool goes_on)
{
    char when[32];
    char *piece = memory_copy(text, size);
    if (piece == NULL) {
        return false;
    }
    size_t width = text_width(passage->by);
    (void)text_put(cli->out, passage->by, 0);
    (void)fprintf(cli->out, "%*s  %s %c ", (int)(name_width - width), "",
                  passage->at_ms == 0 ? "               -" : text_local_time(passage->at_ms, when),
                  goes_on ? '+' : '|');
    (void)text_put(cli->out, piece, 0);
    (void)fputc('\n', cli->out);
    memory_free(piece);
    return true;
}

static bool print_blame(struct cli *cli, const struct blame *blame,
                        const struct note_version *version)
{
    size_t width = widest_name(blame);
    bool good = true;
    bool goes_on = false;
    for (size_t i = 0; i < passage_count(blame) && good; i++) {
        struct passage passage = passage_at(blame, i);
        size_t end = passage.from + passage.size;
        end = end < version->size ? end : version->size;
        for (size_t at = passage.from; at < end && good;) {
            const char *newline = memchr(version->text + at, '\n', end - at);
            size_t stop = newline == NULL ? end : (size_t)(newline - version->text);
            /* A newline that another wrote is not worth a line of its own. */
            if (stop > at || !goes_on) {
                good = print_piece(cli, &passage, version->text + at, stop - at, width, goes_on);
            }
            goes_on = newline == NULL;
            at = newline == NULL ? stop : stop + 1;
        }
    }
    return good;
}

static bool print_blame_json(struct cli *cli, const char *id, const struct blame *blame,
                             const struct note_version *version)
{
    json_t *passages = json_array();
    char when[25];
    for (size_t i = 0; i < passage_count(blame); i++) {
        struct passage passage = passage_at(blame, i);
        bool within = passage.from <= version->size && passage.size <= version->size - passage.from;
        json_t *object = json_pack(
            "{s:s, s:s?, s:s%}", "by", passage.by, "at",
            passage.at_ms == 0 ? NULL : tandem_time_text(passage.at_ms, when), "text",
            within ? version->text + passage.from : "", within ? passage.size : (size_t)0);
        (void)json_array_append_new(passages, object);
    }
    json_t *whole = json_pack("{s:s, s:I, s:o}", "id", id, "version", (json_int_t)version->version,
                              "passages", passages);
    bool good = whole != NULL;
    print_json(cli, whole);
    return good;
}

enum tandem_failure note_blame(struct cli *cli, const char *name, uint64_t version)
{
    struct sighting about;
    struct note_version got = {.text = NULL};
    struct blame blame = {.passages = {0}};
    enum tandem_failure failure = look_up(cli, name, &about);
    if (failure == TANDEM_DONE) {
        failure = note_ask(cli, about.id, version, take_passage, &blame, &got);
    }
    if (failure == TANDEM_DONE) {
        bool good =
            !blame.passages.failed && (cli->json ? print_blame_json(cli, about.id, &blame, &got)
                                                 : print_blame(cli, &blame, &got));
        failure = good ? TANDEM_DONE : cli_no_memory(cli);
    }
    buffer_release(&blame.passages);
    memory_free(got.text);
    return failure;
}
