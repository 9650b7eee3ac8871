/* Topics in a chained hash table; each registration is a node in two lists, that of its topic
 * (doubly linked, to leave at once) and that of its owner: a session's subscription or its open
 * notes (found by the session's address in a second table of the same shape). */
#include "server/core/feed/interest.h"

#include <assert.h>
#include <string.h>

#include "protocol/memory.h"

#define KEY_SIZE (1 + SCOPE_SIZE + TAG_SIZE)
#define FIRST_BUCKETS 64u

/* For what a session has registered; each is forgotten on its own. */
enum owner { OWNER_FEED, OWNER_NOTES };

struct group;

struct node {
    struct session *session;
    struct group *topic;
    uint32_t index;
    uint8_t reason;
    struct node *topic_next, *topic_previous;
    struct node *owner_next;
};

/* The nodes of one topic, or of one owner. */
struct group {
    uint8_t key[KEY_SIZE];
    struct group *bucket_next;
    struct node *first;
};

struct table {
    struct group **buckets;
    size_t bucket_count, group_count;
};

struct interest {
    struct table topics;
    struct table owners;
    uint64_t announced;
};

/* FNV-1a, 64 bits (Fowler, Noll, Vo). Keys are ids made by users, but a flood of colliding ones
 * costs only the sessions of the thread a walk, bounded by the subscription limits. */
static uint64_t hash_key(const uint8_t key[KEY_SIZE])
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < KEY_SIZE; i++) {
        hash = (hash ^ key[i]) * 1099511628211u;
    }
    return hash ^ (hash >> 29);
}

static bool table_init(struct table *table)
{
    table->buckets = memory_new(FIRST_BUCKETS * sizeof *table->buckets);
    table->bucket_count = table->buckets != NULL ? FIRST_BUCKETS : 0;
    table->group_count = 0;
    return table->buckets != NULL;
}

static struct group **table_bucket(const struct table *table, const uint8_t key[KEY_SIZE])
{
    return &table->buckets[hash_key(key) & (table->bucket_count - 1)];
}

static struct group *table_find(const struct table *table, const uint8_t key[KEY_SIZE])
{
    for (struct group *group = *table_bucket(table, key); group != NULL;
         group = group->bucket_next) {
        if (memcmp(group->key, key, KEY_SIZE) == 0) {
            return group;
        }
    }
    return NULL;
}

/* Doubles the buckets; staying small for lack of memory only makes chains longer. */
static void table_grow(struct table *table)
{
    size_t old_count = table->bucket_count;
    struct group **old = table->buckets;
    struct group **larger = memory_new(2 * old_count * sizeof *larger);
    if (larger == NULL) {
        return;
    }
    table->buckets = larger;
    table->bucket_count = 2 * old_count;
    for (size_t i = 0; i < old_count; i++) {
        for (struct group *group = old[i], *next; group != NULL; group = next) {
            next = group->bucket_next;
            struct group **bucket = table_bucket(table, group->key);
            group->bucket_next = *bucket;
            *bucket = group;
        }
    }
    memory_free(old);
}

static struct group *table_get(struct table *table, const uint8_t key[KEY_SIZE])
{
    struct group *group = table_find(table, key);
    if (group != NULL) {
        return group;
    }
    group = memory_new(sizeof *group);
    if (group == NULL) {
        return NULL;
    }
    if (table->group_count >= table->bucket_count) {
        table_grow(table);
    }
    memcpy(group->key, key, KEY_SIZE);
    struct group **bucket = table_bucket(table, key);
    group->bucket_next = *bucket;
    *bucket = group;
    table->group_count++;
    return group;
}

static void table_remove(struct table *table, struct group *group)
{
    struct group **link = table_bucket(table, group->key);
    while (*link != group) {
        link = &(*link)->bucket_next;
    }
    *link = group->bucket_next;
    table->group_count--;
    memory_free(group);
}

static void owner_key(const struct session *session, enum owner owner, uint8_t key[KEY_SIZE])
{
    memset(key, 0, KEY_SIZE);
    key[0] = (uint8_t)owner;
    memcpy(key + 1, &session, sizeof session);
}

