/* Who is where. */
#include "server/core/presence/presence_internal.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "protocol/memory.h"
#include "protocol/message.h"

struct presence *presence_new(presence_wake_fn *wake, void *context)
{
    struct presence *board = memory_new(sizeof *board);
    if (board == NULL || !places_init(board)) {
        memory_free(board);
        return NULL;
    }
    board->wake = wake;
    board->context = context;
    return board;
}

void presence_free(struct presence *board)
{
    if (board == NULL) {
        return;
    }
    assert(board->members == 0 && board->entries == 0);
    places_release(board);
    memory_free(board);
}

struct presence_member *presence_enter(struct presence *board, struct session *session,
                                       uint64_t number)
{
    struct presence_member *member = memory_new(sizeof *member);
    if (member == NULL) {
        return NULL;
    }
    member->session = session;
    member->number = number;
    link_init(&member->entries);
    board->members++;
    return member;
}

struct presence_entry *entry_find(const struct presence_member *member, struct id about)
{
    LINK_EACH(entry, &member->entries, struct presence_entry, of_member)
    {
        if (id_equal(entry->about, about)) {
            return entry;
        }
    }
    return NULL;
}

/* Takes the entry off the board; those who knew of it hear so. */
static void take_off(struct presence *board, struct presence_entry *entry)
{
    struct place *thing = entry->thing, *side = entry->side;
    if (thing == NULL) {
        return;
    }
    tell_others(board, entry);
    link_remove(&entry->of_thing);
    link_remove(&entry->of_side);
    side->count--;
    board->entries--;
    entry->thing = entry->side = NULL;
    place_drop(board, thing);
    place_drop(board, side);
}

void entry_free(struct presence *board, struct presence_entry *entry)
{
    take_off(board, entry);
    link_remove(&entry->of_member);
    entry->member->count--;
    memory_free(entry);
}

void presence_leave(struct presence *board, struct presence_member *member, struct id about)
{
    struct presence_entry *entry = entry_find(member, about);
    if (entry != NULL) {
        entry_free(board, entry);
    }
}

void presence_exit(struct presence *board, struct presence_member *member)
{
    while (!link_alone(&member->entries)) {
        entry_free(board, LINK_ITEM(member->entries.next, struct presence_entry, of_member));
    }
    board->members--;
    memory_free(member);
}

/* ---- Who it is ---- */

/* Cuts what is too long between two characters. */
static void copy_text(struct bytes text, char *out, size_t size)
{
    size_t end = text.size < size ? text.size : size - 1;
    while (end < text.size && end > 0 && (text.data[end] & 0xc0) == 0x80) {
        end--;
    }
    (void)bytes_to_text(bytes_of(text.data, end), out, size);
}

static void tell_of_all(struct presence *board, const struct presence_member *member)
{
    LINK_EACH(entry, &member->entries, const struct presence_entry, of_member)
    {
        if (entry->thing != NULL) {
            tell_others(board, entry);
        }
    }
}

/* False when out of memory. */
static bool change_side(struct presence *board, struct presence_entry *entry)
{
    struct place *old = entry->side;
    struct place *side = place_get(board, PLACE_SIDE, &entry->member->side);
    if (side == NULL) {
        return false;
    }
    link_remove(&entry->of_side);
    old->count--;
    place_drop(board, old);
    entry->side = side;
    link_first(&side->items, &entry->of_side);
    side->count++;
    entry->owed = true; /* they know of others now */
    return true;
}

static void change_sides(struct presence *board, struct presence_member *member)
{
    struct link *at = member->entries.next;
    while (at != &member->entries) {
        struct presence_entry *entry = LINK_ITEM(at, struct presence_entry, of_member);
        at = at->next;
        if (entry->thing != NULL && !change_side(board, entry)) {
            entry_free(board, entry);
        }
    }
}

/* Those who knew of them until now hear of it, and those who do from now on. */
static void become(struct presence *board, struct presence_member *member,
                   const struct presence_person *person)
{
    struct presence_member now = {.side = person->side};
    copy_text(person->user, now.user, sizeof now.user);
    copy_text(person->name.size > 0 ? person->name : person->user, now.name, sizeof now.name);
    const bool same_side = side_equal(&now.side, &member->side);
    if (same_side && strcmp(now.user, member->user) == 0 && strcmp(now.name, member->name) == 0) {
        return;
    }
    tell_of_all(board, member);
    member->side = now.side;
    memcpy(member->user, now.user, sizeof now.user);
    memcpy(member->name, now.name, sizeof now.name);
    if (!same_side) {
        change_sides(board, member);
    }
    tell_of_all(board, member);
}

void presence_identify(struct presence *board, struct presence_member *member,
                       const struct presence_person *person)
{
    become(board, member, person);
    LINK_EACH(entry, &member->entries, struct presence_entry, of_member)
    {
        entry->check = entry->thing != NULL;
    }
}

