/* The author's own work: what was typed is in the outbox until the server has taken it, is shown as
 * long as the replica does not show it, and stays with its author when it was not taken. */
#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"
#include "tests/sim/sim.h"

struct looking {
    struct sim_device *device;
    struct own_entries *out;
};

struct own_walk own_walk(struct bytes changes)
{
    struct own_walk walk = {.reader = wire_read(changes)};
    (void)wire_get_array(&walk.reader, &walk.left);
    return walk;
}

/* The next deed named in what is left of a change. */
static struct sim_deed *next_named(struct sim *sim, struct bytes *text)
{
    while (text->size >= 7) {
        const char *begin = (const char *)text->data;
        const size_t most = text->size < 16 ? text->size : 16;
        text->data++;
        text->size--;
        if (memcmp(begin, "deed-", 5) != 0 || memchr(begin, '.', most) == NULL)
            continue;
        const unsigned long number = strtoul(begin + 5, NULL, 10);
        if (number < sim->deed_count)
            return &sim->deeds[number];
    }
    return NULL;
}

struct sim_deed *own_next(struct sim *sim, struct own_walk *walk)
{
    for (;;) {
        struct sim_deed *deed = next_named(sim, &walk->change);
        if (deed != NULL && id_equal(deed->record, walk->id))
            return deed;
        if (deed != NULL)
            continue; /* a copy of what was once written elsewhere */
        if (walk->left == 0 || !wire_skip(&walk->reader, &walk->change))
            return NULL;
        walk->left--;
        (void)wire_map_id(walk->change, "id", &walk->id);
    }
}

static bool note_entry(void *context, const struct outbox_item *item)
{
    const struct looking *looking = context;
    struct sim *sim = looking->device->sim;
    struct own_entries *out = looking->out;
    struct sim_deed *deed;
    out->count[item->state]++;
    if (item->state == TANDEM_ENTRY_ACCEPTED)
        out->shown++;
    if (item->behind != 0 && item->state == TANDEM_ENTRY_WAITING)
        out->behind++;
    for (struct own_walk walk = own_walk(item->changes); (deed = own_next(sim, &walk)) != NULL;) {
        if (out->has[deed->number] && deed->entry != item->order)
            sim_differ(sim, "deed-%u is in the outbox of %s twice", deed->number,
                       looking->device->name);
        deed->entry = item->order;
        out->has[deed->number] = true;
        out->is_behind[deed->number] = item->behind != 0;
        out->state[deed->number] = item->state;
    }
    return true;
}

void own_look(struct sim_device *device, struct own_entries *out)
{
    struct looking looking = {device, out};
    process_is(device);
    memset(out, 0, sizeof *out);
    if (device->client->store == NULL)
        return;
    const enum status status = outbox_store_each(device->client->store, 0, note_entry, &looking);
    if (status != STATUS_OK)
        sim_differ(device->sim, "%s cannot read its outbox: %s", device->name, status_name(status));
}

/* ---- Shown ---- */

struct showing {
    const struct sim_deed *deed;
    char expected[32];
    char shown[64];
    uint64_t seq;
    bool held;
};

/* None when it is too long to be a deed's. */
static void take_short(struct bytes text, char out[32])
{
    out[0] = '\0';
    if (text.size < 32)
        (void)bytes_to_text(text, out, 32);
}

void own_text(struct bytes value, char out[32])
{
    struct wire_reader reader = wire_read(value);
    struct bytes text = {0};
    out[0] = '\0';
    if (value.size > 0 && wire_get_str(&reader, &text))
        take_short(text, out);
}

static bool read_text(void *context, const tandem_record *record)
{
    struct showing *showing = context;
    const char *text = tandem_record_text(record, showing->deed->field);
    (void)snprintf(showing->shown, sizeof showing->shown, "%s", text != NULL ? text : "");
    return false;
}

