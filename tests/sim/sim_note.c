/* Live notes as the server has them: what each command made of them is read where it is applied,
 * and counts once it is committed. */
#include <string.h>

#include "protocol/wire.h"
#include "tests/sim/sim.h"

/* ---- While a command is applied -------------------------------------------------------------- */

/* `from`: only when its record has changed from there on. */
static void note_down(const struct state *state, struct id id, uint64_t from, struct buffer *out)
{
    struct buffer text = {0};
    struct sim_noted noted;
    if (noted_read(state, id, &noted, &text) && noted.seq >= from) {
        buffer_append(out, &noted, sizeof noted);
        buffer_append(out, text.data, text.size);
    }
    buffer_release(&text);
}

static void note_changes(const struct state *state, struct bytes changes, struct buffer *out)
{
    struct wire_reader reader = wire_read(changes);
    struct bytes change;
    uint32_t count = 0;
    (void)wire_get_array(&reader, &count);
    for (uint32_t i = 0; i < count && wire_skip(&reader, &change); i++) {
        struct id id = {{0}};
        if (wire_map_id(change, "id", &id))
            note_down(state, id, 0, out);
    }
}

/* Records that changed behind `before`. */
static void note_due(const struct state *state, uint64_t before, struct buffer *out)
{
    uint64_t seq = before + 1;
    struct id id = {{0}};
    while (state->ops->feed_next(state->self, &seq, &id) == STATUS_OK)
        note_down(state, id, before + 1, out);
}

void note_applied(const struct state *state, const struct command *command, uint64_t before,
                  struct buffer *out)
{
    struct message message;
    if (command->kind == COMMAND_DUE)
        note_due(state, before, out);
    if ((command->kind != COMMAND_NOTE && command->kind != COMMAND_MUTATE) ||
        message_decode(command->body, &message, NULL) != STATUS_OK)
        return;
    if (command->kind == COMMAND_NOTE)
        note_down(state, message.as.note_push.note, 0, out);
    else
        note_changes(state, message.as.mutate.changes, out);
}

bool note_next(struct bytes *rest, struct sim_noted *out, struct bytes *text)
{
    if (rest->size < sizeof *out)
        return false;
    memcpy(out, rest->data, sizeof *out);
    *text = bytes_of(rest->data + sizeof *out, out->size);
    *rest = bytes_of(text->data + text->size, rest->size - sizeof *out - out->size);
    return true;
}

/* ---- Committed ------------------------------------------------------------------------------- */

struct sim_note *note_of(struct sim *sim, struct id id)
{
    for (unsigned i = 0; i < sim->note_count; i++)
        if (id_equal(sim->notes[i].id, id))
            return &sim->notes[i];
    return NULL;
}

static struct sim_note *note_made(struct sim *sim, struct id id)
{
    struct sim_note *note = note_of(sim, id);
    if (note == NULL && sim->note_count == SIM_NOTES)
        sim_differ(sim, "there are more than %u live notes", SIM_NOTES);
    if (note == NULL) {
        note = &sim->notes[sim->note_count++];
        *note = (struct sim_note){.id = id};
    }
    return note;
}

/* What a whole new text leaves out was deleted by whoever set it. */
static void compare(struct sim *sim, const struct sim_note *note, bool whole)
{
    bool there[SIM_TYPED] = {false};
    type_find(buffer_bytes(&note->text), sim->typed_count, there);
    for (unsigned i = 0; i < sim->typed_count; i++) {
        struct sim_typed *typed = &sim->typed[i];
        if (!id_equal(typed->note, note->id))
            continue;
        typed->gone = typed->gone || (whole && typed->arrived && !there[i]);
        typed->arrived = typed->arrived || there[i];
    }
}

void note_committed(struct sim *sim, const struct sim_command *command)
{
    struct bytes rest = buffer_bytes(&command->notes), text;
    struct sim_noted noted;
    while (note_next(&rest, &noted, &text)) {
        struct sim_note *note = note_made(sim, noted.id);
        if (noted.version < note->version)
            sim_differ(sim, "a note went back from version %llu to %llu",
                       (unsigned long long)note->version, (unsigned long long)noted.version);
        note->version = noted.version;
        buffer_clear(&note->text);
        buffer_append(&note->text, text.data, text.size);
        compare(sim, note, command->kind == COMMAND_MUTATE);
        sim_tell(sim, "note of %zu bytes at version %llu by %s", text.size,
                 (unsigned long long)noted.version, noted.by);
    }
}

