/* COMMAND_NOTE: change sets that a client made of a note's newest version become the next ones. */
#include <assert.h>
#include <string.h>

#include "protocol/memory.h"
#include "protocol/wire.h"
#include "server/core/apply/apply_internal.h"
#include "server/core/apply/apply_number.h"
#include "server/core/apply/apply_plan.h"
#include "server/core/note/note_edit.h"
#include "server/core/note/note_log.h"
#include "server/core/record/view.h"
#include "server/core/work.h"

/* What a record takes besides its fields and placements, and one placement, at most. */
#define RECORD_SLACK 1024u
#define PLACEMENT_MOST 51u

#define TOO_MANY_SETS "at most 16 change sets in one push: compose them, or send several"
_Static_assert(LIMIT_NOTE_PUSH == 16, "the words say so");

struct push {
    const struct state *state;
    const struct command *command;
    const struct msg_note_push *message;
    struct principal actor;
    struct number_row device;
    struct record *record;
    size_t other_bytes; /* of the record, besides its text */
    struct note_edit edit;
    bool readable; /* the actor may hear of the note's version */
    bool repeated; /* it was taken before, and is answered as it was then */
    struct fault fault;
    struct effects *effects;
};

static void weigh(const struct push *push, size_t bytes)
{
    push->effects->work += work_of(bytes);
}

/* The whole note was gone through once: its text, and who wrote which run of it. */
static void weigh_note(const struct push *push)
{
    weigh(push, note_edit_text(&push->edit).size + push->edit.runs.count * WORK_RUN_BYTES);
}

static enum status refuse(struct push *push, enum status status, const char *detail)
{
    return fault_set(&push->fault, status, (struct bytes){NULL, 0}, "%s", detail);
}

static enum status put_answer(const struct push *push, enum status outcome, struct effects *effects)
{
    struct message message = {.type = MESSAGE_NOTE_RESULT};
    struct msg_note_result *result = &message.as.note_result;
    if (push->message) {
        result->request = push->message->request;
        result->note = push->message->note;
    }
    result->status = bytes_text(status_name(outcome));
    result->version = push->readable ? push->edit.head.version : 0;
    if (outcome != STATUS_OK && push->fault.change >= 0) {
        result->change = (uint64_t)push->fault.change;
        message_mark(&message, "change");
    }
    if (outcome != STATUS_OK && push->fault.detail[0]) {
        result->detail = bytes_text(push->fault.detail);
        message_mark(&message, "detail");
    }
    buffer_clear(&effects->answer);
    message_encode(&effects->answer, &message);
    return effects->answer.failed ? STATUS_NO_MEMORY : STATUS_OK;
}

/* Ids of devices are in the log for all to read: what is pushed under somebody else's would be taken
 * for theirs. */
static enum status check_device(struct push *push)
{
    const enum status status =
        number_read(push->state, push->command->client, push->actor.user, &push->device);
    if (status == STATUS_OK && !id_equal(push->device.user, push->actor.user))
        return refuse(push, STATUS_DENIED, "this client belongs to another user");
    return status;
}

/* The note, when the actor may read its text. */
static enum status load(struct push *push)
{
    const struct state *state = push->state;
    struct bytes stored;
    enum status status = view_load(state, &push->actor, push->message->note, push->record);
    if (status == STATUS_OK && !bytes_is(push->record->entity, "note"))
        status = STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        status = state->ops->record(state->self, push->message->note, &stored);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? refuse(push, status, status_text(status)) : status;
    const struct record_field *text = record_field(push->record, "text");
    if (text && !access_sees_field(&push->actor, push->record, text))
        return refuse(push, STATUS_DENIED,
                      verdict_text((struct verdict){false, REASON_FIELD_CLASS}));
    push->other_bytes = stored.size - (text ? text->value.size : 0) + RECORD_SLACK +
                        push->record->placement_count * PLACEMENT_MOST;
    return STATUS_OK;
}

static enum status may_write(struct push *push)
{
    struct opening opening;
    const enum status status =
        access_opening(push->state, &push->actor, push->record->scope, &opening);
    if (status != STATUS_OK)
        return status;
    const struct verdict verdict =
        access_judge(&push->actor, &opening, push->record, ACTION_COMMENT);
    return verdict.allowed ? STATUS_OK
                           : refuse(push, verdict_status(verdict), verdict_text(verdict));
}

static enum status check_set(struct push *push, const struct change_set *set)
{
    const struct bytes text = buffer_bytes(&set->text);
    if (change_set_is_empty(set))
        return refuse(push, STATUS_INVALID_VALUE, "changes nothing");
    if (text.size > 0 && (memchr(text.data, '\r', text.size) || memchr(text.data, 0, text.size)))
        return refuse(push, STATUS_INVALID_VALUE, "lines end with \\n, and there is no NUL");
    return STATUS_OK;
}

static enum status add_set(struct push *push, struct bytes encoded, struct change_set *set)
{
    struct note_author author = {.by = bytes_text(push->actor.name),
                                 .client = push->command->client,
                                 .at_ms = push->command->at_ms};
    struct meta meta;
    enum status status = change_set_read(encoded, set, &push->fault);
    weigh_note(push);
    if (status == STATUS_WRONG_KIND)
        status = STATUS_MALFORMED;
    if (status == STATUS_OK)
        status = check_set(push, set);
    if (status == STATUS_OK)
        status = push->state->ops->meta(push->state->self, &meta);
    if (status != STATUS_OK)
        return status;
    author.seq = meta.seq;
    status = note_edit_add(&push->edit, set, &author, &push->fault);
    if (status == STATUS_OK &&
        push->other_bytes + note_edit_text(&push->edit).size > LIMIT_RECORD_BYTES)
        return refuse(push, STATUS_TOO_LARGE, "a record has 256 KiB at most");
    return status;
}

