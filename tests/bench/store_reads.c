#include "tests/bench/store_reads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/message.h"
#include "server/core/feed/feed.h"
#include "server/core/query/query.h"
#include "server/core/record/record.h"
#include "server/core/session/session.h"

#define PLACES 4096u
#define PLACE_BYTES 512u

struct place {
    uint8_t octet[PLACE_BYTES];
    size_t size;
};

struct reads {
    const struct kept *kept;
    struct store_reader *reader;
    struct record *scratch;
    struct interest *interest;
    struct feed_cache *cache;
    struct place *places; /* beginnings of pages, spread over the list */
    size_t place_count;
    uint64_t random;
    /* The snapshot of the present request. */
    struct state state;
    struct meta meta;
    struct principal who;
};

static bool say(const char *what, enum status status)
{
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "reads: %s: %s\n", what, status_text(status));
    }
    return status == STATUS_OK;
}

struct reads *reads_new(struct store *store, const struct kept *kept)
{
    struct reads *reads = calloc(1, sizeof *reads);
    if (reads == NULL) {
        return NULL;
    }
    reads->kept = kept;
    reads->random = 1;
    reads->scratch = malloc(sizeof *reads->scratch);
    reads->places = malloc(PLACES * sizeof *reads->places);
    reads->interest = interest_new();
    reads->cache = feed_cache_new();
    if (reads->scratch == NULL || reads->places == NULL || reads->interest == NULL ||
        reads->cache == NULL || !say("a reader", store_reader_new(store, &reads->reader))) {
        reads_free(reads);
        return NULL;
    }
    return reads;
}

void reads_free(struct reads *reads)
{
    if (reads == NULL) {
        return;
    }
    store_reader_free(reads->reader);
    if (reads->interest != NULL) {
        interest_free(reads->interest);
    }
    if (reads->cache != NULL) {
        feed_cache_free(reads->cache);
    }
    free(reads->scratch);
    free(reads->places);
    free(reads);
}

