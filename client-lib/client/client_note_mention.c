/* Mentions that are sent behind what was typed.
 *
 * Both wait in the folder while there is no connection, the mention in the outbox and the name that
 * it is about in a note. The outbox is sent at once with the next connection, a note only when it
 * is open at the server: whoever is mentioned would look for their name in vain, for as long as the
 * line holds in between, or for days where it breaks just then. So a mention waits for its note, as
 * long as what is typed there is on its way, and for a while only. */
#include "client-lib/client/client.h"

#include <string.h>

#include "client-lib/outbox/outbox_entry.h"

/* Milliseconds after signing in. */
#define MENTION_WAITS 10000u

static bool is_under_way(const struct tandem_note *note)
{
    return note->ended == STATUS_OK && !note->pending &&
           (note_doc_sent(note->doc) != NULL || note_doc_can_send(note->doc) ||
            note_doc_catching_up(note->doc));
}

static bool take_unsent(void *context, struct id id, const struct note_head *head)
{
    tandem_client *client = context;
    const struct tandem_note *note = note_find(client, id);
    if (head->waiting > 0 && head->ended == STATUS_OK && (note == NULL || is_under_way(note)))
        buffer_append(&client->notes.unsent, &id, sizeof id);
    return true;
}

void client_notes_look_unsent(tandem_client *client)
{
    struct client_notes *notes = &client->notes;
    buffer_clear(&notes->unsent);
    notes->mention_until_ms = 0;
    if (notes->offered && client_now(client) < notes->welcomed_ms + MENTION_WAITS)
        (void)note_store_each(client->store, take_unsent, client); /* else nothing waits for it */
}

static bool is_unsent(const struct client_notes *notes, struct id id)
{
    for (size_t at = 0; at < notes->unsent.size; at += sizeof id)
        if (memcmp(notes->unsent.data + at, &id, sizeof id) == 0)
            return true;
    return false;
}

bool client_notes_may_go(void *context, const struct outbox_item *item)
{
    tandem_client *client = context;
    struct client_notes *notes = &client->notes;
    struct wire_reader reader = outbox_list(item->changes);
    struct outbox_change change;
    while (notes->unsent.size > 0 && outbox_change_next(&reader, &change)) {
        struct bytes value;
        struct id note;
        if (!bytes_is(change.op, "mention") || !wire_map_find(change.encoded, "note", &value))
            continue;
        struct wire_reader id = wire_read(value);
        if (wire_get_id(&id, &note) && is_unsent(notes, note)) {
            notes->mention_until_ms = notes->welcomed_ms + MENTION_WAITS;
            return false;
        }
    }
    return true;
}

void client_notes_send_mentions(tandem_client *client)
{
    if (client->notes.mention_until_ms == 0)
        return;
    client->notes.mention_until_ms = 0; /* where nothing can be sent, all is looked at anew later */
    settle_send(client);
}
