#include "tests/survival/kill/crew.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "protocol/message.h"
#include "tests/survival/kill/crew_message.h"

#define WATCHER_LABEL 1000u
#define IN_FLIGHT 32u
/* How far back a mutation is sent again: the server keeps the last 256 answers. */
#define KEPT_ANSWERS 150u
#define TURN_MS 50
/* Ends a run that hangs; nothing is measured by it. */
#define PATIENCE_MS 60000u

static struct watcher *watcher_of(struct crew *crew, const struct load_client *client)
{
    size_t label = load_label(client);
    return label >= WATCHER_LABEL ? &crew->watchers[label - WATCHER_LABEL] : NULL;
}

/* ---- What comes ---------------------------------------------------------------------------- */

static void on_changes(void *context, struct load_client *client, uint64_t to, unsigned records,
                       struct bytes message)
{
    struct crew *crew = context;
    struct watcher *watcher = watcher_of(crew, client);
    (void)to, (void)records;
    const char *wrong = watcher == NULL ? "changes for a writer"
                                        : crew_apply(&watcher->sight, &watcher->cursor, message);
    if (wrong != NULL) {
        ledger_complain(crew->ledger, "a watcher was told %s", wrong);
    }
}

/* Nothing was decided: the number is still free, and so are those after it. */
static bool is_later(unsigned status)
{
    return status_retry(status) || status == STATUS_NUMBER_GAP;
}

static void on_result(void *context, struct load_client *client, uint64_t number, unsigned status,
                      uint64_t seq)
{
    struct crew *crew = context;
    unsigned index = (unsigned)load_label(client);
    crew->writers[index].outstanding--;
    if (is_later(status)) {
        crew->refusal = status != STATUS_NUMBER_GAP ? status : crew->refusal;
        crew->writers[index].held = true;
        return;
    }
    ledger_answer(crew->ledger, index, number, status, seq);
    crew->answers++;
    if (crew->victim != 0 && crew->answers >= crew->goal) {
        (void)kill(crew->victim, SIGKILL);
        crew->victim = 0;
    }
}

static void on_welcome(struct crew *crew, struct load_client *client,
                       const struct msg_welcome *welcome)
{
    size_t index = load_label(client);
    if (!id_equal(welcome->epoch, crew->seeded->epoch)) {
        ledger_complain(crew->ledger, "the epoch is another one");
    }
    if (index >= WATCHER_LABEL) {
        return;
    }
    const struct pages *pages = &crew->ledger->of[index];
    struct writer *writer = &crew->writers[index];
    if (welcome->last_number < pages->answered || welcome->last_number > pages->count) {
        ledger_complain(crew->ledger,
                        "writer %zu: the last number is %llu, with %zu answered of %zu", index,
                        (unsigned long long)welcome->last_number, pages->answered, pages->count);
    }
    uint32_t back = ledger_random(crew->ledger, 20);
    uint32_t first = (uint32_t)pages->answered + 1;
    writer->next = first > writer->answered + back ? first - back : writer->answered + 1;
    writer->outstanding = 0;
    writer->welcome = true;
    writer->held = false;
}

/* What a server may say before it closes: that it stops, or that it must, its disk having failed. */
static bool is_farewell(const struct msg_error *error)
{
    return bytes_is(error->name, status_name(STATUS_SHUTTING_DOWN)) ||
           bytes_is(error->name, status_name(STATUS_IO));
}

static void on_other(void *context, struct load_client *client, struct bytes bytes)
{
    struct crew *crew = context;
    struct message message;
    if (message_decode(bytes, &message, NULL) != STATUS_OK) {
        ledger_complain(crew->ledger, "a message is malformed");
    } else if (message.type == MESSAGE_WELCOME) {
        on_welcome(crew, client, &message.as.welcome);
    } else if (message.type == MESSAGE_CAUGHT_UP) {
        const struct watcher *watcher = watcher_of(crew, client);
        if (watcher == NULL || watcher->cursor != message.as.caught_up.seq) {
            ledger_complain(crew->ledger, "client %zu is told that it is caught up where it is not",
                            load_label(client));
        }
    } else if (message.type == MESSAGE_RESET) {
        ledger_complain(crew->ledger, "client %zu was told to start over", load_label(client));
    } else if (message.type == MESSAGE_ERROR && !is_farewell(&message.as.error)) {
        char text[300];
        ledger_complain(crew->ledger, "client %zu was told: %s", load_label(client),
                        bytes_to_text(message.as.error.text, text, sizeof text));
    }
}

