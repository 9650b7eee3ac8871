#include "server/net/sign_in_throttle.h"

#include <assert.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "protocol/memory.h"

#define GROUPS 1024u
#define GROUP_SIZE 8u
#define KEY_SIZE 16
/* The minute behind any moment lies within the moment's own slice of time and 30 before it. */
#define SLICE_MS 2000u
#define SLICES 31u
/* Attempts this young may still turn out to be right ones, and be forgiven: passwords are checked
 * one at a time, and a crowd that comes in together waits for it. */
#define UNDECIDED_SLICES 5u

/* Attempts in the newest slices of time; slice number n is counted in counts[n % SLICES]. */
struct bucket {
    uint8_t key[KEY_SIZE];
    bool taken;
    uint64_t newest; /* number of the newest slice */
    uint16_t counts[SLICES];
};

struct sign_in_throttle {
    pthread_mutex_t mutex;
    uint32_t failures;
    uint8_t secret[32];
    struct bucket buckets[GROUPS][GROUP_SIZE];
};

struct sign_in_throttle *sign_in_throttle_new(uint32_t failures)
{
    assert(failures > 0 && failures <= UINT16_MAX);
    struct sign_in_throttle *throttle = memory_new(sizeof *throttle);
    if (!throttle)
        return NULL;
    if (getrandom(throttle->secret, sizeof throttle->secret, 0) != sizeof throttle->secret) {
        memory_free(throttle);
        return NULL;
    }
    throttle->failures = failures;
    pthread_mutex_init(&throttle->mutex, NULL);
    return throttle;
}

void sign_in_throttle_free(struct sign_in_throttle *throttle)
{
    if (!throttle)
        return;
    pthread_mutex_destroy(&throttle->mutex);
    memory_free(throttle);
}

/* ASCII letters in one case, as sign-in names are compared: the account is the same. */
static bool add_folded(EVP_MD_CTX *digest, struct bytes text)
{
    uint8_t folded[64];
    bool done = true;
    for (size_t at = 0; at < text.size && done; at += sizeof folded) {
        size_t size = text.size - at < sizeof folded ? text.size - at : sizeof folded;
        for (size_t i = 0; i < size; i++) {
            uint8_t c = text.data[at + i];
            folded[i] = (uint8_t)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        }
        done = EVP_DigestUpdate(digest, folded, size);
    }
    return done;
}

/* SHA-256 of secret, kind and text; false leaves nothing usable (out of memory in OpenSSL). */
static bool make_key(const struct sign_in_throttle *throttle, char kind, struct bytes text,
                     uint8_t out[32])
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool done =
        digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) &&
        EVP_DigestUpdate(digest, throttle->secret, sizeof throttle->secret) &&
        EVP_DigestUpdate(digest, &kind, 1) &&
        (kind == 'n' ? add_folded(digest, text) : EVP_DigestUpdate(digest, text.data, text.size)) &&
        EVP_DigestFinal_ex(digest, out, NULL);
    EVP_MD_CTX_free(digest);
    return done;
}

/* A thread may have read the clock before another one moved the bucket on. */
static uint64_t slice_of(const struct bucket *bucket, uint64_t at_ms)
{
    uint64_t slice = at_ms / SLICE_MS;
    return slice > bucket->newest ? slice : bucket->newest;
}

/* Attempts in the slices from `from` to the newest that still count at `slice`. */
static uint32_t count_since(const struct bucket *bucket, uint64_t slice, uint64_t from)
{
    uint32_t count = 0;
    for (uint64_t at = from; at <= bucket->newest; at++) {
        if (at + SLICES > slice && at + SLICES > bucket->newest)
            count += bucket->counts[at % SLICES];
    }
    return count;
}

/* The oldest slice that counts at `slice`. */
static uint64_t oldest(uint64_t slice)
{
    return slice < SLICES ? 0 : slice - SLICES + 1;
}

static uint32_t count_at(const struct bucket *bucket, uint64_t now_ms)
{
    if (!bucket->taken)
        return 0;
    uint64_t slice = slice_of(bucket, now_ms);
    return count_since(bucket, slice, oldest(slice));
}

/* The bucket of the key; with `make`, a new and empty one in the place of the emptiest. */
static struct bucket *find(struct sign_in_throttle *throttle, const uint8_t key[32],
                           uint64_t now_ms, bool make)
{
    struct bucket *group = throttle->buckets[get_u32(key + KEY_SIZE) % GROUPS];
    struct bucket *emptiest = &group[0];
    for (unsigned i = 0; i < GROUP_SIZE; i++) {
        if (group[i].taken && memcmp(group[i].key, key, KEY_SIZE) == 0)
            return &group[i];
        if (count_at(&group[i], now_ms) < count_at(emptiest, now_ms))
            emptiest = &group[i];
    }
    if (!make)
        return NULL;
    *emptiest = (struct bucket){.taken = true, .newest = now_ms / SLICE_MS};
    memcpy(emptiest->key, key, KEY_SIZE);
    return emptiest;
}

