/* Shared between presence.c (who is where), presence_tell.c (who is told what) and
 * presence_place.c (things, scopes and sides by name). */
#ifndef TANDEM_CORE_PRESENCE_INTERNAL_H
#define TANDEM_CORE_PRESENCE_INTERNAL_H

#include <stddef.h>

#include "server/core/presence/presence.h"

/* A list that an element leaves in one step; its head is a link, too. */
struct link {
    struct link *next, *previous;
};
void link_init(struct link *head);
void link_first(struct link *head, struct link *link);
void link_remove(struct link *link);
static inline bool link_alone(const struct link *head)
{
    return head->next == head;
}
/* Each `item`, a struct type * whose `member` is a link of the list; the list must not change. */
#define LINK_ITEM(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))
#define LINK_EACH(item, head, type, member)                                                        \
    for (type *item = LINK_ITEM((head)->next, type, member); &item->member != (head);              \
         item = LINK_ITEM(item->member.next, type, member))

/* What stands in the table of names. */
enum place_kind { PLACE_THING, PLACE_SCOPE, PLACE_SIDE };
#define PLACE_KEY (1u + SCOPE_SIZE)

struct place {
    uint8_t key[PLACE_KEY]; /* kind, and a scope, an id or a side */
    struct place *bucket_next;
    struct link items; /* of a thing: its entries, the newest first; of a scope: its things; of a
                          side: its entries, who spoke last first */
    uint32_t count;    /* of a side: its entries */
    /* Of a thing. */
    struct place *scope;
    struct link of_scope;
    uint64_t seq; /* as of which the scope is this one */
};

/* One member at one thing. */
struct presence_entry {
    struct presence_member *member;
    struct id about;
    struct place *thing; /* NULL: pushed off, which the member is owed to hear */
    struct place *side;
    struct link of_thing, of_side, of_member;
    uint64_t spoke; /* the board's count of announcements when this one last did */
    struct presence_doing doing;
    bool news;  /* since the member last came and took */
    bool owed;  /* and has not been told yet */
    bool check; /* the gate is to be asked anew */
    bool told;  /* a list, once at least */
    uint64_t told_hash;
};

struct presence_member {
    struct session *session;
    uint64_t number;
    bool woken; /* and has not come since */
    uint32_t count;
    struct link entries;
    struct presence_side side;
    char user[65], name[PRESENCE_NAME + 1];
};

struct presence {
    presence_wake_fn *wake;
    void *context;
    uint64_t announced; /* seq of the newest notice */
    uint64_t clock;     /* announcements */
    uint64_t told;
    uint32_t members;
    uint32_t entries;
    struct place **buckets;
    uint32_t bucket_count, place_count;
};

/* ---- presence_place.c ---- */
bool places_init(struct presence *board);
void places_release(struct presence *board);
/* NULL when there is none. */
struct place *place_find(const struct presence *board, enum place_kind kind, const void *name);
/* Makes it where there is none; NULL when out of memory. `name` is a struct id, scope or
 * presence_side, as the kind says. */
struct place *place_get(struct presence *board, enum place_kind kind, const void *name);
/* Forgets the place if nothing stands there any more; of a thing the scope, too. NULL is fine. */
void place_drop(struct presence *board, struct place *place);
/* Puts the thing into the scope, unless it is known of a newer time where it is. */
enum status place_settle(struct presence *board, struct place *thing,
                         const struct presence_thing *as);

/* ---- presence_tell.c ---- */
bool side_equal(const struct presence_side *a, const struct presence_side *b);
/* Wakes the member unless it is awake already. */
void tell_member(struct presence *board, struct presence_member *member);
/* Something about the entry has changed for those who know of its member. */
void tell_others(struct presence *board, const struct presence_entry *entry);

/* ---- presence.c ---- */
struct presence_entry *entry_find(const struct presence_member *member, struct id about);
void entry_free(struct presence *board, struct presence_entry *entry);

#endif
