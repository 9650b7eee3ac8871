/* whoami, status, logout, passwd: what concerns the one who is signed in. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_list_of_commands.h"
#include "cli/cli_outbox.h"
#include "cli/cli_text.h"
#include "protocol/status.h"

void session_print_json(struct cli *cli)
{
    json_t *parties = json_array();
    for (size_t i = 0; i < tandem_party_count(cli->client); i++) {
        (void)json_array_append_new(parties,
                                    json_pack("{s:s, s:s}", "id", tandem_party_id(cli->client, i),
                                              "name", tandem_party_name(cli->client, i)));
    }
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:s, s:o}", "user", tandem_user_name(cli->client), "id",
                  tandem_user_id(cli->client), "role", tandem_user_role(cli->client), "url",
                  cli->profile.session.url, "parties", parties);
    if (object != NULL) {
        (void)json_dumpf(object, cli->out, JSON_COMPACT);
        (void)fputc('\n', cli->out);
        json_decref(object);
    }
}

/* As far as it is known without the server. */
static void tell_offline_user(struct cli *cli)
{
    const struct session *session = &cli->profile.session;
    bool known = cli->copy.caught_up_ms > 0; /* the file beside the copy may be damaged */
    char when[32];
    char iso[25];
    if (cli->json) {
        json_t *object = json_pack("{s:s, s:s, s:s, s:b, s:s?}", "user", session->user, "role",
                                   cli->copy.role, "url", session->url, "offline", 1, "asOf",
                                   known ? tandem_time_text(cli->copy.caught_up_ms, iso) : NULL);
        (void)json_dumpf(object, cli->out, JSON_COMPACT);
        (void)fputc('\n', cli->out);
        json_decref(object);
        return;
    }
    (void)text_put(cli->out, session->user, 0);
    (void)fputs(cli->copy.role[0] == '\0' ? "" : ", ", cli->out);
    (void)text_put(cli->out, cli->copy.role, 0);
    (void)fprintf(cli->out, ", at %s, offline with a copy %s%s\n", session->url,
                  known ? "as of " : "of which the age is not known",
                  known ? text_local_time(cli->copy.caught_up_ms, when) : "");
}

enum tandem_failure command_whoami(struct cli *cli, const struct arguments *arguments)
{
    (void)arguments;
    enum tandem_failure failure = cli_connect(cli, CLI_READS);
    if (failure != TANDEM_DONE) {
        return failure;
    }
    if (cli->local) {
        tell_offline_user(cli);
        return TANDEM_DONE;
    }
    if (cli->json) {
        session_print_json(cli);
        return TANDEM_DONE;
    }
    (void)text_put(cli->out, tandem_user_name(cli->client), 0);
    (void)fputs(", ", cli->out);
    (void)text_put(cli->out, tandem_user_role(cli->client), 0);
    for (size_t i = 0; i < tandem_party_count(cli->client); i++) {
        (void)fputs(i == 0 ? " of " : ", ", cli->out);
        (void)text_put(cli->out, tandem_party_name(cli->client, i), 0);
    }
    (void)fprintf(cli->out, ", at %s\n", cli->profile.session.url);
    return TANDEM_DONE;
}

/* What the server reports, in words for people; what is not named here is shown as it comes. */
static const struct status_item {
    const char *name, *label;
    enum { AS_IT_IS, BYTES, SPAN, TIME, WHETHER } form;
} status_items[] = {
    {"takesChanges", "takes changes", WHETHER}, {"time", "time there", TIME},
    {"uptime", "up for", SPAN},                 {"seq", "changes so far", AS_IT_IS},
    {"bytesUsed", "space used", BYTES},         {"bytesFree", "space left", BYTES},
};

static const char *item_text(const struct status_item *item, json_t *value, char out[32])
{
    uint64_t number = (uint64_t)json_integer_value(value);
    switch (item->form) {
    case BYTES:
        return text_bytes(number, out);
    case SPAN:
        return text_span(number, out);
    case TIME:
        return text_local_time(json_integer_value(value), out);
    case WHETHER:
        return json_is_true(value) ? "yes" : "no: its disk is nearly full, or has failed";
    default:
        (void)snprintf(out, 32, "%llu", (unsigned long long)number);
        return out;
    }
}

static void print_item(struct cli *cli, const char *name, json_t *value)
{
    char form[32];
    const char *label = name;
    char *other = json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    const char *text = json_is_string(value) ? json_string_value(value) : other;
    for (size_t i = 0; i < sizeof status_items / sizeof status_items[0]; i++) {
        bool fits = json_is_integer(value) || json_is_boolean(value);
        if (fits && strcmp(status_items[i].name, name) == 0) {
            label = status_items[i].label;
            text = item_text(&status_items[i], value, form);
        }
    }
    (void)text_put(cli->out, label, 0);
    (void)fprintf(cli->out, "%*s", (int)(text_width(label) < 16 ? 16 - text_width(label) : 2), "");
    (void)text_put(cli->out, text == NULL ? "" : text, 0);
    (void)fputc('\n', cli->out);
    free(other);
}

