/* What is to be told of a live note is noted while it is being changed, and told when that is done
 * and stored. */
#include "client-lib/client/client.h"

#include <string.h>

/* Bytes of news that are noted. When there is more, the program is shown the text anew: a message
 * of two MiB can tell of a million replacements. */
#define NEWS_MOST (2u * 1024u * 1024u)

struct note_news {
    tandem_note_event_kind kind;
    size_t from, removed;
    size_t text, text_size; /* in note->texts */
    bool own;
    enum status code;
    char by[RECORD_NAME_MAX + 1];
    char detail[161];
};

static bool is_too_much(const struct tandem_note *note)
{
    return note->news.failed || note->texts.failed ||
           note->news.size + note->texts.size > NEWS_MOST;
}

/* Of what cannot be noted one by one, the kinds are. */
static void put(struct tandem_note *note, const struct note_news *from, struct bytes text)
{
    struct note_news news = *from;
    if (note->on_event == NULL)
        return;
    note->kinds |= 1u << news.kind;
    if (news.kind == TANDEM_NOTE_REFUSED)
        note->refused = news.code;
    if (note->too_much)
        return;
    news.text = note->texts.size;
    news.text_size = text.size;
    buffer_append(&note->texts, text.data, text.size);
    buffer_append(&note->news, &news, sizeof news);
    if (is_too_much(note)) {
        buffer_release(&note->news);
        buffer_release(&note->texts);
        note->too_much = true;
    }
}

void note_forget_news(struct tandem_note *note)
{
    buffer_release(&note->news);
    buffer_release(&note->texts);
    note->too_much = false;
    note->kinds = 0;
}

void note_news(struct tandem_note *note, tandem_note_event_kind kind, enum status code,
               const char *detail)
{
    struct note_news news = {.kind = kind, .code = code};
    bytes_to_text(bytes_text(detail), news.detail, sizeof news.detail);
    put(note, &news, (struct bytes){0});
}

struct note_mark note_news_mark(const struct tandem_note *note)
{
    return (struct note_mark){note->news.size, note->texts.size, note->presence.anchor,
                              note->presence.at};
}

void note_news_take_back(struct tandem_note *note, const struct note_mark *mark)
{
    note->presence.anchor = mark->anchor;
    note->presence.at = mark->at;
    if (note->too_much)
        return; /* the text is told as it is then */
    note->news.size = mark->news;
    note->texts.size = mark->texts;
}

/* ---- Changes ---- */

static void move_cursor(struct tandem_note *note)
{
    struct note_presence *presence = &note->presence;
    presence->anchor = note_doc_shown_place(note->doc, presence->anchor, true);
    presence->at = note_doc_shown_place(note->doc, presence->at, true);
}

void note_news_shown(struct tandem_note *note, bool own)
{
    size_t count = 0;
    const struct note_doc_shown *shown = note_doc_shown(note->doc, &count);
    for (size_t i = 0; i < count; i++) {
        struct note_news news = {.kind = shown[i].kept ? TANDEM_NOTE_KEPT : TANDEM_NOTE_CHANGED,
                                 .from = shown[i].from,
                                 .removed = shown[i].removed,
                                 .own = shown[i].kept ? shown[i].own : own};
        if (!own && !shown[i].kept)
            memcpy(news.by, note->by, sizeof news.by);
        put(note, &news, shown[i].inserted);
    }
    if (note->presence.has_cursor)
        move_cursor(note);
}

static bool begins_character(struct bytes text, size_t at)
{
    return at >= text.size || (text.data[at] & 0xc0) != 0x80;
}

/* One replacement: what is between the part that both begin with and the one that both end with. */
static struct note_news difference(struct bytes before, struct bytes now)
{
    size_t most = before.size < now.size ? before.size : now.size, from = 0, end = 0;
    while (from < most && before.data[from] == now.data[from])
        from++;
    while (!begins_character(before, from) || !begins_character(now, from))
        from--;
    while (end < most - from && before.data[before.size - end - 1] == now.data[now.size - end - 1])
        end++;
    while (end > 0 &&
           (!begins_character(before, before.size - end) || !begins_character(now, now.size - end)))
        end--;
    return (struct note_news){.kind = TANDEM_NOTE_CHANGED,
                              .from = from,
                              .removed = before.size - end - from,
                              .text_size = now.size - end - from};
}

