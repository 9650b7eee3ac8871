/* Opening a note, waiting for it, and asking for its versions. */
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli_note.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"
#include "protocol/status.h"

#define PATIENCE_MS 60000 /* for a server that is there */
#define LED_MS 1500       /* for a note that another process may have opened */

bool note_has_folder(const struct cli *cli)
{
    char path[PROFILE_PATH];
    return access(profile_replica(&cli->profile, path), F_OK) == 0;
}

static void on_event(void *context, tandem_note *note, const tandem_note_event *event)
{
    struct open_note *open = context;
    switch (event->kind) {
    case TANDEM_NOTE_OPENED:
        open->here = true;
        break;
    case TANDEM_NOTE_CHANGED:
        open->changed = true;
        break;
    case TANDEM_NOTE_SAVED:
        open->saved = true;
        break;
    case TANDEM_NOTE_REFUSED:
        open->refused = event->code;
        break;
    case TANDEM_NOTE_ENDED:
        open->ended = true;
        open->code = event->code;
        (void)bytes_to_text(bytes_text(event->detail), open->detail, sizeof open->detail);
        break;
    default:
        break;
    }
    if (open->on_event != NULL) {
        open->on_event(open->context, note, event);
    }
}

tandem_code note_open_here(struct open_note *open, struct cli *cli, const char *id)
{
    open->cli = cli;
    (void)bytes_to_text(bytes_text(id), open->id, sizeof open->id);
    open->here = open->changed = open->saved = open->ended = false;
    open->refused = TANDEM_OK;
    tandem_code code = tandem_note_open(cli->client, id, on_event, open, &open->note);
    open->alone = code == TANDEM_OK && tandem_note_waiting(open->note) == 0;
    return code;
}

