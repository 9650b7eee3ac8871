#include "server/core/query/query_gather.h"

#include <string.h>

#include "protocol/memory.h"
#include "protocol/wire.h"
#include "server/core/feed/lanes.h"
#include "server/core/access/open_scopes.h"
#include "server/core/query/query_where.h"
#include "server/core/record/view.h"

/* A place: the sort key, and the id behind it. */
#define PLACE_SIZE (SCHEMA_KEY_MAX + 1 + ID_SIZE)

struct candidate {
    uint8_t place[PLACE_SIZE];
    size_t size;
};

struct shortlist {
    struct candidate *items; /* in order, at most limit + 1: the last tells that there is more */
    uint32_t count, capacity;
};

static struct bytes place_of(const struct candidate *candidate)
{
    return bytes_of(candidate->place, candidate->size);
}

/* Keys of different lengths: the id must not take part in comparing them. */
static int compare_places(struct bytes a, struct bytes b)
{
    int order =
        bytes_compare(bytes_of(a.data, a.size - ID_SIZE), bytes_of(b.data, b.size - ID_SIZE));
    return order != 0 ? order
                      : memcmp(a.data + a.size - ID_SIZE, b.data + b.size - ID_SIZE, ID_SIZE);
}

static int compare_in_order(const struct gather *gather, struct bytes a, struct bytes b)
{
    int order = compare_places(a, b);
    return gather->descending ? -order : order;
}

/* Inserts where it belongs; falls off the end when the list is full of better ones. */
static void shortlist_insert(const struct gather *gather, struct shortlist *list,
                             const struct candidate *candidate)
{
    uint32_t low = 0, high = list->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_in_order(gather, place_of(&list->items[middle]), place_of(candidate));
        if (order == 0) {
            return; /* the record is in several lanes */
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == list->capacity) {
        return;
    }
    if (list->count == list->capacity) {
        list->count--;
    }
    memmove(&list->items[low + 1], &list->items[low], (list->count - low) * sizeof *list->items);
    list->items[low] = *candidate;
    list->count++;
}

static enum status consider(const struct gather *gather, struct id id, struct buffer *key,
                            struct shortlist *list)
{
    enum status status = view_load(gather->state, gather->who, id, gather->scratch);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    buffer_clear(key);
    if (!gather->take(gather->context, gather->scratch, key)) {
        return STATUS_OK;
    }
    buffer_append(key, id.octet, ID_SIZE);
    if (key->failed) {
        return STATUS_NO_MEMORY;
    }
    struct candidate candidate = {.size = key->size};
    if (candidate.size > PLACE_SIZE) {
        return STATUS_INTERNAL;
    }
    memcpy(candidate.place, key->data, key->size);
    if (gather->after.size == 0 ||
        compare_in_order(gather, place_of(&candidate), gather->after) > 0) {
        shortlist_insert(gather, list, &candidate);
    }
    return STATUS_OK;
}

struct reading {
    struct lanes lanes;
    const struct principal *who;
};

static bool add_scope(void *context, struct scope scope)
{
    struct reading *reading = context;
    for (unsigned i = 0; i < reading->who->tag_count; i++) {
        if (!lanes_add(&reading->lanes, scope, reading->who->tags[i])) {
            return false;
        }
    }
    return true;
}

static enum status walk(const struct gather *gather, struct lanes *lanes, struct shortlist *list)
{
    struct buffer key = {0};
    uint64_t seq = 0;
    struct id id;
    enum status status = STATUS_OK;
    for (uint32_t examined = 0; status == STATUS_OK; examined++) {
        status = lanes_first(lanes, gather->state, 0, &seq, &id);
        bool enough = examined == GATHER_MOST ||
                      (gather->scanned != NULL && *gather->scanned > QUERY_SCAN_BYTES);
        if (status == STATUS_OK && enough) {
            status = STATUS_LIMIT;
        }
        if (status == STATUS_OK) {
            status = consider(gather, id, &key, list);
        }
        if (status == STATUS_OK) {
            status = lanes_step(lanes, gather->state);
        }
    }
    buffer_release(&key);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status emit(const struct gather *gather, const struct shortlist *list,
                        struct page *page)
{
    uint32_t most = list->count > gather->limit ? gather->limit : list->count, count = 0;
    for (; count < most && page->items.size < PAGE_BYTES; count++) {
        struct bytes place = place_of(&list->items[count]);
        struct id id;
        memcpy(id.octet, place.data + place.size - ID_SIZE, ID_SIZE);
        enum status status = view_load(gather->state, gather->who, id, gather->scratch);
        if (status != STATUS_OK) {
            return status;
        }
        view_encode(&page->items, gather->who, gather->scratch);
        page->count++;
    }
    if (list->count > count) {
        struct bytes last = place_of(&list->items[count - 1]);
        buffer_append(&page->next, last.data, last.size);
    }
    return page->items.failed || page->next.failed ? STATUS_NO_MEMORY : STATUS_OK;
}

enum status gather_page(const struct gather *gather, const struct scope *scopes, size_t count,
                        struct page *page)
{
    if (gather->after.size > 0 &&
        (gather->after.size < ID_SIZE || gather->after.size > PLACE_SIZE)) {
        return STATUS_INVALID_VALUE;
    }
    struct shortlist list = {.capacity = gather->limit + 1};
    list.items = memory_new(list.capacity * sizeof *list.items);
    struct reading reading = {.who = gather->who};
    enum status status = list.items != NULL ? STATUS_OK : STATUS_NO_MEMORY;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        /* What is not open is not read, so that no time tells how much there is. */
        struct opening opening;
        status = access_opening(gather->state, gather->who, scopes[i], &opening);
        if (status == STATUS_OK && opening.open && !add_scope(&reading, scopes[i])) {
            status = STATUS_NO_MEMORY;
        }
    }
    if (status == STATUS_OK && scopes == NULL) {
        status = open_scopes_each(gather->state, gather->who, add_scope, &reading);
    }
    if (status == STATUS_OK) {
        status = walk(gather, &reading.lanes, &list);
    }
    if (status == STATUS_OK) {
        status = emit(gather, &list, page);
    }
    lanes_release(&reading.lanes);
    memory_free(list.items);
    return status;
}
