/* Live notes from outside and from disk. The first byte chooses.
 *
 * Bytes as rows: corrupt, or what encodes to the same bytes again (to the same entries, of a log);
 * as runs they read back. Else a script of pushes of any change sets, whole texts and pauses by
 * several people: applying never fails, what is refused changes nothing, every version reads, and
 * its runs are as long as its text.
 */
#include "tests/fuzz/script.h"
#include "tests/fuzz/stage.h"

#include <string.h>

#include "protocol/utf16.h"
#include "server/core/note/note_block.h"
#include "server/core/note/note_row.h"
#include "server/core/note/note_runs.h"

#define STEPS 24u

static void same_again(struct buffer *again, struct bytes row)
{
    MUST(bytes_equal(buffer_bytes(again), row));
    buffer_clear(again);
}

/* What can be read of a row of the log is written and read again. */
static void use_log_row(struct bytes row)
{
    struct note_block from, to, back;
    struct note_entry entry, again;
    struct change_set set = {0}, copy = {0};
    struct buffer written = {0};
    if (note_block_begin(row, 1, &from) != STATUS_OK)
        return;
    while (note_block_next(&from, &entry, &set) == STATUS_OK) {
        note_block_start(&to, &written, &entry);
        MUST(note_block_add(&to, &written, &entry));
        MUST(note_block_begin(buffer_bytes(&written), entry.version, &back) == STATUS_OK);
        MUST(note_block_next(&back, &again, &copy) == STATUS_OK);
        MUST(again.version == entry.version && again.at_ms == entry.at_ms);
        MUST(again.seq == entry.seq && id_equal(again.client, entry.client));
        MUST(bytes_equal(again.by, entry.by) && change_set_equal(&copy, &set));
        MUST(note_block_next(&back, &again, NULL) == STATUS_NOT_FOUND);
    }
    change_set_release(&set);
    change_set_release(&copy);
    buffer_release(&written);
}

static void use_row(struct bytes row)
{
    struct note_head head;
    struct note_snapshot snapshot;
    struct note_runs runs = {0}, back = {0};
    struct buffer again = {0};
    uint64_t before_ms;
    if (note_head_decode(row, &head) == STATUS_OK) {
        note_head_encode(&again, &head);
        same_again(&again, row);
    }
    use_log_row(row);
    if (note_snapshot_decode(row, &snapshot) == STATUS_OK) {
        note_snapshot_encode(&again, &snapshot);
        same_again(&again, row);
    }
    if (note_horizon_decode(row, &before_ms) == STATUS_OK) {
        note_horizon_encode(&again, before_ms);
        same_again(&again, row);
    }
    if (note_runs_read(row, &runs) == STATUS_OK) {
        note_runs_write(&runs, &again);
        MUST(note_runs_read(buffer_bytes(&again), &back) == STATUS_OK);
        MUST(back.count == runs.count && note_runs_length(&back) == note_runs_length(&runs));
    }
    note_runs_release(&runs);
    note_runs_release(&back);
    buffer_release(&again);
}

/* The stored bytes of a row are not ours to trust: heads and snapshots that decode, under a note.
 */
static void use_stored(struct stage *stage, struct bytes row)
{
    const struct state state = world_state(stage->world);
    static struct record record;
    struct buffer text = {0}, runs = {0};
    struct bytes stored;
    if (row.size == 0)
        return;
    MUST(state.ops->put_note_head(state.self, stage->shared_note, row) == STATUS_OK);
    MUST(state.ops->put_note_row(state.self, NOTE_SNAPSHOT, stage->shared_note, 0, row) ==
         STATUS_OK);
    MUST(state.ops->put_note_row(state.self, NOTE_LOG, stage->shared_note, 1, row) == STATUS_OK);
    MUST(state.ops->record(state.self, stage->shared_note, &stored) == STATUS_OK);
    MUST(record_decode(stored, &record) == STATUS_OK);
    for (uint64_t version = 0; version < 3; version++) {
        const enum status status = note_read_version(&state, &record, version, &text, &runs);
        MUST(status == STATUS_OK || status == STATUS_CORRUPT || status == STATUS_NOT_FOUND);
    }
    buffer_release(&text);
    buffer_release(&runs);
}

static void look_at_note(const struct state *state, struct id note)
{
    static struct record record;
    struct note_head head;
    struct bytes stored;
    struct buffer text = {0}, encoded = {0}, scratch = {0};
    struct note_runs runs = {0};
    MUST(state->ops->record(state->self, note, &stored) == STATUS_OK);
    MUST(record_decode(stored, &record) == STATUS_OK);
    MUST(note_read_head(state, &record, &scratch, &head) == STATUS_OK);
    for (uint64_t version = head.oldest; version <= head.version; version++) {
        buffer_clear(&text);
        buffer_clear(&encoded);
        MUST(note_read_version(state, &record, version, &text, &encoded) == STATUS_OK);
        MUST(wire_utf8_valid(buffer_bytes(&text)) && text.size <= LIMIT_NOTE_TEXT);
        MUST(note_runs_read(buffer_bytes(&encoded), &runs) == STATUS_OK);
        MUST(note_runs_length(&runs) == utf16_length(buffer_bytes(&text)));
    }
    note_runs_release(&runs);
    buffer_release(&text);
    buffer_release(&encoded);
    buffer_release(&scratch);
}

