/* The connection of a command: open, sign in, wait (cli.h).
 *
 * Commands are short: they connect without a replica, with the token of the profile, ask, and go.
 * `tandem watch` opens a replica and lets the library reconnect. */
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "protocol/status.h"

/* Silence of this length from a server that is connected counts as unreachable. */
#define PATIENCE_MS 60000
/* Connecting, TLS and signing in (which costs the server 0.1 s and more when many do) together. */
#define CONNECT_MS 20000

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void on_event(void *context, const tandem_event *event)
{
    struct cli *cli = context;
    if (event->kind == TANDEM_EVENT_CONNECTED) {
        cli->ever_connected = true;
    } else if (event->kind == TANDEM_EVENT_DISCONNECTED && event->final) {
        cli->lost = true;
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
    int64_t left = deadline - now_ms();
    if (left <= 0) {
        set_fault(cli, STATUS_UNREACHABLE, "no answer came in time");
        return false;
    }
    return cli_turn(cli, (int)left);
}

bool cli_await(struct cli *cli, const bool *done)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    while (!*done) {
        if (!step(cli, deadline) && !*done) {
            return false;
        }
    }
    return true;
}

enum tandem_failure cli_open(struct cli *cli, const char *replica, bool *locked)
{
    tandem_options options = {.replica = replica, .on_event = on_event, .context = cli};
    tandem_code code = tandem_open(&options, &cli->client, &cli->fault);
    if (locked != NULL) {
        *locked = code == STATUS_LOCKED;
        if (*locked) {
            return TANDEM_REFUSED;
        }
    }
    if (code != TANDEM_OK) {
        cli->fault.code = code;
        return cli_fault(cli, NULL, &cli->fault);
    }
    return TANDEM_DONE;
}

enum tandem_failure cli_sign_in(struct cli *cli, const tandem_server *server)
{
    cli->ever_connected = false;
    cli->lost = false;
    tandem_code code = tandem_connect(cli->client, server, &cli->fault);
    if (code != TANDEM_OK) {
        cli->fault.code = code;
        return tandem_error_class(code);
    }
    int64_t deadline = now_ms() + CONNECT_MS;
    while (!tandem_connected(cli->client)) {
        if (!step(cli, deadline)) {
            return tandem_error_class(cli->fault.code);
        }
    }
    return TANDEM_DONE;
}

enum tandem_failure cli_connect(struct cli *cli, const char *replica)
{
    const struct session *session = &cli->profile.session;
    if (!cli->profile.signed_in) {
        return cli_refuse(cli, TANDEM_REFUSED,
                          "you are not signed in. Sign in: tandem login wss://HOST:7443 --user NAME");
    }
    enum tandem_failure failure = cli_open(cli, replica, NULL);
    if (failure != TANDEM_DONE) {
        return failure;
    }
    tandem_server server = {.url = session->url,
                            .ca = session->ca[0] == '\0' ? NULL : session->ca,
                            .method = TANDEM_SIGN_IN_TOKEN,
                            .user = session->user,
                            .secret = session->token,
                            .once = true,
                            .agent = "tandem " TANDEM_VERSION};
    failure = cli_sign_in(cli, &server);
    if (failure == TANDEM_DONE) {
        return TANDEM_DONE;
    }
    const char *what = cli->fault.code == STATUS_SIGN_IN_FAILED ? "your sign-in has ended" : NULL;
    return cli_fault(cli, what, &cli->fault);
}
