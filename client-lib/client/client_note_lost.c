/* Live notes to which access has ended. What others wrote in them is taken out of the folder and of
 * memory; what their author typed and the server does not have stays with them. */
#include "client-lib/client/client.h"

#include <string.h>

#include "protocol/memory.h"

/* ---- One note ---- */

/* A document of what was typed in this one, or an empty one. */
static enum status begin_words(const struct note_doc *doc, struct note_doc **out)
{
    struct buffer words = {0};
    *out = note_doc_new();
    if (*out == NULL)
        return STATUS_NO_MEMORY;
    note_doc_own_words(doc, &words);
    enum status status =
        words.failed ? STATUS_NO_MEMORY : note_doc_begin(*out, 0, buffer_bytes(&words));
    buffer_release(&words);
    if (status == STATUS_OK)
        return STATUS_OK;
    note_doc_free(*out);
    *out = NULL;
    return status;
}

static bool has_text(const struct note_doc *doc)
{
    return note_doc_text(doc).size > 0;
}

static enum status write_words(struct note_writing *writing, const struct note_doc *words)
{
    struct buffer saved = {0};
    note_store_lose(writing);
    if (!has_text(words))
        return note_store_drop(writing);
    note_doc_save(words, &saved);
    enum status status =
        saved.failed ? STATUS_NO_MEMORY : note_store_save(writing, buffer_bytes(&saved), false);
    buffer_release(&saved);
    return status;
}

/* In the folder, when the note is in it. BEHIND: it is not as `head` says. */
static enum status store_words(tandem_client *client, struct id id, struct note_head *head,
                               const struct note_doc *words, enum status code)
{
    struct note_writing *writing = NULL;
    if (client->store == NULL || head->next == 0)
        return STATUS_OK;
    enum status status = note_store_begin(client->store, id, head, &writing);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_BEHIND : status;
    head->ended = code;
    head->held = false;
    head->version = head->waiting = head->wanted_ms = 0;
    return note_store_end(writing, head, write_words(writing, words));
}

enum status note_lose(struct tandem_note *note, enum status code)
{
    struct note_doc *words = NULL;
    enum status status = STATUS_BEHIND;
    if (note->ended == STATUS_NOT_FOUND)
        return STATUS_OK;
    for (int i = 0; i < NOTE_TRIES && status == STATUS_BEHIND; i++) {
        status = begin_words(note->doc, &words);
        if (status == STATUS_OK)
            status = store_words(note->client, note->id, &note->head, words, code);
        if (status == STATUS_OK)
            break;
        note_doc_free(words);
        words = NULL;
        if (status == STATUS_BEHIND && note_catch_up(note, NULL, 0) != STATUS_OK)
            return STATUS_IO;
        if (note->ended == STATUS_NOT_FOUND)
            return STATUS_OK; /* another process has done it */
    }
    if (status != STATUS_OK)
        return status;
    /* News of what is gone is not told any more. */
    note_forget_news(note);
    note_doc_free(note->doc);
    note->doc = words;
    note->reload = note->stands = false;
    note_reopen(note, false);
    note_people_forget(note);
    note->ended = code;
    note->waits = false;
    note_news(note, TANDEM_NOTE_ENDED, code, status_text(code));
    return STATUS_OK;
}

void note_deny(struct tandem_note *note, enum status code, const char *detail)
{
    if (note->ended != STATUS_OK)
        return;
    note->ended = code;
    note->in_flight = false;
    note->presence.typing = false;
    note->presence.dirty = note->presence.has_cursor;
    note_news(note, TANDEM_NOTE_ENDED, code, detail);
}

void note_try_denied(struct tandem_note *note)
{
    if (note->ended != STATUS_DENIED || note->head.ended != STATUS_OK)
        return;
    note->ended = STATUS_OK;
    note->denied = true;
}

/* ---- Whatever is in the folder ---- */

struct losing {
    tandem_client *client;
    bool all, by_scope, not_held;
    struct scope scope;
    struct id id;
    struct buffer lost; /* ids */
    enum status status;
};

static bool holds(struct losing *losing, struct id id)
{
    bool held;
    enum status status = client_holds(losing->client, id, &held);
    if (status != STATUS_OK)
        losing->status = status;
    return held || losing->status != STATUS_OK;
}

static bool is_lost(struct losing *losing, struct id id, const struct note_head *head)
{
    if (losing->all)
        return true;
    if (losing->by_scope)
        return head->scope.kind != 0 && scope_equal(head->scope, losing->scope);
    if (losing->not_held)
        return head->held && !holds(losing, id);
    return id_equal(id, losing->id);
}

static bool look_at(void *context, struct id id, const struct note_head *head)
{
    struct losing *losing = context;
    if (head->ended == STATUS_OK && is_lost(losing, id, head))
        buffer_append(&losing->lost, &id, sizeof id);
    return losing->status == STATUS_OK;
}

/* A note that nobody has open is read for it. One that cannot be read leaves whole. */
static enum status lose_stored(tandem_client *client, struct id id)
{
    struct note_writing *writing = NULL;
    struct tandem_note *note = note_new(client, id);
    if (note == NULL)
        return STATUS_NO_MEMORY;
    enum status status = note_load(note);
    if (status == STATUS_OK)
        return note_lose(note, STATUS_NOT_FOUND);
    if (status != STATUS_CORRUPT)
        return status;
    status = note_store_begin(client->store, id, NULL, &writing);
    if (status != STATUS_OK)
        return status;
    note_store_lose(writing);
    return note_store_end(writing, NULL, note_store_drop(writing));
}

