/* Things, scopes and sides in one chained hash table. Keys hold ids that users made; a flood of
 * colliding ones makes chains of at most as many as there are entries on the board. */
#include "server/core/presence/presence_internal.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "protocol/memory.h"

#define FIRST_BUCKETS 64u

void link_init(struct link *head)
{
    head->next = head->previous = head;
}

void link_first(struct link *head, struct link *link)
{
    link->next = head->next;
    link->previous = head;
    head->next->previous = link;
    head->next = link;
}

void link_remove(struct link *link)
{
    link->next->previous = link->previous;
    link->previous->next = link->next;
    link_init(link);
}

bool places_init(struct presence *board)
{
    board->buckets = memory_new(FIRST_BUCKETS * sizeof *board->buckets);
    board->bucket_count = board->buckets != NULL ? FIRST_BUCKETS : 0;
    return board->buckets != NULL;
}

void places_release(struct presence *board)
{
    assert(board->place_count == 0);
    memory_free(board->buckets);
}

static void make_key(enum place_kind kind, const void *name, uint8_t key[PLACE_KEY])
{
    memset(key, 0, PLACE_KEY);
    key[0] = (uint8_t)kind;
    switch (kind) {
    case PLACE_THING:
        memcpy(key + 1, name, ID_SIZE);
        break;
    case PLACE_SCOPE:
        scope_put(*(const struct scope *)name, key + 1);
        break;
    case PLACE_SIDE: {
        const struct presence_side *side = name;
        key[1] = side->partner;
        if (side->partner) {
            memcpy(key + 2, side->party.octet, ID_SIZE);
        }
        break;
    }
    }
}

/* FNV-1a, 64 bits (Fowler, Noll, Vo). */
static struct place **bucket_of(const struct presence *board, const uint8_t key[PLACE_KEY])
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < PLACE_KEY; i++) {
        hash = (hash ^ key[i]) * 1099511628211u;
    }
    return &board->buckets[(hash ^ (hash >> 29)) & (board->bucket_count - 1)];
}

static struct place *find_key(const struct presence *board, const uint8_t key[PLACE_KEY])
{
    struct place *place = *bucket_of(board, key);
    while (place != NULL && memcmp(place->key, key, PLACE_KEY) != 0) {
        place = place->bucket_next;
    }
    return place;
}

struct place *place_find(const struct presence *board, enum place_kind kind, const void *name)
{
    uint8_t key[PLACE_KEY];
    make_key(kind, name, key);
    return find_key(board, key);
}

static void put_in_bucket(struct presence *board, struct place *place)
{
    struct place **bucket = bucket_of(board, place->key);
    place->bucket_next = *bucket;
    *bucket = place;
}

/* Doubles the buckets; staying small for lack of memory only makes chains longer. */
static void grow(struct presence *board)
{
    const uint32_t old_count = board->bucket_count;
    struct place **old = board->buckets;
    struct place **larger = memory_new(2 * (size_t)old_count * sizeof(struct place *));
    if (larger == NULL) {
        return;
    }
    board->buckets = larger;
    board->bucket_count = 2 * old_count;
    for (uint32_t i = 0; i < old_count; i++) {
        for (struct place *place = old[i], *next; place != NULL; place = next) {
            next = place->bucket_next;
            put_in_bucket(board, place);
        }
    }
    memory_free(old);
}

struct place *place_get(struct presence *board, enum place_kind kind, const void *name)
{
    uint8_t key[PLACE_KEY];
    make_key(kind, name, key);
    struct place *place = find_key(board, key);
    if (place != NULL) {
        return place;
    }
    place = memory_new(sizeof *place);
    if (place == NULL) {
        return NULL;
    }
    if (board->place_count >= board->bucket_count) {
        grow(board);
    }
    memcpy(place->key, key, PLACE_KEY);
    link_init(&place->items);
    link_init(&place->of_scope);
    put_in_bucket(board, place);
    board->place_count++;
    return place;
}

static void forget(struct presence *board, struct place *place)
{
    struct place **at = bucket_of(board, place->key);
    while (*at != place) {
        at = &(*at)->bucket_next;
    }
    *at = place->bucket_next;
    board->place_count--;
    memory_free(place);
}

static void leave_scope(struct presence *board, struct place *thing)
{
    struct place *scope = thing->scope;
    thing->scope = NULL;
    link_remove(&thing->of_scope);
    place_drop(board, scope);
}

void place_drop(struct presence *board, struct place *place)
{
    if (place == NULL || !link_alone(&place->items)) {
        return;
    }
    if (place->scope != NULL) {
        leave_scope(board, place);
    }
    forget(board, place);
}

enum status place_settle(struct presence *board, struct place *thing,
                         const struct presence_thing *as)
{
    if (thing->scope != NULL && as->seq <= thing->seq) {
        return STATUS_OK;
    }
    struct place *scope = place_get(board, PLACE_SCOPE, &as->scope);
    if (scope == NULL) {
        return STATUS_NO_MEMORY;
    }
    if (scope != thing->scope) {
        if (thing->scope != NULL) {
            leave_scope(board, thing);
        }
        thing->scope = scope;
        link_first(&scope->items, &thing->of_scope);
    }
    thing->seq = as->seq;
    return STATUS_OK;
}
