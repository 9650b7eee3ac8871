/* What is to be told of a live note is noted while it is being changed, and told when that is done
 * and stored. */
#include "client-lib/client/client.h"

#include <string.h>

struct note_news {
    tandem_note_event_kind kind;
    size_t from, removed;
    size_t text, text_size; /* in note->texts */
    bool own;
    enum status code;
    char by[RECORD_NAME_MAX + 1];
    char detail[161];
};

static void put(struct tandem_note *note, const struct note_news *from, struct bytes text)
{
    struct note_news news = *from;
    if (note->on_event == NULL)
        return;
    news.text = note->texts.size;
    news.text_size = text.size;
    buffer_append(&note->texts, text.data, text.size);
    buffer_append(&note->news, &news, sizeof news);
}

void note_news(struct tandem_note *note, tandem_note_event_kind kind, enum status code,
               const char *detail)
{
    struct note_news news = {.kind = kind, .code = code};
    bytes_to_text(bytes_text(detail), news.detail, sizeof news.detail);
    put(note, &news, (struct bytes){0});
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

/* What could not be noted for want of memory: whoever shows the text is to show it anew. */
static void tell_all_anew(struct tandem_note *note)
{
    struct bytes text = note_doc_text(note->doc);
    const tandem_note_event event = {.kind = TANDEM_NOTE_CHANGED,
                                     .removed = note->shown_size,
                                     .inserted = (const char *)text.data,
                                     .inserted_size = text.size,
                                     .by = "",
                                     .detail = ""};
    note->on_event(note->context, note, &event);
}

static void note_what_is_saved(struct tandem_note *note)
{
    bool waits = note_doc_waiting(note->doc) > 0;
    if (note->waits && !waits && note->ended == STATUS_OK)
        note_news(note, TANDEM_NOTE_SAVED, STATUS_OK, "");
    note->waits = waits;
}

void note_tell(struct tandem_note *note)
{
    note_what_is_saved(note);
    if (note->telling || (note->news.size == 0 && !note->news.failed && !note->texts.failed)) {
        note->shown_size = note_doc_text(note->doc).size;
        return;
    }
    struct buffer list = note->news, texts = note->texts;
    note->news = note->texts = (struct buffer){0};
    const struct note_news *news = (const void *)list.data;
    bool failed = list.failed || texts.failed;
    tandem_client *client = note->client;
    note_enter(client);
    note->telling = true;
    for (size_t i = 0; i < list.size / sizeof *news && !failed && note->on_event != NULL; i++)
        tell_one(note, &news[i], &texts);
    if (failed && note->on_event != NULL)
        tell_all_anew(note);
    note->telling = false;
    note->shown_size = note_doc_text(note->doc).size;
    note_leave(client);
    buffer_release(&list);
    buffer_release(&texts);
}
