/* user add, list, disable, enable, move, invite, certificate. */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_fields.h"
#include "cli/cli_list_of_commands.h"
#include "cli/cli_lookup.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"

#define NOT_CHANGED "the user was not changed"
#define NOT_ADDED "the user was not added"

static enum tandem_failure add_department(struct cli *cli, const char *name, void *context)
{
    struct buffer *out = context;
    struct sighting party;
    enum tandem_failure failure = lookup_party(cli, name, PARTY_DEPARTMENT, &party);
    if (failure == TANDEM_DONE) {
        text_addf(out, "%s%s", out->size == 0 ? "" : ",", party.id);
    }
    return failure;
}

/* Departments of all --department options, which may hold several names each, as ids. */
static enum tandem_failure add_departments(struct cli *cli, const struct arguments *arguments,
                                           struct buffer *out)
{
    enum tandem_failure failure = TANDEM_DONE;
    size_t count = arguments_repeats(arguments, "department");
    for (size_t i = 0; i < count && failure == TANDEM_DONE; i++) {
        failure = lookup_each_name(cli, "party", arguments_nth(arguments, "department", i),
                                   add_department, out);
    }
    return failure;
}

/* Sets where the user belongs: departments or a partner, and clears the other when moving. */
static enum tandem_failure set_belonging(struct cli *cli, tandem_mutation *mutation,
                                         const struct arguments *arguments, bool moving,
                                         const char *what)
{
    const char *partner = arguments_value(arguments, "partner");
    struct buffer departments = {0};
    struct sighting party = {.id = ""};
    enum tandem_failure failure = partner == NULL
                                      ? add_departments(cli, arguments, &departments)
                                      : lookup_party(cli, partner, PARTY_PARTNER, &party);
    const char *ids = text_of(&departments);
    if (failure == TANDEM_DONE && ids == NULL) {
        failure = cli_no_memory(cli);
    }
    if (failure == TANDEM_DONE && (moving || partner == NULL)) {
        failure = fields_set(cli, mutation, "user", "departments", ids, what);
    }
    if (failure == TANDEM_DONE && (moving || partner != NULL)) {
        failure = fields_set(cli, mutation, "user", "partner", party.id, what);
    }
    buffer_release(&departments);
    return failure;
}

static enum tandem_failure check_belonging(struct cli *cli, const struct arguments *arguments)
{
    bool department = arguments_has(arguments, "department");
    if (department == arguments_has(arguments, "partner")) {
        return cli_usage(cli, department ? "a user is of departments or of a partner, not of both"
                                         : "say where they belong: --department NAME or --partner "
                                           "NAME");
    }
    return TANDEM_DONE;
}

/* ---- The one-time code ----------------------------------------------------------------------- */

static void tell_code(struct cli *cli, const char *name, const char *id, uint64_t seq,
                      const struct cli_reply *reply)
{
    char expires[32];
    if (cli->json) {
        json_t *object = json_pack("{s:s, s:s, s:s, s:I}", "id", id, "user", name, "code",
                                   reply->code, "expires", (json_int_t)reply->expires);
        if (object != NULL && seq > 0) {
            (void)json_object_set_new(object, "seq", json_integer((json_int_t)seq));
        }
        (void)json_dumpf(object, cli->out, JSON_COMPACT);
        (void)fputc('\n', cli->out);
        json_decref(object);
        return;
    }
    (void)fprintf(cli->out,
                  "One-time code: %s  (good until %s)\n"
                  "They sign in with it in place of a password: tandem login %s --user %s%s\n",
                  reply->code, text_local_time(reply->expires, expires), cli->profile.session.url,
                  name, cli->profile.session.ca[0] == '\0' ? "" : " --ca FILE");
    if (cli->profile.session.ca[0] != '\0') {
        (void)fprintf(cli->out, "FILE is a copy of %s.\n", cli->profile.session.ca);
    }
}

static enum tandem_failure invite(struct cli *cli, const char *name, const char *id, uint64_t seq)
{
    struct cli_reply reply = {.done = false};
    enum tandem_failure failure = TANDEM_DONE;
    tandem_code code =
        cli_take_reply(cli, tandem_ask_invite(cli->client, id, cli_on_reply, &reply), &reply);
    if (code != TANDEM_OK) {
        failure = cli_fault(cli, "no one-time code was made", &cli->fault);
        cli_note(cli, "Try again: tandem user invite %s", name);
    } else {
        tell_code(cli, name, id, seq, &reply);
    }
    cli_reply_release(&reply);
    return failure;
}

static enum tandem_failure send_new_user(struct cli *cli, const struct arguments *arguments,
                                         tandem_mutation *mutation)
{
    const char *name = arguments->positional[0];
    const char *role = arguments_value(arguments, "role");
    char id[TANDEM_ID_TEXT] = "";
    uint64_t seq = 0;
    if (role == NULL) {
        role = arguments_has(arguments, "partner") ? "Partner" : "Member";
    }
    const char *pairs[][2] = {{"name", name},
                              {"role", role},
                              {"fullName", arguments_value(arguments, "full-name")},
                              {"emailAddress", arguments_value(arguments, "email")},
                              {"externalId", arguments_value(arguments, "external-id")}};
    enum tandem_failure failure = TANDEM_DONE;
    (void)tandem_create(mutation, "user", id); /* an error is told when sending */
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0] && failure == TANDEM_DONE; i++) {
        failure = pairs[i][1] == NULL
                      ? TANDEM_DONE
                      : fields_set(cli, mutation, "user", pairs[i][0], pairs[i][1], NOT_ADDED);
    }
    if (failure == TANDEM_DONE) {
        failure = set_belonging(cli, mutation, arguments, false, NOT_ADDED);
    }
    if (failure == TANDEM_DONE) {
        failure = cli_send(cli, mutation, NOT_ADDED, &seq);
    }
    if (failure != TANDEM_DONE) {
        return failure;
    }
    if (!cli->json) {
        cli_done(cli, id, seq, "Added user %s (%s).", name, role);
    }
    return invite(cli, name, id, seq);
}

