/* Who hears of whom, and what. */
#include "server/core/presence/presence_internal.h"

#include <stddef.h>

#include "protocol/wire.h"

bool side_equal(const struct presence_side *a, const struct presence_side *b)
{
    return a->partner == b->partner && (!a->partner || id_equal(a->party, b->party));
}

/* The one rule: between partners nothing is known. */
static bool knows_of(const struct presence_side *viewer, const struct presence_side *person)
{
    return !viewer->partner || !person->partner || side_equal(viewer, person);
}

/* Full names of the company's people are in records that are the company's own. */
static const char *name_for(const struct presence_side *viewer,
                            const struct presence_member *person)
{
    return viewer->partner && !person->side.partner ? person->user : person->name;
}

void tell_member(struct presence *board, struct presence_member *member)
{
    if (!member->woken) {
        member->woken = true;
        board->wake(board->context, member->session);
    }
}

void tell_others(struct presence *board, const struct presence_entry *entry)
{
    LINK_EACH(other, &entry->thing->items, struct presence_entry, of_thing)
    {
        if (other != entry && knows_of(&other->member->side, &entry->member->side)) {
            board->told += !other->news;
            other->news = true;
            tell_member(board, other->member);
        }
    }
}

uint64_t presence_told(const struct presence *board)
{
    return board->told;
}

void presence_touched(struct presence *board, const struct notice *notice)
{
    board->announced = notice->seq;
    for (size_t i = 0; i < notice->lane_count && board->entries > 0; i++) {
        const struct scope *at = &notice->lanes[i].scope;
        /* Lanes of one scope come one after another. */
        const bool same = i > 0 && scope_equal(*at, notice->lanes[i - 1].scope);
        struct place *scope = same ? NULL : place_find(board, PLACE_SCOPE, at);
        if (scope == NULL) {
            continue;
        }
        LINK_EACH(thing, &scope->items, struct place, of_scope)
        {
            LINK_EACH(entry, &thing->items, struct presence_entry, of_thing)
            {
                entry->check = true;
                tell_member(board, entry->member);
            }
        }
    }
}

void presence_take(struct presence *board, struct presence_member *member)
{
    (void)board;
    member->woken = false;
    LINK_EACH(entry, &member->entries, struct presence_entry, of_member)
    {
        entry->owed = entry->owed || entry->news;
        entry->news = false;
    }
}

bool presence_next_check(struct presence *board, struct presence_member *member, struct id *about)
{
    (void)board;
    LINK_EACH(entry, &member->entries, struct presence_entry, of_member)
    {
        if (entry->check) {
            entry->check = false;
            *about = entry->about;
            return true;
        }
    }
    return false;
}

bool presence_next_owed(const struct presence_member *member, struct id *about)
{
    LINK_EACH(entry, &member->entries, const struct presence_entry, of_member)
    {
        if (entry->owed) {
            *about = entry->about;
            return true;
        }
    }
    return false;
}

static void put_number(struct buffer *out, bool known, uint64_t number)
{
    if (known) {
        wire_put_uint(out, number);
    } else {
        wire_put_nil(out);
    }
}

static void put_person(struct buffer *out, const struct presence_entry *entry,
                       const struct presence_side *viewer)
{
    const struct presence_member *person = entry->member;
    const struct presence_doing *doing = &entry->doing;
    wire_put_array(out, 7);
    wire_put_uint(out, person->number);
    wire_put_text(out, person->user);
    wire_put_text(out, name_for(viewer, person));
    wire_put_bool(out, doing->typing);
    put_number(out, doing->has_cursor, doing->anchor);
    put_number(out, doing->has_cursor, doing->head);
    put_number(out, doing->has_version, doing->version);
}

static void put_people(struct buffer *out, const struct presence_entry *self,
                       const struct presence_side *viewer)
{
    const size_t begin = wire_begin_array(out);
    uint32_t count = 0;
    if (self->thing != NULL) {
        LINK_EACH(entry, &self->thing->items, const struct presence_entry, of_thing)
        {
            if (count < PRESENCE_LISTED && entry != self &&
                knows_of(viewer, &entry->member->side)) {
                put_person(out, entry, viewer);
                count++;
            }
        }
    }
    wire_end(out, begin, count);
}

static uint64_t hash_of(const uint8_t *bytes, size_t size)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * 1099511628211u;
    }
    return hash;
}

bool presence_list(struct presence *board, struct presence_member *member, struct id about,
                   const struct presence_side *viewer, struct buffer *out)
{
    struct presence_entry *entry = entry_find(member, about);
    if (entry == NULL) {
        return false;
    }
    const size_t before = out->size;
    put_people(out, entry, viewer);
    if (out->failed) {
        return false;
    }
    const uint64_t hash = hash_of(out->data + before, out->size - before);
    const bool same = entry->told && entry->told_hash == hash;
    entry->told = true;
    entry->told_hash = hash;
    entry->owed = entry->news = false;
    if (same) {
        out->size = before;
    }
    if (entry->thing == NULL) {
        entry_free(board, entry);
    }
    return !same;
}