static void on_closed(void *context, struct load_client *client, const char *why)
{
    struct crew *crew = context;
    (void)why;
    if (watcher_of(crew, client) == NULL) {
        crew->writers[load_label(client)].welcome = false;
    }
}

/* ---- What is sent -------------------------------------------------------------------------- */

static bool send_number(struct crew *crew, unsigned index, uint32_t number)
{
    struct writer *writer = &crew->writers[index];
    const struct pages *pages = &crew->ledger->of[index];
    uint32_t kept = pages->answered > KEPT_ANSWERS ? (uint32_t)pages->answered - KEPT_ANSWERS : 0;
    struct buffer message = {.data = NULL};
    if (kept > writer->answered) {
        writer->answered = kept;
    }
    const struct entry *entry = ledger_entry(crew->ledger, index, number);
    crew_mutation(&message, crew, index, number, entry);
    bool sent = !message.failed && load_send(writer->client, buffer_bytes(&message));
    writer->outstanding += sent;
    buffer_release(&message);
    return sent;
}

static bool send_next(struct crew *crew, unsigned index)
{
    struct writer *writer = &crew->writers[index];
    const struct pages *pages = &crew->ledger->of[index];
    if (writer->next > pages->count) {
        if (!crew->making_new) {
            return false;
        }
        uint32_t dice = ledger_random(crew->ledger, 16);
        uint32_t again = writer->answered + 1;
        if (dice == 0 && again + KEPT_ANSWERS / 2 < pages->answered) {
            again += ledger_random(crew->ledger, (uint32_t)pages->answered - writer->answered);
            return again > writer->answered + KEPT_ANSWERS / 4 && send_number(crew, index, again);
        }
        (void)ledger_plan(crew->ledger, index);
    }
    bool sent = send_number(crew, index, writer->next);
    writer->next += sent;
    return sent;
}

static void write_some(struct crew *crew)
{
    for (unsigned i = 0; i < LEDGER_WRITERS; i++) {
        struct writer *writer = &crew->writers[i];
        while (writer->welcome && !writer->held && writer->outstanding < crew->in_flight &&
               send_next(crew, i)) {
        }
    }
}

/* ---- A crew's life ------------------------------------------------------------------------- */

static struct id client_id(unsigned writer)
{
    uint8_t random[10] = {'w', 'r', 'i', 't', 'e', 'r', 0, 0, 0, (uint8_t)writer};
    return id_make(1, random);
}

static bool add_everybody(struct crew *crew)
{
    const struct seeded *seeded = crew->seeded;
    for (unsigned i = 0; i < LEDGER_WRITERS; i++) {
        const struct seed_user *user = &seeded->users[i % seeded->staff];
        const struct load_client_options options = {
            .user = user->name, .token = user->token, .client_id = client_id(i), .label = i};
        crew->writers[i].client = load_add(crew->load, &options);
        if (crew->writers[i].client == NULL) {
            return false;
        }
    }
    for (unsigned i = 0; i < CREW_WATCHERS; i++) {
        const struct seed_user *user = &seeded->users[i == 0 ? 0 : seeded->staff + i - 1];
        const struct load_client_options options = {.user = user->name,
                                                    .token = user->token,
                                                    .subscribe = true,
                                                    .epoch = seeded->epoch,
                                                    .label = WATCHER_LABEL + i};
        crew->watchers[i].user = user;
        crew->watchers[i].client = load_add(crew->load, &options);
        if (crew->watchers[i].client == NULL) {
            return false;
        }
    }
    return true;
}

