/* What the server says of live notes. */
#include "client-lib/client/client.h"

#include <string.h>

#include "client-lib/base/fault.h"

/* Ends the connection over something that no server may say. */
static void break_off(tandem_client *client)
{
    client_break(client, 1002, STATUS_UNEXPECTED,
                 "the server's message about a note does not follow the protocol");
}

static struct tandem_note *find_asked(tandem_client *client, uint64_t number)
{
    for (struct tandem_note *note = client->notes.first; note != NULL; note = note->next)
        if (number != 0 && note->link == NOTE_ASKED && note->asked == number &&
            note->generation == client->generation)
            return note;
    return NULL;
}

static struct tandem_note *find_pushed(tandem_client *client, uint64_t number)
{
    for (struct tandem_note *note = client->notes.first; note != NULL; note = note->next)
        if (number != 0 && note->pushed == number && note->generation == client->generation)
            return note;
    return NULL;
}

static void try_later(struct tandem_note *note)
{
    tandem_client *client = note->client;
    note->again_ms = client_now(client) + 1 + client_pause(client, note->failures++);
    note->in_flight = false;
    note_stir(client);
}

/* ---- Changes that come ---- */

struct entry {
    struct id client;
    struct bytes by, changes;
    uint64_t at_ms;
};

static bool read_entry(struct wire_reader *reader, struct entry *out)
{
    uint32_t count = 0;
    struct bytes encoded;
    if (!wire_skip(reader, &encoded))
        return false;
    struct wire_reader parts = wire_read(encoded);
    if (!wire_get_array(&parts, &count) || count < 4)
        return false;
    return wire_get_id(&parts, &out->client) && wire_get_str(&parts, &out->by) &&
           wire_get_uint(&parts, &out->at_ms) && wire_skip(&parts, &out->changes);
}

/* Whether it is what we pushed: from a copy of this folder another client may push under our id.
 * NO_MEMORY: to take it for another's would bring it twice. */
static enum status see_ours(const struct tandem_note *note, const struct entry *entry, bool *ours)
{
    const struct change_set *sent = note_doc_sent(note->doc);
    struct change_set came = {0};
    *ours = false;
    if (sent == NULL || !id_equal(entry->client, note->head.client))
        return STATUS_OK;
    enum status status = change_set_read(entry->changes, &came, NULL);
    *ours = status == STATUS_OK && change_set_equal(sent, &came);
    change_set_release(&came);
    return status;
}

/* Of changes that are merged as a whole, by several people, nobody can be named. */
static void note_author(struct tandem_note *note, struct bytes by)
{
    char name[RECORD_NAME_MAX + 1];
    bytes_to_text(by, name, sizeof name);
    if (!note_doc_catching_up(note->doc))
        memcpy(note->by, name, sizeof name);
    else if (strcmp(note->by, name) != 0)
        note->by[0] = '\0';
}

static enum status apply_entry(struct note_change *change, const struct entry *entry)
{
    struct tandem_note *note = change->note;
    uint64_t version = note_doc_version(note->doc) + 1;
    struct buffer row = {0};
    bool own;
    enum status status = see_ours(note, entry, &own);
    note_author(note, entry->by);
    if (status == STATUS_OK)
        status = note_doc_row_entry(note->doc, entry->changes, own, version <= note->newest,
                                    version < note->newest, &row);
    if (status == STATUS_OK)
        status = row.failed ? STATUS_NO_MEMORY
                            : note_change_apply(change, buffer_bytes(&row), NOTE_DOC_TYPED, false);
    if (status == STATUS_OK && own) {
        note->in_flight = false;
        note->failures = 0;
        note->presence.dirty = note->presence.has_cursor;
    }
    buffer_release(&row);
    return status;
}

/* The entries from version `from` on, of which we may have some. */
static enum status apply_entries(struct note_change *change, uint64_t from, struct bytes entries)
{
    struct wire_reader reader = wire_read(entries);
    uint32_t count = 0;
    enum status status = STATUS_OK;
    if (!wire_get_array(&reader, &count) || from > note_doc_version(change->note->doc))
        return STATUS_UNEXPECTED;
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        struct entry entry;
        if (!read_entry(&reader, &entry))
            return STATUS_UNEXPECTED;
        if (from + i >= note_doc_version(change->note->doc))
            status = apply_entry(change, &entry);
    }
    return status;
}