static void print_info(struct cli *cli, const char *info)
{
    json_t *object = json_loads(info, 0, NULL);
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(object, name, value) {
        print_item(cli, name, value);
    }
    json_decref(object);
}

enum tandem_failure command_status(struct cli *cli, const struct arguments *arguments)
{
    (void)arguments;
    struct cli_reply reply = {.done = false};
    enum tandem_failure failure = cli_connect(cli, CLI_SERVER);
    if (failure != TANDEM_DONE) {
        return failure;
    }
    tandem_code code =
        cli_take_reply(cli, tandem_ask_status(cli->client, cli_on_reply, &reply), &reply);
    if (code != TANDEM_OK) {
        failure = cli_fault(cli, NULL, &cli->fault);
    } else if (cli->json) {
        (void)fprintf(cli->out, "%s\n", reply.info == NULL ? "{}" : reply.info);
    } else {
        (void)fprintf(cli->out, "%-16s%s\n", "url", cli->profile.session.url);
        print_info(cli, reply.info == NULL ? "{}" : reply.info);
    }
    cli_reply_release(&reply);
    return failure;
}

/* Whether the token is worth nothing any more, so that keeping it helps nobody. */
static bool has_ended(tandem_code code)
{
    return code == TANDEM_OK || code == STATUS_SIGN_IN_FAILED || code == STATUS_NOT_SIGNED_IN;
}

static enum tandem_failure sign_out(struct cli *cli, bool everywhere, tandem_code *code)
{
    struct cli_reply reply = {.done = false};
    enum tandem_failure failure = cli_connect(cli, CLI_PAST_COPY);
    if (failure != TANDEM_DONE) {
        *code = cli->fault.code;
        return failure;
    }
    *code = cli_take_reply(
        cli, tandem_ask_sign_out(cli->client, everywhere, cli_on_reply, &reply), &reply);
    cli_reply_release(&reply);
    return *code == TANDEM_OK ? TANDEM_DONE : cli_fault(cli, "not signed out", &cli->fault);
}

enum tandem_failure command_logout(struct cli *cli, const struct arguments *arguments)
{
    bool everywhere = arguments_has(arguments, "everywhere");
    char replica[PROFILE_PATH];
    tandem_code code = TANDEM_OK;
    if (!cli->profile.signed_in) {
        return cli_refuse(cli, TANDEM_DONE, "you are not signed in");
    }
    if (!arguments_has(arguments, "discard")) {
        enum tandem_failure kept = outbox_agree_to_lose(cli, "not signed out");
        if (kept != TANDEM_DONE) {
            return kept;
        }
    }
    enum tandem_failure failure = sign_out(cli, everywhere, &code);
    /* Without the token the other sign-ins could not be ended by asking again. */
    if (!has_ended(code) && (everywhere || tandem_error_class(code) == TANDEM_UNREACHABLE)) {
        cli_note(cli, "You are still signed in%s.", everywhere ? ", here and elsewhere" : "");
        return failure;
    }
    if (arguments_has(arguments, "discard")) {
        outbox_tell_lost(cli);
    }
    profile_forget_session(&cli->profile);
    profile_delete_folder(profile_replica(&cli->profile, replica));
    if (failure == TANDEM_DONE && cli->json) {
        (void)fputs("{\"signedOut\":true}\n", cli->out);
    } else if (failure == TANDEM_DONE) {
        (void)fputs("Signed out.\n", cli->out);
    }
    return failure;
}

static enum tandem_failure change_password(struct cli *cli, const char *old, const char *fresh)
{
    struct cli_reply reply = {.done = false};
    tandem_code code = cli_take_reply(
        cli, tandem_ask_password(cli->client, old, fresh, cli_on_reply, &reply), &reply);
    cli_reply_release(&reply);
    if (code != TANDEM_OK) {
        return cli_fault(cli, "the password was not changed", &cli->fault);
    }
    profile_forget_session(&cli->profile);
    if (cli->json) {
        (void)fputs("{\"changed\":true}\n", cli->out);
    } else {
        (void)fprintf(cli->out,
                      "The password is changed, and you are signed out everywhere. Sign in again: "
                      "tandem login %s --user %s\n",
                      cli->profile.session.url, cli->profile.session.user);
    }
    return TANDEM_DONE;
}

enum tandem_failure command_passwd(struct cli *cli, const struct arguments *arguments)
{
    (void)arguments;
    char old[PROMPT_SECRET] = "";
    char fresh[PROMPT_SECRET] = "";
    enum tandem_failure failure = cli_connect(cli, CLI_SERVER);
    if (failure == TANDEM_DONE) {
        const char *given = getenv("TANDEM_PASSWORD");
        bool got = given != NULL ? snprintf(old, sizeof old, "%s", given) < (int)sizeof old
                                 : prompt_secret("Password until now: ", old);
        failure = got ? login_new_password(cli, fresh)
                      : cli_refuse(cli, TANDEM_REFUSED, "the password until now is needed, at the "
                                                        "prompt or in TANDEM_PASSWORD");
    }
    if (failure == TANDEM_DONE) {
        failure = change_password(cli, old, fresh);
    }
    explicit_bzero(old, sizeof old);
    explicit_bzero(fresh, sizeof fresh);
    return failure;
}
