/* People who type in live notes, each character once: letters.h. */
#include <string.h>

#include "protocol/wire.h"
#include "tests/sim/sim.h"
#include "tests/support/letters.h"

#define MOST_AT_ONCE 6u

/* ---- Characters ------------------------------------------------------------------------------ */

static size_t width_at(struct bytes text, size_t at)
{
    return letter_width((const char *)text.data + at);
}

void type_find(struct bytes text, unsigned count, bool *there)
{
    for (size_t i = 0; i < text.size; i += width_at(text, i)) {
        const unsigned number = letter_at((const char *)text.data + i);
        if (number < count)
            there[number] = true;
    }
}

static struct bytes text_of(const tandem_note *note)
{
    size_t size;
    const char *text = tandem_note_text(note, &size);
    return bytes_of(text, size);
}

/* Bytes before the n-th character; all of them when there are fewer. */
static size_t place_of(struct bytes text, uint64_t n)
{
    size_t at = 0;
    while (n-- > 0 && at < text.size)
        at += width_at(text, at);
    return at;
}

static uint64_t count_characters(struct bytes text)
{
    uint64_t count = 0;
    for (size_t i = 0; i < text.size; i += width_at(text, i))
        count++;
    return count;
}

/* ---- Having notes open ----------------------------------------------------------------------- */

static struct sim_open *find_open(struct sim_device *device, struct id id)
{
    for (unsigned i = 0; i < SIM_OPEN; i++)
        if (device->open[i].note != NULL && id_equal(device->open[i].id, id))
            return &device->open[i];
    return NULL;
}

/* NULL when nothing is known of it there, all places are taken, or the process died. */
static struct sim_open *open_note(struct sim_device *device, struct id id)
{
    struct sim_open *open = find_open(device, id);
    char text[ID_TEXT_SIZE];
    if (open != NULL)
        return open;
    for (unsigned i = 0; i < SIM_OPEN && open == NULL; i++)
        if (device->open[i].note == NULL)
            open = &device->open[i];
    if (open == NULL)
        return NULL;
    device_enter(device);
    tandem_note *note = NULL;
    const tandem_code code =
        tandem_note_open(device->client, id_to_text(id, text), NULL, NULL, &note);
    if (!device_leave(device) || code != TANDEM_OK)
        return NULL;
    *open = (struct sim_open){id, note};
    return open;
}

void type_forget(struct sim_device *device)
{
    memset(device->open, 0, sizeof device->open);
}

/* ---- Typing ---------------------------------------------------------------------------------- */

struct edit {
    size_t from, removed;
    char text[MOST_AT_ONCE * LETTER_BYTES];
    size_t size;
    unsigned first, count; /* characters typed */
    bool undo;
};

static void plan(struct sim *sim, struct bytes text, struct edit *edit)
{
    const uint64_t all = count_characters(text);
    const uint64_t kind = sim_random(sim, 10), at = sim_random(sim, all + 1);
    *edit = (struct edit){.from = place_of(text, at), .first = sim->typed_count};
    edit->undo = kind == 9;
    if (kind >= 7 && kind < 9 && all > 0)
        edit->removed = place_of(text, at + 1 + sim_random(sim, MOST_AT_ONCE)) - edit->from;
    for (uint64_t i = 1 + sim_random(sim, MOST_AT_ONCE - 1);
         i > 0 && kind < 8 && sim->typed_count < SIM_TYPED; i--) {
        edit->size += letter_put(sim->typed_count++, edit->text + edit->size);
        edit->count++;
    }
}

static void note_typed(struct sim_device *device, struct id id, const struct edit *edit,
                       struct bytes text)
{
    struct sim *sim = device->sim;
    bool there[SIM_TYPED] = {false};
    for (unsigned i = edit->first; i < edit->first + edit->count; i++)
        sim->typed[i] = (struct sim_typed){.note = id, .device = device, .unsure = true};
    /* Nobody knows which edits a process takes back that dies at it. */
    for (unsigned i = 0; edit->undo && i < edit->first; i++)
        sim->typed[i].gone = sim->typed[i].gone || sim->typed[i].device == device;
    type_find(bytes_of(text.data + edit->from, edit->removed), sim->typed_count, there);
    for (unsigned i = 0; i < edit->first; i++)
        sim->typed[i].gone = sim->typed[i].gone || there[i];
}

static void tell(struct sim_device *device, const struct edit *edit, const char *outcome)
{
    if (edit->undo)
        sim_tell(device->sim, "%s takes back: %s", device->name, outcome);
    else if (edit->count == 0 && edit->removed == 0)
        sim_tell(device->sim, "%s types nothing: %s", device->name, outcome);
    else
        sim_tell(device->sim, "%s types characters %u to %u and deletes %zu bytes: %s",
                 device->name, edit->first, edit->first + edit->count, edit->removed, outcome);
}