static void topic_key(enum interest_reason reason, const struct scope *scope, const struct tag *tag,
                      const struct id *id, uint8_t key[KEY_SIZE])
{
    memset(key, 0, KEY_SIZE);
    key[0] = (uint8_t)reason;
    if (scope != NULL) {
        scope_put(*scope, key + 1);
        tag_put(*tag, key + 1 + SCOPE_SIZE);
    } else if (id != NULL) {
        memcpy(key + 1, id->octet, ID_SIZE);
    }
}

struct interest *interest_new(void)
{
    struct interest *interest = memory_new(sizeof *interest);
    if (interest == NULL) {
        return NULL;
    }
    bool topics = table_init(&interest->topics);
    if (!table_init(&interest->owners) || !topics) {
        interest_free(interest);
        return NULL;
    }
    return interest;
}

static void table_release(struct table *table, bool with_nodes)
{
    for (size_t i = 0; i < table->bucket_count; i++) {
        for (struct group *group = table->buckets[i], *next; group != NULL; group = next) {
            next = group->bucket_next;
            for (struct node *node = with_nodes ? group->first : NULL, *after; node != NULL;
                 node = after) {
                after = node->topic_next;
                memory_free(node);
            }
            memory_free(group);
        }
    }
    memory_free(table->buckets);
}

void interest_free(struct interest *interest)
{
    if (interest == NULL) {
        return;
    }
    table_release(&interest->topics, true);
    table_release(&interest->owners, false);
    memory_free(interest);
}

static bool add(struct interest *interest, struct session *session, enum owner whose,
                const uint8_t key[KEY_SIZE], uint32_t index)
{
    uint8_t by_owner[KEY_SIZE];
    owner_key(session, whose, by_owner);
    struct node *node = memory_new(sizeof *node);
    struct group *topic = node != NULL ? table_get(&interest->topics, key) : NULL;
    struct group *owner = topic != NULL ? table_get(&interest->owners, by_owner) : NULL;
    if (owner == NULL) {
        if (topic != NULL && topic->first == NULL) {
            table_remove(&interest->topics, topic);
        }
        memory_free(node);
        return false;
    }
    node->session = session;
    node->topic = topic;
    node->index = index;
    node->reason = key[0];
    node->topic_next = topic->first;
    if (topic->first != NULL) {
        topic->first->topic_previous = node;
    }
    topic->first = node;
    node->owner_next = owner->first;
    owner->first = node;
    return true;
}

bool interest_everything(struct interest *interest, struct session *session)
{
    uint8_t key[KEY_SIZE];
    topic_key(INTEREST_EVERYTHING, NULL, NULL, NULL, key);
    return add(interest, session, OWNER_FEED, key, 0);
}

bool interest_lane(struct interest *interest, struct session *session, struct scope scope,
                   struct tag tag, uint32_t lane_index)
{
    uint8_t key[KEY_SIZE];
    topic_key(INTEREST_LANE, &scope, &tag, NULL, key);
    return add(interest, session, OWNER_FEED, key, lane_index);
}

bool interest_subject(struct interest *interest, struct session *session, struct id subject)
{
    uint8_t key[KEY_SIZE];
    topic_key(INTEREST_SUBJECT, NULL, NULL, &subject, key);
    return add(interest, session, OWNER_FEED, key, 0);
}

bool interest_user(struct interest *interest, struct session *session, struct id user)
{
    uint8_t key[KEY_SIZE];
    topic_key(INTEREST_USER, NULL, NULL, &user, key);
    return add(interest, session, OWNER_FEED, key, 0);
}

bool interest_note(struct interest *interest, struct session *session, struct id note,
                   uint32_t slot)
{
    uint8_t key[KEY_SIZE];
    topic_key(INTEREST_NOTE, NULL, NULL, &note, key);
    return add(interest, session, OWNER_NOTES, key, slot);
}

