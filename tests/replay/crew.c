#include "tests/replay/crew.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ADMIN "root"
#define ADMIN_PASSWORD "a password for the replay"
#define PASSWORD "another password for the replay"
/* In which something must have happened. */
#define PATIENCE_MS 60000

bool crew_fail(struct crew *crew, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    if (!crew->failed) {
        (void)vsnprintf(crew->why, sizeof crew->why, format, list);
    }
    va_end(list);
    crew->failed = true;
    return false;
}

/* ---- The company: commands of the administrator ---------------------------------------------- */

struct tandem_output crew_run(const struct crew *crew, const char *const *arguments)
{
    char profile[SCRATCH_PATH + 32];
    (void)snprintf(profile, sizeof profile, "%s/profile", crew->folder);
    const struct tandem_command how = {.profile = profile, .password = ADMIN_PASSWORD};
    return tandem_command_run(&how, arguments);
}

/* Fills `out` with the text of a member of what it prints. */
static bool command(struct crew *crew, const char *member, char *out, size_t size,
                    const char *const *arguments)
{
    struct tandem_output output = crew_run(crew, arguments);
    bool good = output.status == 0;
    if (good && member != NULL) {
        tandem_output_text(&output, member, out, size);
        good = out[0] != '\0';
    }
    if (!good) {
        crew_fail(crew, "tandem %s %s: %s%s", arguments[0], arguments[1], output.out, output.err);
    }
    tandem_output_release(&output);
    return good;
}

static bool make_note(struct crew *crew)
{
    char account[TANDEM_ID_TEXT];
    const char *const login[] = {"login", crew->server.url, "--user", ADMIN,
                                 "--ca",  crew->server.ca,  NULL};
    const char *const company[] = {"add", "account", "name=Nordlys Handel", "--json", NULL};
    const char *const note[] = {"add", "note", "text=-", "--account", account, "--json", NULL};
    return command(crew, NULL, NULL, 0, login) &&
           command(crew, "id", account, sizeof account, company) &&
           command(crew, "id", crew->note, sizeof crew->note, note);
}

/* ---- People ---------------------------------------------------------------------------------- */

static uint32_t agent_of(const struct crew *crew, const char *user)
{
    for (uint32_t i = 0; i < crew->count; i++) {
        if (strcmp(crew->members[i].user, user) == 0) {
            return i;
        }
    }
    return UINT32_MAX;
}

static void on_change(struct crew_member *member, const tandem_note_event *event)
{
    struct crew *crew = member->crew;
    uint32_t agent = agent_of(crew, event->by);
    size_t from = slots_at(&member->slots, event->from);
    size_t end = slots_at(&member->slots, event->from + event->removed);
    if (event->own || agent == UINT32_MAX) {
        crew_fail(crew, "%s was told of a change by \"%s\"%s", member->user, event->by,
                  event->own ? " as their own" : "");
    } else if (from == SIZE_MAX || end == SIZE_MAX || end < from) {
        crew_fail(crew, "%s was told of a change at a place that is none", member->user);
    } else if (!slots_replace(&member->slots, from, end - from, event->inserted,
                              event->inserted_size, SLOT_OF | agent)) {
        crew_fail(crew, "out of memory");
    }
}

static void on_note(void *context, tandem_note *note, const tandem_note_event *event)
{
    struct crew_member *member = context;
    struct crew *crew = member->crew;
    (void)note;
    switch (event->kind) {
    case TANDEM_NOTE_OPENED:
        member->opened = true;
        break;
    case TANDEM_NOTE_CHANGED:
        if (crew->follows) {
            on_change(member, event);
        }
        break;
    case TANDEM_NOTE_KEPT:
        crew->kept++;
        break;
    case TANDEM_NOTE_REFUSED:
    case TANDEM_NOTE_ENDED:
        crew_fail(crew, "%s: %s: %s %s", member->user,
                  event->kind == TANDEM_NOTE_ENDED ? "the note has ended"
                                                   : "what was typed was refused",
                  tandem_error_text(event->code), event->detail);
        break;
    default:
        break;
    }
}

static void on_event(void *context, const tandem_event *event)
{
    const struct crew_member *member = context;
    if (event->kind == TANDEM_EVENT_DISCONNECTED) {
        member->crew->lost_connections++;
    }
}

