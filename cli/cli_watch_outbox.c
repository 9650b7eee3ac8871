/* What the other processes of the profile do to the outbox (cli_watch.h). The library says only
 * that something is to be read again; what is new is found by looking. */
#include <string.h>

#include "cli/cli_entry.h"
#include "cli/cli_watch.h"
#include "protocol/bytes.h"

/* Found by one look; when there is more, the next finds it. */
#define NEWS_MOST 64u

struct news {
    uint64_t entry;
    tandem_entry_state state;
    char id[TANDEM_ID_TEXT]; /* of its first record */
};

struct look {
    struct watch *watch;
    struct news news[NEWS_MOST];
    size_t count;
};

static bool was_told(const struct watch *watch, uint64_t entry)
{
    const uint64_t *told = (const void *)watch->told.data;
    for (size_t i = 0; i < watch->told.size / sizeof *told; i++) {
        if (told[i] == entry) {
            return true;
        }
    }
    return false;
}

bool watch_tells_entry(struct watch *watch, uint64_t entry)
{
    if (was_told(watch, entry)) {
        return false;
    }
    buffer_append(&watch->told, &entry, sizeof entry);
    return true;
}

static bool take(void *context, const tandem_entry *entry)
{
    struct look *look = context;
    bool open = (ENTRY_BIT(entry->state) & ENTRY_OPEN) != 0;
    bool fresh =
        open ? entry->entry > look->watch->last_entry : !was_told(look->watch, entry->entry);
    if (!fresh) {
        return true;
    }
    struct news *news = &look->news[look->count++];
    *news = (struct news){.entry = entry->entry, .state = entry->state};
    if (entry->change_count > 0) {
        (void)bytes_to_text(bytes_text(entry->changes[0].id), news->id, sizeof news->id);
    }
    return look->count < NEWS_MOST;
}

static bool print_record(void *context, const tandem_record *record)
{
    const struct look *look = context;
    const tandem_event event = {.kind = TANDEM_EVENT_CHANGED,
                                .seq = tandem_record_seq(record),
                                .record = record,
                                .detail = "",
                                .entry = look->news[0].entry};
    watch_print_pending(look->watch, &event);
    return false;
}

static void tell_pending(struct watch *watch, const struct news *news)
{
    struct look look = {.watch = watch, .news = {*news}};
    watch->last_entry = news->entry > watch->last_entry ? news->entry : watch->last_entry;
    if (!tandem_paused(watch->cli->client)) {
        return; /* the server's own word of it follows at once */
    }
    if (tandem_get(watch->cli->client, news->id, print_record, &look) != TANDEM_OK) {
        const tandem_event event = {
            .kind = TANDEM_EVENT_REMOVED, .id = news->id, .detail = "", .entry = news->entry};
        watch_print_pending(watch, &event);
    }
}

bool watch_look_at_outbox(struct watch *watch, bool tell)
{
    struct look look = {.watch = watch};
    size_t before = watch->entries;
    watch->entries = tandem_outbox_count(watch->cli->client, 0);
    if (tandem_outbox_each(watch->cli->client, ENTRY_UNSETTLED, take, &look) != TANDEM_OK) {
        return false;
    }
    for (size_t i = 0; i < look.count; i++) {
        const struct news *news = &look.news[i];
        bool open = (ENTRY_BIT(news->state) & ENTRY_OPEN) != 0;
        if (open && tell) {
            tell_pending(watch, news);
        } else if (open) {
            watch->last_entry = news->entry > watch->last_entry ? news->entry : watch->last_entry;
        } else if (!tell) {
            (void)watch_tells_entry(watch, news->entry);
        } else {
            const tandem_event event = {.kind = news->state == TANDEM_ENTRY_CONFLICT
                                                    ? TANDEM_EVENT_CONFLICT
                                                    : TANDEM_EVENT_REFUSED,
                                        .detail = "",
                                        .entry = news->entry};
            watch_on_event(watch, &event);
        }
    }
    return look.count > 0 || watch->entries != before;
}