static void tell_opened(struct tandem_note *note)
{
    if (note->link != NOTE_LIVE || note->opened || note_doc_version(note->doc) < note->newest)
        return;
    note->opened = true;
    note_news(note, TANDEM_NOTE_OPENED, STATUS_OK, "");
    note->presence.dirty = true;
}

/* Begins a change of the document that others may have changed. */
static enum status begin_change(struct tandem_note *note, struct note_change *change)
{
    enum status status = STATUS_BEHIND;
    for (int i = 0; i < NOTE_TRIES && status == STATUS_BEHIND; i++) {
        status = note_change_begin(note, note->head.next != 0, change);
        if (status == STATUS_BEHIND && note_catch_up(note, NULL, 0) != STATUS_OK)
            return STATUS_IO;
    }
    return status;
}

/* Whether it may go well if only it is tried again. */
static bool is_passing(enum status status)
{
    return status == STATUS_NO_MEMORY || status == STATUS_IO || status == STATUS_LIMIT ||
           status == STATUS_BEHIND;
}

/* What cannot be merged by its change sets can by its text. */
static void end_change(struct tandem_note *note, enum status status)
{
    if (status == STATUS_UNEXPECTED) {
        break_off(note->client);
    } else if (status != STATUS_OK) {
        note_reopen(note, !is_passing(status));
        try_later(note);
    }
    tell_opened(note);
    note_tell(note);
}

static void on_changes(tandem_client *client, const struct msg_note_changes *changes)
{
    struct tandem_note *note = note_find(client, changes->note);
    struct note_change change;
    if (note == NULL || note->link != NOTE_LIVE || note->generation != client->generation)
        return; /* closed meanwhile */
    enum status status = begin_change(note, &change);
    /* What others wrote in between may have made us ask again. */
    if (status == STATUS_OK && note->link != NOTE_LIVE)
        status = note_change_end(&change, STATUS_CANCELLED);
    else if (status == STATUS_OK)
        status = note_change_end(&change, apply_entries(&change, changes->from, changes->entries));
    if (status != STATUS_CANCELLED)
        end_change(note, status);
}

/* ---- The answer to opening it ---- */

static enum status take_text(struct tandem_note *note, const struct msg_note *opened)
{
    struct note_change change;
    struct buffer row = {0};
    enum status status = begin_change(note, &change);
    if (status != STATUS_OK)
        return status;
    note->by[0] = '\0';
    status = note_doc_row_text(note->doc, opened->version, opened->text, &row);
    if (status == STATUS_OK)
        status = row.failed ? STATUS_NO_MEMORY
                            : note_change_apply(&change, buffer_bytes(&row), NOTE_DOC_TYPED, false);
    buffer_release(&row);
    note->head.epoch = note->client->notes.epoch;
    return note_change_end(&change, status);
}

/* Whether they may write in it is how the server says, each time that it opens the note. */
static void hear_rights(struct tandem_note *note, bool read_only)
{
    bool told = note->read_only, denied = note->denied;
    note->read_only = read_only;
    note->denied = false;
    if (read_only && note_doc_waiting(note->doc) > 0) {
        if (denied)
            note->ended = STATUS_DENIED; /* as was told */
        else
            note_deny(note, STATUS_DENIED, status_text(STATUS_DENIED));
    }
    if (told != read_only || (denied && !read_only))
        note_news(note, TANDEM_NOTE_RIGHTS, STATUS_OK, "");
}

static bool on_note(tandem_client *client, const struct message *message)
{
    const struct msg_note *opened = &message->as.note;
    struct tandem_note *note = find_asked(client, opened->request);
    enum status status = STATUS_OK;
    if (note == NULL)
        return false;
    bool has_text = message_has(message, "text");
    if (!id_equal(opened->note, note->id) || opened->newest < opened->version ||
        opened->newest > NOTE_VERSION_MOST ||
        (!has_text && (note->anew || opened->version != note_doc_version(note->doc)))) {
        break_off(client);
        return true;
    }
    note->link = NOTE_LIVE;
    note->newest = opened->newest;
    note->anew = false;
    if (has_text)
        status = take_text(note, opened);
    hear_rights(note, message_has(message, "readOnly") && opened->read_only);
    end_change(note, status);
    return true;
}

/* ---- Refusals ---- */