/* Opens the member's folder and connects: as `how` says to sign in, and as everybody does else. */
static bool enter(struct crew_member *member, tandem_server how)
{
    char replica[SCRATCH_PATH + 32];
    tandem_fault fault = {.code = TANDEM_OK};
    (void)snprintf(replica, sizeof replica, "%s/%s", member->crew->folder, member->user);
    const tandem_options options = {.replica = replica,
                                    .on_event = on_event,
                                    .context = member,
                                    .replica_map_bytes = (size_t)1 << 30};
    how.url = member->crew->server.url;
    how.ca = member->crew->server.ca;
    how.user = member->user;
    how.remember = true;
    how.agent = "replay";
    tandem_code status = tandem_open(&options, &member->client, &fault);
    if (status == TANDEM_OK) {
        status = tandem_subscribe(member->client, NULL, 0);
    }
    if (status == TANDEM_OK) {
        status = tandem_connect(member->client, &how, &fault);
    }
    return status == TANDEM_OK || crew_fail(member->crew, "%s: %s %s", member->user,
                                            tandem_error_text(status), fault.detail);
}

static bool join(struct crew *crew, size_t number)
{
    struct crew_member *member = &crew->members[number];
    char code[64];
    *member = (struct crew_member){.crew = crew};
    slots_init(&member->slots);
    (void)snprintf(member->user, sizeof member->user, "typist%zu", number + 1);
    const char *const add[] = {"user",  "add",    member->user, "--department",
                               "sales", "--json", NULL};
    const tandem_server how = {
        .method = TANDEM_SIGN_IN_CODE, .secret = code, .new_secret = PASSWORD};
    return command(crew, "code", code, sizeof code, add) && enter(member, how);
}

static bool open_note(struct crew_member *member)
{
    tandem_code status =
        tandem_note_open(member->client, member->crew->note, on_note, member, &member->note);
    return status == TANDEM_OK || crew_fail(member->crew, "%s cannot open the note: %s",
                                            member->user, tandem_error_text(status));
}

bool crew_reopen(struct crew_member *member)
{
    const tandem_server how = {.method = TANDEM_SIGN_IN_PASSWORD, .secret = PASSWORD};
    tandem_close(member->client);
    member->client = NULL;
    member->note = NULL;
    member->opened = false;
    return enter(member, how) && open_note(member);
}

/* ---- The loop -------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool crew_serve(struct crew *crew)
{
    for (size_t i = 0; i < crew->count && !crew->failed; i++) {
        struct crew_member *member = &crew->members[i];
        tandem_code status = tandem_service(member->client);
        if (status != TANDEM_OK) {
            tandem_fault fault = {.code = TANDEM_OK};
            tandem_last_fault(member->client, &fault);
            crew_fail(crew, "%s: %s %s", member->user, tandem_error_text(status), fault.detail);
        }
    }
    return !crew->failed;
}

static bool wait_and_serve(struct crew *crew)
{
    struct pollfd polls[CREW_MOST];
    int timeout = 1000;
    for (size_t i = 0; i < crew->count; i++) {
        const tandem_client *client = crew->members[i].client;
        int want = tandem_want(client), own = tandem_timeout(client);
        polls[i] = (struct pollfd){.fd = tandem_fd(client)};
        polls[i].events = (short)((want & TANDEM_WANT_READ ? POLLIN : 0) |
                                  (want & TANDEM_WANT_WRITE ? POLLOUT : 0));
        timeout = own >= 0 && own < timeout ? own : timeout;
    }
    (void)poll(polls, crew->count, timeout);
    return crew_serve(crew);
}

typedef bool condition_fn(struct crew *crew);

static bool wait_until(struct crew *crew, condition_fn *holds, const char *what)
{
    int64_t until = now_ms() + PATIENCE_MS;
    while (!crew->failed && !holds(crew)) {
        if (now_ms() > until) {
            return crew_fail(crew, "%s after %d seconds", what, PATIENCE_MS / 1000);
        }
        wait_and_serve(crew);
    }
    return !crew->failed;
}

static bool all_connected(struct crew *crew)
{
    for (size_t i = 0; i < crew->count; i++) {
        if (!tandem_connected(crew->members[i].client)) {
            return false;
        }
    }
    return true;
}

static bool all_opened(struct crew *crew)
{
    for (size_t i = 0; i < crew->count; i++) {
        if (!crew->members[i].opened) {
            return false;
        }
    }
    return true;
}

static bool all_settled(struct crew *crew)
{
    uint64_t version = tandem_note_version(crew->members[0].note);
    for (size_t i = 0; i < crew->count; i++) {
        const struct crew_member *member = &crew->members[i];
        if (tandem_note_waiting(member->note) > 0 || tandem_note_version(member->note) != version) {
            return false;
        }
    }
    return true;
}

bool crew_settle(struct crew *crew)
{
    size_t size, other;
    if (!wait_until(crew, all_settled, "the clients do not come to the same version")) {
        return false;
    }
    const char *text = tandem_note_text(crew->members[0].note, &size);
    for (size_t i = 1; i < crew->count; i++) {
        const char *theirs = tandem_note_text(crew->members[i].note, &other);
        if (size != other || memcmp(text, theirs, size) != 0) {
            return crew_fail(crew, "at version %llu %s and %s have different texts",
                             (unsigned long long)tandem_note_version(crew->members[0].note),
                             crew->members[0].user, crew->members[i].user);
        }
    }
    return true;
}

/* ---- What the server says -------------------------------------------------------------------- */