static uint64_t next_random(struct reads *reads)
{
    uint64_t z = (reads->random += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A snapshot, and who asks in it. */
static bool look(struct reads *reads, struct id user)
{
    if (!say("a snapshot", store_read_begin(reads->reader, &reads->state))) {
        return false;
    }
    enum status status = reads->state.ops->meta(reads->state.self, &reads->meta);
    if (status == STATUS_OK && !id_equal(reads->who.user, user)) {
        status = principal_load(&reads->state, user, &reads->who);
    }
    if (status != STATUS_OK) {
        store_read_end(reads->reader);
    }
    return say("the user", status);
}

static struct id member(const struct reads *reads)
{
    return reads->kept->seeded->users[0].id;
}

/* ---- Fetch ---------------------------------------------------------------------------------- */

static bool fetch_one(struct reads *reads, struct buffer *ids, struct page *page)
{
    uint64_t index = next_random(reads) % reads->kept->options.records;
    buffer_clear(ids);
    wire_put_array(ids, 1);
    wire_put_id(ids, seed_record_id(&reads->kept->options, index));
    const struct msg_fetch request = {.request = 1, .ids = buffer_bytes(ids)};
    buffer_clear(&page->items);
    page->count = 0;
    if (!look(reads, member(reads))) {
        return false;
    }
    enum status status =
        query_fetch(&reads->state, &reads->who, &request, reads->scratch, page, NULL);
    store_read_end(reads->reader);
    if (status == STATUS_OK && page->count != 1) {
        status = STATUS_NOT_FOUND;
    }
    return say("a fetch", status);
}

bool reads_fetch(struct reads *reads, size_t count)
{
    struct buffer ids = {0};
    struct page page = {.count = 0};
    bool done = true;
    for (size_t i = 0; i < count && done; i++) {
        done = fetch_one(reads, &ids, &page);
    }
    buffer_release(&ids);
    page_release(&page);
    return done;
}

bool reads_look_up(struct reads *reads, size_t count)
{
    bool done = true;
    for (size_t i = 0; i < count && done; i++) {
        const uint64_t index = next_random(reads) % reads->kept->options.records;
        const struct id id = seed_record_id(&reads->kept->options, index);
        struct bytes found;
        if (!say("a snapshot", store_read_begin(reads->reader, &reads->state))) {
            return false;
        }
        done = say("a look-up", reads->state.ops->record(reads->state.self, id, &found));
        store_read_end(reads->reader);
    }
    return done;
}

/* ---- Lists ---------------------------------------------------------------------------------- */

static bool list_page(struct reads *reads, struct bytes after, struct page *page)
{
    const struct msg_query request = {.request = 1,
                                      .entity = bytes_text("contact"),
                                      .sort = bytes_text("emailAddress"),
                                      .limit = READS_PAGE,
                                      .after = after};
    buffer_clear(&page->items);
    buffer_clear(&page->next);
    page->count = 0;
    if (!look(reads, member(reads))) {
        return false;
    }
    enum status status =
        query_run(&reads->state, &reads->who, &request, reads->scratch, page, NULL);
    store_read_end(reads->reader);
    return say("a list", status);
}

/* Keeps the beginning of a page; when there is no more room, every second one goes. */
static void keep_place(struct reads *reads, const struct buffer *at, size_t *every)
{
    if (reads->place_count == PLACES) {
        for (size_t i = 0; i < PLACES / 2; i++) {
            reads->places[i] = reads->places[2 * i];
        }
        reads->place_count = PLACES / 2;
        *every *= 2;
    }
    struct place *place = &reads->places[reads->place_count++];
    place->size = at->size < PLACE_BYTES ? at->size : 0;
    memcpy(place->octet, at->data, place->size);
}

bool reads_learn_pages(struct reads *reads)
{
    struct page page = {.count = 0};
    struct buffer after = {0};
    size_t every = 1, pages = 0;
    uint64_t bound = reads->kept->options.records / READS_PAGE + 2;
    bool done = true, more = true;
    reads->place_count = 0;
    for (; more && done && pages < bound; pages++) {
        done = list_page(reads, buffer_bytes(&after), &page);
        more = page.next.size > 0;
        if (after.size > 0 && page.count == READS_PAGE && pages % every == 0) {
            keep_place(reads, &after, &every);
        }
        buffer_clear(&after);
        buffer_append(&after, page.next.data, page.next.size);
    }
    done = done && !more && reads->place_count > 0 && !after.failed;
    buffer_release(&after);
    page_release(&page);
    return done;
}

bool reads_list(struct reads *reads, size_t count)
{
    struct page page = {.count = 0};
    bool done = true;
    for (size_t i = 0; i < count && done; i++) {
        const struct place *place = &reads->places[next_random(reads) % reads->place_count];
        done = list_page(reads, bytes_of(place->octet, place->size), &page);
        if (done && page.count != READS_PAGE) {
            done = say("a page is not full", STATUS_NOT_FOUND);
        }
    }
    page_release(&page);
    return done;
}

/* ---- Catching up ---------------------------------------------------------------------------- */

/* How many records a frame brings. */
static uint64_t records_in(const struct frame *frame)
{
    struct message message;
    if (message_decode(bytes_of(frame->message, frame->size), &message, NULL) != STATUS_OK) {
        return 0;
    }
    if (message.type == MESSAGE_CHANGES) {
        return message_count(message.as.changes.records);
    }
    return message.type == MESSAGE_BACKFILL ? message_count(message.as.backfill.records) : 0;
}

static bool is_caught_up(const struct frame *frame)
{
    struct message message;
    return message_decode(bytes_of(frame->message, frame->size), &message, NULL) == STATUS_OK &&
           message.type == MESSAGE_CAUGHT_UP;
}

/* One frame in a snapshot of its own, as sessions send them; NULL in *frame when none is owed. */
static enum status take_frame(struct reads *reads, struct feed *feed, struct feed_context *context,
                              struct id user, struct frame **frame)
{
    *frame = NULL;
    if (!look(reads, user)) {
        return STATUS_IO;
    }
    enum status status = feed_next(feed, context, frame);
    store_read_end(reads->reader);
    feed_cache_clear(reads->cache);
    return status;
}

static enum status take_all(struct reads *reads, struct feed *feed, struct feed_context *context,
                            struct id user, uint64_t *records)
{
    struct frame *frame;
    uint64_t frames = 0;
    bool caught_up = false;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !caught_up) {
        status = take_frame(reads, feed, context, user, &frame);
        if (frame == NULL) {
            break;
        }
        uint64_t count = records_in(frame);
        caught_up = is_caught_up(frame);
        *records += count;
        frame_drop(frame);
        if (!caught_up) {
            status = feed_acknowledge(feed, ++frames);
        }
    }
    return status == STATUS_OK && !caught_up ? STATUS_CORRUPT : status;
}

static bool catch_up(struct reads *reads, struct id user, uint64_t *records)
{
    struct feed feed = {.active = false};
    struct feed_context context = {.state = &reads->state,
                                   .meta = &reads->meta,
                                   .who = &reads->who,
                                   .interest = reads->interest,
                                   .session = (struct session *)reads, /* a name, never opened */
                                   .cache = reads->cache};
    const struct msg_subscribe request = {.cursor = 0, .epoch = reads->kept->seeded->epoch};
    const char *reset;
    if (!look(reads, user)) {
        return false;
    }
    enum status status = feed_start(&feed, &context, &request, &reset, NULL);
    store_read_end(reads->reader);
    if (status == STATUS_OK) {
        status = take_all(reads, &feed, &context, user, records);
    }
    feed_release(&feed);
    interest_forget(reads->interest, context.session);
    return say("catching up", status);
}

bool reads_catch_up(struct reads *reads, size_t n, uint64_t *records)
{
    const struct seeded *seeded = reads->kept->seeded;
    return catch_up(reads, seeded->users[seeded->staff + n % seeded->partners].id, records);
}
