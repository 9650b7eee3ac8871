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

struct bucket {
    uint8_t key[KEY_SIZE];
    bool taken;
    uint64_t level_ms; /* a token is worth MINUTE_MS / failures of these; full: MINUTE_MS */
    uint64_t at_ms;    /* when `level_ms` was true */
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

/* SHA-256 of secret, kind and text; false leaves nothing usable (out of memory in OpenSSL). */
static bool make_key(const struct sign_in_throttle *throttle, char kind, struct bytes text,
                     uint8_t out[32])
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool done = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) &&
                EVP_DigestUpdate(digest, throttle->secret, sizeof throttle->secret) &&
                EVP_DigestUpdate(digest, &kind, 1) &&
                EVP_DigestUpdate(digest, text.data, text.size) &&
                EVP_DigestFinal_ex(digest, out, NULL);
    EVP_MD_CTX_free(digest);
    return done;
}

static uint64_t level_at(const struct bucket *bucket, uint64_t now_ms)
{
    if (!bucket->taken)
        return MINUTE_MS;
    uint64_t passed = now_ms > bucket->at_ms ? now_ms - bucket->at_ms : 0;
    if (passed >= MINUTE_MS || bucket->level_ms + passed >= MINUTE_MS)
        return MINUTE_MS;
    return bucket->level_ms + passed;
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
        if (level_at(&group[i], now_ms) > level_at(fullest, now_ms))
            fullest = &group[i];
    }
    if (!make)
        return NULL;
    memcpy(fullest->key, key, KEY_SIZE);
    fullest->taken = true;
    fullest->level_ms = MINUTE_MS;
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
    uint64_t level = bucket ? level_at(bucket, now_ms) : MINUTE_MS;
    return level >= throttle->token_ms ? 0 : throttle->token_ms - level;
}

static void take_token(struct sign_in_throttle *throttle, char kind, struct bytes text,
                       uint64_t now_ms)
{
    uint8_t key[32];
    if (!make_key(throttle, kind, text, key))
        return;
    struct bucket *bucket = find(throttle, key, now_ms, true);
    uint64_t level = level_at(bucket, now_ms);
    bucket->level_ms = level > throttle->token_ms ? level - throttle->token_ms : 0;
    bucket->at_ms = now_ms;
}

static struct bytes address_bytes(const struct peer_address *address, uint8_t out[9])
{
    memcpy(out, address->octet, 8);
    out[8] = address->six;
    return bytes_of(out, 9);
}

bool sign_in_throttle_allowed(struct sign_in_throttle *throttle, struct bytes name,
                              struct peer_address address, uint64_t now_ms, uint64_t *wait_ms)
{
    uint8_t octets[9];
    struct bytes from = address_bytes(&address, octets);
    pthread_mutex_lock(&throttle->mutex);
    uint64_t for_name = wait_for(throttle, 'n', name, now_ms);
    uint64_t for_address = wait_for(throttle, 'a', from, now_ms);
    pthread_mutex_unlock(&throttle->mutex);
    *wait_ms = for_name > for_address ? for_name : for_address;
    return *wait_ms == 0;
}

void sign_in_throttle_failed(struct sign_in_throttle *throttle, struct bytes name,
                             struct peer_address address, uint64_t now_ms)
{
    uint8_t octets[9];
    struct bytes from = address_bytes(&address, octets);
    pthread_mutex_lock(&throttle->mutex);
    take_token(throttle, 'n', name, now_ms);
    take_token(throttle, 'a', from, now_ms);
    pthread_mutex_unlock(&throttle->mutex);
}