/* The server does not take what was pushed, whenever it is sent. */
static void refuse(struct tandem_note *note, enum status why, struct bytes detail)
{
    struct note_change change;
    struct buffer row = {0};
    char words[161];
    enum status status = begin_change(note, &change);
    if (status == STATUS_OK) {
        note_doc_row_refused(note->doc, &row);
        status = row.failed ? STATUS_NO_MEMORY
                            : note_change_apply(&change, buffer_bytes(&row), NOTE_DOC_TYPED, false);
        buffer_release(&row);
        status = note_change_end(&change, status);
    }
    if (status != STATUS_OK)
        try_later(note);
    bytes_to_text(detail, words, sizeof words);
    note_news(note, TANDEM_NOTE_REFUSED, why, words[0] != '\0' ? words : status_text(why));
    note_tell(note);
}

/* What an answer says of the note itself: true when it was that. */
static bool ended(struct tandem_note *note, enum status status, struct bytes detail)
{
    char words[161];
    bytes_to_text(detail, words, sizeof words);
    if (status == STATUS_NOT_FOUND) {
        if (note_lose(note, status) != STATUS_OK)
            try_later(note);
        else if (note->client->store != NULL)
            settle_purge_lost(note->client);
    } else if (status == STATUS_DENIED) {
        note_deny(note, status, words[0] != '\0' ? words : status_text(status));
    } else {
        return false;
    }
    note_tell(note);
    return true;
}

static void on_result(tandem_client *client, const struct msg_note_result *result)
{
    struct tandem_note *note = find_pushed(client, result->request);
    enum status status = status_from_name(result->status);
    if (note == NULL)
        return;
    note->pushed = 0;
    if (status == STATUS_OK || !note->in_flight)
        return; /* its entry confirms it */
    note->in_flight = false;
    if (status == STATUS_BEHIND && result->version > note->pushed_version)
        note->behind = result->version;
    else if (status == STATUS_BEHIND || status_retry(status))
        try_later(note);
    else if (!ended(note, status, result->detail))
        refuse(note, status, result->detail);
    note_stir(client);
}

static void on_ended(tandem_client *client, const struct msg_note_ended *message)
{
    struct tandem_note *note = note_find(client, message->note);
    enum status status = status_from_name(message->status);
    if (note == NULL || note->link == NOTE_SHUT || note->generation != client->generation)
        return;
    note_reopen(note, false);
    if (!ended(note, status, (struct bytes){0}) && status != STATUS_RESET_REQUIRED)
        try_later(note);
    if (status == STATUS_RESET_REQUIRED)
        note_try_denied(note);
}

/* What is said of `present` names no request. The note or the account is not to be seen any more,
 * of which we hear otherwise. */
static bool is_about_presence(const tandem_client *client, enum status status)
{
    return client->state == CLIENT_ONLINE && client->notes.offered &&
           (status == STATUS_NOT_FOUND || status == STATUS_INVALID_VALUE || status == STATUS_LIMIT);
}

bool client_notes_error(tandem_client *client, const struct message *message)
{
    const struct msg_error *error = &message->as.error;
    enum status status = status_from_name(error->name);
    if (!message_has(message, "request"))
        return is_about_presence(client, status);
    struct tandem_note *note = find_asked(client, error->request);
    bool asked = note != NULL;
    if (note == NULL)
        note = find_pushed(client, error->request);
    if (note == NULL)
        return false;
    note_enter(client);
    bool in_flight = note->in_flight;
    if (asked)
        note_reopen(note, note->anew);
    note->pushed = 0;
    note->in_flight = false;
    if (status == STATUS_UNKNOWN_MESSAGE)
        client->notes.offered = false;
    else if (!ended(note, status, error->text) && (asked || status_retry(status)))
        try_later(note);
    else if (!asked && in_flight && note->ended == STATUS_OK)
        refuse(note, status, error->text);
    note_leave(client);
    return true;
}

bool client_notes_message(tandem_client *client, const struct message *message)
{
    bool ours = true;
    note_enter(client);
    switch (message->type) {
    case MESSAGE_NOTE:
        ours = on_note(client, message);
        break;
    case MESSAGE_NOTE_CHANGES:
        on_changes(client, &message->as.note_changes);
        break;
    case MESSAGE_NOTE_RESULT:
        on_result(client, &message->as.note_result);
        break;
    case MESSAGE_NOTE_ENDED:
        on_ended(client, &message->as.note_ended);
        break;
    case MESSAGE_PRESENCE:
        client_notes_presence(client, &message->as.presence);
        break;
    default:
        ours = false;
    }
    note_leave(client);
    return ours;
}