enum tandem_failure command_user_add(struct cli *cli, const struct arguments *arguments)
{
    enum tandem_failure failure = check_belonging(cli, arguments);
    if (failure == TANDEM_DONE) {
        failure = cli_connect(cli, CLI_SERVER);
    }
    if (failure != TANDEM_DONE) {
        return failure;
    }
    tandem_mutation *mutation = tandem_mutation_new();
    if (mutation == NULL) {
        return cli_no_memory(cli);
    }
    failure = send_new_user(cli, arguments, mutation);
    tandem_mutation_free(mutation);
    return failure;
}

/* ---- Changing a user ------------------------------------------------------------------------- */

/* Finds the user and starts an update; NULL after telling. */
static tandem_mutation *begin_update(struct cli *cli, const char *name, struct sighting *user,
                                     enum tandem_failure *failure)
{
    *failure = cli_connect(cli, CLI_SERVER);
    if (*failure == TANDEM_DONE) {
        *failure = lookup_user(cli, name, user);
    }
    if (*failure != TANDEM_DONE) {
        return NULL;
    }
    tandem_mutation *mutation = tandem_mutation_new();
    if (mutation == NULL) {
        *failure = cli_no_memory(cli);
        return NULL;
    }
    tandem_set_base(mutation, user->seq);
    (void)tandem_update(mutation, "user", user->id); /* an error is told when sending */
    return mutation;
}

static enum tandem_failure set_disabled(struct cli *cli, const struct arguments *arguments,
                                        bool disabled)
{
    struct sighting user;
    uint64_t seq = 0;
    enum tandem_failure failure = TANDEM_DONE;
    tandem_mutation *mutation = begin_update(cli, arguments->positional[0], &user, &failure);
    if (mutation == NULL) {
        return failure;
    }
    failure =
        fields_set(cli, mutation, "user", "disabled", disabled ? "true" : "false", NOT_CHANGED);
    if (failure == TANDEM_DONE) {
        failure = cli_send(cli, mutation, NOT_CHANGED, &seq);
    }
    if (failure == TANDEM_DONE) {
        cli_done(cli, user.id, seq, "%s can %s.", user.title,
                 disabled ? "no longer sign in" : "sign in again");
    }
    tandem_mutation_free(mutation);
    return failure;
}

enum tandem_failure command_user_disable(struct cli *cli, const struct arguments *arguments)
{
    return set_disabled(cli, arguments, true);
}

enum tandem_failure command_user_enable(struct cli *cli, const struct arguments *arguments)
{
    return set_disabled(cli, arguments, false);
}

enum tandem_failure command_user_move(struct cli *cli, const struct arguments *arguments)
{
    struct sighting user;
    uint64_t seq = 0;
    const char *role = arguments_value(arguments, "role");
    enum tandem_failure failure = check_belonging(cli, arguments);
    tandem_mutation *mutation =
        failure == TANDEM_DONE
            ? begin_update(cli, arguments->positional[0], &user, &failure)
            : NULL;
    if (mutation == NULL) {
        return failure;
    }
    if (role == NULL && arguments_has(arguments, "partner")) {
        role = "Partner";
    } else if (role == NULL && strcmp(user.kind, "Partner") == 0) {
        role = "Member";
    }
    failure = set_belonging(cli, mutation, arguments, true, NOT_CHANGED);
    if (failure == TANDEM_DONE && role != NULL) {
        failure = fields_set(cli, mutation, "user", "role", role, NOT_CHANGED);
    }
    if (failure == TANDEM_DONE) {
        failure = cli_send(cli, mutation, NOT_CHANGED, &seq);
    }
    if (failure == TANDEM_DONE) {
        cli_done(cli, user.id, seq, "%s is moved.", user.title);
    }
    tandem_mutation_free(mutation);
    return failure;
}

enum tandem_failure command_user_invite(struct cli *cli, const struct arguments *arguments)
{
    struct sighting user;
    enum tandem_failure failure = cli_connect(cli, CLI_SERVER);
    if (failure == TANDEM_DONE) {
        failure = lookup_user(cli, arguments->positional[0], &user);
    }
    return failure == TANDEM_DONE ? invite(cli, user.title, user.id, 0) : failure;
}

enum tandem_failure command_user_certificate(struct cli *cli, const struct arguments *arguments)
{
    struct sighting user;
    struct cli_reply reply = {.done = false};
    const char *file = arguments->positional[1];
    if (access(file, R_OK) != 0) {
        return cli_refuse(cli, TANDEM_REFUSED, "%s cannot be read: %s", file, strerror(errno));
    }
    enum tandem_failure failure = cli_connect(cli, CLI_SERVER);
    if (failure == TANDEM_DONE) {
        failure = lookup_user(cli, arguments->positional[0], &user);
    }
    if (failure != TANDEM_DONE) {
        return failure;
    }
    cli->fault = (tandem_fault){.change = -1};
    tandem_code asked = tandem_ask_certificate(cli->client, user.id, file,
                                               cli_on_reply, &reply, &cli->fault);
    if (cli_take_reply(cli, asked, &reply) != TANDEM_OK) {
        failure = cli_fault(cli, "the certificate was not bound", &cli->fault);
    } else if (cli->json) {
        (void)fprintf(cli->out, "{\"id\":\"%s\"}\n", user.id);
    } else {
        cli_done(cli, user.id, 0, "%s can sign in with this certificate.", user.title);
    }
    cli_reply_release(&reply);
    return failure;
}
