/* The connection of a command: open, sign in, wait (cli.h).
 *
 * Commands are short: they connect without a replica, with the token of the profile, ask, and go.
 * `tandem watch` opens a replica and lets the library reconnect. A profile that keeps a copy is
 * looked at first: it may be offline, or something may wait in its outbox. */
#include <string.h>

#include "cli/cli.h"
#include "cli/cli_entry.h"
#include "cli/cli_mark.h"
#include "cli/cli_settle.h"
#include "cli/cli_text.h"
#include "cli/cli_trouble.h"
#include "protocol/status.h"

/* Silence of this length from a server that is connected counts as unreachable. */
#define PATIENCE_MS 60000
/* Connecting, TLS and signing in (which costs the server 0.1 s and more when many do) together. */
#define CONNECT_MS 20000

static void on_event(void *context, const tandem_event *event)
{
    struct cli *cli = context;
    if (event->kind == TANDEM_EVENT_CONNECTED) {
        cli->ever_connected = true;
    } else if (event->kind == TANDEM_EVENT_DISCONNECTED && event->final) {
        cli->lost = true;
    } else if (event->kind == TANDEM_EVENT_OUTBOX_DAMAGED) {
        cli->damaged = true;
        trouble_tell_damaged(cli, event->detail);
    }
    if (cli->on_event != NULL) {
        cli->on_event(cli->event_context, event);
    }
}

static void set_fault(struct cli *cli, tandem_code code, const char *detail)
{
    cli->fault = (tandem_fault){.code = code, .change = -1};
    (void)snprintf(cli->fault.detail, sizeof cli->fault.detail, "%s", detail);
}

bool cli_turn(struct cli *cli, int most_ms)
{
    int limit = tandem_timeout(cli->client);
    tandem_code code = tandem_wait(cli->client, limit < 0 || limit > most_ms ? most_ms : limit);
    if (code != TANDEM_OK || cli->lost) {
        tandem_last_fault(cli->client, &cli->fault);
        if (cli->fault.code == TANDEM_OK) {
            set_fault(cli, code != TANDEM_OK ? code : STATUS_UNREACHABLE, "");
        }
        return false;
    }
    return true;
}

/* The same, until a time. */
static bool step(struct cli *cli, int64_t deadline)
{
    int64_t left = deadline - cli_now_ms(CLOCK_MONOTONIC);
    if (left <= 0) {
        set_fault(cli, STATUS_UNREACHABLE, "no answer came in time");
        return false;
    }
    return cli_turn(cli, (int)left);
}

bool cli_await(struct cli *cli, const bool *done)
{
    int64_t deadline = cli_now_ms(CLOCK_MONOTONIC) + PATIENCE_MS;
    while (!*done) {
        if (!step(cli, deadline) && !*done) {
            return false;
        }
    }
    return true;
}

enum tandem_failure cli_open(struct cli *cli, const char *replica)
{
    tandem_options options = {.replica = replica, .on_event = on_event, .context = cli};
    char path[PROFILE_PATH];
    cli->in_folder =
        replica != NULL && strcmp(replica, profile_replica(&cli->profile, path)) == 0;
    tandem_code code = tandem_open(&options, &cli->client, &cli->fault);
    if (code != TANDEM_OK) {
        cli->fault.code = code;
        return cli_fault(cli, NULL, &cli->fault);
    }
    return TANDEM_DONE;
}

void cli_close(struct cli *cli)
{
    tandem_close(cli->client);
    cli->client = NULL;
    cli->local = false;
}

enum tandem_failure cli_open_copy(struct cli *cli)
{
    char path[PROFILE_PATH];
    copy_load(&cli->profile, &cli->copy);
    if (!cli->copy.kept) {
        return cli_refuse(cli, TANDEM_REFUSED,
                          "this profile keeps no copy on this machine. Make one: tandem offline");
    }
    enum tandem_failure failure = cli_open(cli, profile_replica(&cli->profile, path));
    cli->local = failure == TANDEM_DONE;
    if (cli->local) {
        (void)tandem_service(cli->client); /* nothing is connected: tells what opening has found */
        if (cli->damaged && cli->copy.offline) {
            (void)tandem_pause(cli->client, true); /* who went offline comes back by themselves */
        }
        trouble_tell_empty(cli);
    }
    return failure;
}

