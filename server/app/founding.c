#include "server/app/founding.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "protocol/message.h"
#include "server/app/commands.h"
#include "server/app/hash_pool.h"
#include "server/app/json.h"
#include "server/app/password.h"
#include "server/commit/commit.h"

uint64_t founding_now_ms(void *self)
{
    (void)self;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void founding_random(void *self, void *out, size_t size)
{
    (void)self;
    /* Ids and codes come of this; there is nothing to go on with when it fails. */
    for (size_t done = 0; done < size;) {
        ssize_t got = getrandom((char *)out + done, size - done, 0);
        if (got < 0 && errno != EINTR)
            abort();
        done += got > 0 ? (size_t)got : 0;
    }
}

struct outcome {
    bool answered;
    enum status status;
    struct fault *fault;
};

static void answered(void *self, struct origin origin, enum status status, struct bytes answer)
{
    (void)origin;
    struct outcome *outcome = self;
    struct message message;
    outcome->answered = true;
    outcome->status = status;
    if (status != STATUS_OK || answer.size == 0)
        return;
    outcome->status = message_decode(answer, &message, outcome->fault);
    if (outcome->status != STATUS_OK || message.type != MESSAGE_RESULT)
        return;
    char detail[160];
    outcome->status = status_from_name(message.as.result.status);
    bytes_to_text(message.as.result.detail, detail, sizeof detail);
    if (outcome->status != STATUS_OK)
        fault_set(outcome->fault, outcome->status, message.as.result.field, "%s", detail);
}

static void announce(void *self, struct notice *notice)
{
    (void)self, (void)notice; /* nobody listens */
}

static void failed(void *self, enum status status)
{
    struct outcome *outcome = self;
    outcome->answered = true;
    outcome->status = status;
}

enum status founding_apply(struct store *store, const struct command *command,
                           struct fault *fault)
{
    struct outcome outcome = {.fault = fault};
    struct commit_port port = {.self = &outcome, .now_ms = founding_now_ms,
                               .random = founding_random, .answered = answered,
                               .announce = announce, .failed = failed};
    struct commit_options options = {.batch_commands = 1};
    struct committer *committer = committer_new(store, &port, &options);
    if (!committer)
        return fault_set(fault, STATUS_NO_MEMORY, bytes_of(NULL, 0), "cannot read the store");
    enum status status = STATUS_BUSY;
    if (committer_submit(committer, (struct origin){.thread = 0}, command)) {
        /* What was due meanwhile goes first; a bound, since each batch takes one command. */
        for (int i = 0; i < 100 && !outcome.answered; i++)
            committer_run_batch(committer);
        status = outcome.answered ? outcome.status : STATUS_BUSY;
    }
    committer_stop(committer);
    committer_free(committer);
    return status;
}

/* Makes the folder, or takes one that is there. `*fresh`: whatever is in it will be ours. */
static enum status make_folder(const char *path, bool *fresh, struct fault *fault)
{
    *fresh = mkdir(path, 0700) == 0;
    if (*fresh)
        return STATUS_OK;
    if (errno != EEXIST)
        return fault_set(fault, STATUS_IO, bytes_of(NULL, 0), "cannot make %s: %s", path,
                         strerror(errno));
    DIR *folder = opendir(path);
    if (!folder)
        return fault_set(fault, STATUS_IO, bytes_of(NULL, 0), "cannot open %s: %s", path,
                         strerror(errno));
    int entries = 0;
    while (entries <= 2 && readdir(folder))
        entries++;
    closedir(folder);
    *fresh = entries <= 2;
    if (*fresh && chmod(path, 0700) != 0)
        return fault_set(fault, STATUS_IO, bytes_of(NULL, 0), "cannot protect %s: %s", path,
                         strerror(errno));
    return STATUS_OK;
}

/* Takes back a store that was not finished, so that nobody takes it for whole: deletes the files of
 * a folder that was empty before. */
static void take_back(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder && (entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(folder), entry->d_name, 0);
    }
    if (folder)
        closedir(folder);
}