void note_close(struct open_note *open)
{
    tandem_note_close(open->note);
    open->note = NULL;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

static enum tandem_failure tell_ended(struct open_note *open, const char *what)
{
    struct cli *cli = open->cli;
    cli->fault = (tandem_fault){.code = open->code, .change = -1};
    (void)bytes_to_text(bytes_text(open->detail), cli->fault.detail, sizeof cli->fault.detail);
    return cli_fault(cli, what, &cli->fault);
}

/* Until *done, or the note has ended, or so long; then, and when the line is lost, false. */
static bool await(struct open_note *open, const bool *done, int64_t most_ms)
{
    int64_t deadline = cli_now_ms(CLOCK_MONOTONIC) + most_ms;
    while (!*done && !open->ended && open->refused == TANDEM_OK) {
        int64_t left = deadline - cli_now_ms(CLOCK_MONOTONIC);
        bool lives = left > 0 && cli_turn(open->cli, (int)left);
        if (!lives && !*done && !open->ended && open->refused == TANDEM_OK) {
            if (left <= 0) {
                open->cli->fault = (tandem_fault){.code = STATUS_UNREACHABLE, .change = -1};
                (void)snprintf(open->cli->fault.detail, sizeof open->cli->fault.detail,
                               "no answer came in time");
            }
            return false;
        }
    }
    return true;
}

/* Where another process leads the folder, this one is told of nothing but what that one writes. */
enum tandem_failure note_wait_here(struct open_note *open, const char *id)
{
    struct cli *cli = open->cli;
    enum tandem_failure failure = TANDEM_DONE;
    bool there =
        await(open, &open->here, LED_MS) || open->changed || tandem_note_version(open->note) > 0;
    if (!there && !(tandem_connected(cli->client) && await(open, &open->here, PATIENCE_MS))) {
        failure = cli_fault(cli, NULL, &cli->fault);
    } else if (open->ended && !open->keeps) {
        failure = tell_ended(open, id);
    }
    if (failure != TANDEM_DONE) {
        note_close(open);
    }
    return failure;
}

/* In the profile's folder, where there is one. */
static enum tandem_failure go_to_folder(struct cli *cli)
{
    char path[PROFILE_PATH];
    if (cli->local || !note_has_folder(cli)) {
        return TANDEM_DONE;
    }
    cli_close(cli);
    enum tandem_failure failure = cli_open(cli, profile_replica(&cli->profile, path));
    tandem_server server = cli_server(cli, true);
    if (failure == TANDEM_DONE && cli_sign_in(cli, &server) != TANDEM_DONE) {
        failure = cli_fault(cli, NULL, &cli->fault);
    }
    return failure;
}

enum tandem_failure note_open(struct open_note *open, struct cli *cli, const char *id, bool keep)
{
    enum tandem_failure failure = keep ? go_to_folder(cli) : TANDEM_DONE;
    if (failure != TANDEM_DONE) {
        return failure;
    }
    tandem_code code = note_open_here(open, cli, id);
    if (code != TANDEM_OK) {
        cli->fault = (tandem_fault){.code = code, .change = -1};
        return cli_fault(cli, id, &cli->fault);
    }
    return cli->local ? TANDEM_DONE : note_wait_here(open, id);
}

/* What the server does not take is not to be sent again and again: where nothing else waits in the
 * note it is given up. */
static enum tandem_failure give_up(struct open_note *open, const char *what)
{
    struct cli *cli = open->cli;
    if (open->alone) {
        (void)tandem_note_discard(cli->client, open->id);
    }
    cli->fault = (tandem_fault){.code = open->refused, .change = -1};
    return cli_fault(cli, what, &cli->fault);
}

enum tandem_failure note_wait_saved(struct open_note *open, const char *what, bool *kept)
{
    struct cli *cli = open->cli;
    *kept = false;
    open->saved = tandem_note_waiting(open->note) == 0;
    bool answered = cli->local ? open->saved : await(open, &open->saved, PATIENCE_MS);
    if (open->ended) {
        return open->keeps ? TANDEM_DONE : tell_ended(open, what);
    }
    if (open->refused != TANDEM_OK) {
        return give_up(open, what);
    }
    *kept = !answered && cli->in_folder;
    if (answered && cli->in_folder) {
        note_refused_forget(cli, open->id);
    }
    if (answered || *kept) {
        return TANDEM_DONE;
    }
    return cli_refuse(
        cli, TANDEM_UNREACHABLE,
        "the line broke before the server answered, so it is not known whether it has "
        "the text. Look: tandem note %s --print",
        open->id);
}

void note_take_fault(struct cli *cli, tandem_code code)
{
    tandem_last_fault(cli->client, &cli->fault);
    if (cli->fault.code != code) {
        cli->fault = (tandem_fault){.code = code, .change = -1};
    }
}

/* ---- What waits ------------------------------------------------------------------------------ */

struct work {
    const char *id;
    bool found;
    struct note_work *out;
};

static bool take_work(void *context, const tandem_note_work *work)
{
    struct work *wanted = context;
    if (strcasecmp(work->id, wanted->id) == 0) {
        wanted->found = true;
        *wanted->out = (struct note_work){work->waiting, work->code};
    }
    return !wanted->found;
}

bool note_find_work(struct cli *cli, const char *id, struct note_work *out)
{
    struct work work = {.id = id, .out = out};
    char path[PROFILE_PATH];
    if (!note_has_folder(cli) || !lookup_is_id(id) ||
        cli_open(cli, profile_replica(&cli->profile, path)) != TANDEM_DONE) {
        return false;
    }
    (void)tandem_each_note_work(cli->client, take_work,
                                &work); /* what cannot be read is not found */
    if (!work.found) {
        cli_close(cli);
    } else if (out->waiting == 0) {
        out->waiting = note_count_words(cli, id);
    }
    return work.found;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

struct asking {
    bool done;
    tandem_fault fault;
    struct note_version *out;
    tandem_note_passage_fn *passage;
    tandem_note_version_fn *version;
    void *context;
};

static void on_answer(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    struct asking *asking = context;
    tandem_code code = TANDEM_OK;
    asking->done = true;
    if (answer == NULL) {
        asking->fault = *fault;
        return;
    }
    if (asking->version != NULL) {
        code = tandem_answer_note_versions(answer, asking->version, asking->context);
    } else {
        tandem_note_version_text got;
        code = tandem_answer_note(answer, &got, asking->passage, asking->context);
        if (code == TANDEM_OK) {
            asking->out->version = got.version;
            asking->out->oldest = got.oldest;
            asking->out->newest = got.newest;
            asking->out->size = got.size;
            asking->out->text = memory_copy(got.text, got.size);
            code = asking->out->text == NULL ? STATUS_NO_MEMORY : TANDEM_OK;
        }
    }
    asking->fault = (tandem_fault){.code = code, .change = -1};
}

/* A request that is not answered any more must not find this frame gone: it is closed with the
 * client. */
static tandem_code finish(struct cli *cli, tandem_code sent, struct asking *asking)
{
    if (sent == TANDEM_OK && !cli_await(cli, &asking->done)) {
        cli_close(cli);
        return cli->fault.code;
    }
    cli->fault = sent == TANDEM_OK ? asking->fault : (tandem_fault){.code = sent, .change = -1};
    return cli->fault.code;
}

static enum tandem_failure tell_no_version(struct cli *cli, const char *id, uint64_t version)
{
    struct note_version newest = {.text = NULL};
    enum tandem_failure failure = note_ask(cli, id, 0, NULL, NULL, &newest);
    if (failure == TANDEM_DONE && newest.newest == 0) {
        failure = cli_refuse(cli, TANDEM_REFUSED,
                             "there is no version %llu of this note: nobody has edited it since it "
                             "was written",
                             (unsigned long long)version);
    } else if (failure == TANDEM_DONE) {
        failure =
            cli_refuse(cli, TANDEM_REFUSED,
                       "there is no version %llu of this note; the server has %llu to %llu. See: "
                       "tandem note %s --versions",
                       (unsigned long long)version, (unsigned long long)newest.oldest,
                       (unsigned long long)newest.newest, id);
    }
    memory_free(newest.text);
    return failure;
}

tandem_code note_ask_quietly(struct cli *cli, const char *id, uint64_t version,
                             tandem_note_passage_fn *each, void *context, struct note_version *out)
{
    struct asking asking = {.out = out, .passage = each, .context = context};
    *out = (struct note_version){.text = NULL};
    return finish(cli, tandem_ask_note(cli->client, id, version, on_answer, &asking), &asking);
}

enum tandem_failure note_ask(struct cli *cli, const char *id, uint64_t version,
                             tandem_note_passage_fn *each, void *context, struct note_version *out)
{
    tandem_code code = note_ask_quietly(cli, id, version, each, context, out);
    if (code == STATUS_NOT_FOUND && version > 0) {
        return tell_no_version(cli, id, version == TANDEM_NOTE_BEGINNING ? 0 : version);
    }
    return code == TANDEM_OK ? TANDEM_DONE : cli_fault(cli, id, &cli->fault);
}

enum tandem_failure note_ask_versions(struct cli *cli, const char *id, uint64_t before,
                                      unsigned limit, tandem_note_version_fn *each, void *context)
{
    struct asking asking = {.version = each, .context = context};
    tandem_code sent = tandem_ask_note_versions(cli->client, id, before, limit, on_answer, &asking);
    return finish(cli, sent, &asking) == TANDEM_OK ? TANDEM_DONE : cli_fault(cli, id, &cli->fault);
}