static enum status add_sets(struct push *push)
{
    struct wire_reader reader = wire_read(push->message->changes);
    struct change_set set = {0};
    uint32_t count;
    if (!wire_get_array(&reader, &count))
        return refuse(push, STATUS_MALFORMED, "changes must be an array of change sets");
    if (count == 0)
        return refuse(push, STATUS_INVALID_VALUE, "changes nothing");
    if (count > LIMIT_NOTE_PUSH)
        return refuse(push, STATUS_LIMIT, TOO_MANY_SETS);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        struct bytes encoded;
        push->fault.change = (int)i;
        status = wire_skip(&reader, &encoded) ? add_set(push, encoded, &set)
                                              : refuse(push, STATUS_MALFORMED, "");
    }
    change_set_release(&set);
    return status;
}

/* Whether the set, as it is written in the log, is what the user made the version with, on this
 * device: ids of devices are no secret. */
static enum status made_before(const struct push *push, uint64_t version, struct bytes encoded,
                               bool *same)
{
    struct note_log log;
    struct note_entry entry;
    struct change_set set = {0};
    note_log_begin(&log, push->state, push->message->note);
    const enum status status = note_log_at(&log, version, &entry);
    weigh(push, encoded.size + (status == STATUS_OK ? note_entry_size(&entry) : 0));
    *same = status == STATUS_OK && id_equal(entry.client, push->command->client) &&
            bytes_equal(entry.by, bytes_text(push->actor.name)) &&
            change_set_read(encoded, &set, NULL) == STATUS_OK && change_set_equal(&set, entry.set);
    change_set_release(&set);
    note_log_release(&log);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Behind, or this very push sent again, since its answer was lost: what follows its base is what it
 * says, from the same device. */
static enum status answer_older(struct push *push)
{
    struct wire_reader reader = wire_read(push->message->changes);
    struct bytes encoded;
    uint32_t count = 0;
    const uint64_t base = push->message->base, newest = push->edit.head.version;
    bool same = base < newest && wire_get_array(&reader, &count) && count > 0 &&
                count <= LIMIT_NOTE_PUSH && count <= newest - base;
    for (uint32_t i = 0; same && i < count; i++) {
        same = wire_skip(&reader, &encoded);
        const enum status status =
            same ? made_before(push, base + 1 + i, encoded, &same) : STATUS_OK;
        if (status != STATUS_OK)
            return status;
    }
    if (!same)
        return refuse(push, STATUS_BEHIND, status_text(STATUS_BEHIND));
    push->repeated = true;
    push->edit.head.version = base + count;
    return STATUS_OK;
}

static enum status run(struct push *push)
{
    enum status status = load(push);
    if (status != STATUS_OK)
        return status;
    status = note_edit_begin(&push->edit, push->state, push->record);
    weigh_note(push);
    push->readable = status == STATUS_OK;
    if (status == STATUS_OK)
        status = may_write(push);
    if (status == STATUS_OK && push->message->base != push->edit.head.version)
        return answer_older(push);
    return status == STATUS_OK ? add_sets(push) : status;
}

/* What a refusal tells is the version that still is the newest. */
static void take_back(struct push *push)
{
    if (push->readable)
        push->edit.head.version = push->edit.log_from - 1;
}

static enum status push_as(struct push *push, struct effects *effects)
{
    enum status status = principal_load(push->state, push->command->actor, &push->actor);
    if (status == STATUS_NOT_FOUND)
        status = refuse(push, STATUS_DENIED, "this user may not sign in");
    if (status == STATUS_OK)
        status = check_device(push);
    if (status == STATUS_OK)
        status = run(push);
    if (apply_is_failure(status))
        return status;
    if (status != STATUS_OK) {
        take_back(push);
        return put_answer(push, status, effects);
    }
    if (push->repeated)
        return put_answer(push, STATUS_OK, effects);
    const uint64_t version = push->edit.head.version;
    status = number_claim(push->state, &push->device);
    if (status == STATUS_OK)
        status = note_edit_write(&push->edit, push->state);
    if (status != STATUS_OK)
        return status;
    assert(push->edit.head.version == version);
    effects_touch_note(effects, push->message->note);
    return effects->failed ? STATUS_NO_MEMORY : put_answer(push, STATUS_OK, effects);
}

enum status apply_note(const struct state *state, const struct command *command,
                       struct effects *effects)
{
    struct message message;
    struct push push = {.state = state, .command = command, .effects = effects};
    fault_clear(&push.fault);
    enum status status = message_decode(command->body, &message, &push.fault);
    if (status != STATUS_OK || message.type != MESSAGE_NOTE_PUSH) {
        fault_clear(&push.fault);
        return put_answer(&push, refuse(&push, STATUS_MALFORMED, "this is no push"), effects);
    }
    push.message = &message.as.note_push;
    push.record = memory_resize(NULL, sizeof *push.record);
    status = push.record ? push_as(&push, effects) : STATUS_NO_MEMORY;
    note_edit_release(&push.edit);
    memory_free(push.record);
    return status;
}
