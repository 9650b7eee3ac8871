/* People who look at what was not taken, and settle it one way or another. */
#include <string.h>

#include "client-lib/outbox/outbox_entry.h"
#include "tests/sim/sim.h"

#define QUARANTINE (1u << TANDEM_ENTRY_CONFLICT | 1u << TANDEM_ENTRY_REFUSED)
#define DEEDS 8u

struct picking {
    struct sim *sim;
    struct sim_device *device; /* on which it is settled */
    unsigned nth, seen;
    uint64_t entry;
    struct sim_deed *deeds[DEEDS]; /* whose mutation it is */
    unsigned count;
    struct own_entries entries; /* before */
    char theirs[DEEDS][32];     /* as the conflict tells it */
};

/* What the server had in place of the deed. */
static void take_theirs(struct picking *picking, const struct outbox_item *item, unsigned at)
{
    const struct sim_deed *deed = picking->deeds[at];
    struct outbox_conflict conflict;
    picking->theirs[at][0] = '\0';
    if (outbox_conflict_find(item->conflicts, deed->record, bytes_text(deed->field), &conflict))
        own_text(conflict.theirs, picking->theirs[at]);
}

static bool pick(void *context, const struct outbox_item *item)
{
    struct picking *picking = context;
    if (picking->seen++ != picking->nth)
        return true;
    picking->entry = item->order;
    struct sim_deed *deed;
    struct own_walk walk = own_walk(item->changes);
    while (picking->count < DEEDS && (deed = own_next(picking->sim, &walk)) != NULL) {
        picking->deeds[picking->count++] = deed;
        take_theirs(picking, item, picking->count - 1);
    }
    return false;
}

static bool find_entry(struct sim_device *device, unsigned n, struct picking *out)
{
    struct outbox_store *store = device->client->store;
    *out = (struct picking){.sim = device->sim, .device = device};
    const size_t count = store != NULL ? outbox_store_count(store, QUARANTINE) : 0;
    if (count == 0)
        return false;
    out->nth = n % (unsigned)count;
    return outbox_store_each(store, QUARANTINE, pick, out) == STATUS_OK && out->entry != 0;
}

/* Their author has looked at what is in their place. */
static void see(const struct picking *picking, struct sim_deed *deed, unsigned at)
{
    own_see(picking->device, deed);
    memcpy(deed->saw[1], picking->theirs[at], sizeof deed->saw[1]);
}

/* Another value for the field of the first deed. */
static tandem_code with_another(struct sim_device *device, const struct picking *picking,
                                struct sim_deed *deed)
{
    char id[ID_TEXT_SIZE];
    const struct sim_deed *old = picking->deeds[0];
    tandem_mutation *values = tandem_mutation_new();
    (void)id_to_text(old->record, id);
    (void)tandem_update(values, old->entity, id);
    deed_sign(deed, values, old->entity, id, old->field);
    deed->outcome = DEED_KEPT; /* nobody is called back */
    see(picking, deed, 0);
    const tandem_code code = tandem_resolve_with(device->client, picking->entry, values);
    tandem_mutation_free(values);
    return code;
}

static tandem_code settle(struct sim_device *device, const struct picking *picking, const char *way,
                          struct sim_deed *deed, char made[TANDEM_ID_TEXT])
{
    made[0] = '\0';
    if (strcmp(way, "mine") == 0)
        return tandem_resolve_mine(device->client, picking->entry, made);
    if (strcmp(way, "theirs") == 0)
        return tandem_resolve_theirs(device->client, picking->entry);
    if (strcmp(way, "retry") == 0)
        return tandem_outbox_retry(device->client, picking->entry);
    if (strcmp(way, "drop") == 0)
        return tandem_outbox_drop(device->client, picking->entry);
    return with_another(device, picking, deed);
}

/* Whether it is about the same record, and what makes that again takes it along. */
static bool goes_along(const struct picking *picking, const struct sim_deed *deed)
{
    return process_shares(deed->device, picking->device) &&
           id_equal(deed->record, picking->deeds[0]->record) &&
           picking->entries.has[deed->number] &&
           picking->entries.state[deed->number] != TANDEM_ENTRY_SENT &&
           picking->entries.state[deed->number] != TANDEM_ENTRY_ACCEPTED;
}

