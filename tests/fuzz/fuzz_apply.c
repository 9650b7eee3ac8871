/* Commands that no session has looked at: any body, of any actor, over the stage's small company.
 *
 * Applying never fails; its answer decodes; what is refused has changed nothing but the answers
 * that are remembered; what was taken, said again, changes nothing and gets the same answer; and
 * every record there is afterwards is one that the rest of the server can read and show. */
#include "tests/fuzz/script.h"
#include "tests/fuzz/stage.h"

#include <string.h>

#include "server/core/record/view.h"

#define COMMANDS 24u

static void dump(const struct stage *stage, bool with_clients, struct buffer *out)
{
    buffer_clear(out);
    memory_state_dump(stage->world->memory, with_clients, out);
    MUST(!out->failed);
}

static void look_at_record(const struct state *state, const struct principal *people,
                           size_t people_count, struct bytes stored)
{
    static struct record record;
    struct buffer again = {0}, shown = {0};
    unsigned live = 0;
    MUST(record_decode(stored, &record) == STATUS_OK);
    record_encode(&again, &record);
    MUST(bytes_equal(buffer_bytes(&again), stored));
    for (unsigned i = 0; i < record.field_count; i++)
        MUST(wire_validate(record.fields[i].value, NULL) == STATUS_OK);
    for (unsigned i = 0; i < record.placement_count; i++)
        live += record.placements[i].removed == 0;
    MUST(record.deleted == (live == 0));
    for (size_t i = 0; i < people_count; i++) {
        if (view_allowed(state, &people[i], &record) != STATUS_OK)
            continue;
        buffer_clear(&shown);
        view_encode(&shown, &people[i], &record);
        MUST(wire_validate(buffer_bytes(&shown), NULL) == STATUS_OK);
        MUST(view_seq(&people[i], &record) <= record.seq);
        MUST(!people[i].partner || !people[i].user.octet[0] || !record.deleted);
    }
    buffer_release(&again);
    buffer_release(&shown);
}

static void look_at_state(const struct stage *stage)
{
    const struct state state = world_state(stage->world);
    struct principal people[STAGE_SLOTS + 1];
    size_t count = 0;
    struct bytes stored;
    struct meta meta;
    uint64_t seq = 0;
    struct id id = {{0}};
    principal_system(&people[count++]);
    for (size_t i = 0; i < STAGE_SLOTS; i++) {
        const enum status status = principal_load(&state, stage->slots[i].user, &people[count]);
        MUST(status == STATUS_OK || status == STATUS_NOT_FOUND);
        count += status == STATUS_OK;
    }
    MUST(state.ops->meta(state.self, &meta) == STATUS_OK);
    while (state.ops->feed_next(state.self, &seq, &id) == STATUS_OK) {
        MUST(seq <= meta.seq);
        MUST(state.ops->record(state.self, id, &stored) == STATUS_OK);
        look_at_record(&state, people, count, stored);
    }
    MUST(state.ops->put_meta(state.self, &meta) == STATUS_OK); /* gives back what was lent */
}

/* OK, or why it was refused. */
static enum status outcome(const struct effects *effects)
{
    struct message message;
    if (effects->answer.size == 0)
        return STATUS_OK;
    MUST(message_decode(buffer_bytes(&effects->answer), &message, NULL) == STATUS_OK);
    MUST(message.type == MESSAGE_RESULT || message.type == MESSAGE_NOTE_RESULT);
    const struct bytes name = message.type == MESSAGE_RESULT ? message.as.result.status
                                                             : message.as.note_result.status;
    return bytes_is(name, "ok") ? STATUS_OK : status_from_name(name);
}

static enum status apply(struct stage *stage, const struct command *command,
                         struct effects *effects)
{
    const struct state state = world_state(stage->world);
    effects_clear(effects);
    buffer_clear(&effects->answer);
    MUST(apply_command(&state, command, effects) == STATUS_OK);
    MUST(!effects->failed && !effects->answer.failed);
    return outcome(effects);
}

static void apply_and_look(struct stage *stage, const struct command *command)
{
    struct buffer before = {0}, after = {0}, first = {0};
    struct effects effects = {0};
    dump(stage, false, &before);
    const enum status status = apply(stage, command, &effects);
    dump(stage, false, &after);
    if (status != STATUS_OK)
        MUST(bytes_equal(buffer_bytes(&before), buffer_bytes(&after)));
    if (status == STATUS_OK && (command->kind == COMMAND_MUTATE || command->kind == COMMAND_NOTE)) {
        buffer_append(&first, effects.answer.data, effects.answer.size);
        dump(stage, true, &before);
        MUST(apply(stage, command, &effects) == STATUS_OK);
        MUST(bytes_equal(buffer_bytes(&first), buffer_bytes(&effects.answer)));
        dump(stage, true, &after);
        MUST(bytes_equal(buffer_bytes(&before), buffer_bytes(&after)));
    }
    effects_release(&effects);
    buffer_release(&before);
    buffer_release(&after);
    buffer_release(&first);
}

static void play(struct stage *stage, struct script *script)
{
    const uint8_t what = script_take(script), who = script_take(script);
    struct slot *slot = &stage->slots[who % STAGE_SLOTS];
    struct buffer body = {0};
    struct command command = {.kind = COMMAND_MUTATE,
                              .actor = slot->user,
                              .client = slot->client,
                              .at_ms = ++stage->world->now_ms};
    world_fill_random(stage->world, command.entropy, sizeof command.entropy);
    if (who & 0x80)
        command.client.octet[15] ^= who >> 2 & 3u;
    if (what & 0x80)
        command.kind = 1 + what % COMMAND_NOTE;
    if (what & 0x40) {
        const struct bytes raw = script_take_bytes(script);
        buffer_append(&body, raw.data, raw.size);
    } else {
        stage_template(stage, slot, script_take(script), &body);
        for (unsigned i = 0; i < (what >> 4 & 3u); i++)
            script_bend(script, &body);
    }
    command.body = buffer_bytes(&body);
    apply_and_look(stage, &command);
    buffer_release(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = script_of(data, size);
    struct stage *stage = stage_new();
    for (unsigned i = 0; i < COMMANDS && !script_ended(&script); i++)
        play(stage, &script);
    look_at_state(stage);
    stage_free(stage);
    return 0;
}