/* It is lost here. Another process, which had not heard of that yet, may have put it into the
 * folder once more. */
static enum status lose_again(tandem_client *client, struct id id)
{
    enum status status = lose_stored(client, id);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Nothing was typed in it: it may still be theirs to see, and if so it comes again. */
static enum status empty(struct tandem_note *note)
{
    struct note_doc *doc = note_doc_new();
    if (doc == NULL)
        return STATUS_NO_MEMORY;
    struct note_head head = note->head;
    enum status status = store_words(note->client, note->id, &head, doc, STATUS_NOT_FOUND);
    if (status != STATUS_OK) {
        note_doc_free(doc);
        return status == STATUS_BEHIND ? note_lose(note, STATUS_NOT_FOUND) : status;
    }
    struct note_doc *before = note->doc;
    struct bytes shown = note_text_shown(note);
    note->head = (struct note_head){.scope = head.scope};
    note->doc = doc;
    note->reload = note->stands = false;
    note_news_difference(note, shown, NULL, 0);
    note_doc_free(before);
    note_people_forget(note);
    note_reopen(note, true);
    note->opened = false;
    return STATUS_OK;
}

static enum status lose_one(struct losing *losing, struct id id)
{
    tandem_client *client = losing->client;
    struct tandem_note *note = note_find(client, id);
    if (note == NULL)
        return lose_stored(client, id);
    if (note->ended == STATUS_NOT_FOUND)
        return lose_again(client, id);
    if (losing->all && note->ended == STATUS_OK && note_doc_waiting(note->doc) == 0)
        return empty(note);
    return note_lose(note, STATUS_NOT_FOUND);
}

/* Also those that are open and not in the folder. */
static void look_at_open(struct losing *losing)
{
    for (struct tandem_note *note = losing->client->notes.first; note != NULL; note = note->next)
        if (note->head.next == 0)
            (void)look_at(losing, note->id, &note->head);
}

static enum status lose(struct losing *losing)
{
    tandem_client *client = losing->client;
    note_enter(client);
    enum status status = note_store_each(client->store, look_at, losing);
    look_at_open(losing);
    if (status == STATUS_OK)
        status = losing->lost.failed ? STATUS_NO_MEMORY : losing->status;
    for (size_t at = 0; at < losing->lost.size && status == STATUS_OK; at += sizeof(struct id)) {
        struct id id;
        memcpy(&id, losing->lost.data + at, sizeof id);
        status = lose_one(losing, id);
    }
    buffer_release(&losing->lost);
    note_stir(client); /* those who have them open are told at the end of the turn */
    note_leave(client);
    return status;
}

/* ---- What the replica hears ---- */

enum status client_notes_losing(tandem_client *client, const struct sync_event *event)
{
    struct losing losing = {.client = client};
    losing.by_scope = event->kind == TANDEM_EVENT_PURGED;
    losing.scope = event->scope;
    losing.all = !losing.by_scope && strcmp(event->detail, "access") == 0;
    if (client->store == NULL || (!losing.by_scope && !losing.all))
        return STATUS_OK;
    return lose(&losing);
}

void client_notes_change_user(tandem_client *client)
{
    note_enter(client);
    for (struct tandem_note *note = client->notes.first; note != NULL; note = note->next) {
        note->head = (struct note_head){.next = 0};
        (void)note_lose(note, STATUS_NOT_FOUND);
    }
    note_stir(client);
    note_leave(client);
}

void client_notes_removed(tandem_client *client, struct id id)
{
    struct losing losing = {.client = client, .id = id};
    if (client->store != NULL)
        (void)lose(&losing); /* else it is found when all has come, or by the server's answer */
}

/* What is kept although the server has all of it, until the replica shows it. */
static bool look_at_idle(void *context, struct id id, const struct note_head *head)
{
    struct losing *losing = context;
    if (head->ended == STATUS_OK && head->waiting == 0 && !note_is_wanted(losing->client, head) &&
        note_find(losing->client, id) == NULL)
        buffer_append(&losing->lost, &id, sizeof id);
    return true;
}

/* Loading one drops what is of no use any more. */
static void drop_idle(tandem_client *client)
{
    struct losing idle = {.client = client};
    (void)note_store_each(client->store, look_at_idle, &idle);
    for (size_t at = 0; at < idle.lost.size && !idle.lost.failed; at += sizeof(struct id)) {
        struct id id;
        memcpy(&id, idle.lost.data + at, sizeof id);
        struct tandem_note *note = note_new(client, id);
        if (note == NULL)
            break;
        if (note_load(note) == STATUS_OK && note->head.next != 0 && !holds(&idle, id))
            (void)note_drop(note);
    }
    buffer_release(&idle.lost);
}

void client_notes_caught_up(tandem_client *client)
{
    struct losing losing = {.client = client, .not_held = true};
    if (client->store == NULL || !client_leads(client))
        return;
    (void)lose(&losing);
    note_enter(client);
    drop_idle(client);
    note_leave(client);
}
