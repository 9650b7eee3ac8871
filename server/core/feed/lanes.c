#include "server/core/feed/lanes.h"

#include <assert.h>
#include <string.h>

#include "protocol/memory.h"

void lanes_release(struct lanes *lanes)
{
    memory_free(lanes->items);
    memory_free(lanes->heap);
    memory_free(lanes->unread);
    *lanes = (struct lanes){0};
}

void lanes_clear(struct lanes *lanes)
{
    lanes->count = lanes->heap_count = lanes->unread_count = 0;
}

static bool grow(struct lanes *lanes)
{
    uint32_t capacity = lanes->capacity > 0 ? 2 * lanes->capacity : 16;
    struct lane *items = memory_resize(lanes->items, capacity * sizeof *items);
    if (items != NULL) {
        lanes->items = items;
    }
    uint32_t *heap = memory_resize(lanes->heap, capacity * sizeof *heap);
    if (heap != NULL) {
        lanes->heap = heap;
    }
    uint32_t *unread = memory_resize(lanes->unread, capacity * sizeof *unread);
    if (unread != NULL) {
        lanes->unread = unread;
    }
    if (items == NULL || heap == NULL || unread == NULL) {
        return false;
    }
    lanes->capacity = capacity;
    return true;
}

bool lanes_add(struct lanes *lanes, struct scope scope, struct tag tag)
{
    if (lanes->count == lanes->capacity && !grow(lanes)) {
        return false;
    }
    lanes->items[lanes->count] = (struct lane){.scope = scope, .tag = tag};
    lanes_mark(lanes, lanes->count++);
    return true;
}

void lanes_mark(struct lanes *lanes, uint32_t index)
{
    struct lane *lane = &lanes->items[index];
    if (!lane->ready && !lane->unread) {
        lane->unread = true;
        lanes->unread[lanes->unread_count++] = index;
    }
}

bool lanes_may_hold(const struct lanes *lanes, uint32_t first, uint32_t count, uint64_t seq)
{
    for (uint32_t i = first; i < first + count; i++) {
        const struct lane *lane = &lanes->items[i];
        if (lane->unread || (lane->ready && lane->seq <= seq)) {
            return true;
        }
    }
    return false;
}

static bool before(const struct lanes *lanes, uint32_t a, uint32_t b)
{
    const struct lane *x = &lanes->items[a], *y = &lanes->items[b];
    return x->seq != y->seq ? x->seq < y->seq : id_compare(x->id, y->id) < 0;
}

static void swap(uint32_t *a, uint32_t *b)
{
    uint32_t kept = *a;
    *a = *b;
    *b = kept;
}

static void sift_up(struct lanes *lanes, uint32_t at)
{
    while (at > 0 && before(lanes, lanes->heap[at], lanes->heap[(at - 1) / 2])) {
        swap(&lanes->heap[at], &lanes->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static void sift_down(struct lanes *lanes, uint32_t at)
{
    for (;;) {
        uint32_t least = at, child = 2 * at + 1;
        for (uint32_t c = child; c < child + 2 && c < lanes->heap_count; c++) {
            if (before(lanes, lanes->heap[c], lanes->heap[least])) {
                least = c;
            }
        }
        if (least == at) {
            return;
        }
        swap(&lanes->heap[at], &lanes->heap[least]);
        at = least;
    }
}

/* Looks up the entry behind (seq, id); the lane is ready when there is one. */
static enum status look(struct lane *lane, const struct state *state, uint64_t seq, struct id id)
{
    lane->seq = seq;
    lane->id = id;
    enum status status =
        state->ops->lane_next(state->self, lane->scope, lane->tag, &lane->seq, &lane->id);
    lane->ready = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static struct id last_id(void)
{
    struct id last;
    memset(last.octet, 0xff, sizeof last.octet);
    return last;
}

/* Puts the lanes that were marked into the heap. */
static enum status read_unread(struct lanes *lanes, const struct state *state, uint64_t seq)
{
    while (lanes->unread_count > 0) {
        uint32_t index = lanes->unread[lanes->unread_count - 1];
        struct lane *lane = &lanes->items[index];
        assert(!lane->ready);
        enum status status = look(lane, state, seq, last_id());
        if (status != STATUS_OK) {
            return status;
        }
        lane->unread = false;
        lanes->unread_count--;
        if (lane->ready) {
            lanes->heap[lanes->heap_count++] = index;
            sift_up(lanes, lanes->heap_count - 1);
        }
    }
    return STATUS_OK;
}

/* Moves the lane on top of the heap behind (seq, id). */
static enum status move_top(struct lanes *lanes, const struct state *state, uint64_t seq,
                            struct id id)
{
    struct lane *lane = &lanes->items[lanes->heap[0]];
    struct lane kept = *lane;
    enum status status = look(lane, state, seq, id);
    if (status != STATUS_OK) {
        *lane = kept;
        return status;
    }
    if (!lane->ready) {
        lanes->heap[0] = lanes->heap[--lanes->heap_count];
    }
    sift_down(lanes, 0);
    return STATUS_OK;
}

enum status lanes_first(struct lanes *lanes, const struct state *state, uint64_t seq,
                        uint64_t *entry_seq, struct id *id)
{
    enum status status = read_unread(lanes, state, seq);
    while (status == STATUS_OK && lanes->heap_count > 0 &&
           lanes->items[lanes->heap[0]].seq <= seq) {
        status = move_top(lanes, state, seq, last_id());
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (lanes->heap_count == 0) {
        return STATUS_NOT_FOUND;
    }
    const struct lane *first = &lanes->items[lanes->heap[0]];
    *entry_seq = first->seq;
    *id = first->id;
    return STATUS_OK;
}

enum status lanes_step(struct lanes *lanes, const struct state *state)
{
    assert(lanes->heap_count > 0);
    const struct lane *first = &lanes->items[lanes->heap[0]];
    return move_top(lanes, state, first->seq, first->id);
}