enum tandem_failure cli_sign_in(struct cli *cli, const tandem_server *server)
{
    cli->ever_connected = false;
    cli->lost = false;
    tandem_code code = tandem_connect(cli->client, server, &cli->fault);
    if (cli->nameless != NULL) {
        profile_delete_folder(cli->nameless);
    }
    if (code != TANDEM_OK) {
        cli->fault.code = code;
        return tandem_error_class(code);
    }
    int64_t deadline = cli_now_ms(CLOCK_MONOTONIC) + CONNECT_MS;
    while (!tandem_connected(cli->client)) {
        if (!step(cli, deadline)) {
            return tandem_error_class(cli->fault.code);
        }
    }
    return TANDEM_DONE;
}

tandem_server cli_server(const struct cli *cli, bool once)
{
    const struct session *session = &cli->profile.session;
    return (tandem_server){.url = session->url,
                           .ca = session->ca[0] == '\0' ? NULL : session->ca,
                           .method = TANDEM_SIGN_IN_TOKEN,
                           .user = session->user,
                           .secret = session->token,
                           .once = once,
                           .agent = "tandem " TANDEM_VERSION};
}

enum tandem_failure cli_refuse_signed_out(struct cli *cli)
{
    return cli_refuse(cli, TANDEM_REFUSED,
                      "you are not signed in. Sign in: tandem login wss://HOST:7443 --user NAME");
}

static enum tandem_failure tell_not_connected(struct cli *cli)
{
    const char *what = cli->fault.code == STATUS_SIGN_IN_FAILED ? "your sign-in has ended" : NULL;
    return cli_fault(cli, what, &cli->fault);
}

static bool is_unreachable(const struct cli *cli)
{
    return tandem_error_class(cli->fault.code) == TANDEM_UNREACHABLE;
}

/* ---- Past the copy --------------------------------------------------------------------------- */

/* The server is away: a profile that keeps a copy takes the change in all the same. */
static enum tandem_failure stay_local(struct cli *cli)
{
    char when[32];
    if (cli->client != NULL) {
        cli_close(cli);
    }
    enum tandem_failure failure = cli_open_copy(cli);
    if (failure == TANDEM_DONE) {
        cli_note(cli,
                 "The server cannot be reached. This is kept here, on the copy as of %s, and sent "
                 "when it can.",
                 text_local_time(cli->copy.caught_up_ms, when));
    }
    return failure;
}

/* Sends what waits before anything newer. True when the command can go on to the server; else
 * *failure says how it goes on. */
static bool send_what_waits(struct cli *cli, enum cli_need need, enum tandem_failure *failure)
{
    struct settled settled;
    *failure = settling_quietly(cli, &settled);
    if (*failure == TANDEM_DONE) {
        return true;
    }
    bool keeps = need == CLI_CHANGES && cli->copy.caught_up_ms > 0;
    if (is_unreachable(cli) && keeps) {
        *failure = stay_local(cli);
        return false;
    }
    if (is_unreachable(cli) && cli->ever_connected) {
        return true; /* the server was there and does not take it now; asking it is no harm */
    }
    *failure = tell_not_connected(cli);
    return false;
}

/* True when the command is to go to the server. */
static bool look_at_copy(struct cli *cli, enum cli_need need, enum tandem_failure *failure)
{
    *failure = cli_open_copy(cli);
    if (*failure != TANDEM_DONE) {
        return false;
    }
    if (tandem_paused(cli->client)) {
        *failure = need == CLI_SERVER
                       ? cli_refuse(cli, TANDEM_REFUSED,
                                    "this profile is offline, and only the server knows. Connect "
                                    "again: tandem online")
                       : TANDEM_DONE;
        return false;
    }
    bool past = true;
    if (tandem_outbox_count(cli->client, ENTRY_OPEN) > 0) {
        past = send_what_waits(cli, need, failure);
    }
    if (past) {
        mark_note(cli);
        cli_close(cli);
    }
    return past;
}

enum tandem_failure cli_connect(struct cli *cli, enum cli_need need)
{
    enum tandem_failure failure = TANDEM_DONE;
    if (!cli->profile.signed_in) {
        return cli_refuse_signed_out(cli);
    }
    copy_load(&cli->profile, &cli->copy);
    if (cli->copy.kept && need != CLI_PAST_COPY && !look_at_copy(cli, need, &failure)) {
        return failure;
    }
    failure = cli_open(cli, NULL);
    if (failure != TANDEM_DONE) {
        return failure;
    }
    tandem_server server = cli_server(cli, true);
    failure = cli_sign_in(cli, &server);
    if (failure == TANDEM_UNREACHABLE && need == CLI_CHANGES && cli->copy.caught_up_ms > 0) {
        return stay_local(cli);
    }
    return failure == TANDEM_DONE ? TANDEM_DONE : tell_not_connected(cli);
}