/* ---- Crowding ---- */

/* Off the board, but still its member's, who is owed an empty list. */
static void push_off(struct presence *board, struct presence_entry *entry)
{
    take_off(board, entry);
    entry->check = false;
    entry->news = true;
    tell_member(board, entry->member);
}

/* Of the newcomer's side, who has been silent longest, where there are too many of them: at the
 * thing, or on the board. The newcomer spoke last, so it is never them. */
static struct presence_entry *one_too_many(const struct presence_entry *newcomer)
{
    const struct presence_side *side = &newcomer->member->side;
    struct presence_entry *silent = NULL;
    uint32_t crowd = 0;
    LINK_EACH(entry, &newcomer->thing->items, struct presence_entry, of_thing)
    {
        if (side_equal(&entry->member->side, side)) {
            crowd++;
            silent = silent == NULL || entry->spoke < silent->spoke ? entry : silent;
        }
    }
    if (crowd > PRESENCE_CROWD) {
        return silent;
    }
    return newcomer->side->count > (side->partner ? PRESENCE_OUTSIDE : PRESENCE_STAFF)
               ? LINK_ITEM(newcomer->side->items.previous, struct presence_entry, of_side)
               : NULL;
}

/* ---- Announcing ---- */

/* Makes the places where the entry belongs; on failure none is left that was made for it. */
static enum status find_places(struct presence *board, struct presence_entry *entry,
                               const struct presence_thing *as)
{
    entry->thing = place_get(board, PLACE_THING, &as->about);
    entry->side = place_get(board, PLACE_SIDE, &entry->member->side);
    enum status status = entry->thing != NULL && entry->side != NULL ? STATUS_OK : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        status = place_settle(board, entry->thing, as);
    }
    if (status != STATUS_OK) {
        place_drop(board, entry->thing);
        place_drop(board, entry->side);
    }
    return status;
}

static void put_on(struct presence *board, struct presence_entry *entry)
{
    link_first(&entry->thing->items, &entry->of_thing);
    link_first(&entry->side->items, &entry->of_side);
    link_first(&entry->member->entries, &entry->of_member);
    entry->side->count++;
    entry->member->count++;
    entry->spoke = ++board->clock;
    board->entries++;
    tell_others(board, entry);
    for (struct presence_entry *silent; (silent = one_too_many(entry)) != NULL;) {
        push_off(board, silent);
    }
}

static enum status add(struct presence *board, struct presence_member *member,
                       const struct presence_thing *as, const struct presence_doing *doing,
                       struct presence_entry **out)
{
    if (member->count >= LIMIT_PRESENT) {
        return STATUS_LIMIT;
    }
    struct presence_entry *entry = memory_new(sizeof *entry);
    if (entry == NULL) {
        return STATUS_NO_MEMORY;
    }
    entry->member = member;
    entry->about = as->about;
    entry->doing = *doing;
    entry->owed = true;
    enum status status = find_places(board, entry, as);
    if (status == STATUS_OK) {
        put_on(board, entry);
        *out = entry;
    } else {
        memory_free(entry);
    }
    return status;
}

static bool doing_equal(const struct presence_doing *a, const struct presence_doing *b)
{
    return a->typing == b->typing && a->has_cursor == b->has_cursor &&
           a->has_version == b->has_version && a->anchor == b->anchor && a->head == b->head &&
           a->version == b->version;
}

static enum status move(struct presence *board, struct presence_entry *entry,
                        const struct presence_thing *as, const struct presence_doing *doing)
{
    enum status status = place_settle(board, entry->thing, as);
    if (status != STATUS_OK) {
        return status;
    }
    entry->spoke = ++board->clock;
    link_remove(&entry->of_side);
    link_first(&entry->side->items, &entry->of_side);
    if (!doing_equal(&entry->doing, doing)) {
        entry->doing = *doing;
        tell_others(board, entry);
    }
    return STATUS_OK;
}

enum status presence_announce(struct presence *board, struct presence_member *member,
                              const struct presence_person *person,
                              const struct presence_thing *thing,
                              const struct presence_doing *doing)
{
    become(board, member, person);
    struct presence_entry *entry = entry_find(member, thing->about);
    if (entry != NULL && entry->thing == NULL) {
        entry_free(board, entry); /* it comes back */
        entry = NULL;
    }
    enum status status =
        entry != NULL ? move(board, entry, thing, doing) : add(board, member, thing, doing, &entry);
    if (status == STATUS_OK && thing->seq < board->announced) {
        entry->check = true;
        tell_member(board, member);
    }
    return status;
}

enum status presence_still(struct presence *board, struct presence_member *member,
                           const struct presence_thing *thing)
{
    struct presence_entry *entry = entry_find(member, thing->about);
    return entry != NULL && entry->thing != NULL ? place_settle(board, entry->thing, thing)
                                                 : STATUS_OK;
}
