/* What is wanted, and what the replica does when that changes.
 *
 * The replica remembers what it is subscribed to, and every record in it is of that. Scopes that
 * are added are noted as backfills in the same transaction in which the new wish is recorded; those
 * dropped are purged after it, one by one, by comparing what is held with what is wanted. So a
 * process that dies in between leaves nothing behind that is not found again at the next start. */
#include "client-lib/sync/sync_internal.h"

#include <stdlib.h>
#include <string.h>

#include "client-lib/sync/sync_note.h"
#include "protocol/memory.h"
#include "protocol/wire.h"

/* Entities that a server lets a subscription name. */
#define MOST_ENTITIES 256u

void sync_wish_release(struct sync_wish *wish)
{
    buffer_release(&wish->scopes);
    buffer_release(&wish->entities);
    wish->all = false;
}

/* ---- Lists, in which the same wish has the same bytes ---- */

static int compare_scopes(const void *a, const void *b)
{
    return memcmp(a, b, SCOPE_SIZE);
}

static bool find_scope(struct bytes list, struct scope scope)
{
    uint8_t octets[SCOPE_SIZE];
    scope_put(scope, octets);
    return list.size > 0 &&
           bsearch(octets, list.data, list.size / SCOPE_SIZE, SCOPE_SIZE, compare_scopes) != NULL;
}

static enum status scope_list(const struct scope *scopes, size_t count, struct buffer *out)
{
    size_t kept = 0;
    if (count > LIMIT_SCOPES)
        return STATUS_LIMIT;
    for (size_t i = 0; i < count; i++) {
        uint8_t *at = buffer_extend(out, SCOPE_SIZE);
        if (at == NULL)
            return STATUS_NO_MEMORY;
        scope_put(scopes[i], at);
    }
    if (count == 0)
        return STATUS_OK;
    qsort(out->data, count, SCOPE_SIZE, compare_scopes);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *scope = out->data + i * SCOPE_SIZE;
        if (kept > 0 && memcmp(scope, out->data + (kept - 1) * SCOPE_SIZE, SCOPE_SIZE) == 0)
            continue;
        memmove(out->data + kept * SCOPE_SIZE, scope, SCOPE_SIZE);
        kept++;
    }
    out->size = kept * SCOPE_SIZE;
    return STATUS_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_names(const char *const *sorted, size_t count, struct buffer *out)
{
    size_t begin = wire_begin_array(out);
    uint32_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(sorted[i], sorted[i - 1]) != 0) {
            wire_put_text(out, sorted[i]);
            kept++;
        }
    wire_end(out, begin, kept);
}

static enum status entity_list(const char *const *names, size_t count, struct buffer *out)
{
    if (count > MOST_ENTITIES)
        return STATUS_LIMIT;
    if (count == 0)
        return STATUS_OK;
    const char **sorted = memory_new(count * sizeof *sorted);
    if (sorted == NULL)
        return STATUS_NO_MEMORY;
    memcpy(sorted, names, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_names);
    put_names(sorted, count, out);
    memory_free(sorted);
    return out->failed ? STATUS_NO_MEMORY : STATUS_OK;
}

bool sync_wants(const struct sync *sync, struct scope scope)
{
    return sync->wish.all || find_scope(buffer_bytes(&sync->wish.scopes), scope);
}

/* ---- A wish as bytes: ["entities" size 4 (names)] then "all", or "scopes" and they ---- */

static const char word_entities[] = "entities", word_all[] = "all", word_scopes[] = "scopes";

static enum status keep(const struct sync_wish *wish, struct buffer *out)
{
    const char *name = wish->all ? word_all : word_scopes;
    if (wish->entities.size > 0) {
        uint8_t size[4];
        put_u32(size, (uint32_t)wish->entities.size);
        buffer_append(out, word_entities, strlen(word_entities));
        buffer_append(out, size, sizeof size);
        buffer_append(out, wish->entities.data, wish->entities.size);
    }
    buffer_append(out, name, strlen(name));
    if (wish->scopes.size > 0)
        buffer_append(out, wish->scopes.data, wish->scopes.size);
    return out->failed ? STATUS_NO_MEMORY : STATUS_OK;
}

struct kept {
    bool all;
    struct bytes scopes, entities;
};

static bool begins_with(struct bytes *bytes, const char *word)
{
    size_t size = strlen(word);
    if (bytes->size < size || memcmp(bytes->data, word, size) != 0)
        return false;
    *bytes = bytes_of(bytes->data + size, bytes->size - size);
    return true;
}

static bool read_kept(struct bytes bytes, struct kept *out)
{
    *out = (struct kept){0};
    if (begins_with(&bytes, word_entities)) {
        if (bytes.size < 4 || bytes.size - 4 < get_u32(bytes.data))
            return false;
        out->entities = bytes_of(bytes.data + 4, get_u32(bytes.data));
        bytes = bytes_of(bytes.data + 4 + out->entities.size, bytes.size - 4 - out->entities.size);
    }
    out->all = begins_with(&bytes, word_all);
    if (!out->all && !begins_with(&bytes, word_scopes))
        return false;
    out->scopes = bytes;
    return bytes.size % SCOPE_SIZE == 0 && (out->all == (bytes.size == 0));
}