/* Until enough of the attempts are over a minute old for one more. */
static uint64_t wait_for(struct sign_in_throttle *throttle, char kind, struct bytes text,
                         uint64_t now_ms)
{
    uint8_t key[32];
    if (!make_key(throttle, kind, text, key))
        return SLICE_MS;
    const struct bucket *bucket = find(throttle, key, now_ms, false);
    if (!bucket || count_at(bucket, now_ms) < throttle->failures)
        return 0;
    uint64_t slice = slice_of(bucket, now_ms), first = oldest(slice);
    uint64_t undecided = slice < UNDECIDED_SLICES ? 0 : slice - UNDECIDED_SLICES + 1;
    if (count_at(bucket, now_ms) - count_since(bucket, slice, undecided) < throttle->failures)
        return SLICE_MS;
    while (count_since(bucket, slice, first) >= throttle->failures)
        first++;
    /* Slice first - 1 has to go, which it does when slice first - 1 + SLICES begins. */
    uint64_t free_ms = (first - 1 + SLICES) * SLICE_MS, at_ms = slice * SLICE_MS;
    return free_ms - (now_ms > at_ms ? now_ms : at_ms);
}

static void advance(struct bucket *bucket, uint64_t slice)
{
    for (uint64_t i = 0; bucket->newest < slice && i < SLICES; i++)
        bucket->counts[++bucket->newest % SLICES] = 0;
    if (bucket->newest < slice) {
        bucket->newest = slice;
        memset(bucket->counts, 0, sizeof bucket->counts);
    }
}

static void count_attempt(struct sign_in_throttle *throttle, char kind, struct bytes text,
                          uint64_t now_ms)
{
    uint8_t key[32];
    if (!make_key(throttle, kind, text, key))
        return;
    struct bucket *bucket = find(throttle, key, now_ms, true);
    advance(bucket, slice_of(bucket, now_ms));
    bucket->counts[bucket->newest % SLICES]++;
}

/* Takes back what was counted at `taken_ms`, unless that was forgotten meanwhile. */
static void uncount_attempt(struct sign_in_throttle *throttle, char kind, struct bytes text,
                            uint64_t taken_ms)
{
    uint8_t key[32];
    if (!make_key(throttle, kind, text, key))
        return;
    struct bucket *bucket = find(throttle, key, taken_ms, false);
    uint64_t slice = taken_ms / SLICE_MS;
    if (bucket && slice <= bucket->newest && slice + SLICES > bucket->newest &&
        bucket->counts[slice % SLICES] > 0)
        bucket->counts[slice % SLICES]--;
}

static struct bytes address_bytes(const struct peer_address *address, uint8_t out[9])
{
    memcpy(out, address->octet, 8);
    out[8] = address->six;
    return bytes_of(out, 9);
}

bool sign_in_throttle_take(struct sign_in_throttle *throttle, struct bytes name,
                           struct peer_address address, uint64_t now_ms, uint64_t *wait_ms)
{
    uint8_t octets[9];
    struct bytes from = address_bytes(&address, octets);
    char kind = name.size > 0 ? 'a' : 't';
    pthread_mutex_lock(&throttle->mutex);
    uint64_t for_name = name.size > 0 ? wait_for(throttle, 'n', name, now_ms) : 0;
    uint64_t for_address = wait_for(throttle, kind, from, now_ms);
    *wait_ms = for_name > for_address ? for_name : for_address;
    if (*wait_ms == 0) {
        count_attempt(throttle, kind, from, now_ms);
        if (name.size > 0)
            count_attempt(throttle, 'n', name, now_ms);
    }
    pthread_mutex_unlock(&throttle->mutex);
    return *wait_ms == 0;
}

void sign_in_throttle_give_back(struct sign_in_throttle *throttle, struct bytes name,
                                struct peer_address address, uint64_t taken_ms)
{
    uint8_t octets[9];
    struct bytes from = address_bytes(&address, octets);
    pthread_mutex_lock(&throttle->mutex);
    uncount_attempt(throttle, name.size > 0 ? 'a' : 't', from, taken_ms);
    if (name.size > 0)
        uncount_attempt(throttle, 'n', name, taken_ms);
    pthread_mutex_unlock(&throttle->mutex);
}
