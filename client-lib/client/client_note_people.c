/* Who else has a note or an account open, and telling the others where we are. Each process does
 * that over its own connection; nothing of it is kept. */
#include "client-lib/client/client.h"

#include <string.h>

#include "client-lib/base/fault.h"
#include "protocol/memory.h"

/* ---- Hearing ---- */

/* A place, or nil. */
static bool read_place(struct wire_reader *reader, uint64_t *out, bool *has)
{
    *has = wire_get_uint(reader, out);
    return *has || wire_get_nil(reader);
}

static bool read_person(struct bytes encoded, struct note_person *out)
{
    struct wire_reader reader = wire_read(encoded);
    struct bytes user, name;
    uint32_t count = 0;
    bool anchor = false, head = false, version = false;
    memset(out, 0, sizeof *out);
    if (!wire_get_array(&reader, &count) || count < 7 || !wire_get_uint(&reader, &out->session) ||
        !wire_get_str(&reader, &user) || !wire_get_str(&reader, &name) ||
        !wire_get_bool(&reader, &out->typing) || !read_place(&reader, &out->anchor, &anchor) ||
        !read_place(&reader, &out->head, &head) || !read_place(&reader, &out->version, &version))
        return false;
    out->has_cursor = head && version;
    if (!anchor)
        out->anchor = out->head;
    bytes_to_text(user, out->user, sizeof out->user);
    bytes_to_text(name, out->name, sizeof out->name);
    return true;
}

static size_t people_count(const struct note_presence *presence)
{
    return presence->people.size / sizeof(struct note_person);
}

static struct note_person *people(const struct note_presence *presence)
{
    return (void *)presence->people.data;
}

/* Who is told of once more and has done nothing since is where they were, and since when. */
static void recall(const struct note_presence *known, uint64_t now, struct note_person *person)
{
    person->moved_ms = now;
    for (size_t i = 0; i < people_count(known); i++) {
        const struct note_person *before = &people(known)[i];
        if (before->session == person->session && before->typing == person->typing &&
            before->has_cursor == person->has_cursor && before->anchor == person->anchor &&
            before->head == person->head && before->version == person->version) {
            person->moved_ms = before->moved_ms;
            person->stale = before->stale;
            return;
        }
    }
}

/* False when the list is none: then it is as it was. */
static bool read_people(const tandem_client *client, struct bytes list, struct note_presence *out)
{
    struct wire_reader reader = wire_read(list);
    struct buffer read = {0};
    uint32_t count = 0;
    bool good = wire_get_array(&reader, &count);
    for (uint32_t i = 0; i < count && i < NOTE_PEOPLE_MOST && good; i++) {
        struct note_person person;
        struct bytes encoded;
        good = wire_skip(&reader, &encoded) && read_person(encoded, &person);
        if (good) {
            recall(out, client_now(client), &person);
            buffer_append(&read, &person, sizeof person);
        }
    }
    if (!good || read.failed) {
        buffer_release(&read);
        return false;
    }
    buffer_release(&out->people);
    out->people = read;
    return true;
}

static struct note_watch *find_watch(const tandem_client *client, struct id about)
{
    for (struct note_watch *watch = client->notes.watches; watch != NULL; watch = watch->next)
        if (id_equal(watch->about, about))
            return watch;
    return NULL;
}

/* The callback may end its watch: nothing of it is used then. */
static void tell_watch(tandem_client *client, struct note_watch *watch)
{
    struct id about = watch->about;
    struct buffer list = {0};
    buffer_append(&list, watch->presence.people.data, watch->presence.people.size);
    if (list.failed)
        return;
    for (size_t at = 0; at < list.size && find_watch(client, about) == watch;
         at += sizeof(struct note_person)) {
        const struct note_person *from = (const void *)(list.data + at);
        const tandem_person person = {.user = from->user,
                                      .name = from->name,
                                      .session = from->session,
                                      .typing = from->typing};
        watch->on_people(watch->context, &person);
    }
    if (find_watch(client, about) == watch)
        watch->on_people(watch->context, NULL);
    buffer_release(&list);
}

/* Also one that may not be edited: who looks at it sees who writes in it. */
static bool is_seen(const struct tandem_note *note)
{
    return note->ended == STATUS_OK || note->ended == STATUS_DENIED;
}