static size_t moved(const struct note_news *by, size_t place)
{
    if (place <= by->from)
        return place;
    if (place < by->from + by->removed)
        return by->from;
    return place - by->removed + by->text_size;
}

void note_news_difference(struct tandem_note *note, struct bytes before, size_t *places,
                          size_t count)
{
    struct bytes now = note_doc_text(note->doc);
    const struct note_news news = difference(before, now);
    if (news.removed > 0 || news.text_size > 0)
        put(note, &news, bytes_slice(now, news.from, news.text_size));
    for (size_t i = 0; i < count; i++)
        places[i] = moved(&news, places[i]);
    note->presence.anchor = moved(&news, note->presence.anchor);
    note->presence.at = moved(&news, note->presence.at);
}

/* ---- Telling ---- */

static void tell_one(struct tandem_note *note, const struct note_news *news,
                     const struct buffer *texts)
{
    const tandem_note_event event = {
        .kind = news->kind,
        .from = news->from,
        .removed = news->removed,
        .inserted = news->text_size > 0 ? (const char *)texts->data + news->text : "",
        .inserted_size = news->text_size,
        .own = news->own,
        .by = news->by,
        .code = (tandem_code)news->code,
        .detail = news->detail};
    note->on_event(note->context, note, &event);
}

static void tell_all(struct tandem_note *note, size_t removed, tandem_note_event_kind kind)
{
    struct bytes text = note_text_shown(note);
    const tandem_note_event event = {.kind = kind,
                                     .removed = removed,
                                     .inserted = (const char *)text.data,
                                     .inserted_size = text.size,
                                     .by = "",
                                     .detail = ""};
    note->on_event(note->context, note, &event);
}

static void tell_kind(struct tandem_note *note, tandem_note_event_kind kind, enum status code)
{
    const tandem_note_event event = {.kind = kind,
                                     .inserted = "",
                                     .by = "",
                                     .code = (tandem_code)code,
                                     .detail = code != STATUS_OK ? status_text(code) : ""};
    note->on_event(note->context, note, &event);
}

static bool is_to_be_told(const struct tandem_note *note, tandem_note_event_kind kind)
{
    switch (kind) {
    case TANDEM_NOTE_SAVED:
        return note_doc_waiting(note->doc) == 0;
    case TANDEM_NOTE_ENDED:
        return note->ended != STATUS_OK;
    default:
        return true;
    }
}

/* What could not be noted: whoever shows the text is to show it anew, and hears of the rest once.
 */
static void tell_kinds(struct tandem_note *note, unsigned kinds)
{
    for (unsigned kind = 0; kinds >> kind != 0 && note->on_event != NULL; kind++) {
        if ((kinds & 1u << kind) == 0 || !is_to_be_told(note, kind))
            continue;
        if (kind == TANDEM_NOTE_CHANGED || kind == TANDEM_NOTE_KEPT)
            tell_all(note, kind == TANDEM_NOTE_CHANGED ? note->shown_size : 0, kind);
        else if (kind == TANDEM_NOTE_REFUSED)
            tell_kind(note, kind, note->refused);
        else
            tell_kind(note, kind, kind == TANDEM_NOTE_ENDED ? note->ended : STATUS_OK);
    }
}

static void note_what_is_saved(struct tandem_note *note)
{
    bool waits = note_doc_waiting(note->doc) > 0;
    if (note->waits && !waits && note->ended == STATUS_OK)
        note_news(note, TANDEM_NOTE_SAVED, STATUS_OK, "");
    note->waits = waits;
}

static bool has_news(const struct tandem_note *note)
{
    return note->news.size > 0 || note->too_much;
}

void note_tell(struct tandem_note *note)
{
    note_what_is_saved(note);
    if (note->telling)
        return;
    if (!has_news(note)) {
        note->shown_size = note_text_shown(note).size;
        return;
    }
    struct buffer list = note->news, texts = note->texts;
    unsigned kinds = note->too_much ? note->kinds : 0;
    const struct note_news *news = (const void *)list.data;
    tandem_client *client = note->client;
    note->news = note->texts = (struct buffer){0};
    note_forget_news(note);
    note_enter(client);
    note->telling = true;
    for (size_t i = 0; i < list.size / sizeof *news && note->on_event != NULL; i++)
        tell_one(note, &news[i], &texts);
    tell_kinds(note, kinds);
    note->telling = false;
    if (!has_news(note))
        note->shown_size = note_text_shown(note).size;
    note_leave(client);
    buffer_release(&list);
    buffer_release(&texts);
}
