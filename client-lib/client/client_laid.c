#include "client-lib/client/client_laid.h"

#include <string.h>

#include "client-lib/client/client.h"

bool laid_any(const tandem_client *client)
{
    return client->store != NULL && outbox_store_count(client->store, 0) > 0;
}

/* ---- The author ---- */

#define PARTIES_MOST 64u

struct author {
    struct overlay_author as;
    struct buffer name;
    struct id parties[PARTIES_MOST];
};

static void add_party(struct author *author, struct id party)
{
    if (author->as.party_count < PARTIES_MOST)
        author->parties[author->as.party_count++] = party;
}

/* Their own record, for a handle that has not signed in since it was opened. */
static bool read_user(void *context, struct bytes encoded)
{
    struct author *author = context;
    struct record_view view;
    struct bytes list = {0};
    uint32_t count = 0;
    struct id party;
    if (!record_view_read(encoded, &view))
        return false;
    author->as.partner = wire_map_id(view.fields, "partner", &party);
    if (author->as.partner)
        add_party(author, party);
    else if (wire_map_find(view.fields, "departments", &list)) {
        struct wire_reader reader = wire_read(list);
        (void)wire_get_array(&reader, &count);
        while (count-- > 0 && wire_get_id(&reader, &party))
            add_party(author, party);
    }
    return false;
}

static enum status find_author(tandem_client *client, struct author *out)
{
    enum status status = STATUS_OK;
    struct id party;
    *out = (struct author){.as = {.parties = out->parties}};
    if (client->user_name[0] != '\0') {
        buffer_append(&out->name, client->user_name, strlen(client->user_name));
        out->as.partner = strcmp(client->user_role, "Partner") == 0;
        for (size_t i = 0; i < client->party_count; i++)
            if (id_from_text(bytes_text(client->parties[i].id), &party))
                add_party(out, party);
    } else {
        status = outbox_store_user_name(client->store, &out->name);
        if (status == STATUS_OK)
            status = replica_get(client->replica, outbox_store_user(client->store), read_user, out);
    }
    if (status == STATUS_NOT_FOUND)
        status = STATUS_OK;
    out->as.name = buffer_bytes(&out->name);
    return out->name.failed ? STATUS_NO_MEMORY : status;
}

/* ---- One record ---- */

/* One record being looked up. What lies over it comes entry by entry; what it lies over is looked
 * for with the first. */
struct laying {
    tandem_client *client;
    struct id id;
    uint64_t except; /* an entry that is left out; 0: none */
    struct overlay *overlay;
    bool begun;
    uint64_t shown;
    struct author author;
    enum status status;
};

static bool begin_held(void *context, struct bytes encoded)
{
    struct laying *laying = context;
    struct record_view view;
    if (!record_view_read(encoded, &view)) {
        laying->status = STATUS_CORRUPT;
        return false;
    }
    if (view.seq > laying->shown)
        laying->shown = view.seq;
    laying->status = overlay_begin(laying->overlay, encoded);
    return false;
}

static enum status begin(struct laying *laying)
{
    tandem_client *client = laying->client;
    laying->begun = true;
    laying->status = overlay_begin(laying->overlay, (struct bytes){0});
    if (laying->status != STATUS_OK)
        return laying->status;
    /* Before the record is read, which then shows all up to there. */
    laying->shown = replica_cursor(client->replica);
    enum status status = replica_get(client->replica, laying->id, begin_held, laying);
    if (status == STATUS_NOT_FOUND)
        status = STATUS_OK;
    if (status == STATUS_OK)
        status = laying->status;
    return status == STATUS_OK ? find_author(client, &laying->author) : status;
}

static bool lay_item(void *context, const struct outbox_item *item)
{
    struct laying *laying = context;
    if (item->order == laying->except)
        return true;
    if (!laying->begun)
        laying->status = begin(laying);
    if (laying->status == STATUS_OK)
        laying->status =
            overlay_add(laying->overlay, item, laying->id, laying->shown, &laying->author.as);
    return laying->status == STATUS_OK;
}

static enum status lay_all(struct laying *laying)
{
    enum status status = outbox_store_over(laying->client->store, laying->id, lay_item, laying);
    buffer_release(&laying->author.name);
    return status == STATUS_OK ? laying->status : status;
}

enum status laid_get(tandem_client *client, struct id id, struct overlay *out, bool *laid)
{
    struct laying laying = {.client = client, .id = id, .overlay = out, .status = STATUS_OK};
    enum status status = lay_all(&laying);
    *laid = laying.begun;
    return status;
}

enum status laid_before(tandem_client *client, struct id id, const struct outbox_item *item,
                        struct overlay *out)
{
    static const struct overlay_author nobody;
    struct laying laying = {.client = client, .id = id, .except = item->order, .overlay = out};
    struct outbox_item alone = *item;
    enum status status = outbox_store_hold(client->store);
    if (status != STATUS_OK)
        return status;
    status = begin(&laying);
    if (status == STATUS_OK)
        status = lay_all(&laying);
    else
        buffer_release(&laying.author.name);
    outbox_store_release(client->store);
    alone.state = TANDEM_ENTRY_WAITING;
    if (status == STATUS_OK && out->record.size == 0)
        status = overlay_add(out, &alone, id, 0, &nobody);
    return status;
}

/* ---- Many records ---- */

static bool note_id(void *context, struct id id)
{
    struct buffer *ids = context;
    buffer_append(ids, id.octet, ID_SIZE);
    return !ids->failed;
}

enum status laid_ids(tandem_client *client, struct buffer *out)
{
    enum status status = outbox_store_touched(client->store, note_id, out);
    return status == STATUS_OK && out->failed ? STATUS_NO_MEMORY : status;
}

bool laid_has(const struct buffer *ids, struct id id)
{
    size_t low = 0, high = ids->size / ID_SIZE;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(ids->data + middle * ID_SIZE, id.octet, ID_SIZE);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}
