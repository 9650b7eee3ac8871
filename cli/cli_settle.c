#include "cli/cli_settle.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_entry.h"
#include "cli/cli_overwrite.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"
#include "protocol/status.h"

/* Between looks at what another process may be doing. */
#define TURN_MS 200
/* Nothing moved for so long: it will not. */
#define SILENCE_MS 20000
/* Turns to wait for the word of how entries ended that are gone already. */
#define LAST_TURNS 5

/* How a noted entry ended, for as long as it is noted. */
#define MARK "ended"
#define ACCEPTED "accepted"
#define DROPPED "dropped"

struct settling {
    struct cli *cli;
    json_t *noted; /* entries; those of which was told how they ended are marked */
    size_t next;   /* of them, to be looked at first */
    bool sync, caught_up;
    bool shows_line; /* a line of progress stands on the terminal */
    uint64_t done, total;
    size_t first, left; /* entries that waited in the beginning, and now */
    uint64_t moves;     /* events, and entries that left the outbox */
};

/* Marks an entry as one that was accepted, or dropped: when it is gone, nothing else tells. */
static void mark(struct settling *settling, uint64_t number, const char *how)
{
    size_t count = json_array_size(settling->noted);
    for (size_t i = 0; i < count; i++) {
        /* As a rule they end in their order. */
        size_t at = (settling->next + i) % count;
        json_t *entry = json_array_get(settling->noted, at);
        if (entry_number(entry) == number) {
            (void)json_object_set_new(entry, MARK, json_string(how));
            settling->next = at + 1;
            return;
        }
    }
}

static void on_event(void *context, const tandem_event *event)
{
    struct settling *settling = context;
    settling->moves++;
    if (event->kind == TANDEM_EVENT_SETTLED) {
        mark(settling, event->entry, ACCEPTED);
    } else if (event->kind == TANDEM_EVENT_DROPPED) {
        mark(settling, event->entry, DROPPED);
    } else if (event->kind == TANDEM_EVENT_PROGRESS) {
        settling->done = event->done;
        settling->total = event->total;
    } else if (event->kind == TANDEM_EVENT_CAUGHT_UP) {
        settling->caught_up = true;
    } else if (event->kind == TANDEM_EVENT_DISCONNECTED && !settling->cli->ever_connected) {
        settling->cli->lost = true; /* the first attempt is the only one */
    } else if (event->kind == TANDEM_EVENT_DISCONNECTED) {
        settling->moves--; /* trying again is no progress */
    }
}

/* ---- Progress -------------------------------------------------------------------------------- */

static void show_progress(struct settling *settling)
{
    struct cli *cli = settling->cli;
    char done[32];
    char total[32];
    if (cli->json || !isatty(fileno(cli->err))) {
        return;
    }
    if (settling->left > 0) {
        (void)fprintf(cli->err, "\r\033[K%s of %s changes answered",
                      text_number(settling->first - settling->left, done),
                      text_number(settling->first, total));
    } else if (settling->done > 0) {
        (void)fprintf(cli->err, "\r\033[K%s", text_number(settling->done, done));
        if (settling->total > 0) {
            (void)fprintf(cli->err, " of ~%s", text_number(settling->total, total));
        }
        (void)fputs(" records fetched", cli->err);
    } else {
        return;
    }
    settling->shows_line = true;
    (void)fflush(cli->err);
}

static void clear_progress(struct settling *settling)
{
    if (settling->shows_line) {
        (void)fputs("\r\033[K", settling->cli->err);
        settling->shows_line = false;
    }
}

/* ---- Whether it is over ---------------------------------------------------------------------- */

/* Entries that wait for a person's decision about another, which may itself be one of these. */
struct held {
    struct cli *cli;
    uint64_t *numbers;
    size_t count, capacity;
    size_t able; /* entries that are not held */
    bool failed;
};

static bool is_aside(void *context, const tandem_entry *entry)
{
    bool *aside = context;
    *aside = (ENTRY_BIT(entry->state) & ENTRY_ASIDE) != 0;
    return true;
}

