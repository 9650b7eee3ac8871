#include "server/net/ledger.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "protocol/bytes.h"
#include "protocol/memory.h"

#define GROUPS 512u
#define GROUP_SIZE 8u

struct entry {
    struct ledger_key key;
    bool taken;
    struct allowance allowance;
    uint64_t points;  /* since it was last told */
    uint64_t told_ms; /* 0: never */
};

struct ledger {
    pthread_mutex_t mutex;
    struct allowance_terms terms;
    uint64_t secret[2];
    struct entry entries[GROUPS][GROUP_SIZE];
};

struct ledger *ledger_new(const struct allowance_terms *terms)
{
    assert(terms->per_minute > 0 && terms->burst > 0);
    struct ledger *ledger = memory_new(sizeof *ledger);
    if (!ledger)
        return NULL;
    if (getrandom(ledger->secret, sizeof ledger->secret, 0) != sizeof ledger->secret) {
        memory_free(ledger);
        return NULL;
    }
    ledger->terms = *terms;
    pthread_mutex_init(&ledger->mutex, NULL);
    return ledger;
}

void ledger_free(struct ledger *ledger)
{
    if (!ledger)
        return;
    pthread_mutex_destroy(&ledger->mutex);
    memory_free(ledger);
}

/* The finalizer of splitmix64. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static struct entry *group_of(struct ledger *ledger, struct ledger_key key)
{
    uint64_t hash = mix(get_u64(key.octet) ^ ledger->secret[0]);
    hash = mix(hash ^ get_u64(key.octet + 8) ^ ledger->secret[1]);
    return ledger->entries[hash % GROUPS];
}

static struct entry *find(struct ledger *ledger, struct ledger_key key)
{
    struct entry *group = group_of(ledger, key);
    for (unsigned i = 0; i < GROUP_SIZE; i++) {
        if (group[i].taken && memcmp(&group[i].key, &key, sizeof key) == 0)
            return &group[i];
    }
    return NULL;
}

static bool matters_less(const struct ledger *ledger, const struct entry *a, const struct entry *b,
                         uint64_t now_ms)
{
    uint32_t spent_a = allowance_spent(&a->allowance, &ledger->terms, now_ms);
    uint32_t spent_b = allowance_spent(&b->allowance, &ledger->terms, now_ms);
    return spent_a != spent_b ? spent_a < spent_b : a->allowance.at_ms < b->allowance.at_ms;
}

static struct entry *make(struct ledger *ledger, struct ledger_key key, uint64_t now_ms)
{
    struct entry *group = group_of(ledger, key), *least = &group[0];
    for (unsigned i = 1; i < GROUP_SIZE; i++) {
        if (matters_less(ledger, &group[i], least, now_ms))
            least = &group[i];
    }
    *least = (struct entry){.key = key, .taken = true};
    return least;
}

static bool is_to_be_told(struct entry *entry, uint64_t now_ms)
{
    if (entry->told_ms != 0 && now_ms < entry->told_ms + LEDGER_TELL_MS)
        return false;
    entry->told_ms = now_ms > 0 ? now_ms : 1;
    return true;
}

static struct entry *spend(struct ledger *ledger, struct ledger_key key, uint32_t points,
                           uint64_t now_ms)
{
    struct entry *entry = find(ledger, key);
    if (!entry)
        entry = make(ledger, key, now_ms);
    allowance_spend(&entry->allowance, &ledger->terms, points, now_ms);
    entry->points += points;
    return entry;
}

struct ledger_verdict ledger_charge(struct ledger *ledger, struct ledger_key key, uint32_t points,
                                    uint64_t now_ms)
{
    pthread_mutex_lock(&ledger->mutex);
    struct entry *entry = spend(ledger, key, points, now_ms);
    struct ledger_verdict verdict = {
        .wait_ms = allowance_wait_ms(&entry->allowance, &ledger->terms, now_ms)};
    verdict.tell = verdict.wait_ms > 0 && is_to_be_told(entry, now_ms);
    if (verdict.tell) {
        verdict.points = entry->points;
        entry->points = 0;
    }
    pthread_mutex_unlock(&ledger->mutex);
    return verdict;
}

void ledger_add(struct ledger *ledger, struct ledger_key key, uint32_t points, uint64_t now_ms)
{
    pthread_mutex_lock(&ledger->mutex);
    (void)spend(ledger, key, points, now_ms);
    pthread_mutex_unlock(&ledger->mutex);
}

void ledger_give_back(struct ledger *ledger, struct ledger_key key, uint32_t points,
                      uint64_t now_ms)
{
    pthread_mutex_lock(&ledger->mutex);
    struct entry *entry = find(ledger, key);
    if (entry) {
        allowance_give_back(&entry->allowance, &ledger->terms, points, now_ms);
        entry->points -= points < entry->points ? points : entry->points;
    }
    pthread_mutex_unlock(&ledger->mutex);
}

uint64_t ledger_wait_ms(struct ledger *ledger, struct ledger_key key, uint64_t now_ms)
{
    pthread_mutex_lock(&ledger->mutex);
    const struct entry *entry = find(ledger, key);
    uint64_t wait_ms = entry ? allowance_wait_ms(&entry->allowance, &ledger->terms, now_ms) : 0;
    pthread_mutex_unlock(&ledger->mutex);
    return wait_ms;
}
