#include "tests/survival/power/work.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "protocol/message.h"
#include "protocol/wire.h"
#include "server/core/access/principal.h"
#include "tests/survival/power/events.h"

#define MAP_BYTES (UINT64_C(1) << 30)
#define RESERVE_BYTES (UINT64_C(1) << 20)
#define LONGEST_NOTE 6000u /* more than a page, so that some values stand on pages of their own */

/* Ids sort by time in a store's life, so these do by client and number. */
struct id work_id(uint32_t client, uint32_t number, enum work_record which)
{
    uint8_t random[10] = {0, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)which};
    return id_make(((uint64_t)client << 24) + number, random);
}

struct id work_client(uint32_t client)
{
    struct id id = {{'d', 'e', 'v', 'i', 'c', 'e'}};
    put_u32(id.octet + 12, client);
    return id;
}

void work_text(struct buffer *out, uint32_t client, uint32_t number, enum work_record which)
{
    char text[64];
    int size = which == WORK_BOARD ? snprintf(text, sizeof text, "%u", number)
                                   : snprintf(text, sizeof text, "%u of %u", number, client);
    buffer_append(out, text, (size_t)size);
    uint64_t seed = ((uint64_t)client << 32) + number;
    uint64_t more = which == WORK_NOTE ? events_random(&seed) % LONGEST_NOTE : 0;
    for (uint64_t i = 0; i < more; i++) {
        buffer_append_byte(out, (uint8_t)('a' + (i + seed) % 26));
    }
}

static void put_text_field(struct buffer *out, const char *name, uint32_t client, uint32_t number,
                           enum work_record which)
{
    struct buffer text = {0};
    work_text(&text, client, number, which);
    wire_put_text(out, name);
    wire_put_str(out, buffer_bytes(&text));
    buffer_release(&text);
}

static void put_change(struct buffer *out, const char *op, struct id id, const char *entity)
{
    wire_put_map(out, entity != NULL ? 4 : 3);
    wire_put_text(out, "op");
    wire_put_text(out, op);
    wire_put_text(out, "id");
    wire_put_id(out, id);
    if (entity != NULL) {
        wire_put_text(out, "entity");
        wire_put_text(out, entity);
    }
    wire_put_text(out, "fields");
}

void work_mutation(struct buffer *out, uint32_t client, uint32_t number)
{
    struct buffer changes = {0};
    wire_put_array(&changes, 3);
    put_change(&changes, "create", work_id(client, number, WORK_ACCOUNT), "account");
    wire_put_map(&changes, 1);
    put_text_field(&changes, "name", client, number, WORK_ACCOUNT);

    put_change(&changes, "create", work_id(client, number, WORK_NOTE), "note");
    wire_put_map(&changes, 2);
    wire_put_text(&changes, "account");
    wire_put_id(&changes, work_id(client, number, WORK_ACCOUNT));
    put_text_field(&changes, "text", client, number, WORK_NOTE);

    put_change(&changes, number == 1 ? "create" : "update", work_id(client, 0, WORK_BOARD),
               number == 1 ? "account" : NULL);
    wire_put_map(&changes, 1);
    put_text_field(&changes, "name", client, number, WORK_BOARD);

    struct message message = {.type = MESSAGE_MUTATE};
    message.as.mutate.number = number;
    message.as.mutate.changes = buffer_bytes(&changes);
    message_encode(out, &message);
    out->failed |= changes.failed;
    buffer_release(&changes);
}

static uint64_t now_ms(void *self)
{
    struct timespec now;
    (void)self;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void fill_random(void *self, void *out, size_t size)
{
    struct workplace *place = self;
    for (size_t i = 0; i < size; i++) {
        ((uint8_t *)out)[i] = (uint8_t)events_random(&place->seed);
    }
}

static void answered(void *self, struct origin origin, enum status status, struct bytes answer)
{
    struct workplace *place = self;
    char name[40];
    uint64_t seq = 0;
    struct message message;
    snprintf(name, sizeof name, "%s", status_name(status));
    if (answer.size > 0 && message_decode(answer, &message, NULL) == STATUS_OK &&
        message.type == MESSAGE_RESULT) {
        bytes_to_text(message.as.result.status, name, sizeof name);
        seq = message.as.result.seq;
    }
    if (place->answered != NULL && origin.session != 0) {
        place->answered(place->context, (uint32_t)origin.session, (uint32_t)origin.ticket, name,
                        seq);
    }
}

static void announce(void *self, struct notice *notice)
{
    (void)self;
    (void)notice;
}

static void failed(void *self, enum status status)
{
    ((struct workplace *)self)->failed = status;
}

static void found(struct workplace *place)
{
    struct buffer body = {0};
    wire_put_map(&body, 2);
    wire_put_text(&body, "name");
    wire_put_text(&body, "admin");
    wire_put_text(&body, "credential");
    wire_put_text(&body, "hash");
    struct command command = {.kind = COMMAND_FOUND, .body = buffer_bytes(&body)};
    committer_submit(place->committer, (struct origin){0}, &command);
    buffer_release(&body);
    workplace_run(place);
}

static enum status find_admin(struct workplace *place)
{
    struct store_reader *reader;
    struct state state;
    enum status status = store_reader_new(place->store, &reader);
    if (status != STATUS_OK) {
        return status;
    }
    status = store_read_begin(reader, &state);
    if (status == STATUS_OK) {
        status = principal_find_user(&state, bytes_text("admin"), &place->admin);
        store_read_end(reader);
    }
    store_reader_free(reader);
    return status;
}

enum status workplace_open(struct workplace *place, const char *path, bool create, bool no_sync)
{
    struct store_options options = {.path = path,
                                    .map_bytes = MAP_BYTES,
                                    .reserve_bytes = RESERVE_BYTES,
                                    .no_sync = no_sync,
                                    .epoch = {{'p', 'o', 'w', 'e', 'r'}}};
    struct fault fault = {0};
    enum status status = store_open(&options, &place->store, &fault);
    if (status == STATUS_NOT_FOUND && create) {
        options.create = true;
        status = store_open(&options, &place->store, &fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    const struct commit_port port = {place, now_ms, fill_random, answered, announce, failed};
    const struct commit_options defaults = {0};
    place->committer = committer_new(place->store, &port, &defaults);
    status = place->committer == NULL ? STATUS_NO_MEMORY : find_admin(place);
    if (status == STATUS_NOT_FOUND && create) {
        found(place);
        status = place->failed != STATUS_OK ? place->failed : find_admin(place);
    }
    if (status != STATUS_OK) {
        workplace_close(place);
    }
    return status;
}

void workplace_close(struct workplace *place)
{
    committer_free(place->committer);
    store_close(place->store);
    place->committer = NULL;
    place->store = NULL;
}

bool workplace_submit(struct workplace *place, uint32_t client, uint32_t number)
{
    struct buffer body = {0};
    work_mutation(&body, client, number);
    struct command command = {.kind = COMMAND_MUTATE,
                              .actor = place->admin,
                              .client = work_client(client),
                              .body = buffer_bytes(&body)};
    struct origin origin = {0, client, number};
    bool taken = !body.failed && committer_submit(place->committer, origin, &command);
    buffer_release(&body);
    return taken;
}

void workplace_run(struct workplace *place)
{
    while (place->failed == STATUS_OK && committer_run_batch(place->committer) > 0) {
    }
}
