#include "tests/survival/common/talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/message.h"

/* Ends a test that hangs; nothing is measured by it. */
#define PATIENCE_MS 30000u
#define REQUEST 7u

static void on_changes(void *context, struct load_client *client, uint64_t to, unsigned records,
                       struct bytes bytes)
{
    struct talk *talk = context;
    struct message message;
    (void)client, (void)to;
    talk->records += records;
    if (message_decode(bytes, &message, NULL) == STATUS_OK && message.type == MESSAGE_CHANGES) {
        talk->entered += message_count(message.as.changes.entered);
        talk->purged += message_count(message.as.changes.purged);
    }
}

static void on_result(void *context, struct load_client *client, uint64_t number, unsigned status,
                      uint64_t seq)
{
    struct talk *talk = context;
    (void)client, (void)number;
    talk->status = status;
    talk->seq = seq;
    talk->waiting = false;
}

static void on_other(void *context, struct load_client *client, struct bytes bytes)
{
    struct talk *talk = context;
    struct message message;
    (void)client;
    if (message_decode(bytes, &message, NULL) != STATUS_OK) {
        return;
    }
    if (message.type == MESSAGE_PONG && message_has(&message, "request")) {
        talk->time = message.as.pong.time;
        talk->waiting = false;
    } else if (message.type == MESSAGE_ANSWER) {
        buffer_clear(&talk->answer);
        buffer_append(&talk->answer, bytes.data, bytes.size);
        talk->waiting = false;
    } else if (message.type == MESSAGE_ERROR) {
        talk->status = status_from_name(message.as.error.name);
        talk->retry_after = message.as.error.retry_after;
        talk->waiting = false;
    }
}

static bool is_told(void *context)
{
    const struct talk *talk = context;
    return !talk->waiting || load_phase_of(talk->client) == LOAD_CLOSED;
}

static bool await(struct talk *talk)
{
    return load_until(talk->load, is_told, talk, PATIENCE_MS) && !talk->waiting;
}

static bool is_settled(void *context)
{
    const struct talk *talk = context;
    enum load_phase phase = load_phase_of(talk->client);
    return phase == LOAD_LIVE || phase == LOAD_CLOSED;
}

bool talk_open(struct talk *talk, const struct stand *stand, const struct talk_person *person)
{
    *talk = (struct talk){.status = STATUS_UNREACHABLE};
    const struct load_options options = {
        .address = stand->server.address,
        .ca_file = stand->server.ca,
        .hooks = {.context = talk, .changes = on_changes, .result = on_result, .other = on_other}};
    const struct load_client_options one = {.user = person->name,
                                            .token = person->token,
                                            .source = person->source,
                                            .subscribe = person->watches};
    talk->load = load_new(&options);
    talk->client = talk->load == NULL ? NULL : load_add(talk->load, &one);
    return talk->client != NULL && load_connect(talk->client) &&
           load_until(talk->load, is_settled, talk, PATIENCE_MS) && talk_is_open(talk);
}

void talk_close(struct talk *talk)
{
    if (talk->load != NULL) {
        load_free(talk->load);
    }
    buffer_release(&talk->answer);
    *talk = (struct talk){.load = NULL};
}

bool talk_is_open(const struct talk *talk)
{
    return load_phase_of(talk->client) == LOAD_LIVE;
}

enum status talk_mutate(struct talk *talk, struct bytes changes)
{
    talk->waiting = true;
    return load_mutate(talk->client, changes) != 0 && await(talk) ? talk->status : STATUS_INTERNAL;
}

static bool ask(struct talk *talk, const struct message *message)
{
    struct buffer out = {.data = NULL};
    message_encode(&out, message);
    talk->waiting = true;
    bool good = !out.failed && load_send(talk->client, buffer_bytes(&out)) && await(talk);
    buffer_release(&out);
    return good;
}

bool talk_ping(struct talk *talk)
{
    struct message message = {.type = MESSAGE_PING, .as.ping.request = REQUEST};
    message_mark(&message, "request");
    return ask(talk, &message);
}

bool talk_fetch(struct talk *talk, struct id id, const char *field, char *out, size_t size,
                int64_t *modified_at)
{
    struct message message = {.type = MESSAGE_FETCH, .as.fetch.request = REQUEST};
    struct buffer ids = {.data = NULL};
    struct bytes records, record, fields, text = {.data = NULL}, time;
    wire_put_array(&ids, 1);
    wire_put_id(&ids, id);
    message.as.fetch.ids = buffer_bytes(&ids);
    out[0] = '\0';
    buffer_clear(&talk->answer);
    bool good = !ids.failed && ask(talk, &message) && talk->answer.size > 0;
    buffer_release(&ids);
    if (!good || !wire_map_find(buffer_bytes(&talk->answer), "records", &records)) {
        return good;
    }
    struct wire_reader reader = wire_read(records);
    uint32_t count = 0;
    if (wire_get_array(&reader, &count) && count == 1 && wire_skip(&reader, &record) &&
        wire_map_find(record, "fields", &fields) && wire_map_str(fields, field, &text)) {
        bytes_to_text(text, out, size);
        if (modified_at != NULL && wire_map_find(record, "modifiedAt", &time)) {
            struct wire_reader at = wire_read(time);
            good = wire_get_int(&at, modified_at);
        }
    }
    return good;
}

void talk_listen(struct talk *talk)
{
    talk->entered = talk->purged = talk->records = 0;
}

struct hearing {
    struct talk *talk;
    bool (*done)(const struct talk *talk);
};

static bool is_heard(void *context)
{
    const struct hearing *hearing = context;
    return hearing->done(hearing->talk);
}

bool talk_hears(struct talk *talk, bool (*done)(const struct talk *talk))
{
    struct hearing hearing = {.talk = talk, .done = done};
    return load_until(talk->load, is_heard, &hearing, PATIENCE_MS);
}

uint64_t talk_cpu_ms(pid_t pid)
{
    char path[64], line[1024];
    unsigned long user = 0, system = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    const char *behind_name =
        file != NULL && fgets(line, sizeof line, file) != NULL ? strrchr(line, ')') : NULL;
    if (behind_name == NULL ||
        sscanf(behind_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &system) != 2) {
        perror(path);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return (uint64_t)(user + system) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}
