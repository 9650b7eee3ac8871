/* What was typed in notes and is not with the server: sending it, and what becomes of it when its
 * owner goes. It is beside the outbox, since changes of a text wait in another way than changes of
 * fields; to a person both are what waits. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli_entry.h"
#include "cli/cli_note.h"
#include "cli/cli_prompt.h"
#include "cli/cli_text.h"
#include "protocol/status.h"

#define SENDING_MS 30000 /* for all of it, from a server that is there */

static bool take_title(void *context, const tandem_record *record)
{
    *(json_t **)context = json_string(tandem_record_title(record));
    return false;
}

struct list {
    struct cli *cli;
    json_t *notes;
};

static bool take_work(void *context, const tandem_note_work *work)
{
    struct list *list = context;
    json_t *note = json_pack("{s:s, s:I, s:s}", "note", work->id, "waiting",
                             (json_int_t)work->waiting, "state", "waiting");
    if (work->code != TANDEM_OK) {
        note_refused_put(note, work->code);
    }
    return json_array_append_new(list->notes, note) == 0;
}

size_t note_count_words(struct cli *cli, const char *id)
{
    tandem_note *note = NULL;
    size_t size = 0;
    size_t count = 0;
    if (tandem_note_open(cli->client, id, NULL, NULL, &note) != TANDEM_OK) {
        return 0;
    }
    const char *text = tandem_note_text(note, &size);
    for (size_t i = 0; i < size; i++) {
        count += ((unsigned char)text[i] & 0xC0) != 0x80 && text[i] != '\n'; /* which divide them */
    }
    tandem_note_close(note);
    return count;
}

/* As it is called now: of what is no longer to be seen nothing is told, though it was seen before. */
static void take_title_now(struct cli *cli, json_t *note)
{
    json_t *title = NULL;
    const char *id = json_string_value(json_object_get(note, "note"));
    (void)json_object_del(note, "title");
    (void)tandem_get(cli->client, id, take_title, &title); /* else it has none */
    if (title != NULL) {
        (void)json_object_set_new(note, "title", title);
    }
}

json_t *note_work_list(struct cli *cli)
{
    struct list list = {.cli = cli, .notes = json_array()};
    size_t index = 0;
    json_t *note = NULL;
    (void)tandem_each_note_work(cli->client, take_work,
                                &list); /* what cannot be read is not listed */
    json_array_foreach(list.notes, index, note)
    {
        const char *id = json_string_value(json_object_get(note, "note"));
        if (json_integer_value(json_object_get(note, "waiting")) == 0) {
            (void)json_object_set_new(note, "waiting",
                                      json_integer((json_int_t)note_count_words(cli, id)));
        }
        take_title_now(cli, note);
    }
    note_refused_recall(cli, list.notes);
    return list.notes;
}

/* "12 characters in note Prefers to be called  0192..." */
static void print_note(struct cli *cli, FILE *out, json_t *note, const char *state)
{
    char number[32];
    uint64_t waiting = (uint64_t)json_integer_value(json_object_get(note, "waiting"));
    if (cli->json) {
        (void)json_object_set_new(note, "state", json_string(state));
        (void)json_dumpf(note, out, JSON_COMPACT);
        (void)fputc('\n', out);
        return;
    }
    (void)fprintf(out, "%-10s%s character%s in note ", state, text_number(waiting, number),
                  waiting == 1 ? "" : "s");
    (void)text_put(out, cli_member(note, "title"), 40);
    (void)fprintf(out, "%s%s", cli_member(note, "title")[0] == '\0' ? "" : "  ",
                  cli_member(note, "note"));
    (void)fprintf(out, "%s%s\n", cli_member(note, "reason")[0] == '\0' ? "" : ": ",
                  cli_member(note, "reason"));
    if (strcmp(state, "refused") == 0) {
        (void)fprintf(
            out, "  It is kept: tandem note %s --print, or give it up: tandem note %s --discard\n",
            cli_member(note, "note"), cli_member(note, "note"));
    }
}

bool note_work_print(struct cli *cli, const json_t *notes, FILE *out)
{
    size_t index = 0;
    json_t *note = NULL;
    json_array_foreach(notes, index, note)
    {
        print_note(cli, out, note, cli_member(note, "state"));
    }
    return index > 0;
}

/* ---- Sending --------------------------------------------------------------------------------- */

static bool count_sendable(void *context, const tandem_note_work *work)
{
    *(size_t *)context += work->code == TANDEM_OK && work->waiting > 0;
    return true;
}

static size_t sendable(struct cli *cli)
{
    size_t count = 0;
    (void)tandem_each_note_work(cli->client, count_sendable, &count);
    return count;
}

static const json_t *find(const json_t *notes, const char *id)
{
    size_t index = 0;
    json_t *note = NULL;
    json_array_foreach(notes, index, note)
    {
        if (strcmp(cli_member(note, "note"), id) == 0) {
            return note;
        }
    }
    return NULL;
}