static bool read_seq(void *context, struct bytes encoded)
{
    struct showing *showing = context;
    struct record_view view;
    showing->held = record_view_read(encoded, &view);
    showing->seq = view.seq;
    return false;
}

/* ---- Nothing is forced over ---- */

static bool read_seen(void *context, struct bytes encoded)
{
    struct sim_deed *deed = context;
    struct record_view view;
    struct bytes value = {0};
    if (!record_view_read(encoded, &view))
        return false;
    (void)wire_map_find(view.fields, deed->field, &value);
    own_text(value, deed->saw[0]);
    return false;
}

static bool is_there(void *context, const tandem_record *record)
{
    (void)record;
    *(bool *)context = true;
    return false;
}

/* Of a record of their own that is not taken yet they see nothing of others, and of one that is not
 * shown to them nothing at all. */
void own_see(struct sim_device *device, struct sim_deed *deed)
{
    char id[ID_TEXT_SIZE];
    deed->careful = false;
    deed->saw[0][0] = deed->saw[1][0] = '\0';
    (void)tandem_get(device->client, id_to_text(deed->record, id), is_there, &deed->careful);
    (void)replica_get(device->client->replica, deed->record, read_seen, deed);
}

/* Who made the field what it is. */
static const char *writer_of(const struct model_version *version, const char *field)
{
    const struct bytes value = model_value(version, field);
    while (version->before != NULL && !version->before->deleted &&
           bytes_equal(model_value(version->before, field), value))
        version = version->before;
    return version->by;
}

void own_forced(const struct sim_deed *deed)
{
    struct sim *sim = deed->sim;
    const char *user = sim->users[deed->device->user].name;
    const struct model_record *record = model_find(sim->model, deed->record);
    const struct model_version *version =
        record != NULL ? model_version_at(record, model_head(sim->model)) : NULL;
    char now[32];
    if (!deed->careful || version == NULL)
        return;
    own_text(model_value(version, deed->field), now);
    const char *by = writer_of(version, deed->field);
    if (record->typed_version > 0 && record->typed_until == 0 && strcmp(deed->field, "text") == 0) {
        take_short(record->typed_text, now);
        by = record->typed_by;
    }
    if (strcmp(now, deed->saw[0]) != 0 && strcmp(now, deed->saw[1]) != 0 && strcmp(by, user) != 0)
        sim_differ(sim, "deed-%u of %s takes the place of \"%s\" by %s, which they have not seen",
                   deed->number, user, now, by);
}

/* ---- Laid over ---- */

/* Whether the device must show it now, laid over what it holds. */
static bool is_pending(const struct sim_device *device, const struct sim_deed *deed,
                       const struct own_entries *entries, const struct showing *showing)
{
    if (!deed->texted || deed->outcome == DEED_SETTLED)
        return false;
    if (entries->has[deed->number] && (entries->state[deed->number] == TANDEM_ENTRY_WAITING ||
                                       entries->state[deed->number] == TANDEM_ENTRY_SENT))
        /* One that makes a record that is held was taken, and others may have gone on. */
        return !entries->is_behind[deed->number] && showing->held != deed->creates;
    /* What was taken in a former history is laid over nothing from the next sign-in on. */
    return showing->held && history_is_shown(device) && deed->applied > 0 &&
           deed->outcome == DEED_TAKEN && deed->applied_seq > showing->seq &&
           deed->applied_seq > tandem_cursor(device->client);
}

/* Something later of the same author about the record, which may hide it; or what the other process
 * did to it, of which this one had not heard yet. */
static bool is_hidden(const struct sim_device *device, const struct sim_deed *deed)
{
    const struct sim *sim = device->sim;
    for (unsigned i = 0; i < sim->deed_count; i++) {
        const struct sim_deed *later = &sim->deeds[i];
        const bool unheard = !later->texted && later->device != deed->device;
        if (later != deed && (later->moved || unheard || i > deed->number) &&
            process_shares(later->device, device) && id_equal(later->record, deed->record) &&
            (!later->texted || strcmp(later->field, deed->field) == 0))
            return true;
    }
    return false;
}