enum status sync_wish_keep(const struct sync *sync, struct buffer *out)
{
    return keep(&sync->wish, out);
}

/* ---- Changing ---- */

static enum status empty(struct sync *sync, struct id epoch)
{
    struct buffer name = {0};
    enum status status = keep(&sync->wish, &name);
    if (status == STATUS_OK)
        status = sync->store->begin(sync->replica);
    if (status == STATUS_OK) {
        status = sync->store->empty(sync->replica, epoch, buffer_bytes(&name));
        if (status == STATUS_OK)
            status = sync->store->commit(sync->replica);
        else
            sync->store->abort(sync->replica);
    }
    buffer_release(&name);
    return status;
}

enum status sync_start_over(struct sync *sync, struct id epoch, const char *reason)
{
    struct sync_note *note = sync_note_add(sync, TANDEM_EVENT_RESET, 0);
    if (note == NULL)
        return STATUS_NO_MEMORY;
    note->event.detail = reason;
    enum status status = sync_losing(sync, &note->event);
    if (status == STATUS_OK)
        status = empty(sync, epoch);
    if (status != STATUS_OK)
        sync_notes_clear(sync);
    return status;
}

void sync_forget_wishes(struct sync *sync, bool keeps_wish)
{
    sync->preferred_count = 0;
    sync->caught_up = false;
    if (keeps_wish)
        return;
    sync_wish_release(&sync->wish);
    sync->wanted = false;
}

enum status sync_adopt_epoch(struct sync *sync)
{
    if (sync->store->cursor(sync->replica) != 0 ||
        id_equal(sync->store->epoch(sync->replica), sync->server_epoch))
        return STATUS_OK;
    return empty(sync, sync->server_epoch);
}

static enum status drop(struct sync *sync, struct scope scope, size_t *dropped)
{
    const struct sync_store *store = sync->store;
    const struct sync_event event = {.kind = TANDEM_EVENT_PURGED, .scope = scope, .detail = ""};
    size_t count = 0;
    enum status status = sync_losing(sync, &event);
    if (status == STATUS_OK)
        status = store->begin(sync->replica);
    if (status != STATUS_OK)
        return status;
    status = store->purge(sync->replica, scope, &count);
    if (status == STATUS_OK)
        status = sync_check_leave(sync, scope);
    if (status == STATUS_OK)
        status = store->commit(sync->replica);
    else
        store->abort(sync->replica);
    if (status != STATUS_OK || ++*dropped > SYNC_DROPPED_MOST + 1)
        return status;
    struct sync_note *note = sync_note_add(
        sync, *dropped <= SYNC_DROPPED_MOST ? TANDEM_EVENT_PURGED : TANDEM_EVENT_RELOAD,
        store->cursor(sync->replica));
    if (note == NULL)
        return STATUS_NO_MEMORY;
    note->event.scope = scope;
    return STATUS_OK;
}