bool interest_note_subject(struct interest *interest, struct session *session, struct id subject)
{
    uint8_t key[KEY_SIZE];
    topic_key(INTEREST_SUBJECT, NULL, NULL, &subject, key);
    return add(interest, session, OWNER_NOTES, key, 0);
}

static void leave_topic(struct interest *interest, struct node *node)
{
    struct group *topic = node->topic;
    if (node->topic_previous != NULL) {
        node->topic_previous->topic_next = node->topic_next;
    } else {
        assert(topic->first == node);
        topic->first = node->topic_next;
    }
    if (node->topic_next != NULL) {
        node->topic_next->topic_previous = node->topic_previous;
    }
    if (topic->first == NULL) {
        table_remove(&interest->topics, topic);
    }
    memory_free(node);
}

/* Forgets what the owner has registered for the topic of this key, NULL: for any. */
static void forget(struct interest *interest, struct session *session, enum owner whose,
                   const uint8_t *key)
{
    uint8_t by_owner[KEY_SIZE];
    owner_key(session, whose, by_owner);
    struct group *owner = table_find(&interest->owners, by_owner);
    if (owner == NULL) {
        return;
    }
    for (struct node **link = &owner->first; *link != NULL;) {
        struct node *node = *link;
        if (key != NULL && memcmp(node->topic->key, key, KEY_SIZE) != 0) {
            link = &node->owner_next;
        } else {
            *link = node->owner_next;
            leave_topic(interest, node);
        }
    }
    if (owner->first == NULL) {
        table_remove(&interest->owners, owner);
    }
}

void interest_forget_feed(struct interest *interest, struct session *session)
{
    forget(interest, session, OWNER_FEED, NULL);
}

void interest_forget_notes(struct interest *interest, struct session *session)
{
    forget(interest, session, OWNER_NOTES, NULL);
}

void interest_forget_note(struct interest *interest, struct session *session, struct id note)
{
    uint8_t key[KEY_SIZE];
    topic_key(INTEREST_NOTE, NULL, NULL, &note, key);
    forget(interest, session, OWNER_NOTES, key);
}

void interest_forget(struct interest *interest, struct session *session)
{
    interest_forget_feed(interest, session);
    interest_forget_notes(interest, session);
}

static void tell_topic(struct interest *interest, const uint8_t key[KEY_SIZE],
                       interest_mark_fn *mark, void *context)
{
    const struct group *topic = table_find(&interest->topics, key);
    for (const struct node *node = topic != NULL ? topic->first : NULL; node != NULL;
         node = node->topic_next) {
        const struct node *next = node->topic_next;
        if (next != NULL) { /* there may be thousands, each cold in the processor's cache */
            __builtin_prefetch(next->topic_next);
            __builtin_prefetch(next->session);
        }
        mark(context, node->session, (enum interest_reason)node->reason, node->index);
    }
}

void interest_tell(struct interest *interest, const struct notice *notice, interest_mark_fn *mark,
                   void *context)
{
    uint8_t key[KEY_SIZE];
    interest->announced = notice->seq;
    for (size_t i = 0; i < notice->user_count; i++) {
        topic_key(INTEREST_USER, NULL, NULL, &notice->users[i], key);
        tell_topic(interest, key, mark, context);
    }
    for (size_t i = 0; i < notice->subject_count; i++) {
        topic_key(INTEREST_SUBJECT, NULL, NULL, &notice->subjects[i], key);
        tell_topic(interest, key, mark, context);
    }
    for (size_t i = 0; i < notice->note_count; i++) {
        topic_key(INTEREST_NOTE, NULL, NULL, &notice->notes[i], key);
        tell_topic(interest, key, mark, context);
    }
    for (size_t i = 0; i < notice->lane_count; i++) {
        topic_key(INTEREST_LANE, &notice->lanes[i].scope, &notice->lanes[i].tag, NULL, key);
        tell_topic(interest, key, mark, context);
    }
    if (notice->lane_count > 0) {
        topic_key(INTEREST_EVERYTHING, NULL, NULL, NULL, key);
        tell_topic(interest, key, mark, context);
    }
}

uint64_t interest_announced(const struct interest *interest)
{
    return interest->announced;
}