void own_watch(struct sim_device *device)
{
    struct sim *sim = device->sim;
    struct own_entries entries;
    if (device->client == NULL || device->client->store == NULL || !process_has_heard(device))
        return;
    own_look(device, &entries);
    history_watch(device, &entries);
    if (device->home->behind_itself)
        return;
    for (unsigned i = 0; i < sim->deed_count; i++) {
        struct sim_deed *deed = &sim->deeds[i];
        struct showing showing = {.deed = deed};
        char id[ID_TEXT_SIZE];
        if (!process_shares(deed->device, device) || !deed->texted || deed->done_with)
            continue;
        (void)replica_get(device->client->replica, deed->record, read_seq, &showing);
        if (!is_pending(device, deed, &entries, &showing)) {
            deed->done_with = deed->outcome == DEED_TAKEN && !entries.has[deed->number];
            continue;
        }
        if (is_hidden(device, deed))
            continue;
        (void)snprintf(showing.expected, sizeof showing.expected, "deed-%u.", deed->number);
        (void)tandem_get(device->client, id_to_text(deed->record, id), read_text, &showing);
        if (strcmp(showing.shown, showing.expected) != 0)
            sim_differ(sim, "%s (cursor %llu) does not show deed-%u, which waits: %s is \"%s\"",
                       device->name, (unsigned long long)tandem_cursor(device->client),
                       deed->number, deed->field, showing.shown);
    }
}

/* ---- Quiet ---- */

const char *own_unsettled(struct sim_device *device)
{
    struct own_entries entries;
    if (device->client->store == NULL)
        return tandem_unanswered(device->client) > 0 ? "waits for answers" : NULL;
    own_look(device, &entries);
    if (entries.count[TANDEM_ENTRY_SENT] > 0)
        return "waits for answers";
    return entries.count[TANDEM_ENTRY_WAITING] > entries.behind ? "has mutations to send" : NULL;
}

static bool is_kept(const struct own_entries *entries, unsigned number)
{
    return entries->has[number] &&
           (entries->state[number] == TANDEM_ENTRY_CONFLICT ||
            entries->state[number] == TANDEM_ENTRY_REFUSED || entries->is_behind[number]);
}

static void check_deed(struct sim *sim, const struct sim_deed *deed,
                       const struct own_entries *entries)
{
    const bool kept = is_kept(entries, deed->number);
    if (deed->outcome == DEED_OPEN && !entries->is_behind[deed->number])
        sim_differ(sim, "all is quiet, and deed-%u of %s has no answer", deed->number,
                   deed->device->name);
    if (!deed->texted || deed->outcome == DEED_SETTLED)
        return;
    if (deed->applied > 0 && kept)
        sim_differ(sim, "deed-%u was applied, and %s keeps it as refused", deed->number,
                   deed->device->name);
    if (deed->outcome == DEED_TAKEN && deed->applied != 1 && !deed->gone)
        sim_differ(sim, "deed-%u was answered as done and was applied %u times", deed->number,
                   deed->applied);
    if (deed->promised && deed->applied == 0 && !kept && !deed->gone)
        sim_differ(sim,
                   "deed-%u is lost: %s was told that it is queued, it was never applied, and "
                   "is not in the outbox",
                   deed->number, deed->device->name);
}

void own_check(struct sim_device *device)
{
    struct sim *sim = device->sim;
    struct own_entries entries;
    own_look(device, &entries);
    for (unsigned i = 0; i < sim->deed_count; i++)
        if (process_shares(sim->deeds[i].device, device))
            check_deed(sim, &sim->deeds[i], &entries);
    if (entries.shown > 0)
        sim_differ(sim, "all is quiet, and %u accepted mutations still lie over what %s holds",
                   entries.shown, device->name);
}
