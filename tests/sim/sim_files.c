/* What is left in a device's files: of what somebody wrote, nothing that neither the replica nor
 * the outbox holds. Everything written bears the deed's own text, so the files are searched for
 * that. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/sim/sim.h"

struct texts_found {
    bool held[SIM_DEEDS];
};

static void note(struct texts_found *found, struct bytes bytes)
{
    const uint8_t *at = bytes.data, *end = bytes.data + bytes.size;
    while (at < end && (at = memmem(at, (size_t)(end - at), "deed-", 5)) != NULL) {
        unsigned number = 0, digits = 0;
        for (at += 5; at < end && *at >= '0' && *at <= '9' && digits < 4; digits++)
            number = 10 * number + (unsigned)(*at++ - '0');
        if (digits > 0 && at < end && *at == '.' && number < SIM_DEEDS)
            found->held[number] = true;
    }
}

static bool note_record(void *context, struct bytes encoded)
{
    note(context, encoded);
    return true;
}

static bool note_item(void *context, const struct outbox_item *item)
{
    note(context, item->changes); /* what it keeps of others' is not its own */
    return true;
}

static void note_file(struct texts_found *found, const char *path)
{
    struct stat stat;
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return;
    if (fstat(file, &stat) == 0 && stat.st_size > 0) {
        void *bytes = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_SHARED, file, 0);
        if (bytes != MAP_FAILED) {
            note(found, bytes_of(bytes, (size_t)stat.st_size));
            (void)munmap(bytes, (size_t)stat.st_size);
        }
    }
    (void)close(file);
}

/* Whether somebody else wrote it in a record that is still there, in a scope that has been closed
 * to this user: the outbox is cleared when a scope is purged. */
static bool is_purged(struct sim_device *device, const struct sim_deed *deed)
{
    const struct sim *sim = device->sim;
    const uint64_t head = model_head(sim->model);
    const struct model_record *record = model_find(sim->model, deed->record);
    const struct model_version *version = record != NULL ? model_version_at(record, head) : NULL;
    struct model_person who;
    return deed->device->user != device->user && version != NULL &&
           model_person(sim->model, sim->users[device->user].id, head, &who) &&
           !model_scope_open(sim->model, &who, version->scope, head);
}

void files_check(struct sim_device *device)
{
    static const char *const names[] = {"data.mdb", "outbox.mdb"};
    struct sim *sim = device->sim;
    struct texts_found held = {{false}};
    process_is(device);
    if (replica_each(device->client->replica, bytes_of(NULL, 0), note_record, &held) != STATUS_OK ||
        outbox_store_each(device->client->store, 0, note_item, &held) != STATUS_OK)
        sim_differ(sim, "%s cannot be read", device->name);
    for (unsigned i = 0; i < 2; i++) {
        struct texts_found left = {{false}};
        char path[SIM_PATH + 16];
        (void)snprintf(path, sizeof path, "%s/%s", device->folder, names[i]);
        note_file(&left, path);
        for (unsigned n = 0; n < sim->deed_count; n++)
            if (left.held[n] && !held.held[n] && (i == 0 || is_purged(device, &sim->deeds[n])))
                sim_differ(sim, "%s still has in %s what deed-%u wrote, and holds it no more",
                           device->name, names[i], n);
    }
}