void type_some(struct sim_device *device, const char *id_text)
{
    struct sim *sim = device->sim;
    struct id id;
    struct edit edit;
    (void)id_from_text(bytes_text(id_text), &id);
    struct sim_open *open = open_note(device, id);
    if (open == NULL)
        return;
    plan(sim, text_of(open->note), &edit);
    note_typed(device, id, &edit, text_of(open->note));
    device_enter(device);
    const tandem_code code =
        edit.undo ? tandem_note_undo(open->note)
                  : tandem_note_replace(open->note, edit.from, edit.removed, edit.text, edit.size);
    const bool alive = device_leave(device);
    tell(device, &edit, !alive ? "crashed" : tandem_error_name(code));
    for (unsigned i = edit.first; alive && code == TANDEM_OK && i < edit.first + edit.count; i++)
        sim->typed[i].unsure = false;
}

/* ---- Quiet ----------------------------------------------------------------------------------- */

static bool sees(const struct sim_device *device, struct id id)
{
    const struct sim *sim = device->sim;
    const struct model_record *record = model_find(sim->model, id);
    const uint64_t head = model_head(sim->model);
    struct model_person who;
    struct model_view view;
    return record != NULL && model_person(sim->model, sim->users[device->user].id, head, &who) &&
           model_view(sim->model, &who, record, head, &view);
}

void type_gather(struct sim_device *device)
{
    struct sim *sim = device->sim;
    for (unsigned i = 0; i < sim->typed_count && device->client != NULL; i++)
        if (sim->typed[i].device == device)
            (void)open_note(device, sim->typed[i].note);
}

const char *type_unsettled(struct sim_device *device)
{
    for (unsigned i = 0; i < SIM_OPEN; i++) {
        const tandem_note *note = device->open[i].note;
        const struct sim_note *there = note_of(device->sim, device->open[i].id);
        if (note == NULL || tandem_note_code(note) != TANDEM_OK || device->sim->server.older)
            continue;
        if (tandem_note_waiting(note) > 0)
            return "has something typed in a note to send";
        if (there != NULL && tandem_note_version(note) != there->version)
            return "has an older version of a note";
    }
    return NULL;
}

static void check_open(struct sim_device *device, const struct sim_open *open)
{
    struct sim *sim = device->sim;
    const struct sim_note *note = note_of(sim, open->id);
    const struct bytes text = text_of(open->note);
    const tandem_code code = tandem_note_code(open->note);
    char id[ID_TEXT_SIZE];
    if (note == NULL || note->version == 0 || code != TANDEM_OK)
        return; /* nobody typed in it, in this history */
    if (!sees(device, open->id))
        sim_differ(sim, "%s has note %s open, and may not see it", device->name,
                   id_to_text(open->id, id));
    if (!bytes_equal(text, buffer_bytes(&note->text)))
        sim_differ(
            sim, "all is quiet, and %s has \"%.*s\" in note %s at version %llu, not \"%.*s\"",
            device->name, (int)text.size, (const char *)text.data, id_to_text(open->id, id),
            (unsigned long long)note->version, (int)note->text.size, (const char *)note->text.data);
}

/* In the server's text, or kept by whoever typed it. */
static void check_typed(struct sim_device *device, struct id id)
{
    struct sim *sim = device->sim;
    bool there[SIM_TYPED] = {false}, kept[SIM_TYPED] = {false};
    const struct sim_note *note = note_of(sim, id);
    const struct sim_open *open = find_open(device, id);
    const struct model_record *record = model_find(sim->model, id);
    const bool lives = record != NULL && model_version_at(record, model_head(sim->model)) != NULL;
    if (note != NULL)
        type_find(buffer_bytes(&note->text), sim->typed_count, there);
    if (open != NULL)
        type_find(text_of(open->note), sim->typed_count, kept);
    for (unsigned i = 0; i < sim->typed_count; i++) {
        const struct sim_typed *typed = &sim->typed[i];
        if (typed->device != device || !id_equal(typed->note, id) || typed->gone || typed->unsure)
            continue;
        if (typed->arrived ? lives && !there[i] : !there[i] && !kept[i])
            sim_differ(sim, "character %u, which %s typed, is lost%s", i, device->name,
                       typed->arrived ? " by the server" : "");
    }
}

void type_check(struct sim_device *device)
{
    struct sim *sim = device->sim;
    if (sim->server.older)
        return;
    for (unsigned i = 0; i < SIM_OPEN; i++)
        if (device->open[i].note != NULL)
            check_open(device, &device->open[i]);
    for (unsigned i = 0; i < sim->typed_count; i++) {
        unsigned first = 0;
        while (first < i && !(sim->typed[first].device == device &&
                              id_equal(sim->typed[first].note, sim->typed[i].note)))
            first++;
        if (first == i && sim->typed[i].device == device)
            check_typed(device, sim->typed[i].note);
    }
}
