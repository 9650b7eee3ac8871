/* What must hold at every moment: the server takes a mutation once and sends nobody what they may
 * not see, a device shows nothing else either, and it shows its author's own work until that is
 * settled. */
#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"
#include "tests/sim/sim.h"

/* ---- Deeds by their text ---- */

/* The deed of a text "deed-17."; NULL when it is none. */
static struct sim_deed *deed_of(struct sim *sim, const char *text, size_t size)
{
    char digits[16] = "";
    if (size < 7 || size > 16 || memcmp(text, "deed-", 5) != 0 || text[size - 1] != '.')
        return NULL;
    memcpy(digits, text + 5, size - 6);
    const unsigned long number = strtoul(digits, NULL, 10);
    return number < sim->deed_count ? &sim->deeds[number] : NULL;
}

/* ---- The server ---- */

static void count_deeds(struct sim *sim, struct bytes changes, uint64_t seq)
{
    struct sim_deed *deed;
    for (struct own_walk walk = own_walk(changes); (deed = own_next(sim, &walk)) != NULL;) {
        if (++deed->applied > 1)
            sim_differ(sim, "deed-%u was applied %u times", deed->number, deed->applied);
        if (deed->outcome == DEED_REFUSED)
            sim_differ(sim, "deed-%u was applied, and its author was told that it was refused",
                       deed->number);
        own_forced(deed);
        deed->applied_seq = seq;
    }
}

void watch_committed(struct sim *sim, const struct sim_command *command)
{
    struct message message;
    if (sim->model == NULL)
        return; /* being founded */
    const uint64_t head = model_head(sim->model);
    note_committed(sim, command);
    if (command->kind == COMMAND_NOTE)
        history_typed(sim, command);
    if (command->kind == COMMAND_DUE) {
        if (history_due(sim, command) != command->seq)
            sim_differ(sim, "assignments and notes came due up to seq %llu and should up to %llu",
                       (unsigned long long)command->seq,
                       (unsigned long long)model_head(sim->model));
        return;
    }
    if (command->kind != COMMAND_MUTATE || command->seq == head) {
        if (command->seq != head)
            sim_differ(sim, "a command that changes no record took a seq");
        return;
    }
    if (message_decode(buffer_bytes(&command->body), &message, NULL) != STATUS_OK)
        sim_differ(sim, "what cannot be read was accepted");
    sim->progress->accepted++;
    sim_tell(sim, "seq %llu", (unsigned long long)command->seq);
    count_deeds(sim, message.as.mutate.changes, command->seq);
    history_mutated(sim, command, message.as.mutate.changes);
}

static void watch_records(struct sim *sim, const struct sim_device *device, struct bytes records,
                          const char *what)
{
    struct wire_reader reader = wire_read(records);
    struct bytes record;
    uint32_t count = 0;
    char why[256], id_text[ID_TEXT_SIZE];
    (void)wire_get_array(&reader, &count);
    for (uint32_t i = 0; i < count && wire_skip(&reader, &record); i++) {
        struct id id = {{0}};
        (void)wire_map_id(record, "id", &id);
        sim->progress->records++;
        if (!judge_record_at(sim->model, sim->users[device->user].id, record,
                             model_head(sim->model), why, sizeof why))
            sim_differ(sim, "%s of %s was sent %s in %s at seq %llu, which is not so: %s",
                       device->name, sim->users[device->user].name, id_to_text(id, id_text), what,
                       (unsigned long long)model_head(sim->model), why);
    }
}

