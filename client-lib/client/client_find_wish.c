/* Indexes that a process wishes for which does not write the replica: noted in the folder, for
 * whoever leads to build them. Where indexes are looked up they are looked up in the file, so that
 * one is used from its last slice on, without a word. */
#include "client-lib/client/client_find.h"

#include <string.h>

#include "client-lib/client/client.h"

#define NOTE_INDEXES "indexes"
/* Between two wishes of a handle: each is a commit, and wakes whoever leads, who may be unable to
 * build what is wished for. */
#define WISH_AGAIN 1000u

/* As noted: one after the other, lengths before the names. */
static void put_name(const struct replica_index_name *name, struct buffer *out)
{
    buffer_append_byte(out, name->kind);
    buffer_append_byte(out, (uint8_t)name->entity.size);
    buffer_append_byte(out, (uint8_t)name->field.size);
    buffer_append(out, name->entity.data, name->entity.size);
    buffer_append(out, name->field.data, name->field.size);
}

static bool is_name(struct bytes name)
{
    return name.size > 0 && name.size <= RECORD_NAME_MAX && memchr(name.data, 0, name.size) == NULL;
}

/* The next of the names noted, by whomever; false at the end, or where it makes no sense. */
static bool next_name(struct bytes *rest, struct replica_index_name *out)
{
    if (rest->size < 3)
        return false;
    const size_t entity = rest->data[1], field = rest->data[2];
    if (rest->size - 3 < entity + field)
        return false;
    *out = (struct replica_index_name){.entity = bytes_of(rest->data + 3, entity),
                                       .field = bytes_of(rest->data + 3 + entity, field),
                                       .kind = rest->data[0]};
    *rest = bytes_of(rest->data + 3 + entity + field, rest->size - 3 - entity - field);
    return is_name(out->entity) && is_name(out->field);
}

static bool is_noted(struct bytes noted, const struct replica_index_name *name)
{
    struct replica_index_name other;
    while (next_name(&noted, &other))
        if (other.kind == name->kind && bytes_equal(other.entity, name->entity) &&
            bytes_equal(other.field, name->field))
            return true;
    return false;
}

static size_t count_names(struct bytes noted)
{
    struct replica_index_name name;
    size_t count = 0;
    while (next_name(&noted, &name))
        count++;
    return count;
}

void find_wish(tandem_client *client, const struct find_access *access)
{
    struct buffer noted = {0};
    const uint64_t now = client_now(client);
    bool any = false;
    if (client->store == NULL || (client->wished_index && now < client->wish_index_at))
        return;
    client->wished_index = true;
    client->wish_index_at = now + WISH_AGAIN;
    enum status status = outbox_store_note(client->store, NOTE_INDEXES, &noted);
    for (size_t i = 0; i < access->missing_count && !noted.failed; i++) {
        if (count_names(buffer_bytes(&noted)) >= REPLICA_INDEX_MOST ||
            is_noted(buffer_bytes(&noted), &access->missing[i]))
            continue;
        put_name(&access->missing[i], &noted);
        any = true;
    }
    /* Without it queries walk, as before; the next one wishes again. */
    if (any && !noted.failed && (status == STATUS_OK || status == STATUS_NOT_FOUND))
        (void)outbox_store_set_note(client->store, NOTE_INDEXES, buffer_bytes(&noted));
    buffer_release(&noted);
}

void find_look_wishes(tandem_client *client)
{
    struct buffer noted = {0};
    struct replica_index_name name;
    if (client->store != NULL && client_leads(client) &&
        outbox_store_note(client->store, NOTE_INDEXES, &noted) == STATUS_OK && noted.size > 0 &&
        outbox_store_set_note(client->store, NOTE_INDEXES, (struct bytes){0}) == STATUS_OK)
        for (struct bytes rest = buffer_bytes(&noted); next_name(&rest, &name);)
            replica_index_want(client->replica, &name);
    buffer_release(&noted);
}