/* A set that fits the text more often than not: parts of a length and, sometimes, a text. */
static void put_parts(struct script *script, uint32_t units, struct buffer *out)
{
    struct change_set set = {0};
    for (unsigned i = 0; i < 4; i++) {
        const uint32_t left = units - set.before;
        change_set_keep(&set, left > 0 ? script_take(script) % (left + 1u) : 0);
        const uint32_t rest = units - set.before;
        const uint8_t what = script_take(script);
        const struct bytes some = script_take_bytes(script);
        const bool text = (what & 1) != 0 && wire_utf8_valid(some);
        change_set_replace(&set, rest > 0 ? (what >> 1) % (rest + 1u) : 0,
                           text ? some : bytes_of("", 0), false);
    }
    change_set_keep(&set, units - set.before);
    MUST(set.state == STATUS_OK);
    change_set_write(&set, out);
    change_set_release(&set);
}

static void put_push(struct stage *stage, struct script *script, uint8_t what, struct id note,
                     struct buffer *body)
{
    const struct state state = world_state(stage->world);
    static struct record record;
    struct message message = {.type = MESSAGE_NOTE_PUSH};
    struct buffer sets = {0}, scratch = {0};
    struct note_head head = {0};
    struct bytes stored;
    MUST(state.ops->record(state.self, note, &stored) == STATUS_OK);
    MUST(record_decode(stored, &record) == STATUS_OK);
    MUST(note_read_head(&state, &record, &scratch, &head) == STATUS_OK);
    wire_put_array(&sets, 1);
    put_parts(script, (uint32_t)utf16_length(head.text), &sets);
    message.as.note_push.note = note;
    message.as.note_push.base = head.version - (head.version > 0 && (what & 0x10) != 0);
    message.as.note_push.changes = buffer_bytes(&sets);
    message_encode(body, &message);
    for (unsigned i = 0; i < (what >> 5 & 3u); i++)
        script_bend(script, body);
    buffer_release(&sets);
    buffer_release(&scratch);
}

static bool was_taken(const struct effects *effects)
{
    struct message message;
    MUST(message_decode(buffer_bytes(&effects->answer), &message, NULL) == STATUS_OK);
    MUST(message.type == MESSAGE_NOTE_RESULT);
    return bytes_is(message.as.note_result.status, "ok");
}

static void apply(struct stage *stage, const struct command *command)
{
    const struct state state = world_state(stage->world);
    struct effects effects = {0};
    struct buffer before = {0}, after = {0};
    memory_state_dump(stage->world->memory, true, &before);
    MUST(apply_command(&state, command, &effects) == STATUS_OK && !effects.failed);
    memory_state_dump(stage->world->memory, true, &after);
    if (command->kind == COMMAND_NOTE && !was_taken(&effects))
        MUST(bytes_equal(buffer_bytes(&before), buffer_bytes(&after)));
    effects_release(&effects);
    buffer_release(&before);
    buffer_release(&after);
}

static void play(struct stage *stage, struct script *script)
{
    const uint8_t what = script_take(script);
    struct slot *slot = &stage->slots[what % STAGE_SLOTS];
    const struct id note = (what & 8) != 0 ? stage->hidden_note : stage->shared_note;
    struct buffer body = {0};
    struct command command = {.kind = COMMAND_NOTE,
                              .actor = slot->user,
                              .client = slot->client,
                              .at_ms = ++stage->world->now_ms};
    if ((what & 0x84) == 0x84) {
        stage->world->now_ms += script_take(script) * 100u;
        command.kind = COMMAND_DUE;
        command.actor = (struct id){{0}};
    } else if ((what & 0x84) == 0x80) {
        const struct bytes raw = script_take_bytes(script);
        buffer_append(&body, raw.data, raw.size);
    } else {
        put_push(stage, script, what, note, &body);
    }
    command.at_ms = stage->world->now_ms;
    command.body = buffer_bytes(&body);
    apply(stage, &command);
    buffer_release(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = script_of(data, size);
    const uint8_t what = script_take(&script);
    const struct bytes rest = bytes_of(script.at, (size_t)(script.end - script.at));
    if (what % 4 == 0) {
        use_row(rest);
        return 0;
    }
    struct stage *stage = stage_new();
    if (what % 4 == 1)
        use_stored(stage, rest);
    for (unsigned i = 0; what % 4 > 1 && i < STEPS && !script_ended(&script); i++)
        play(stage, &script);
    if (what % 4 > 1) {
        const struct state state = world_state(stage->world);
        look_at_note(&state, stage->shared_note);
        look_at_note(&state, stage->hidden_note);
    }
    stage_free(stage);
    return 0;
}
