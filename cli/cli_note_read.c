/* note --print, --blame, --versions: a note's text, as it is and as it was. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_note.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"

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

static void print_note(struct cli *cli, const char *id, uint64_t version, const char *text,
                       size_t size, size_t waiting)
{
    if (!cli->json) {
        print_text(cli, text, size);
        return;
    }
    json_t *object =
        json_pack("{s:s, s:I, s:s%}", "id", id, "version", (json_int_t)version, "text", text, size);
    if (waiting > 0) {
        (void)json_object_set_new(object, "waiting", json_true());
    }
    print_json(cli, object);
}

static void print_open(struct open_note *open)
{
    size_t size = 0;
    const char *text = tandem_note_text(open->note, &size);
    print_note(open->cli, open->id, tandem_note_version(open->note), text, size,
               tandem_note_waiting(open->note));
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
    if (failure == TANDEM_DONE && ended) {
        cli_note(cli,
                 "This is what you typed and the server has not taken: %s. Give it up: tandem "
                 "note %s --discard",
                 tandem_error_text(why), id);
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
        print_note(cli, id, got.version, got.text, got.size, 0);
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

/* ---- Versions -------------------------------------------------------------------------------- */

#define PAGE 200u /* versions asked for at a time */

struct listing {
    struct table table;
    struct cli *cli;
    uint64_t last; /* listed so far */
    size_t count, wanted;
};

static bool take_version(void *context, const tandem_note_version_info *info)
{
    struct listing *listing = context;
    char number[32], when[32], change[64];
    if (listing->count == listing->wanted) {
        return false;
    }
    listing->count++;
    listing->last = info->version;
    if (listing->cli->json) {
        print_json(listing->cli,
                   json_pack("{s:I, s:s, s:s, s:I, s:I}", "version", (json_int_t)info->version,
                             "by", info->by, "at", tandem_time_text(info->at_ms, when), "removed",
                             (json_int_t)info->removed, "inserted", (json_int_t)info->inserted));
        return true;
    }
    (void)snprintf(number, sizeof number, "%" PRIu64, info->version);
    (void)snprintf(change, sizeof change, "+%zu -%zu", info->inserted, info->removed);
    const char *const cells[] = {number, text_local_time(info->at_ms, when), info->by, change};
    table_row(&listing->table, cells);
    return true;
}

static enum tandem_failure list_versions(struct cli *cli, const char *id, struct listing *listing)
{
    enum tandem_failure failure = TANDEM_DONE;
    size_t before = SIZE_MAX;
    while (failure == TANDEM_DONE && listing->count < listing->wanted && listing->count != before &&
           (listing->count == 0 || listing->last > 1)) {
        size_t left = listing->wanted - listing->count;
        before = listing->count;
        failure = note_ask_versions(cli, id, listing->last, left < PAGE ? (unsigned)left : PAGE,
                                    take_version, listing);
    }
    return failure;
}

enum tandem_failure note_versions(struct cli *cli, const char *name, unsigned limit)
{
    static const char *const headings[] = {"version", "when", "who", "characters"};
    struct sighting about;
    struct listing listing = {.cli = cli, .wanted = limit};
    enum tandem_failure failure = look_up(cli, name, &about);
    if (failure != TANDEM_DONE) {
        return failure;
    }
    table_init(&listing.table, 4);
    table_row(&listing.table, headings);
    failure = list_versions(cli, about.id, &listing);
    if (failure == TANDEM_DONE && listing.table.failed) {
        failure = cli_no_memory(cli);
    } else if (failure == TANDEM_DONE && listing.count == 0) {
        cli_note(cli, "This note has never been edited since it was written.");
    } else if (failure == TANDEM_DONE && !cli->json) {
        table_print(&listing.table, cli->out, text_terminal_width(cli->out));
        if (listing.count == listing.wanted && listing.last > 1) {
            cli_note(cli, "There may be older ones. See more: --limit %u", limit * 10);
        }
    }
    table_release(&listing.table);
    return failure;
}