void client_notes_presence(tandem_client *client, const struct msg_presence *presence)
{
    struct tandem_note *note = note_find(client, presence->about);
    struct note_watch *watch = find_watch(client, presence->about);
    if (note != NULL && note->program && is_seen(note) &&
        read_people(client, presence->people, &note->presence)) {
        note_news(note, TANDEM_NOTE_PEOPLE, STATUS_OK, "");
        note_tell(note);
    } else if (watch != NULL && read_people(client, presence->people, &watch->presence)) {
        tell_watch(client, watch);
    }
}

void note_presence_release(struct note_presence *presence)
{
    buffer_release(&presence->people);
}

/* The connection is gone, or the note is. */
void note_people_forget(struct tandem_note *note)
{
    bool any = people_count(&note->presence) > 0;
    note->presence.announced = false;
    note->presence.dirty = note->presence.has_cursor;
    buffer_clear(&note->presence.people);
    if (any)
        note_news(note, TANDEM_NOTE_PEOPLE, STATUS_OK, "");
}

tandem_code tandem_note_each_person(const tandem_note *note, tandem_person_fn *each, void *context)
{
    const struct note_person *from = people(&note->presence);
    for (size_t i = 0; i < people_count(&note->presence); i++) {
        tandem_person person = {.user = from[i].user,
                                .name = from[i].name,
                                .session = from[i].session,
                                .typing = from[i].typing && !from[i].stale};
        person.has_cursor =
            from[i].has_cursor && !note->stands &&
            note_doc_place_here(note->doc, from[i].version, from[i].anchor, &person.anchor) &&
            note_doc_place_here(note->doc, from[i].version, from[i].head, &person.at);
        if (!person.has_cursor)
            person.anchor = person.at = 0;
        if (!each(context, &person))
            break;
    }
    return TANDEM_OK;
}

/* ---- Telling ---- */

static bool may_announce(const tandem_client *client)
{
    return client->state == CLIENT_ONLINE && client->notes.offered && !client->closing &&
           !client->foreign && client->link != NULL;
}

static void send_presence(tandem_client *client, struct id about, const struct note_presence *here,
                          struct note_doc *doc)
{
    struct message message = {.type = MESSAGE_PRESENT};
    struct msg_present *present = &message.as.present;
    uint64_t version = 0;
    present->about = about;
    present->typing = here->typing;
    if (here->typing)
        message_mark(&message, "typing");
    if (here->has_cursor && doc != NULL) {
        present->anchor = note_doc_place_there(doc, here->anchor, &version);
        present->head = note_doc_place_there(doc, here->at, &version);
        present->version = version;
        message_mark(&message, "anchor");
        message_mark(&message, "head");
        message_mark(&message, "version");
    }
    (void)client_send_message(client, &message);
}

static void say(tandem_client *client, struct id about, struct note_presence *here,
                struct note_doc *doc, uint64_t *due)
{
    uint64_t now = client_now(client);
    if (here->announced && !here->dirty)
        return;
    if (here->announced && now < here->sent_ms + NOTE_PRESENT_EVERY) {
        if (here->sent_ms + NOTE_PRESENT_EVERY < *due)
            *due = here->sent_ms + NOTE_PRESENT_EVERY;
        return;
    }
    here->announced = true;
    here->dirty = false;
    here->sent_ms = now;
    send_presence(client, about, here, doc);
}

/* Who was said to type, and has neither moved nor been said to have stopped for long, does not type
 * any more: they may be asleep, or what they run forgot to say so. */
static void expire_typing(struct tandem_note *note, uint64_t *due)
{
    struct note_person *person = people(&note->presence);
    uint64_t now = client_now(note->client);
    bool any = false;
    for (size_t i = 0; i < people_count(&note->presence); i++) {
        uint64_t until = person[i].moved_ms + NOTE_TYPING_SHOWN;
        if (!person[i].typing || person[i].stale)
            continue;
        person[i].stale = now >= until;
        any = any || person[i].stale;
        if (!person[i].stale && until < *due)
            *due = until;
    }
    if (any) {
        note_news(note, TANDEM_NOTE_PEOPLE, STATUS_OK, "");
        note_tell(note);
    }
}

/* What the server would not let us see it is not asked about. */
void note_present(struct tandem_note *note, uint64_t *due)
{
    tandem_client *client = note->client;
    bool known = client_leads(client) ? note->opened : note->head.held;
    expire_typing(note, due);
    if (note->program && is_seen(note) && known && may_announce(client) &&
        note->generation == client->generation)
        say(client, note->id, &note->presence, note->doc, due);
}

