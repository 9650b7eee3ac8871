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
#define MINUTE_MS 60000u
/* Attempts made at the same time are all let in before the first has failed. They are paid for
 * afterwards, up to this. */
#define MOST_SPENT_MS (10u * MINUTE_MS)

struct bucket {
    uint8_t key[KEY_SIZE];
    bool taken;
    uint64_t spent_ms; /* a token is worth MINUTE_MS / failures of these; empty: MINUTE_MS, below
                          that it is in debt */
    uint64_t at_ms;    /* when `spent_ms` was true */
};

struct sign_in_throttle {
    pthread_mutex_t mutex;
    uint64_t token_ms;
    uint8_t secret[32];
    struct bucket buckets[GROUPS][GROUP_SIZE];
};

struct sign_in_throttle *sign_in_throttle_new(uint32_t failures)
{
    assert(failures > 0 && failures <= MINUTE_MS);
    struct sign_in_throttle *throttle = memory_new(sizeof *throttle);
    if (!throttle)
        return NULL;
    if (getrandom(throttle->secret, sizeof throttle->secret, 0) != sizeof throttle->secret) {
        memory_free(throttle);
        return NULL;
    }
    throttle->token_ms = MINUTE_MS / failures;
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
    bool done = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) &&
                EVP_DigestUpdate(digest, throttle->secret, sizeof throttle->secret) &&
                EVP_DigestUpdate(digest, &kind, 1) &&
                (kind == 'n' ? add_folded(digest, text)
                             : EVP_DigestUpdate(digest, text.data, text.size)) &&
                EVP_DigestFinal_ex(digest, out, NULL);
    EVP_MD_CTX_free(digest);
    return done;
}

static uint64_t spent_at(const struct bucket *bucket, uint64_t now_ms)
{
    if (!bucket->taken)
        return 0;
    uint64_t passed = now_ms > bucket->at_ms ? now_ms - bucket->at_ms : 0;
    return passed < bucket->spent_ms ? bucket->spent_ms - passed : 0;
}

/* The bucket of the key; with `make`, a new and full one in the place of the fullest. */
static struct bucket *find(struct sign_in_throttle *throttle, const uint8_t key[32],
                           uint64_t now_ms, bool make)
{
    struct bucket *group = throttle->buckets[get_u32(key + KEY_SIZE) % GROUPS];
    struct bucket *fullest = &group[0];
    for (unsigned i = 0; i < GROUP_SIZE; i++) {
        if (group[i].taken && memcmp(group[i].key, key, KEY_SIZE) == 0)
            return &group[i];
        if (spent_at(&group[i], now_ms) < spent_at(fullest, now_ms))
            fullest = &group[i];
    }
    if (!make)
        return NULL;
    memcpy(fullest->key, key, KEY_SIZE);
    fullest->taken = true;
    fullest->spent_ms = 0;
    fullest->at_ms = now_ms;
    return fullest;
}

static uint64_t wait_for(struct sign_in_throttle *throttle, char kind, struct bytes text,
                         uint64_t now_ms)
{
    uint8_t key[32];
    if (!make_key(throttle, kind, text, key))
        return throttle->token_ms;
    const struct bucket *bucket = find(throttle, key, now_ms, false);
    uint64_t spent = (bucket ? spent_at(bucket, now_ms) : 0) + throttle->token_ms;
    return spent <= MINUTE_MS ? 0 : spent - MINUTE_MS;
}

/* Takes a token out of the bucket, or puts one back. */
static void move_token(struct sign_in_throttle *throttle, char kind, struct bytes text,
                       uint64_t now_ms, bool take)
{
    uint8_t key[32];
    if (!make_key(throttle, kind, text, key))
        return;
    struct bucket *bucket = find(throttle, key, now_ms, take);
    if (!bucket)
        return;
    uint64_t spent = spent_at(bucket, now_ms), token = throttle->token_ms;
    bucket->spent_ms = take ? spent + token : spent > token ? spent - token : 0;
    bucket->at_ms = now_ms;
}

static void move_tokens(struct sign_in_throttle *throttle, struct bytes name, struct bytes from,
                        uint64_t now_ms, bool take)
{
    if (name.size > 0)
        move_token(throttle, 'n', name, now_ms, take);
    move_token(throttle, name.size > 0 ? 'a' : 't', from, now_ms, take);
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
    pthread_mutex_lock(&throttle->mutex);
    uint64_t for_name = name.size > 0 ? wait_for(throttle, 'n', name, now_ms) : 0;
    uint64_t for_address = wait_for(throttle, name.size > 0 ? 'a' : 't', from, now_ms);
    *wait_ms = for_name > for_address ? for_name : for_address;
    if (*wait_ms == 0)
        move_tokens(throttle, name, from, now_ms, true);
    pthread_mutex_unlock(&throttle->mutex);
    return *wait_ms == 0;
}

void sign_in_throttle_give_back(struct sign_in_throttle *throttle, struct bytes name,
                                struct peer_address address, uint64_t now_ms)
{
    uint8_t octets[9];
    pthread_mutex_lock(&throttle->mutex);
    move_tokens(throttle, name, address_bytes(&address, octets), now_ms, false);
    pthread_mutex_unlock(&throttle->mutex);
}