void watch_frame(struct sim *sim, const struct sim_connection *connection, struct bytes frame)
{
    struct message message;
    const struct sim_device *device = connection->device;
    if (message_decode(frame, &message, NULL) != STATUS_OK)
        sim_differ(sim, "the server sends what cannot be decoded");
    sim->progress->frames++;
    if (message.type == MESSAGE_CHANGES) {
        const struct msg_changes *changes = &message.as.changes;
        sim_tell(sim,
                 "to %s: changes %llu to %llu: %u records, %u removed, %u purged, %u entered%s",
                 device->name, (unsigned long long)changes->from, (unsigned long long)changes->to,
                 message_count(changes->records), message_count(changes->removed),
                 message_count(changes->purged), message_count(changes->entered),
                 changes->more ? ", more" : "");
        watch_records(sim, device, changes->records, "changes");
    } else if (message.type == MESSAGE_BACKFILL) {
        sim_tell(sim, "to %s: backfill of %u records", device->name,
                 message_count(message.as.backfill.records));
        watch_records(sim, device, message.as.backfill.records, "a backfill");
    } else if (message.type == MESSAGE_RESULT) {
        const struct bytes status = message.as.result.status;
        sim_tell(sim, "to %s: result %llu %.*s", device->name,
                 (unsigned long long)message.as.result.number, (int)status.size,
                 (const char *)status.data);
    } else if (message.type != MESSAGE_PONG) {
        note_told(sim, device, &message);
        sim_tell(sim, "to %s: %s", device->name, message_name(message.type));
    }
}

/* ---- What a device shows ---- */

static bool is_own(struct sim *sim, const struct sim_device *device, const char *text)
{
    const struct sim_deed *deed = text != NULL ? deed_of(sim, text, strlen(text)) : NULL;
    return deed != NULL && deed->device->user == device->user;
}

/* As the server had it at a seq, but for fields that their author has set. */
static bool is_view_with_own(struct sim_device *device, const struct model *model,
                             const struct tandem_record *record, uint64_t seq)
{
    struct sim *sim = device->sim;
    const struct model_record *meant = model_find(model, record->view.id);
    struct model_person who;
    struct model_view view;
    if (meant == NULL || !model_person(model, sim->users[device->user].id, seq, &who) ||
        !model_view(model, &who, meant, seq, &view))
        return false;
    struct wire_reader reader = wire_read(record->view.fields);
    uint32_t count = 0;
    struct bytes name, value;
    (void)wire_get_map(&reader, &count);
    for (uint32_t i = 0; i < count; i++) {
        char key[65];
        unsigned at = 0;
        if (!wire_get_str(&reader, &name) || !wire_skip(&reader, &value))
            return false;
        while (at < view.field_count && !bytes_is(name, view.fields[at].name))
            at++;
        const bool same = at < view.field_count && bytes_equal(view.fields[at].value, value);
        if (!same && !is_own(sim, device, tandem_record_text(record, bytes_to_text(name, key, 65))))
            return false;
    }
    return true;
}

static bool made_by_own(const struct sim_device *device, struct id id)
{
    const struct sim *sim = device->sim;
    for (unsigned i = 0; i < sim->deed_count; i++)
        if (sim->deeds[i].device->user == device->user && id_equal(sim->deeds[i].record, id))
            return true;
    return false;
}

static void watch_shown(struct sim_device *device, const struct tandem_record *record,
                        const char *where)
{
    struct sim *sim = device->sim;
    const struct model *model = history_shown(device);
    const uint64_t head = model_head(model), cursor = tandem_cursor(device->client);
    char first[256] = "", why[256], id[ID_TEXT_SIZE];
    for (uint64_t seq = head; seq >= cursor && seq > 0; seq--) {
        if (judge_record_at(model, sim->users[device->user].id, record->encoded, seq, why,
                            sizeof why))
            return;
        if (record->state != TANDEM_STATE_SYNCED && is_view_with_own(device, model, record, seq))
            return;
        if (seq == head)
            memcpy(first, why, sizeof first);
    }
    /* "Mine" on a deleted record makes another, whose id is only told when the call returns. */
    const bool new = device->settles &&model_find(model, record->view.id) == NULL;
    if (record->state != TANDEM_STATE_SYNCED && (new || made_by_own(device, record->view.id)))
        return;
    sim_differ(sim, "%s of %s (cursor %llu, head %llu) shows %.*s %s in %s, which is not so: %s",
               device->name, sim->users[device->user].name, (unsigned long long)cursor,
               (unsigned long long)head, (int)record->view.entity.size,
               (const char *)record->view.entity.data, id_to_text(record->view.id, id), where,
               first);
}