static enum status found(struct store *store, const char *admin, const char *password,
                         struct fault *fault)
{
    char phc[128];
    enum status status = hash_password(bytes_text(password), phc);
    if (status != STATUS_OK)
        return fault_set(fault, status, bytes_of(NULL, 0), "cannot hash the password");
    struct buffer body = {.data = NULL};
    wire_put_map(&body, 2);
    wire_put_text(&body, "name");
    wire_put_text(&body, admin);
    wire_put_text(&body, "credential");
    wire_put_text(&body, phc);
    struct command command = {.kind = COMMAND_FOUND, .body = buffer_bytes(&body)};
    status = body.failed ? STATUS_NO_MEMORY : founding_apply(store, &command, fault);
    buffer_release(&body);
    return status;
}

/* Whether nobody was founded in it: the program that made it was killed before. */
static bool is_unfounded(struct store *store)
{
    struct store_reader *reader;
    struct state state;
    struct meta meta;
    bool unfounded = false;
    if (store_reader_new(store, &reader) != STATUS_OK)
        return false;
    if (store_read_begin(reader, &state) == STATUS_OK) {
        unfounded = state.ops->meta(state.self, &meta) == STATUS_OK && meta.seq == 0;
        store_read_end(reader);
    }
    store_reader_free(reader);
    return unfounded;
}

/* A new store, or one that was made and not founded. */
static enum status open_new(const char *path, struct store **store, struct fault *fault)
{
    uint8_t random[10];
    founding_random(NULL, random, sizeof random);
    struct store_options how = {.path = path, .create = true,
                                .epoch = id_make(founding_now_ms(NULL), random)};
    enum status status = store_open(&how, store, fault);
    if (status != STATUS_EXISTS)
        return status;
    how.create = false;
    if (store_open(&how, store, NULL) != STATUS_OK)
        return status;
    if (is_unfounded(*store)) {
        fault_clear(fault);
        return STATUS_OK;
    }
    store_close(*store);
    return status;
}

static enum status make_store(const struct options *options, const char *password,
                              struct fault *fault)
{
    bool fresh;
    const char *path = options->config.data;
    enum status status = make_folder(path, &fresh, fault);
    if (status != STATUS_OK)
        return status;
    struct store *store;
    status = open_new(path, &store, fault);
    /* Somebody else's, made since the folder was looked at. */
    if (status == STATUS_LOCKED || status == STATUS_EXISTS)
        return status;
    if (status == STATUS_OK) {
        status = found(store, options->admin, password, fault);
        store_close(store);
    }
    if (status != STATUS_OK && fresh)
        take_back(path);
    return status;
}

int command_init(const struct options *options)
{
    if (options->config.data[0] == '\0' || !options->admin || options->admin[0] == '\0')
        return command_usage("init needs --data and --admin");
    char password[PASSWORD_SIZE];
    char prompt[160];
    struct fault fault;
    fault_clear(&fault);
    snprintf(prompt, sizeof prompt, "Password for %.100s: ", options->admin);
    enum status status = password_choose(prompt, password, &fault);
    if (status == STATUS_OK)
        status = make_store(options, password, &fault);
    explicit_bzero(password, sizeof password);
    if (status != STATUS_OK)
        return command_failed("init", status, &fault);
    if (options->json) {
        struct json json;
        json_begin(&json, stdout);
        json_text(&json, "data", options->config.data);
        json_text(&json, "admin", options->admin);
        json_end(&json);
    } else {
        printf("A new store is in %s; its administrator is %s.\n"
               "Next: tandemd run --data %s --listen 127.0.0.1:7443 --cert F --key F\n"
               "then: tandem login wss://localhost:7443 --user %s --ca F\n",
               options->config.data, options->admin, options->config.data, options->admin);
    }
    return EXIT_DONE;
}
