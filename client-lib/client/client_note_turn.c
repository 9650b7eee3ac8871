/* What is due of live notes: opening them at the server, pushing, closing those that nobody needs.
 */
#include "client-lib/client/client.h"

#include <assert.h>
#include <string.h>

#include "client-lib/outbox/outbox_entry.h"
#include "protocol/memory.h"

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t wall(const tandem_client *client)
{
    return client->port->wall_ms(client->port->context);
}

/* ---- The list ---- */

struct tandem_note *note_find(tandem_client *client, struct id id)
{
    for (struct tandem_note *note = client->notes.first; note != NULL; note = note->next)
        if (id_equal(note->id, id))
            return note;
    return NULL;
}

struct tandem_note *note_new(tandem_client *client, struct id id)
{
    struct tandem_note *note = memory_new(sizeof *note);
    if (note == NULL)
        return NULL;
    note->doc = note_doc_new();
    if (note->doc == NULL) {
        memory_free(note);
        return NULL;
    }
    note->magic = NOTE_MAGIC;
    note->client = client;
    note->id = id;
    note->generation = client->generation;
    note->next = client->notes.first;
    client->notes.first = note;
    return note;
}

static void free_note(struct tandem_note *note)
{
    note_presence_release(&note->presence);
    note_doc_free(note->doc);
    buffer_release(&note->news);
    buffer_release(&note->texts);
    buffer_release(&note->before);
    note->magic = 0;
    memory_free(note);
}

/* Between two times of a clock that people may set. */
static uint64_t apart(uint64_t a, uint64_t b)
{
    return a < b ? b - a : a - b;
}

bool note_is_wanted(const tandem_client *client, const struct note_head *head)
{
    return client->peers != NULL && peers_has_others(client->peers) && head->wanted_ms != 0 &&
           apart(head->wanted_ms, wall(client)) < NOTE_WANTED_FOR;
}

/* Whether there is something to be sent of it, or others look at it; not whether it can be. */
static bool has_business(const tandem_client *client, const struct note_head *head)
{
    return head->next != 0 && head->ended == STATUS_OK &&
           (head->waiting > 0 || note_is_wanted(client, head));
}

/* One that was turned away stays until the next connection, so that it is not tried on and on. */
static bool is_needed(const struct tandem_note *note)
{
    tandem_client *client = note->client;
    if (note->program)
        return true;
    if (!note_may_send(client) || note->generation != client->generation)
        return false;
    return note->ended != STATUS_OK || has_business(client, &note->head);
}

static void close_at_server(const struct tandem_note *note)
{
    struct message message = {.type = MESSAGE_NOTE_CLOSE};
    if (note->link == NOTE_SHUT || note->generation != note->client->generation ||
        !note_may_send(note->client))
        return;
    message.as.note_close.note = note->id;
    (void)client_send_message(note->client, &message);
}

static void sweep(tandem_client *client)
{
    struct tandem_note **link = &client->notes.first;
    while (*link != NULL) {
        struct tandem_note *note = *link;
        if (is_needed(note)) {
            link = &note->next;
            continue;
        }
        *link = note->next;
        close_at_server(note);
        free_note(note);
        client->notes.look = true; /* there may be room for another */
    }
}

void note_enter(tandem_client *client)
{
    client->notes.busy++;
}

void note_leave(tandem_client *client)
{
    assert(client->notes.busy > 0);
    if (client->notes.busy == 1)
        sweep(client);
    client->notes.busy--;
}

void note_stir(tandem_client *client)
{
    client->notes.stir = true;
}

void client_notes_close(tandem_client *client)
{
    client_notes_forget_watches(client);
    while (client->notes.first != NULL) {
        struct tandem_note *next = client->notes.first->next;
        free_note(client->notes.first);
        client->notes.first = next;
    }
    buffer_release(&client->notes.unsent);
}

/* ---- The folder ---- */

static bool count_work(void *context, struct id id, const struct note_head *head)
{
    (void)id;
    *(size_t *)context += head->waiting > 0 || head->ended != STATUS_OK;
    return true;
}

size_t client_notes_count(tandem_client *client)
{
    size_t count = 0;
    if (client->store != NULL)
        (void)note_store_each(client->store, count_work, &count);
    return count;
}

static size_t count_notes(const tandem_client *client)
{
    size_t count = 0;
    for (struct tandem_note *note = client->notes.first; note != NULL; note = note->next)
        count++;
    return count;
}

static bool adopt_one(void *context, struct id id, const struct note_head *head)
{
    tandem_client *client = context;
    if (!has_business(client, head) || note_find(client, id) != NULL)
        return true;
    if (count_notes(client) >= client->notes.most)
        return false;
    struct tandem_note *note = note_new(client, id);
    if (note == NULL)
        return false;
    if (note_load(note) != STATUS_OK)
        note->ended = STATUS_CORRUPT;
    return true;
}