bool crew_init(struct crew *crew, const struct stand *stand, struct ledger *ledger)
{
    *crew = (struct crew){.seeded = stand->seeded, .ledger = ledger, .in_flight = IN_FLIGHT};
    crew->options = (struct load_options){.address = stand->server.address,
                                          .ca_file = stand->server.ca,
                                          .resume = true,
                                          .hooks = {.context = crew,
                                                    .changes = on_changes,
                                                    .result = on_result,
                                                    .other = on_other,
                                                    .closed = on_closed}};
    crew->load = load_new(&crew->options);
    return crew->load != NULL && add_everybody(crew);
}

void crew_release(struct crew *crew)
{
    for (unsigned i = 0; i < CREW_WATCHERS; i++) {
        sight_release(&crew->watchers[i].sight);
    }
    if (crew->load != NULL) {
        load_free(crew->load);
    }
    *crew = (struct crew){.load = NULL};
}

static bool connect_everybody(struct crew *crew)
{
    bool good = true;
    for (size_t i = 0; i < load_size(crew->load); i++) {
        struct load_client *client = load_at(crew->load, i);
        enum load_phase phase = load_phase_of(client);
        if (phase == LOAD_IDLE || phase == LOAD_CLOSED) {
            good = load_connect(client) && good;
        }
    }
    return good;
}

static bool all_closed(void *context)
{
    struct crew *crew = context;
    size_t away = load_in_phase(crew->load, LOAD_CLOSED) + load_in_phase(crew->load, LOAD_IDLE);
    return away == load_size(crew->load);
}

static bool was_killed(void *context)
{
    struct crew *crew = context;
    write_some(crew);
    return crew->victim == 0 || crew->ledger->findings > 0;
}

bool crew_write_until_killed(struct crew *crew, pid_t victim, size_t answers)
{
    crew->victim = victim;
    crew->goal = answers;
    crew->answers = 0;
    crew->making_new = true;
    bool killed = connect_everybody(crew) &&
                  load_until(crew->load, was_killed, crew, PATIENCE_MS) && crew->victim == 0;
    crew->victim = 0;
    crew->making_new = false;
    return killed && crew_read_out(crew);
}

bool crew_read_out(struct crew *crew)
{
    return load_until(crew->load, all_closed, crew, PATIENCE_MS);
}

static bool all_held(void *context)
{
    struct crew *crew = context;
    size_t held = 0;
    if (crew->during != NULL) {
        crew->during(crew->during_context);
    }
    write_some(crew);
    for (unsigned i = 0; i < LEDGER_WRITERS; i++) {
        held += crew->writers[i].held && crew->writers[i].outstanding == 0;
    }
    return (held == LEDGER_WRITERS && crew->refusal == STATUS_READ_ONLY) || all_closed(crew);
}

enum crew_end crew_write_until_read_only(struct crew *crew, void (*during)(void *context),
                                         void *context)
{
    crew->making_new = true;
    crew->refusal = STATUS_OK;
    crew->during = during;
    crew->during_context = context;
    bool ended = connect_everybody(crew) && load_until(crew->load, all_held, crew, PATIENCE_MS);
    crew->during = NULL;
    crew->making_new = false;
    return !ended ? CREW_STUCK : all_closed(crew) ? CREW_LEFT : CREW_READ_ONLY;
}

/* Sends again what was refused for now; when it is refused again, again. */
static void let_go(struct crew *crew)
{
    for (unsigned i = 0; i < LEDGER_WRITERS; i++) {
        struct writer *writer = &crew->writers[i];
        if (writer->held && writer->outstanding == 0) {
            writer->held = false;
            writer->next = (uint32_t)crew->ledger->of[i].answered + 1;
        }
    }
}

static bool all_answered(void *context)
{
    struct crew *crew = context;
    let_go(crew);
    write_some(crew);
    for (unsigned i = 0; i < LEDGER_WRITERS; i++) {
        const struct pages *pages = &crew->ledger->of[i];
        const struct writer *writer = &crew->writers[i];
        if (pages->answered < pages->count || writer->outstanding > 0 || !writer->welcome) {
            return crew->ledger->findings > 0;
        }
    }
    return true;
}