static bool is_held(struct held *held, uint64_t behind)
{
    bool aside = false;
    for (size_t i = 0; i < held->count; i++) {
        if (held->numbers[i] == behind) {
            return true;
        }
    }
    return behind != 0 &&
           tandem_outbox_get(held->cli->client, behind, is_aside, &aside) == TANDEM_OK && aside;
}

static bool weigh(void *context, const tandem_entry *entry)
{
    struct held *held = context;
    if (!is_held(held, entry->behind)) {
        held->able++;
        return false;
    }
    uint64_t *numbers = memory_grow(held->numbers, held->count, &held->capacity, sizeof *numbers);
    held->failed = numbers == NULL;
    if (held->failed) {
        return false;
    }
    held->numbers = numbers;
    held->numbers[held->count++] = entry->entry;
    return true;
}

static bool all_held(struct cli *cli)
{
    struct held held = {.cli = cli};
    tandem_code code = tandem_outbox_each(cli->client, ENTRY_OPEN, weigh, &held);
    memory_free(held.numbers);
    return code == TANDEM_OK && held.able == 0 && !held.failed;
}

/* `still`: nothing moved in the last turn, so that a closer look costs nothing that matters. */
static bool is_over(struct settling *settling, bool still)
{
    bool drained = settling->left == 0 || (still && all_held(settling->cli));
    return drained && (settling->caught_up || !settling->sync);
}

static void look(struct settling *settling)
{
    size_t left = tandem_outbox_count(settling->cli->client, ENTRY_OPEN);
    settling->moves += left != settling->left;
    settling->left = left;
}

static bool wait_for_end(struct settling *settling)
{
    struct cli *cli = settling->cli;
    int64_t deadline = cli_now_ms(CLOCK_MONOTONIC) + SILENCE_MS;
    bool still = false;
    for (;;) {
        uint64_t before = settling->moves;
        look(settling);
        if (is_over(settling, still)) {
            return true;
        }
        show_progress(settling);
        if (!cli_turn(cli, TURN_MS)) {
            return false;
        }
        still = settling->moves == before;
        int64_t now = cli_now_ms(CLOCK_MONOTONIC);
        deadline = still ? deadline : now + SILENCE_MS;
        if (now >= deadline) {
            tandem_last_fault(cli->client, &cli->fault);
            if (tandem_error_class(cli->fault.code) != TANDEM_UNREACHABLE) {
                cli->fault = (tandem_fault){.code = STATUS_UNREACHABLE, .change = -1};
            }
            return false;
        }
    }
}

/* Whether one that is gone has no mark yet. */
static bool lacks_word(const struct settling *settling)
{
    size_t index = 0;
    json_t *entry = NULL;
    json_array_foreach(settling->noted, index, entry)
    {
        json_t *now = json_object_get(entry, MARK) == NULL
                          ? entry_read(settling->cli, entry_number(entry))
                          : json_incref(entry);
        json_decref(now);
        if (now == NULL) {
            return true;
        }
    }
    return false;
}

/* What another process took out of the outbox is found gone a little before it is told how. */
static void wait_for_word(const struct settling *settling)
{
    const tandem_fault fault = settling->cli->fault; /* looking for what is gone sets another */
    for (unsigned i = 0; i < LAST_TURNS && lacks_word(settling); i++) {
        if (!cli_turn(settling->cli, TURN_MS)) {
            break;
        }
    }
    settling->cli->fault = fault;
}

/* ---- Running --------------------------------------------------------------------------------- */

static void note_copy(struct settling *settling)
{
    struct cli *cli = settling->cli;
    char problem[256];
    struct copy *copy = &cli->copy;
    const struct session *session = &cli->profile.session;
    (void)snprintf(copy->url, sizeof copy->url, "%s", session->url);
    (void)snprintf(copy->user, sizeof copy->user, "%s", session->user);
    (void)snprintf(copy->role, sizeof copy->role, "%.60s", tandem_user_role(cli->client));
    if (settling->caught_up) {
        copy->caught_up_ms = cli_now_ms(CLOCK_REALTIME);
    }
    if (!copy_save(&cli->profile, copy, problem)) {
        cli_note(cli, "%s", problem);
    }
}