static void adopt(tandem_client *client)
{
    client->notes.look = false;
    if (client->store != NULL)
        (void)note_store_each(client->store, adopt_one, client);
}

void client_notes_look(tandem_client *client)
{
    note_enter(client);
    for (struct tandem_note *note = client->notes.first; note != NULL; note = note->next) {
        (void)note_catch_up(note, NULL, 0);
        note_tell(note);
    }
    client->notes.look = true;
    note_stir(client);
    note_leave(client);
}

/* ---- The server ---- */

void client_notes_welcome(tandem_client *client, const struct msg_welcome *welcome)
{
    struct client_notes *notes = &client->notes;
    uint64_t most = 0;
    (void)wire_map_uint(welcome->limits, "notes", &most);
    notes->offered = most > 0;
    notes->most = most < LIMIT_NOTES_OPEN ? most : LIMIT_NOTES_OPEN;
    notes->epoch = welcome->epoch;
    notes->look = true;
    notes->welcomed_ms = client_now(client);
    note_stir(client);
}

bool note_may_send(const tandem_client *client)
{
    return client->state == CLIENT_ONLINE && client->notes.offered && !client->closing &&
           !client->moves && !client->foreign && client_leads(client);
}

void note_reopen(struct tandem_note *note, bool anew)
{
    note->link = NOTE_SHUT;
    note->anew = anew;
    note->asked = note->pushed = note->behind = 0;
    note->in_flight = false;
    note_stir(note->client);
}

/* Another connection: nothing that was said on the one before counts. */
static void begin_anew(struct tandem_note *note)
{
    if (note->generation == note->client->generation)
        return;
    note->generation = note->client->generation;
    note->again_ms = 0;
    note->failures = 0;
    note->opened = false;
    note_reopen(note, false);
    note_try_denied(note);
    note_people_forget(note);
    note_tell(note);
}

/* Whether the entry of the outbox that makes its record is still there. */
static bool look_for_creation(void *context, const struct outbox_item *item)
{
    struct tandem_note *note = context;
    note->pending = item->state != TANDEM_ENTRY_ACCEPTED && outbox_creates(item->changes, note->id);
    return !note->pending;
}

static bool is_pending(struct tandem_note *note)
{
    if (!note->pending)
        return false;
    note->pending = false;
    if (note->client->store != NULL)
        (void)outbox_store_over(note->client->store, note->id, look_for_creation, note);
    return note->pending;
}

static void ask(struct tandem_note *note)
{
    tandem_client *client = note->client;
    struct message message = {.type = MESSAGE_NOTE_OPEN};
    bool known = !note->anew && id_equal(note->head.epoch, client->notes.epoch) &&
                 !note_doc_catching_up(note->doc);
    note->asked = client_number(client);
    note->link = NOTE_ASKED;
    message.as.note_open.request = note->asked;
    message.as.note_open.note = note->id;
    if (known) {
        message.as.note_open.version = note_doc_version(note->doc);
        message_mark(&message, "version");
    }
    (void)client_send_message(client, &message);
}

bool note_may_push(const struct tandem_note *note)
{
    return note->link == NOTE_LIVE && note->ended == STATUS_OK && !note->in_flight &&
           !note->reload && /* what is sent is in the folder first */
           note->generation == note->client->generation && note->again_ms == 0 &&
           note_may_send(note->client) && !note_doc_catching_up(note->doc) &&
           note_doc_version(note->doc) >= note->newest &&
           note_doc_version(note->doc) >= note->behind;
}

/* What waits is on its way from here on, or what was is not any more, in the folder first. */
static enum status write_row(struct tandem_note *note,
                             void (*put)(const struct note_doc *doc, struct buffer *out))
{
    struct note_change change;
    struct buffer row = {0};
    enum status status = note_change_begin(note, note->client->store != NULL, &change);
    if (status != STATUS_OK)
        return status;
    note->head.client = note->client->id;
    put(note->doc, &row);
    status = row.failed ? STATUS_NO_MEMORY
                        : note_change_apply(&change, buffer_bytes(&row), NOTE_DOC_TYPED, true);
    buffer_release(&row);
    return note_change_end(&change, status);
}

static void push(struct tandem_note *note)
{
    tandem_client *client = note->client;
    struct message message = {.type = MESSAGE_NOTE_PUSH};
    struct buffer changes = {0};
    wire_put_array(&changes, 1);
    change_set_write(note_doc_sent(note->doc), &changes);
    if (changes.failed) {
        buffer_release(&changes);
        client_break(client, 1011, STATUS_NO_MEMORY, "out of memory while sending");
        return;
    }
    note->pushed = client_number(client);
    note->pushed_version = note_doc_version(note->doc);
    note->in_flight = true;
    message.as.note_push.request = note->pushed;
    message.as.note_push.note = note->id;
    message.as.note_push.base = note->pushed_version;
    message.as.note_push.changes = buffer_bytes(&changes);
    (void)client_send_message(client, &message);
    buffer_release(&changes);
}