size_t note_work_settle(struct cli *cli, json_t *noted)
{
    size_t refused = 0;
    int64_t deadline = cli_now_ms(CLOCK_MONOTONIC) + SENDING_MS;
    size_t index = 0;
    json_t *note = NULL;
    int64_t left = SENDING_MS;
    while (json_array_size(noted) > 0 && sendable(cli) > 0 && left > 0 &&
           cli_turn(cli, left < 500 ? (int)left : 500)) {
        left = deadline - cli_now_ms(CLOCK_MONOTONIC);
    }
    json_t *now = note_work_list(cli);
    json_array_foreach(noted, index, note)
    {
        const json_t *still = find(now, cli_member(note, "note"));
        if (still != NULL && cli_member(still, "reason")[0] != '\0') {
            (void)json_object_set(note, "code", json_object_get(still, "code"));
            (void)json_object_set(note, "reason", json_object_get(still, "reason"));
            (void)json_object_set(note, "waiting", json_object_get(still, "waiting"));
        }
        refused += still != NULL && strcmp(cli_member(still, "state"), "refused") == 0;
        if (still == NULL) { /* what was said of it before is over */
            (void)json_object_del(note, "code");
            (void)json_object_del(note, "reason");
        }
        take_title_now(cli, note);
        print_note(cli, cli->out, note, still == NULL ? "accepted" : cli_member(still, "state"));
    }
    note_refused_remember(cli, now);
    json_decref(now);
    return refused;
}

static bool open_quietly(struct cli *cli)
{
    char path[PROFILE_PATH];
    tandem_options options = {.replica = profile_replica(&cli->profile, path)};
    return note_has_folder(cli) && tandem_open(&options, &cli->client, NULL) == TANDEM_OK;
}

/* Mentions in notes wait beside what was typed there, and are sent behind it. */
static bool mentions_wait(const struct cli *cli)
{
    return tandem_outbox_count(cli->client, ENTRY_OPEN) > 0;
}

static void settle_mentions(struct cli *cli)
{
    int64_t deadline = cli_now_ms(CLOCK_MONOTONIC) + SENDING_MS;
    int64_t left = SENDING_MS;
    while (mentions_wait(cli) && left > 0 && cli_turn(cli, left < 500 ? (int)left : 500)) {
        left = deadline - cli_now_ms(CLOCK_MONOTONIC);
    }
}

enum tandem_failure note_work_send(struct cli *cli, size_t *refused)
{
    char path[PROFILE_PATH];
    bool some = open_quietly(cli) && (sendable(cli) > 0 || mentions_wait(cli));
    if (cli->client != NULL) {
        cli_close(cli);
    }
    if (!some) {
        return TANDEM_DONE;
    }
    enum tandem_failure failure = cli_open(cli, profile_replica(&cli->profile, path));
    json_t *noted = failure == TANDEM_DONE ? note_work_list(cli) : NULL;
    tandem_server server = cli_server(cli, true);
    if (failure == TANDEM_DONE && cli_sign_in(cli, &server) != TANDEM_DONE) {
        failure = cli_fault(cli, "what you typed in notes is kept", &cli->fault);
    } else if (failure == TANDEM_DONE) {
        *refused = note_work_settle(cli, noted);
        settle_mentions(cli);
    }
    json_decref(noted);
    return failure;
}

/* ---- Leaving --------------------------------------------------------------------------------- */

static FILE *list_file(const struct cli *cli)
{
    return cli->json ? cli->out : cli->err;
}

static enum tandem_failure ask_to_lose(struct cli *cli, const json_t *notes, const char *what)
{
    const char *how = "Send it: tandem online. Or give it up: tandem note ID --discard";
    size_t count = json_array_size(notes);
    bool terminal = !cli->json && isatty(STDIN_FILENO) && isatty(fileno(cli->err));
    if (!terminal) {
        enum tandem_failure failure = cli_refuse(
            cli, TANDEM_REFUSED,
            "%s: what was typed in %zu note%s is not with the server yet. %s, or throw it away: "
            "--discard",
            what, count, count == 1 ? "" : "s", how);
        (void)note_work_print(cli, notes, list_file(cli));
        return failure;
    }
    cli_note(cli, "What was typed in %zu note%s is not with the server yet:", count,
             count == 1 ? "" : "s");
    (void)note_work_print(cli, notes, list_file(cli));
    cli_note(cli, "%s", how);
    return prompt_yes("Throw it away for good? (yes/no) ")
               ? TANDEM_DONE
               : cli_refuse(cli, TANDEM_REFUSED, "%s, and nothing was thrown away", what);
}

enum tandem_failure note_work_agree_to_lose(struct cli *cli, const char *what)
{
    enum tandem_failure failure = TANDEM_DONE;
    json_t *notes = open_quietly(cli) ? note_work_list(cli) : NULL;
    if (json_array_size(notes) > 0) {
        failure = ask_to_lose(cli, notes, what);
    }
    json_decref(notes);
    if (cli->client != NULL) {
        cli_close(cli);
    }
    return failure;
}

void note_work_tell_lost(struct cli *cli)
{
    json_t *notes = open_quietly(cli) ? note_work_list(cli) : NULL;
    if (json_array_size(notes) > 0) {
        cli_note(cli, "Thrown away, typed in notes:");
        (void)note_work_print(cli, notes, list_file(cli));
    }
    json_decref(notes);
    if (cli->client != NULL) {
        cli_close(cli);
    }
}