enum status sync_drop_unwanted(struct sync *sync)
{
    struct replica_backfill backfill;
    struct scope scope, last;
    const struct scope *after = NULL;
    size_t dropped = 0;
    enum status status;
    if (sync->wish.all)
        return STATUS_OK;
    while ((status = sync->store->next_scope(sync->replica, after, &scope)) == STATUS_OK) {
        if (!sync_wants(sync, scope))
            status = drop(sync, scope, &dropped);
        if (status != STATUS_OK)
            return status;
        last = scope;
        after = &last;
    }
    for (after = NULL; status == STATUS_NOT_FOUND; after = &last) {
        if ((status = sync->store->next_backfill(sync->replica, after, &backfill)) != STATUS_OK)
            break;
        if (!sync_wants(sync, backfill.scope))
            status = drop(sync, backfill.scope, &dropped);
        last = backfill.scope;
        status = status == STATUS_OK ? STATUS_NOT_FOUND : status;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

struct change {
    const struct kept *held;
    struct bytes name;
};

/* Records the wish, and notes what was added. */
static enum status apply_wish(struct sync *sync, const void *argument)
{
    const struct change *change = argument;
    const struct bytes scopes = buffer_bytes(&sync->wish.scopes);
    const uint64_t cursor = sync->store->cursor(sync->replica);
    enum status status = sync->store->set_subscription(sync->replica, change->name);
    for (size_t at = 0; at < scopes.size && status == STATUS_OK; at += SCOPE_SIZE) {
        struct replica_backfill backfill = {.from = 0, .until = cursor};
        if (!scope_from_bytes(bytes_of(scopes.data + at, SCOPE_SIZE), &backfill.scope))
            return STATUS_INTERNAL;
        if (!change->held->all && !find_scope(change->held->scopes, backfill.scope))
            status = sync->store->put_backfill(sync->replica, &backfill);
    }
    return status;
}

/* From what the replica is subscribed to, to sync->wish, whose bytes are `name`. */
static enum status adapt(struct sync *sync, struct bytes held_name, struct bytes name)
{
    struct kept held;
    /* One that never was subscribed has nothing to lose, and nothing to tell of. */
    if (held_name.size == 0 || sync->store->cursor(sync->replica) == 0)
        return empty(sync, sync->server_epoch);
    if (!read_kept(held_name, &held) || (sync->wish.all && !held.all) ||
        !bytes_equal(held.entities, buffer_bytes(&sync->wish.entities)))
        return sync_start_over(sync, sync->server_epoch, "subscription");
    return sync_transact(sync, &(struct change){&held, name}, apply_wish);
}

/* Takes `wish` over; it is released, or the former one in its place. */
static enum status want(struct sync *sync, struct sync_wish *wish)
{
    struct buffer held = {0}, name = {0};
    const struct sync_wish former = sync->wish;
    enum status status = keep(wish, &name);
    if (status == STATUS_OK)
        status = sync->store->subscription(sync->replica, &held);
    const bool same = bytes_equal(buffer_bytes(&held), buffer_bytes(&name));
    if (status == STATUS_OK) {
        sync->wish = *wish;
        *wish = former;
    }
    if (status == STATUS_OK && !same) {
        status = adapt(sync, buffer_bytes(&held), buffer_bytes(&name));
        if (status != STATUS_OK) { /* nothing has changed */
            *wish = sync->wish;
            sync->wish = former;
        }
    }
    buffer_release(&held);
    buffer_release(&name);
    sync_wish_release(wish);
    if (status != STATUS_OK)
        return status;
    const bool again = !sync->wanted || !same;
    sync->wanted = true;
    if (sync->state == SYNC_LIVE && again)
        status = sync_resubscribe(sync);
    else if (sync->state == SYNC_IDLE && !id_is_zero(sync->server_epoch))
        return sync_begin(sync);
    enum status dropping = sync_drop_unwanted(sync);
    sync_notes_tell(sync);
    return status == STATUS_OK ? dropping : status;
}

enum status sync_wish_make(const struct scope *scopes, size_t count, const char *const *entities,
                           size_t entity_count, struct buffer *out)
{
    struct sync_wish wish = {.all = count == 0};
    enum status status = scope_list(scopes, count, &wish.scopes);
    if (status == STATUS_OK)
        status = entity_list(entities, entity_count, &wish.entities);
    if (status == STATUS_OK)
        status = keep(&wish, out);
    sync_wish_release(&wish);
    return status;
}

enum status sync_want_only(struct sync *sync, const struct scope *scopes, size_t count,
                           const char *const *entities, size_t entity_count)
{
    struct sync_wish wish = {.all = count == 0};
    enum status status = scope_list(scopes, count, &wish.scopes);
    if (status == STATUS_OK)
        status = entity_list(entities, entity_count, &wish.entities);
    if (status == STATUS_OK)
        return want(sync, &wish);
    sync_wish_release(&wish);
    return status;
}

enum status sync_want(struct sync *sync, const struct scope *scopes, size_t count)
{
    return sync_want_only(sync, scopes, count, NULL, 0);
}

/* What is kept may come from a damaged file. */
static bool is_entity_list(struct bytes list)
{
    struct wire_reader reader = wire_read(list);
    struct bytes name;
    uint32_t count;
    if (!wire_get_array(&reader, &count) || count == 0 || count > MOST_ENTITIES)
        return false;
    while (count-- > 0)
        if (!wire_get_str(&reader, &name))
            return false;
    return wire_at_end(&reader);
}

static bool is_scope_list(struct bytes list)
{
    struct scope scope;
    if (list.size > LIMIT_SCOPES * SCOPE_SIZE)
        return false;
    for (size_t at = 0; at < list.size; at += SCOPE_SIZE)
        if (!scope_from_bytes(bytes_of(list.data + at, SCOPE_SIZE), &scope) ||
            (at > 0 && compare_scopes(list.data + at - SCOPE_SIZE, list.data + at) >= 0))
            return false;
    return true;
}

enum status sync_want_kept(struct sync *sync, struct bytes bytes)
{
    struct kept kept;
    struct sync_wish wish = {0};
    if (!read_kept(bytes, &kept) || !is_scope_list(kept.scopes) ||
        (kept.entities.size > 0 && !is_entity_list(kept.entities)))
        return STATUS_MALFORMED;
    wish.all = kept.all;
    if (kept.scopes.size > 0)
        buffer_append(&wish.scopes, kept.scopes.data, kept.scopes.size);
    if (kept.entities.size > 0)
        buffer_append(&wish.entities, kept.entities.data, kept.entities.size);
    if (!wish.scopes.failed && !wish.entities.failed)
        return want(sync, &wish);
    sync_wish_release(&wish);
    return STATUS_NO_MEMORY;
}