struct asked {
    const char *text;
    size_t size;
    bool answered, same;
    tandem_code code;
};

static void on_answer(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    struct asked *asked = context;
    tandem_note_version_text told;
    asked->answered = true;
    asked->code = answer != NULL ? tandem_answer_note(answer, &told, NULL, NULL) : fault->code;
    asked->same = asked->code == TANDEM_OK && told.size == asked->size &&
                  memcmp(told.text, asked->text, told.size) == 0;
}

bool crew_server_has(struct crew *crew, const char *text, size_t size)
{
    struct asked asked = {.text = text, .size = size};
    int64_t until = now_ms() + PATIENCE_MS;
    tandem_code status = tandem_ask_note(crew->members[0].client, crew->note, 0, on_answer, &asked);
    while (status == TANDEM_OK && !asked.answered && !crew->failed && now_ms() < until) {
        wait_and_serve(crew);
    }
    if (status != TANDEM_OK || !asked.answered || asked.code != TANDEM_OK) {
        return crew_fail(crew, "the server does not tell the note's text: %s",
                         tandem_error_text(status != TANDEM_OK ? status : asked.code));
    }
    return asked.same || crew_fail(crew, "the server has another text than the clients");
}

/* ---- Opening and closing --------------------------------------------------------------------- */

static bool open_notes(struct crew *crew)
{
    for (size_t i = 0; i < crew->count; i++) {
        if (!open_note(&crew->members[i])) {
            return false;
        }
    }
    return wait_until(crew, all_opened, "not everybody has the note open");
}

bool crew_start(struct crew *crew)
{
    static const char *const drain[] = {"--drain", "1", NULL};
    return server_process_start(&crew->server, drain, 0) ||
           crew_fail(crew, "the server does not start");
}

bool crew_open(struct crew *crew, size_t count, bool follows)
{
    *crew = (struct crew){.count = 0};
    if (!scratch_make(crew->folder) ||
        !server_process_make(&crew->server, crew->folder, ADMIN, ADMIN_PASSWORD)) {
        return crew_fail(crew, "the server cannot be set up");
    }
    if (!crew_start(crew)) {
        return false;
    }
    if (!make_note(crew)) {
        return false;
    }
    for (; crew->count < count; crew->count++) {
        if (!join(crew, crew->count)) {
            crew->count++;
            return false;
        }
    }
    if (!wait_until(crew, all_connected, "not everybody is connected") || !open_notes(crew)) {
        return false;
    }
    /* The text that a note cannot be made without. */
    tandem_code status = tandem_note_delete(crew->members[0].note, 0, 1);
    bool good = (status == TANDEM_OK || crew_fail(crew, "%s", tandem_error_text(status))) &&
                crew_settle(crew);
    crew->follows = follows;
    return good;
}

bool crew_close(struct crew *crew)
{
    for (size_t i = 0; i < crew->count; i++) {
        tandem_close(crew->members[i].client);
        slots_release(&crew->members[i].slots);
    }
    bool good = server_process_stop(&crew->server);
    good = (crew->folder[0] == '\0' || crew->server.folder[0] == '\0' ||
            server_process_check(&crew->server)) &&
           good;
    scratch_remove(crew->folder);
    return good;
}