/* ---- Told ------------------------------------------------------------------------------------ */

static void may_be_told(struct sim *sim, const struct sim_device *device, struct id id,
                        const char *what)
{
    const struct model_record *record = model_find(sim->model, id);
    const uint64_t head = model_head(sim->model);
    struct model_person who;
    struct model_view view;
    char text[ID_TEXT_SIZE];
    if (record == NULL || !model_person(sim->model, sim->users[device->user].id, head, &who) ||
        !model_view(sim->model, &who, record, head, &view))
        sim_differ(sim, "%s of %s was sent %s of note %s, which they may not see", device->name,
                   sim->users[device->user].name, what, id_to_text(id, text));
}

void note_told(struct sim *sim, const struct sim_device *device, const struct message *message)
{
    struct sim_note *note = NULL;
    uint64_t version = 0;
    switch (message->type) {
    case MESSAGE_NOTE:
        may_be_told(sim, device, message->as.note.note, "the text");
        note = note_of(sim, message->as.note.note);
        version = message->as.note.newest;
        break;
    case MESSAGE_NOTE_CHANGES:
        may_be_told(sim, device, message->as.note_changes.note, "changes");
        note = note_of(sim, message->as.note_changes.note);
        version = message->as.note_changes.from + message_count(message->as.note_changes.entries);
        break;
    case MESSAGE_NOTE_RESULT:
        if (bytes_is(message->as.note_result.status, "ok"))
            note = note_of(sim, message->as.note_result.note);
        break;
    default:
        break;
    }
    if (note != NULL && version > note->version)
        sim_differ(sim, "%s was told of version %llu of a note that is at %llu", device->name,
                   (unsigned long long)version, (unsigned long long)note->version);
    if (note != NULL)
        note->told = note->version;
}

/* ---- Started again --------------------------------------------------------------------------- */

bool note_survived(struct sim *sim, const struct sim_command *command)
{
    struct bytes rest = buffer_bytes(&command->notes), text;
    struct sim_noted noted;
    bool survived = true;
    const struct state state = server_state(sim);
    while (command->kind == COMMAND_NOTE && note_next(&rest, &noted, &text)) {
        struct buffer now_text = {0};
        struct sim_noted now;
        survived = survived && noted_read(&state, noted.id, &now, &now_text) &&
                   now.version >= noted.version;
        buffer_release(&now_text);
    }
    server_state_end(sim);
    return survived;
}

/* Takes what the store has. */
void note_started(struct sim *sim)
{
    const struct state state = server_state(sim);
    for (unsigned i = 0; i < sim->note_count; i++) {
        struct sim_note *note = &sim->notes[i];
        struct sim_noted noted;
        buffer_clear(&note->text);
        const bool there = noted_read(&state, note->id, &noted, &note->text);
        if (there && noted.version < note->told)
            sim_differ(sim, "version %llu of a note was told of, and the store has %llu",
                       (unsigned long long)note->told, (unsigned long long)noted.version);
        note->version = note->told = noted.version;
    }
    server_state_end(sim);
}

void note_restored(struct sim *sim)
{
    for (unsigned i = 0; i < sim->typed_count; i++)
        sim->typed[i].unsure = true;
    for (unsigned i = 0; i < sim->note_count; i++)
        sim->notes[i].told = sim->notes[i].version = 0;
}

bool note_waits(const struct sim *sim)
{
    for (unsigned i = 0; i < sim->note_count; i++) {
        const struct model_record *record = model_find(sim->model, sim->notes[i].id);
        if (record != NULL && record->typed_version > 0 && record->typed_until == 0 &&
            model_version_at(record, model_head(sim->model)) != NULL)
            return true;
    }
    return false;
}

void note_free(struct sim *sim)
{
    for (unsigned i = 0; i < sim->note_count; i++)
        buffer_release(&sim->notes[i].text);
}