static enum tandem_failure run(struct settling *settling)
{
    struct cli *cli = settling->cli;
    tandem_server server = cli_server(cli, false);
    enum tandem_failure failure = cli_sign_in(cli, &server);
    if (failure != TANDEM_DONE) {
        return failure;
    }
    tandem_code code =
        settling->sync ? tandem_subscribe(cli->client, NULL, 0) : (tandem_code)TANDEM_OK;
    if (code != TANDEM_OK) {
        tandem_last_fault(cli->client, &cli->fault);
        cli->fault.code = code;
        return tandem_error_class(code);
    }
    bool ended = wait_for_end(settling);
    note_copy(settling);
    if (ended) {
        wait_for_word(settling);
        return TANDEM_DONE;
    }
    failure = tandem_error_class(cli->fault.code);
    return failure == TANDEM_DONE ? TANDEM_UNREACHABLE : failure;
}

enum tandem_failure settling_run(struct cli *cli, json_t *noted, bool sync)
{
    struct settling settling = {.cli = cli, .noted = noted, .sync = sync};
    settling.first = settling.left = tandem_outbox_count(cli->client, ENTRY_OPEN);
    cli->on_event = on_event;
    cli->event_context = &settling;
    enum tandem_failure failure = run(&settling);
    cli->on_event = NULL;
    clear_progress(&settling);
    return failure;
}

/* ---- Telling --------------------------------------------------------------------------------- */

struct outcome {
    const char *word;
    size_t *count;
};

/* What became of it; *entry (borrowed until then) is replaced by the entry as it is now. */
static struct outcome find_outcome(struct cli *cli, json_t **entry, struct settled *settled)
{
    json_t *now = entry_read(cli, entry_number(*entry));
    const char *how = json_string_value(json_object_get(*entry, MARK));
    if (now == NULL && how != NULL && strcmp(how, DROPPED) == 0) {
        *entry = json_incref(*entry);
        (void)json_object_set_new(*entry, "state", json_string(DROPPED));
        (void)json_object_del(*entry, MARK);
        return (struct outcome){DROPPED, &settled->dropped};
    }
    (void)json_object_del(*entry, MARK);
    if (now == NULL || entry_is(now, TANDEM_ENTRY_ACCEPTED)) {
        json_decref(now);
        *entry = json_incref(*entry);
        (void)json_object_set_new(*entry, "state",
                                  json_string(entry_state_name(TANDEM_ENTRY_ACCEPTED)));
        return (struct outcome){ACCEPTED, &settled->accepted};
    }
    *entry = now;
    if (entry_is(now, TANDEM_ENTRY_CONFLICT)) {
        return (struct outcome){"in conflict", &settled->conflicts};
    }
    return entry_is(now, TANDEM_ENTRY_REFUSED) ? (struct outcome){"refused", &settled->refused}
                                               : (struct outcome){"waits", &settled->waiting};
}

static void print_outcome(struct cli *cli, const json_t *entry, const char *outcome)
{
    struct buffer text = {0};
    text_addf(&text, "entry %llu  ", (unsigned long long)entry_number(entry));
    entry_add_line(entry, &text);
    const char *line = text_of(&text);
    (void)fprintf(cli->out, "%-13s", outcome);
    (void)text_put(cli->out, line == NULL ? "" : line, 0);
    (void)fputc('\n', cli->out);
    buffer_release(&text);
    overwrite_print(entry, "overwrote", cli->out);
    if (entry_is(entry, TANDEM_ENTRY_CONFLICT)) {
        entry_print_conflicts(entry, cli->out);
    } else if (entry_is(entry, TANDEM_ENTRY_REFUSED)) {
        entry_add_why(entry, false, &text);
        line = text_of(&text);
        (void)fputs("  ", cli->out);
        (void)text_put(cli->out, line == NULL ? "" : line, 0);
        (void)fputc('\n', cli->out);
        buffer_release(&text);
    }
    entry_print_next_step(entry, cli->out);
}