bool crew_settle(struct crew *crew)
{
    return connect_everybody(crew) && load_until(crew->load, all_answered, crew, PATIENCE_MS) &&
           crew->ledger->findings == 0;
}

/* ---- Comparing ----------------------------------------------------------------------------- */

static bool may_see(const void *context, unsigned writer, uint32_t created)
{
    const struct crew *crew = ((const void *const *)context)[0];
    const struct seed_user *user = ((const void *const *)context)[1];
    struct id account = crew_account(crew->seeded, writer, created);
    bool mine = false;
    for (size_t i = 0; i < user->assigned_count; i++) {
        mine |= id_equal(user->assigned[i], account);
    }
    return mine && crew_is_shared(writer, created);
}

static void expect(const struct crew *crew, const struct seed_user *user, struct sight *out)
{
    const void *const context[] = {crew, user};
    bool staff = user < crew->seeded->users + crew->seeded->staff;
    ledger_settled(crew->ledger, staff ? NULL : may_see, context, out);
}

struct looking {
    struct crew *crew;
    struct sight *sight;
    uint64_t cursor;
};

static void on_sight(void *context, struct load_client *client, uint64_t to, unsigned records,
                     struct bytes message)
{
    struct looking *looking = context;
    (void)client, (void)to, (void)records;
    const char *wrong = crew_apply(looking->sight, &looking->cursor, message);
    if (wrong != NULL) {
        ledger_complain(looking->crew->ledger, "a new replica was told %s", wrong);
    }
}

static void on_seq(void *context, struct load_client *client, struct bytes bytes)
{
    struct looking *looking = context;
    struct message message;
    (void)client;
    if (message_decode(bytes, &message, NULL) == STATUS_OK && message.type == MESSAGE_CAUGHT_UP) {
        looking->cursor = message.as.caught_up.seq;
    }
}

bool crew_look(struct crew *crew, const struct seed_user *user, struct sight *sight, uint64_t *seq)
{
    struct looking looking = {.crew = crew, .sight = sight};
    struct load_options options = crew->options;
    const struct load_client_options one = {
        .user = user->name, .token = user->token, .subscribe = true};
    options.hooks = (struct load_hooks){.context = &looking, .changes = on_sight, .other = on_seq};
    struct load *load = load_new(&options);
    struct load_client *client = load == NULL ? NULL : load_add(load, &one);
    bool good = client != NULL && load_connect(client) && load_settle(load, PATIENCE_MS);
    *seq = looking.cursor;
    if (load != NULL) {
        load_free(load);
    }
    if (!good) {
        ledger_complain(crew->ledger, "%s could not make a replica", user->name);
    }
    return good;
}

struct waiting {
    struct watcher *watcher;
    const struct sight *expected;
    char words[160];
};

static bool holds_all(void *context)
{
    struct waiting *waiting = context;
    return !sight_differ(&waiting->watcher->sight, waiting->expected, waiting->words,
                         sizeof waiting->words);
}

static void compare_one(struct crew *crew, struct watcher *watcher)
{
    struct sight expected = {.of = {NULL}}, anew = {.of = {NULL}};
    struct waiting waiting = {.watcher = watcher, .expected = &expected};
    uint64_t seq;
    expect(crew, watcher->user, &expected);
    if (!load_until(crew->load, holds_all, &waiting, PATIENCE_MS)) {
        ledger_complain(crew->ledger, "what %s was told is not what the answers say: %s",
                        watcher->user->name, waiting.words);
    }
    if (crew_look(crew, watcher->user, &anew, &seq) &&
        sight_differ(&anew, &expected, waiting.words, sizeof waiting.words)) {
        ledger_complain(crew->ledger, "a new replica of %s is not what the answers say: %s",
                        watcher->user->name, waiting.words);
    }
    sight_release(&anew);
    sight_release(&expected);
}

void crew_compare(struct crew *crew)
{
    for (unsigned i = 0; i < CREW_WATCHERS; i++) {
        compare_one(crew, &crew->watchers[i]);
    }
}