static void note_made(const struct picking *picking, const char *made)
{
    const struct id old = picking->deeds[0]->record;
    struct id new = old;
    (void)id_from_text(bytes_text(made), &new);
    for (unsigned i = 0; i < picking->sim->deed_count; i++)
        if (goes_along(picking, &picking->sim->deeds[i]) &&
            &picking->sim->deeds[i] != picking->deeds[0])
            picking->sim->deeds[i].record = new;
    picking->deeds[0]->record = new;
}

/* Queued again, its author's deeds are as new; else they are over, with nothing more promised. */
static void note(const struct picking *picking, const char *way, const char *made)
{
    const bool mine = strcmp(way, "mine") == 0, again = mine || strcmp(way, "retry") == 0;
    for (unsigned i = 0; i < picking->count; i++) {
        struct sim_deed *deed = picking->deeds[i];
        deed->outcome = again ? DEED_KEPT : DEED_SETTLED;
        deed->promised = deed->promised && again;
        deed->moved = true;
        if (mine && deed->careful)
            see(picking, deed, i);
        deed->creates = deed->creates || made[0] != '\0';
    }
    if (made[0] != '\0')
        note_made(picking, made);
}

/* Another value of the author's for the same field, which was settled along. */
static void note_along(const struct picking *picking, struct sim_deed *deed)
{
    deed->outcome = DEED_KEPT;
    deed->moved = true;
    for (unsigned i = 0; deed->careful && i < picking->count; i++)
        if (id_equal(picking->deeds[i]->record, deed->record) &&
            strcmp(picking->deeds[i]->field, deed->field) == 0) {
            see(picking, deed, i);
            return;
        }
}

static bool is_of(const struct picking *picking, const struct sim_deed *deed)
{
    for (unsigned i = 0; i < picking->count; i++)
        if (picking->deeds[i] == deed)
            return true;
    return false;
}

/* What was in conflict before, and is not any more. */
static void note_others(const struct picking *picking, struct sim_device *device)
{
    struct own_entries now;
    own_look(device, &now);
    for (unsigned i = 0; i < picking->sim->deed_count; i++) {
        struct sim_deed *deed = &picking->sim->deeds[i];
        const bool was = process_shares(deed->device, device) && picking->entries.has[i] &&
                         picking->entries.state[i] == TANDEM_ENTRY_CONFLICT;
        if (was && !is_of(picking, deed) && now.has[i] && now.state[i] != TANDEM_ENTRY_CONFLICT)
            note_along(picking, deed);
    }
}

static void note_unknown_along(const struct picking *picking, struct sim_deed *deed)
{
    if (!goes_along(picking, deed))
        return;
    deed->promised = false;
    if (picking->entries.state[deed->number] != TANDEM_ENTRY_CONFLICT || is_of(picking, deed))
        return;
    deed->outcome = DEED_UNKNOWN;
    deed->careful = false;
    deed->moved = true;
}

/* Nobody knows how far it came. */
static void note_unknown(const struct picking *picking)
{
    note(picking, "", "");
    for (unsigned i = 0; i < picking->count; i++)
        picking->deeds[i]->careful = false;
    for (unsigned i = 0; i < picking->sim->deed_count; i++)
        note_unknown_along(picking, &picking->sim->deeds[i]);
}

void sim_settle(struct sim_device *device, unsigned n, const char *way)
{
    struct sim *sim = device->sim;
    struct picking picking;
    struct sim_deed *deed = NULL;
    char made[TANDEM_ID_TEXT];
    if (!find_entry(device, n, &picking) || picking.count == 0)
        return;
    own_look(device, &picking.entries);
    if (strcmp(way, "with") == 0 &&
        (!picking.deeds[0]->texted || (deed = deed_new(sim, device)) == NULL))
        return;
    device_enter(device);
    device->settles = true;
    const tandem_code code = settle(device, &picking, way, deed, made);
    device->settles = false;
    const bool alive = device_leave(device);
    sim_tell(sim, "%s: entry %llu of deed-%u: %s", device->name, (unsigned long long)picking.entry,
             picking.deeds[0]->number, alive ? tandem_error_name(code) : "crashed");
    if (alive && code == TANDEM_OK)
        note(&picking, way, made);
    if (alive && code == TANDEM_OK && strcmp(way, "mine") == 0)
        note_others(&picking, device);
    if (!alive)
        note_unknown(&picking);
    if (deed != NULL)
        deed->promised = alive && code == TANDEM_OK;
    if (alive)
        watch_read(device);
}