static void push_what_waits(struct tandem_note *note)
{
    enum status status = STATUS_OK;
    for (int i = 0; i < NOTE_TRIES && note_may_push(note); i++) {
        bool divided = note_doc_is_divided(note->doc);
        if (note_doc_sent(note->doc) != NULL && !divided) {
            push(note);
            return;
        }
        if (!divided && !note_doc_can_send(note->doc))
            return;
        status = write_row(note, divided ? note_doc_row_refused : note_doc_row_take);
        if (status == STATUS_BEHIND)
            status = note_catch_up(note, NULL, 0);
        if (status != STATUS_OK)
            break;
    }
    note_tell(note);
    if (status != STATUS_OK)
        note->again_ms =
            client_now(note->client) + 1 + client_pause(note->client, note->failures++);
}

/* ---- Turns ---- */

/* Changes what the folder says of who has it open. */
static enum status note_mark(struct tandem_note *note, uint64_t wanted_ms, uint64_t acked_ms)
{
    struct note_writing *writing = NULL;
    enum status status = note_store_begin(note->client->store, note->id, &note->head, &writing);
    if (status != STATUS_OK)
        return status;
    note->head.wanted_ms = wanted_ms;
    note->head.acked_ms = acked_ms;
    return note_store_end(writing, &note->head, STATUS_OK);
}

/* Whoever leads is to open it, and to write what comes into the folder. */
static void want(struct tandem_note *note, uint64_t *due)
{
    tandem_client *client = note->client;
    uint64_t now = wall(client);
    if (client->store == NULL || client->peers == NULL || !peers_has_others(client->peers) ||
        !note->program || note->ended != STATUS_OK)
        return;
    *due = earlier(*due, client_now(client) + NOTE_WANTED_AGAIN);
    bool fresh = note->marked_ms != 0 && apart(note->head.wanted_ms, now) < NOTE_WANTED_AGAIN;
    if (note->head.next != 0 && fresh)
        return;
    enum status status = note_keep(note);
    if (now <= note->head.wanted_ms)
        now = note->head.wanted_ms + 1; /* to be told from the one before */
    if (status == STATUS_OK)
        status = note_mark(note, now, note->head.acked_ms);
    if (status == STATUS_OK)
        note->marked_ms = now;
    else
        *due = earlier(*due, client_now(client) + CLIENT_RETRY_FIRST);
}

/* It is open at the server: those who want it are told. */
static void acknowledge(struct tandem_note *note)
{
    const struct note_head *head = &note->head;
    if (note->link != NOTE_LIVE || !note->opened || head->next == 0 ||
        head->acked_ms >= head->wanted_ms || !note_is_wanted(note->client, head))
        return;
    if (note_mark(note, head->wanted_ms, head->wanted_ms) == STATUS_BEHIND &&
        note_catch_up(note, NULL, 0) == STATUS_OK)
        note_stir(note->client);
}

static void turn_note(struct tandem_note *note, uint64_t *due)
{
    tandem_client *client = note->client;
    begin_anew(note);
    if (note->reload)
        (void)note_read_again(note, NULL, 0);
    note_tell(note);
    if (!client_leads(client))
        want(note, due);
    if (note->ended != STATUS_OK || !note_may_send(client))
        return;
    if (note->again_ms > client_now(client)) {
        *due = earlier(*due, note->again_ms);
        return;
    }
    note->again_ms = 0;
    if (note->link == NOTE_SHUT && !is_pending(note))
        ask(note);
    else
        push_what_waits(note);
    acknowledge(note);
}

void client_notes_turn(tandem_client *client)
{
    struct client_notes *notes = &client->notes;
    uint64_t due = UINT64_MAX;
    if (notes->first == NULL && notes->watches == NULL && !notes->look) {
        client_notes_send_mentions(client);
        return;
    }
    note_enter(client);
    notes->stir = false;
    if (notes->look && note_may_send(client))
        adopt(client);
    for (struct tandem_note *note = notes->first; note != NULL; note = note->next) {
        turn_note(note, &due);
        note_present(note, &due);
    }
    note_present_watches(client, &due);
    notes->due_ms = due;
    client_notes_send_mentions(client);
    note_leave(client);
}

uint64_t client_notes_due(const tandem_client *client)
{
    const struct client_notes *notes = &client->notes;
    if (notes->look && note_may_send(client))
        return client_now(client);
    uint64_t mentions = notes->mention_until_ms != 0 ? notes->mention_until_ms : UINT64_MAX;
    if (notes->first == NULL && notes->watches == NULL)
        return mentions;
    if (notes->stir)
        return client_now(client);
    return earlier(mentions, notes->due_ms != 0 ? notes->due_ms : UINT64_MAX);
}