void settling_tell(struct cli *cli, const json_t *noted, struct settled *out)
{
    size_t index = 0;
    json_t *entry = NULL;
    *out = (struct settled){.accepted = 0};
    json_array_foreach(noted, index, entry)
    {
        struct outcome outcome = find_outcome(cli, &entry, out);
        ++*outcome.count;
        overwrite_note(cli, entry);
        if (cli->json) {
            (void)json_object_set_new(entry, "outcome", json_string(outcome.word));
            entry_print_json(entry, cli->out);
        } else {
            print_outcome(cli, entry, outcome.word);
        }
        json_decref(entry);
    }
}

static void count_outcomes(struct cli *cli, const json_t *noted, struct settled *out)
{
    size_t index = 0;
    json_t *entry = NULL;
    *out = (struct settled){.accepted = 0};
    json_array_foreach(noted, index, entry)
    {
        ++*find_outcome(cli, &entry, out).count;
        json_decref(entry);
    }
}

static void remark(struct cli *cli, const struct settled *settled)
{
    if (settled->accepted > 0) {
        cli_note(cli, "%zu change%s that waited %s accepted.", settled->accepted,
                 settled->accepted == 1 ? "" : "s", settled->accepted == 1 ? "is" : "are");
    }
    if (settled->dropped > 0) {
        cli_note(cli, "%zu change%s that waited %s given up elsewhere meanwhile.", settled->dropped,
                 settled->dropped == 1 ? "" : "s", settled->dropped == 1 ? "was" : "were");
    }
    if (settled->conflicts > 0) {
        cli_note(cli, "%zu of your changes %s in conflict with others'. See: tandem conflicts",
                 settled->conflicts, settled->conflicts == 1 ? "is" : "are");
    }
    if (settled->refused > 0) {
        cli_note(cli, "%zu of your changes %s refused. See: tandem outbox", settled->refused,
                 settled->refused == 1 ? "was" : "were");
    }
}

enum tandem_failure settling_quietly(struct cli *cli, struct settled *out)
{
    json_t *noted = entry_read_all(cli, ENTRY_OPEN);
    if (noted == NULL) {
        return TANDEM_REFUSED;
    }
    enum tandem_failure failure = settling_run(cli, noted, false);
    tandem_fault fault = cli->fault; /* looking at what is gone sets another */
    count_outcomes(cli, noted, out);
    cli->fault = fault;
    remark(cli, out);
    json_decref(noted);
    return failure;
}

void settling_count_aside(struct cli *cli, struct settled *settled)
{
    settled->conflicts = tandem_outbox_count(cli->client, ENTRY_BIT(TANDEM_ENTRY_CONFLICT));
    settled->refused = tandem_outbox_count(cli->client, ENTRY_BIT(TANDEM_ENTRY_REFUSED));
}

void settling_tell_left(struct cli *cli)
{
    struct settled left = {.accepted = 0};
    settling_count_aside(cli, &left);
    if (left.conflicts > 0) {
        cli_note(cli, "%zu conflict%s %s to be settled. See: tandem conflicts", left.conflicts,
                 left.conflicts == 1 ? "" : "s", left.conflicts == 1 ? "is" : "are");
    }
    if (left.refused > 0) {
        cli_note(cli,
                 "%zu of your changes %s refused, and can be tried again or let go. See: tandem "
                 "outbox",
                 left.refused, left.refused == 1 ? "was" : "were");
    }
}

enum tandem_failure settling_status(const struct settled *settled)
{
    return settled->conflicts > 0 || settled->refused > 0 ? TANDEM_REFUSED
           : settled->waiting > 0                         ? TANDEM_UNREACHABLE
                                                          : TANDEM_DONE;
}

enum tandem_failure settling_now(struct cli *cli)
{
    struct settled settled;
    if (tandem_paused(cli->client)) {
        cli_note(cli, "It waits until this profile is connected again: tandem online");
        return TANDEM_DONE;
    }
    json_t *noted = entry_read_all(cli, ENTRY_OPEN);
    if (noted == NULL) {
        return TANDEM_REFUSED;
    }
    enum tandem_failure failure =
        json_array_size(noted) == 0 ? TANDEM_DONE : settling_run(cli, noted, false);
    tandem_fault fault = cli->fault;
    settling_tell(cli, noted, &settled);
    json_decref(noted);
    if (failure != TANDEM_DONE) {
        return cli_fault(cli, "not everything is settled", &fault);
    }
    return settling_status(&settled);
}
