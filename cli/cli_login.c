/* login: signing in, and being remembered by a token. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_list_of_commands.h"
#include "cli/cli_outbox.h"
#include "cli/cli_prompt.h"
#include "cli/cli_text.h"
#include "protocol/status.h"

struct secrets {
    char secret[PROMPT_SECRET];
    char fresh[PROMPT_SECRET];
    char repeat[PROMPT_SECRET];
};

/* From the variable, or else the prompt. False when neither gives one. */
static bool get_secret(const char *variable, const char *question, char out[PROMPT_SECRET])
{
    const char *given = getenv(variable);
    if (given == NULL) {
        return prompt_secret(question, out);
    }
    return snprintf(out, PROMPT_SECRET, "%s", given) < PROMPT_SECRET;
}

enum tandem_failure login_new_password(struct cli *cli, char out[PROMPT_SECRET])
{
    char repeat[PROMPT_SECRET];
    if (!get_secret("TANDEM_NEW_PASSWORD", "New password: ", out)) {
        return cli_refuse(cli, TANDEM_REFUSED, "a new password is needed, at the prompt or in "
                                               "TANDEM_NEW_PASSWORD");
    }
    if (getenv("TANDEM_NEW_PASSWORD") != NULL) {
        return TANDEM_DONE;
    }
    bool same = prompt_secret("The same again: ", repeat) && strcmp(out, repeat) == 0;
    explicit_bzero(repeat, sizeof repeat);
    return same ? TANDEM_DONE
                : cli_refuse(cli, TANDEM_REFUSED, "the two passwords differ; nothing was changed");
}

static bool is_code_failure(const struct cli *cli)
{
    return cli->fault.code == STATUS_SIGN_IN_FAILED && getenv("TANDEM_NEW_PASSWORD") != NULL;
}

static enum tandem_failure tell_failed(struct cli *cli, const tandem_server *server)
{
    bool unbound = server->method == TANDEM_SIGN_IN_CERTIFICATE &&
                   cli->fault.code == STATUS_SIGN_IN_FAILED;
    return unbound ? cli_fault_in_words(cli,
                                        "this certificate is not bound to a user here: an "
                                        "administrator runs tandem user certificate NAME FILE",
                                        &cli->fault)
                   : cli_fault(cli, "not signed in", &cli->fault);
}

static enum tandem_failure attempt(struct cli *cli, tandem_server *server)
{
    enum tandem_failure failure = cli_sign_in(cli, server);
    if (failure == TANDEM_DONE || server->method != TANDEM_SIGN_IN_PASSWORD ||
        !is_code_failure(cli)) {
        return failure == TANDEM_DONE ? failure : tell_failed(cli, server);
    }
    /* A code written without its dashes looks like any password. */
    server->method = TANDEM_SIGN_IN_CODE;
    server->new_secret = getenv("TANDEM_NEW_PASSWORD");
    failure = cli_sign_in(cli, server);
    return failure == TANDEM_DONE ? failure : tell_failed(cli, server);
}

static enum tandem_failure ask_secrets(struct cli *cli, tandem_server *server,
                                       struct secrets *secrets)
{
    char question[256];
    (void)snprintf(question, sizeof question, "Password (or one-time code) of %s: ", server->user);
    if (!get_secret("TANDEM_PASSWORD", question, secrets->secret)) {
        return cli_refuse(cli, TANDEM_REFUSED,
                          "a password is needed, at the prompt or in TANDEM_PASSWORD");
    }
    server->method = TANDEM_SIGN_IN_PASSWORD;
    server->secret = secrets->secret;
    if (!prompt_is_code(secrets->secret)) {
        return TANDEM_DONE;
    }
    server->method = TANDEM_SIGN_IN_CODE;
    server->new_secret = secrets->fresh;
    return login_new_password(cli, secrets->fresh);
}

/* Another user or server must not go on with what this one's replica holds. */
static void drop_foreign_replica(const struct profile *profile, const char *url, const char *user)
{
    char path[PROFILE_PATH];
    if (copy_is_foreign(profile, url, user)) {
        profile_delete_folder(profile_replica(profile, path));
    }
}

/* A sign-in that nobody wants is not left behind; it would only expire later if this failed. */
static void give_back(struct cli *cli)
{
    struct cli_reply reply = {.done = false};
    (void)cli_take_reply(cli, tandem_ask_sign_out(cli->client, false, cli_on_reply, &reply),
                         &reply);
    cli_reply_release(&reply);
}

/* What the one before typed and the server does not have yet is not lost by the way, and not without
 * being told. The outbox is opened by a handle of its own, beside the connection. */
static enum tandem_failure leave_what_waits(struct cli *cli, const char *url, bool discard)
{
    enum tandem_failure failure = TANDEM_DONE;
    tandem_client *connected = cli->client;
    if (!copy_is_foreign(&cli->profile, url, tandem_user_name(connected))) {
        return TANDEM_DONE;
    }
    cli->client = NULL;
    if (discard) {
        outbox_tell_lost(cli);
    } else {
        failure = outbox_agree_to_lose(cli, "not signed in");
    }
    cli->client = connected;
    if (failure != TANDEM_DONE) {
        give_back(cli);
    }
    return failure;
}

