/* The server is put back to an earlier copy, as an operator does with a backup, or is one of an
 * older version. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/wire.h"
#include "tests/sim/sim.h"
#include "tests/support/scratch.h"

#define MAP_BYTES (64u << 20)

static void must(struct sim *sim, enum status status, const char *what)
{
    if (status != STATUS_OK)
        sim_differ(sim, "%s: %s", what, status_name(status));
}

/* Empty, whatever was there. */
static void make_folder(struct sim *sim, const char *folder)
{
    if (access(folder, F_OK) == 0)
        scratch_remove(folder);
    if (mkdir(folder, 0700) != 0)
        sim_differ(sim, "there is no folder %s", folder);
}

static void copy_folder(const struct sim *sim, char out[SIM_PATH])
{
    sim_below(sim, "copy", out);
}

static struct store *open_store(struct sim *sim, const char *folder)
{
    const struct store_options options = {
        .path = folder, .map_bytes = MAP_BYTES, .reserve_bytes = 1};
    struct store *store = NULL;
    must(sim, store_open(&options, &store, NULL), "a store cannot be opened");
    return store;
}

static void stop(struct sim *sim)
{
    if (sim->server.store != NULL)
        server_crash(sim, LOST_NONE);
    trap_clear(sim, &sim->server.trap);
}

/* ---- Back to a copy ---- */

void restore_copy(struct sim *sim)
{
    char folder[SIM_PATH];
    if (sim->server.store == NULL)
        return;
    copy_folder(sim, folder);
    make_folder(sim, folder);
    must(sim, store_backup(sim->server.store, folder, NULL), "the store cannot be copied");
    sim->server.copied = true;
    history_copied(sim);
    sim_tell(sim, "copied at seq %llu", (unsigned long long)model_head(sim->model));
}

void restore_from_copy(struct sim *sim)
{
    char folder[SIM_PATH];
    struct id epoch;
    if (!sim->server.copied || sim->history_count == SIM_HISTORIES)
        return;
    stop(sim);
    sim_fill_random(sim, &epoch, sizeof epoch);
    copy_folder(sim, folder);
    struct store *copy = open_store(sim, folder);
    make_folder(sim, sim->server.folder);
    must(sim, store_restore(copy, sim->server.folder, epoch, NULL), "it cannot be restored");
    store_close(copy);
    history_restored(sim, epoch);
    sim->progress->restored++;
    sim_tell(sim, "restored to seq %llu", (unsigned long long)model_head(sim->model));
}

/* ---- Older servers ---- */

void restore_version(struct sim *sim, bool older)
{
    if (sim->server.older == older)
        return;
    stop(sim);
    sim->server.older = older;
}

static bool is_newer_limit(struct bytes name)
{
    return bytes_is(name, "prefer") || bytes_is(name, "check") || bytes_is(name, "notes");
}

/* The limits without those that were added since. */
static void put_limits(struct bytes limits, struct buffer *out)
{
    struct wire_reader reader = wire_read(limits);
    struct bytes name, value;
    uint32_t count = 0, kept = 0;
    const size_t begin = wire_begin_map(out);
    (void)wire_get_map(&reader, &count);
    for (uint32_t i = 0; i < count && wire_get_str(&reader, &name) && wire_skip(&reader, &value);
         i++) {
        if (is_newer_limit(name))
            continue;
        wire_put_str(out, name);
        wire_put_raw(out, value);
        kept++;
    }
    wire_end(out, begin, kept);
}

static void older_welcome(struct message *message, struct buffer *out)
{
    struct buffer limits = {0};
    put_limits(message->as.welcome.limits, &limits);
    message->as.welcome.limits = buffer_bytes(&limits);
    message_encode(out, message);
    buffer_release(&limits);
}

static void older_changes(const struct message *message, struct buffer *out)
{
    static const char *const known[] = {"purged", "entered", "removed", "records", "more"};
    struct message older = {.type = MESSAGE_CHANGES, .as.changes = message->as.changes};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (message_has(message, known[i]))
            message_mark(&older, known[i]);
    message_encode(out, &older);
}

struct bytes restore_older(const struct sim *sim, struct bytes frame, struct buffer *out)
{
    struct message message;
    if (!sim->server.older || message_decode(frame, &message, NULL) != STATUS_OK)
        return frame;
    if (message.type == MESSAGE_WELCOME)
        older_welcome(&message, out);
    else if (message.type == MESSAGE_CHANGES)
        older_changes(&message, out);
    else
        return frame;
    return buffer_bytes(out);
}

void restore_check(struct sim *sim, const struct sim_device *device, struct bytes frame)
{
    struct message message;
    if (sim->server.older && message_decode(frame, &message, NULL) == STATUS_OK &&
        (message.type == MESSAGE_PREFER || message.type == MESSAGE_CHECK ||
         message.type == MESSAGE_NOTE_OPEN || message.type == MESSAGE_NOTE_PUSH))
        sim_differ(sim, "%s sends %s to a server that did not offer it", device->name,
                   message_name(message.type));
}
