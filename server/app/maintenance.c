/* check, backup and reset-password: what is done to a store from outside the server. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/app/app_log.h"
#include "server/app/commands.h"
#include "server/app/control.h"
#include "server/app/founding.h"
#include "server/app/hash_pool.h"
#include "server/app/json.h"
#include "server/app/password.h"
#include "server/core/credential.h"
#include "server/core/access/principal.h"
#include "server/store/store.h"

/* What is only looked at stays in the format it has. */
static enum status open_store(const struct options *options, bool as_it_is, struct store **store,
                              struct fault *fault)
{
    struct store_options how = {
        .path = options->config.data, .as_it_is = as_it_is, .tell = app_log_line};
    return store_open(&how, store, fault);
}

/* Counts what is wrong. */
static void report(void *context, const char *text)
{
    uint64_t *findings = context;
    (*findings)++;
    app_log_line(NULL, text);
}

int command_check(const struct options *options)
{
    if (options->config.data[0] == '\0')
        return command_usage("check needs --data");
    struct store *store;
    struct fault fault;
    uint64_t findings = 0, records = 0, alike = 0;
    fault_clear(&fault);
    enum status status = open_store(options, true, &store, &fault);
    if (status != STATUS_OK)
        return command_failed("check", status, &fault);
    if (!options->json)
        fprintf(stderr, "tandemd: reading every record of %s\n", options->config.data);
    status = store_check(store, report, &findings, &records);
    enum status searched = store_alike(store, app_log_line, NULL, &alike);
    store_close(store);
    if (status == STATUS_OK)
        status = searched;
    if (options->json) {
        struct json json;
        json_begin(&json, stdout);
        json_text(&json, "status", status_name(status));
        json_number(&json, "records", records);
        json_number(&json, "findings", findings);
        json_number(&json, "alike", alike);
        json_end(&json);
    } else if (status == STATUS_OK) {
        printf("%llu records, all as they should be.\n", (unsigned long long)records);
    }
    return status == STATUS_OK ? EXIT_DONE : command_failed("check", status, NULL);
}

/* By the server when one is running, since a store is open in one process at a time. */
static enum status copy_store(const struct options *options, const char *to, struct fault *fault)
{
    struct store *store;
    enum status status = open_store(options, true, &store, fault);
    if (status == STATUS_LOCKED) {
        fault_clear(fault);
        return control_backup(options->config.data, to, fault);
    }
    if (status != STATUS_OK)
        return status;
    status = store_backup(store, to, fault);
    store_close(store);
    return status;
}

int command_backup(const struct options *options)
{
    if (options->config.data[0] == '\0' || !options->to)
        return command_usage("backup needs --data and --to");
    struct fault fault;
    char to[PATH_MAX];
    fault_clear(&fault);
    /* A folder that is there may be used if it is empty, which the store judges. */
    bool made = mkdir(options->to, 0700) == 0;
    enum status status = STATUS_IO;
    /* In full, because the server stands in another folder. */
    if (realpath(options->to, to))
        status = copy_store(options, to, &fault);
    else
        fault_set(&fault, status, bytes_of(NULL, 0), "%s: %s", options->to, strerror(errno));
    if (status != STATUS_OK) {
        if (made)
            rmdir(options->to);
        return command_failed("backup", status, &fault);
    }
    if (options->json) {
        struct json json;
        json_begin(&json, stdout);
        json_text(&json, "data", options->config.data);
        json_text(&json, "to", to);
        json_end(&json);
    } else {
        printf("Copied to %s; tandemd restore makes a store of it.\n", to);
    }
    return EXIT_DONE;
}

static enum status find_user(struct store *store, const char *name, struct id *user,
                             struct fault *fault)
{
    struct store_reader *reader;
    struct state state;
    enum status status = store_reader_new(store, &reader);
    if (status != STATUS_OK)
        return status;
    status = store_read_begin(reader, &state);
    if (status == STATUS_OK) {
        status = principal_find_user(&state, bytes_text(name), user);
        store_read_end(reader);
    }
    store_reader_free(reader);
    if (status == STATUS_NOT_FOUND)
        return fault_set(fault, status, bytes_of(NULL, 0), "there is no user %s", name);
    return status;
}

static enum status set_password(struct store *store, struct id user, const char *password,
                                struct fault *fault)
{
    char phc[128];
    enum status status = hash_password(bytes_text(password), phc);
    if (status != STATUS_OK)
        return status;
    struct buffer body = {.data = NULL};
    credential_body(&body, user, CREDENTIAL_PASSWORD, bytes_text(phc), 0);
    struct command command = {.kind = COMMAND_CREDENTIAL, .body = buffer_bytes(&body)};
    status = body.failed ? STATUS_NO_MEMORY : founding_apply(store, &command, fault);
    buffer_release(&body);
    return status;
}

int command_reset_password(const struct options *options)
{
    if (options->config.data[0] == '\0' || !options->word)
        return command_usage("reset-password needs --data and a user's name");
    struct store *store;
    struct fault fault;
    struct id user;
    char password[PASSWORD_SIZE];
    fault_clear(&fault);
    enum status status = open_store(options, false, &store, &fault);
    if (status != STATUS_OK)
        return command_failed("reset-password", status, &fault);
    status = find_user(store, options->word, &user, &fault);
    if (status == STATUS_OK)
        status = password_choose("New password: ", password, &fault);
    if (status == STATUS_OK)
        status = set_password(store, user, password, &fault);
    explicit_bzero(password, sizeof password);
    store_close(store);
    if (status != STATUS_OK)
        return command_failed("reset-password", status, &fault);
    if (options->json) {
        struct json json;
        json_begin(&json, stdout);
        json_text(&json, "user", options->word);
        json_end(&json);
    } else {
        printf("The password of %s is changed; tokens and codes they had are ended.\n",
               options->word);
    }
    return EXIT_DONE;
}