static enum tandem_failure remember(struct cli *cli, const char *url, const char *ca)
{
    struct session *session = &cli->profile.session;
    const char *token = tandem_token(cli->client);
    const char *user = tandem_user_name(cli->client);
    char problem[256];
    if (token == NULL) {
        return cli_refuse(cli, TANDEM_REFUSED, "the server gave no token to remember you by");
    }
    drop_foreign_replica(&cli->profile, url, user);
    bool fits = snprintf(session->url, sizeof session->url, "%s", url) < (int)sizeof session->url;
    fits = snprintf(session->ca, sizeof session->ca, "%s", ca) < (int)sizeof session->ca && fits;
    fits = snprintf(session->user, sizeof session->user, "%s", user) < (int)sizeof session->user &&
           fits;
    fits =
        snprintf(session->token, sizeof session->token, "%s", token) < (int)sizeof session->token &&
        fits;
    if (!fits) {
        return cli_refuse(cli, TANDEM_REFUSED, "the address or a path is too long");
    }
    return profile_save(&cli->profile, problem) ? TANDEM_DONE
                                                : cli_refuse(cli, TANDEM_REFUSED, "%s", problem);
}

static void tell_signed_in(struct cli *cli, const char *url)
{
    if (cli->json) {
        session_print_json(cli);
        return;
    }
    (void)fprintf(cli->out, "Signed in to %s as ", url);
    (void)text_put(cli->out, tandem_user_name(cli->client), 0);
    (void)fputs(" (", cli->out);
    (void)text_put(cli->out, tandem_user_role(cli->client), 0);
    (void)fputs(").\n", cli->out);
}

/* A certificate signs in whom it is bound to, whatever name was given with it. */
static enum tandem_failure check_name(struct cli *cli, const tandem_server *server)
{
    const char *name = tandem_user_name(cli->client);
    if (server->method != TANDEM_SIGN_IN_CERTIFICATE || server->user == NULL ||
        text_same(server->user, name)) {
        return TANDEM_DONE;
    }
    give_back(cli);
    return cli_refuse(cli, TANDEM_REFUSED,
                      "this certificate is bound to %s, not to %s; nobody was signed in", name,
                      server->user);
}

static enum tandem_failure sign_in(struct cli *cli, tandem_server *server, const char *ca,
                                   bool discard)
{
    struct secrets secrets = {.secret = ""};
    enum tandem_failure failure = TANDEM_DONE;
    if (server->method != TANDEM_SIGN_IN_CERTIFICATE) {
        failure = ask_secrets(cli, server, &secrets);
    }
    if (failure == TANDEM_DONE) {
        failure = cli_open(cli, NULL);
    }
    if (failure == TANDEM_DONE) {
        failure = attempt(cli, server);
    }
    if (failure == TANDEM_DONE) {
        failure = check_name(cli, server);
    }
    if (failure == TANDEM_DONE) {
        failure = leave_what_waits(cli, server->url, discard);
    }
    if (failure == TANDEM_DONE) {
        failure = remember(cli, server->url, ca);
    }
    if (failure == TANDEM_DONE) {
        tell_signed_in(cli, server->url);
    }
    explicit_bzero(&secrets, sizeof secrets);
    return failure;
}

enum tandem_failure command_login(struct cli *cli, const struct arguments *arguments)
{
    const char *ca = arguments_value(arguments, "ca");
    const char *certificate = arguments_value(arguments, "certificate");
    const char *key = arguments_value(arguments, "key");
    char ca_path[PATH_MAX] = "";
    tandem_server server = {.url = arguments->positional[0],
                            .user = arguments_value(arguments, "user"),
                            .certificate = certificate,
                            .key = key,
                            .method = TANDEM_SIGN_IN_CERTIFICATE,
                            .remember = true,
                            .once = true,
                            .agent = "tandem " TANDEM_VERSION};
    if (strncmp(server.url, "wss://", 6) != 0) {
        return cli_usage(cli, "the address begins with wss://, as wss://localhost:7443");
    }
    if ((certificate == NULL) != (key == NULL)) {
        return cli_usage(cli, "--certificate and --key belong together");
    }
    if (certificate == NULL) {
        server.method = TANDEM_SIGN_IN_PASSWORD;
    }
    if (server.user == NULL && certificate == NULL) {
        return cli_usage(cli, "say who signs in: --user NAME");
    }
    if (ca != NULL && realpath(ca, ca_path) == NULL) {
        return cli_refuse(cli, TANDEM_REFUSED, "%s cannot be read: %s", ca, strerror(errno));
    }
    const char *const files[] = {certificate, key};
    for (size_t i = 0; i < sizeof files / sizeof files[0] && certificate != NULL; i++) {
        if (access(files[i], R_OK) != 0) {
            return cli_refuse(cli, TANDEM_REFUSED, "%s cannot be read: %s", files[i],
                              strerror(errno));
        }
    }
    server.ca = ca == NULL ? NULL : ca_path;
    cli->attempt = &server;
    enum tandem_failure failure = sign_in(cli, &server, ca_path, arguments_has(arguments, "discard"));
    cli->attempt = NULL;
    return failure;
}