void note_present_gone(tandem_client *client, struct id about, struct note_presence *presence)
{
    struct message message = {.type = MESSAGE_PRESENT};
    if (!presence->announced || !may_announce(client))
        return;
    presence->announced = false;
    message.as.present.about = about;
    message.as.present.gone = true;
    message_mark(&message, "gone");
    (void)client_send_message(client, &message);
}

tandem_code tandem_note_cursor(tandem_note *note, size_t anchor, size_t at, bool typing)
{
    struct note_presence *presence = &note->presence;
    struct bytes text = note_text_shown(note);
    if (anchor > text.size || at > text.size ||
        (anchor < text.size && (text.data[anchor] & 0xc0) == 0x80) ||
        (at < text.size && (text.data[at] & 0xc0) == 0x80))
        return (tandem_code)trouble(&note->client->fault, STATUS_INVALID_VALUE, "",
                                    "this is no place in the text");
    if (!note->stands)
        note_doc_cursor(note->doc, at);
    typing = typing && note->ended == STATUS_OK && !note->read_only;
    if (presence->has_cursor && presence->anchor == anchor && presence->at == at &&
        presence->typing == typing)
        return TANDEM_OK;
    presence->has_cursor = presence->dirty = true;
    presence->anchor = anchor;
    presence->at = at;
    presence->typing = typing;
    note_stir(note->client);
    return TANDEM_OK;
}

/* ---- Accounts ---- */

static void end_watch(tandem_client *client, struct note_watch *watch)
{
    struct note_watch **link = &client->notes.watches;
    while (*link != watch)
        link = &(*link)->next;
    *link = watch->next;
    note_presence_release(&watch->presence);
    memory_free(watch);
}

static enum status begin_watch(tandem_client *client, struct id about, struct note_watch **out)
{
    unsigned count = 0;
    for (struct note_watch *other = client->notes.watches; other != NULL; other = other->next)
        count++;
    if (count >= LIMIT_PRESENT - TANDEM_NOTES_OPEN)
        return STATUS_LIMIT;
    struct note_watch *watch = memory_new(sizeof *watch);
    if (watch == NULL)
        return STATUS_NO_MEMORY;
    watch->about = about;
    watch->generation = client->generation;
    watch->next = client->notes.watches;
    client->notes.watches = watch;
    *out = watch;
    return STATUS_OK;
}

tandem_code tandem_watch_people(tandem_client *client, const char *account,
                                tandem_people_fn *on_people, void *context)
{
    struct id about;
    if (client->foreign)
        return client_not_theirs(client);
    if (!id_from_text(bytes_text(account), &about))
        return (tandem_code)trouble(&client->fault, STATUS_INVALID_VALUE, "account",
                                    "this is no id");
    struct note_watch *watch = find_watch(client, about);
    if (on_people == NULL) {
        if (watch == NULL)
            return TANDEM_OK;
        if (watch->generation == client->generation)
            note_present_gone(client, about, &watch->presence);
        end_watch(client, watch);
        return TANDEM_OK;
    }
    enum status status = watch == NULL ? begin_watch(client, about, &watch) : STATUS_OK;
    if (status != STATUS_OK)
        return (tandem_code)trouble(&client->fault, status, "", "%s", status_text(status));
    watch->on_people = on_people;
    watch->context = context;
    note_stir(client);
    return TANDEM_OK;
}

/* On another connection the server knows nothing of it, and nobody is known to be there. */
static bool begin_anew(tandem_client *client, struct note_watch *watch)
{
    bool any = people_count(&watch->presence) > 0;
    if (watch->generation == client->generation)
        return true;
    struct id about = watch->about;
    watch->generation = client->generation;
    watch->presence.announced = false;
    buffer_clear(&watch->presence.people);
    if (any)
        tell_watch(client, watch);
    return find_watch(client, about) == watch;
}

/* A callback may end and begin watches: the walk is over then, until the next turn. */
void note_present_watches(tandem_client *client, uint64_t *due)
{
    struct note_watch *watch = client->notes.watches;
    while (watch != NULL) {
        if (!begin_anew(client, watch)) {
            note_stir(client);
            return;
        }
        if (may_announce(client))
            say(client, watch->about, &watch->presence, NULL, due);
        watch = watch->next;
    }
}

void client_notes_forget_watches(tandem_client *client)
{
    while (client->notes.watches != NULL)
        end_watch(client, client->notes.watches);
}