/* ---- Events ---- */

static void watch_connection(struct sim_device *device, const tandem_event *event)
{
    device->caught_up = false;
    device->failed = event->final;
    if (event->kind == TANDEM_EVENT_CONNECTED)
        device->connected_seq = model_head(device->sim->model);
    else
        sim_tell(device->sim, "%s: disconnected%s: %s", device->name,
                 event->final ? " for good" : "", event->detail);
}

static void watch_entry(struct sim_device *device, const tandem_event *event)
{
    sim_tell(device->sim, "%s: entry %llu is %s", device->name, (unsigned long long)event->entry,
             event->kind == TANDEM_EVENT_SETTLED    ? "settled"
             : event->kind == TANDEM_EVENT_CONFLICT ? "in conflict"
                                                    : "refused");
}

void watch_event(struct sim_device *device, const tandem_event *event)
{
    struct sim *sim = device->sim;
    switch (event->kind) {
    case TANDEM_EVENT_CONNECTED:
    case TANDEM_EVENT_DISCONNECTED:
        watch_connection(device, event);
        break;
    case TANDEM_EVENT_CHANGED:
        if (event->record == NULL)
            sim_differ(sim, "%s: a record has changed, and it is not told which", device->name);
        watch_shown(device, event->record, "an event");
        break;
    case TANDEM_EVENT_CAUGHT_UP:
        device->caught_up = true;
        device->home->behind_itself = false;
        break;
    case TANDEM_EVENT_ENTERED:
        device->caught_up = false;
        break;
    case TANDEM_EVENT_RESET:
        device->caught_up = false;
        sim_tell(sim, "%s: reset: %s", device->name, event->detail);
        break;
    case TANDEM_EVENT_SETTLED:
    case TANDEM_EVENT_CONFLICT:
    case TANDEM_EVENT_REFUSED:
        watch_entry(device, event);
        break;
    case TANDEM_EVENT_REPAIRED:
        sim_differ(sim, "%s found that %s differs, and nothing had damaged it", device->name,
                   event->scope);
    case TANDEM_EVENT_OUTBOX_DAMAGED:
        sim_differ(sim, "%s cannot read its outbox: %s", device->name, event->detail);
    default:
        break;
    }
}

/* ---- Results ---- */

void watch_result(struct sim_deed *deed, const tandem_result *result)
{
    struct sim *sim = deed->sim;
    if (++deed->answers > 1)
        sim_differ(sim, "deed-%u was answered %u times", deed->number, deed->answers);
    deed->code = result->code;
    deed->seq = result->seq;
    sim_tell(sim, "%s: deed-%u is answered: %s %s", deed->device->name, deed->number,
             tandem_error_name(result->code), result->fault->detail);
    if (result->code == TANDEM_OK) {
        deed->outcome = DEED_TAKEN;
        /* An answer may come from before the server was put back. */
        if (deed->texted && deed->applied == 0 &&
            !(deed->undone && history_is_former(deed->device)))
            sim_differ(sim, "deed-%u was answered as done and never applied", deed->number);
        return;
    }
    if (result->code == STATUS_KEPT || result->code == STATUS_CANCELLED) {
        deed->outcome = result->code == STATUS_KEPT ? DEED_KEPT : DEED_UNKNOWN;
        return;
    }
    sim->progress->refused++;
    deed->outcome = DEED_REFUSED;
    if (deed->applied > 0)
        sim_differ(sim, "deed-%u was answered as refused, and was applied", deed->number);
}

/* ---- Reads ---- */

static bool look(void *context, const tandem_record *record)
{
    watch_shown(context, record, "a read");
    return true;
}

void watch_read(struct sim_device *device)
{
    if (device->client == NULL)
        return;
    process_is(device);
    const tandem_code code = tandem_each(device->client, NULL, look, device);
    if (code != TANDEM_OK)
        sim_differ(device->sim, "%s cannot be read: %s", device->name, tandem_error_name(code));
    own_watch(device);
}
