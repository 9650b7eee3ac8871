#include "server/net/peers.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "protocol/bytes.h"
#include "protocol/memory.h"

struct entry {
    struct peer_address address;
    uint32_t connections; /* 0: a free place */
    uint32_t waiting;     /* of these, not signed in */
};

/* Open addressing with at least half of the places free. Entries move back over freed places
 * (Knuth, TAOCP 3, 6.4, algorithm R), so searches stay short whoever comes and goes. */
struct peers {
    pthread_mutex_t mutex;
    struct peer_limits limits;
    struct entry *entries;
    uint32_t mask;
    uint32_t connections;
    uint64_t seed;
};

struct peers *peers_new(const struct peer_limits *limits)
{
    assert(limits->connections > 0 && limits->connections <= 1u << 24);
    struct peers *peers = memory_new(sizeof *peers);
    if (!peers)
        return NULL;
    uint32_t places = 16;
    while (places < limits->connections * 2)
        places *= 2;
    peers->entries = memory_new(places * sizeof *peers->entries);
    if (!peers->entries || getrandom(&peers->seed, sizeof peers->seed, 0) != sizeof peers->seed) {
        memory_free(peers->entries);
        memory_free(peers);
        return NULL;
    }
    peers->limits = *limits;
    peers->mask = places - 1;
    pthread_mutex_init(&peers->mutex, NULL);
    return peers;
}

void peers_free(struct peers *peers)
{
    if (!peers)
        return;
    pthread_mutex_destroy(&peers->mutex);
    memory_free(peers->entries);
    memory_free(peers);
}

struct peer_address peer_address_of(const struct sockaddr *address)
{
    struct peer_address out = {.six = false};
    if (address->sa_family == AF_INET) {
        memcpy(out.octet, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        const struct in6_addr *six =
            &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        out.six = !IN6_IS_ADDR_V4MAPPED(six);
        if (out.six)
            memcpy(out.octet, six->s6_addr, 8);
        else
            memcpy(out.octet, six->s6_addr + 12, 4);
    }
    return out;
}

char *peer_address_text(struct peer_address address, char out[PEER_TEXT_SIZE])
{
    char text[INET6_ADDRSTRLEN] = "";
    if (address.six) {
        struct in6_addr six = {.s6_addr = {0}};
        memcpy(six.s6_addr, address.octet, 8);
        inet_ntop(AF_INET6, &six, text, sizeof text);
        snprintf(out, PEER_TEXT_SIZE, "%s/64", text);
    } else {
        inet_ntop(AF_INET, address.octet, text, sizeof text);
        snprintf(out, PEER_TEXT_SIZE, "%s", text);
    }
    return out;
}

static bool same(struct peer_address a, struct peer_address b)
{
    return a.six == b.six && memcmp(a.octet, b.octet, sizeof a.octet) == 0;
}

/* The finalizer of splitmix64 over the seeded address. */
uint64_t peer_address_hash(struct peer_address address, uint64_t secret)
{
    uint64_t x = get_u64(address.octet) ^ secret ^ (address.six ? 0x9e3779b97f4a7c15u : 0);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static uint32_t place_of(const struct peers *peers, struct peer_address address)
{
    return (uint32_t)peer_address_hash(address, peers->seed) & peers->mask;
}

/* The entry of the address, or the free place where it belongs. */
static struct entry *find(struct peers *peers, struct peer_address address)
{
    uint32_t place = place_of(peers, address);
    while (peers->entries[place].connections > 0 && !same(peers->entries[place].address, address))
        place = (place + 1) & peers->mask;
    return &peers->entries[place];
}

static void remove_entry(struct peers *peers, struct entry *entry)
{
    uint32_t hole = (uint32_t)(entry - peers->entries);
    for (uint32_t next = (hole + 1) & peers->mask; peers->entries[next].connections > 0;
         next = (next + 1) & peers->mask) {
        uint32_t home = place_of(peers, peers->entries[next].address);
        if (((next - home) & peers->mask) < ((next - hole) & peers->mask))
            continue;
        peers->entries[hole] = peers->entries[next];
        hole = next;
    }
    peers->entries[hole] = (struct entry){.connections = 0};
}

enum peer_verdict peers_enter(struct peers *peers, struct peer_address address)
{
    pthread_mutex_lock(&peers->mutex);
    struct entry *entry = find(peers, address);
    enum peer_verdict verdict = PEER_WELCOME;
    if (peers->connections >= peers->limits.connections)
        verdict = PEER_SERVER_FULL;
    else if (entry->connections >= peers->limits.per_address)
        verdict = PEER_ADDRESS_FULL;
    else if (entry->waiting >= peers->limits.unsigned_per_address)
        verdict = PEER_ADDRESS_HALF_OPEN;
    if (verdict == PEER_WELCOME) {
        entry->address = address;
        entry->connections++;
        entry->waiting++;
        peers->connections++;
    }
    pthread_mutex_unlock(&peers->mutex);
    return verdict;
}

void peers_signed_in(struct peers *peers, struct peer_address address)
{
    pthread_mutex_lock(&peers->mutex);
    struct entry *entry = find(peers, address);
    assert(entry->waiting > 0);
    entry->waiting--;
    pthread_mutex_unlock(&peers->mutex);
}

void peers_leave(struct peers *peers, struct peer_address address, bool signed_in)
{
    pthread_mutex_lock(&peers->mutex);
    struct entry *entry = find(peers, address);
    assert(entry->connections > 0 && peers->connections > 0);
    assert(signed_in || entry->waiting > 0);
    if (!signed_in)
        entry->waiting--;
    peers->connections--;
    if (--entry->connections == 0)
        remove_entry(peers, entry);
    pthread_mutex_unlock(&peers->mutex);
}

uint32_t peers_count(struct peers *peers)
{
    pthread_mutex_lock(&peers->mutex);
    uint32_t count = peers->connections;
    pthread_mutex_unlock(&peers->mutex);
    return count;
}
