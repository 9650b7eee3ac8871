#include "server/core/credential.h"

#include <string.h>

#include "protocol/wire.h"

#define HASH_SIZE 32u
#define KEY_MAX 64u
/* Bound of every walk over one user's rows or all certificates: a store that has more is taken
 * for corrupt. */
#define MAX_WALK 1000000u

struct key {
    uint8_t octet[KEY_MAX];
    size_t size;
};

static struct key key_of(char table, struct bytes first, struct bytes second)
{
    struct key key = {.size = 1};
    key.octet[0] = (uint8_t)table;
    if (first.size + second.size < KEY_MAX) {
        if (first.size)
            memcpy(key.octet + key.size, first.data, first.size);
        key.size += first.size;
        if (second.size)
            memcpy(key.octet + key.size, second.data, second.size);
        key.size += second.size;
    }
    return key;
}

static struct bytes key_bytes(const struct key *key)
{
    return bytes_of(key->octet, key->size);
}

static struct bytes id_bytes(const struct id *id)
{
    return bytes_of(id->octet, ID_SIZE);
}

static const struct bytes none = {NULL, 0};

static enum status get(const struct state *state, struct key key, struct bytes *value)
{
    return state->ops->credential(state->self, key_bytes(&key), value);
}

static enum status put(const struct state *state, struct key key, struct buffer *value)
{
    enum status status =
        value->failed ? STATUS_NO_MEMORY
                      : state->ops->put_credential(state->self, key_bytes(&key),
                                                   buffer_bytes(value));
    buffer_release(value);
    return status;
}

static enum status drop(const struct state *state, struct key key)
{
    enum status status = state->ops->put_credential(state->self, key_bytes(&key), none);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static uint64_t map_uint(struct bytes map, const char *name)
{
    uint64_t value = 0;
    wire_map_uint(map, name, &value);
    return value;
}

static struct bytes map_bin(struct bytes map, const char *name)
{
    struct bytes value = {NULL, 0};
    wire_map_bin(map, name, &value);
    return value;
}

void credential_body(struct buffer *out, struct id user, enum credential_kind kind,
                     struct bytes value, uint64_t expires_ms)
{
    wire_put_map(out, 4);
    wire_put_text(out, "user");
    wire_put_id(out, user);
    wire_put_text(out, "kind");
    wire_put_uint(out, kind);
    wire_put_text(out, "value");
    wire_put_bin(out, value);
    wire_put_text(out, "expires");
    wire_put_uint(out, expires_ms);
}

enum status credential_read_body(struct bytes body, struct credential_change *out)
{
    if (wire_validate(body, NULL) != STATUS_OK || !wire_map_id(body, "user", &out->user))
        return STATUS_INVALID_VALUE;
    uint64_t kind = map_uint(body, "kind");
    if (kind < CREDENTIAL_PASSWORD || kind > CREDENTIAL_END_TOKENS)
        return STATUS_INVALID_VALUE;
    out->kind = (enum credential_kind)kind;
    out->value = map_bin(body, "value");
    out->expires_ms = map_uint(body, "expires");
    bool is_hash = out->kind != CREDENTIAL_PASSWORD && out->kind != CREDENTIAL_END_TOKENS;
    if (is_hash && out->value.size != HASH_SIZE)
        return STATUS_INVALID_VALUE;
    if (out->kind == CREDENTIAL_PASSWORD && out->value.size == 0)
        return STATUS_INVALID_VALUE;
    return STATUS_OK;
}

/* Ends one token: its row and its entry among the user's. */
static enum status end_token(const struct state *state, struct id user, struct bytes hash)
{
    enum status status = drop(state, key_of('t', hash, none));
    return status == STATUS_OK ? drop(state, key_of('u', id_bytes(&user), hash)) : status;
}

static enum status end_named_token(const struct state *state, struct id user, struct bytes hash)
{
    struct bytes row;
    struct id owner;
    enum status status = get(state, key_of('t', hash, none), &row);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status != STATUS_OK)
        return status;
    if (!wire_map_id(row, "user", &owner))
        return STATUS_CORRUPT;
    return id_equal(owner, user) ? end_token(state, user, hash) : STATUS_OK;
}

/* Steps to the next of the user's tokens behind `place`, and copies its hash. */
static enum status next_token(const struct state *state, struct id user, struct buffer *place,
                              uint8_t hash[HASH_SIZE])
{
    struct key prefix = key_of('u', id_bytes(&user), none);
    struct bytes value;
    enum status status =
        state->ops->credential_next(state->self, key_bytes(&prefix), place, &value);
    if (status != STATUS_OK)
        return status;
    if (place->failed)
        return STATUS_NO_MEMORY;
    if (place->size != prefix.size + HASH_SIZE)
        return STATUS_CORRUPT;
    memcpy(hash, place->data + prefix.size, HASH_SIZE);
    return STATUS_OK;
}

static enum status end_tokens(const struct state *state, struct id user)
{
    struct buffer place = {0};
    uint8_t hash[HASH_SIZE];
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < MAX_WALK && status == STATUS_OK; i++) {
        status = next_token(state, user, &place, hash);
        if (status == STATUS_OK)
            status = end_token(state, user, bytes_of(hash, sizeof hash));
    }
    buffer_release(&place);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

struct oldest {
    unsigned count;
    uint64_t created;
    uint8_t hash[HASH_SIZE];
};

/* Ends the token when it has expired, else counts it and remembers the oldest. */
static enum status weigh_token(const struct state *state, struct id user, struct bytes hash,
                               uint64_t now_ms, struct oldest *oldest)
{
    struct bytes row;
    enum status status = get(state, key_of('t', hash, none), &row);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && map_uint(row, "expires") <= now_ms))
        return end_token(state, user, hash);
    if (status != STATUS_OK)
        return status;
    uint64_t created = map_uint(row, "created");
    if (oldest->count++ == 0 || created < oldest->created) {
        oldest->created = created;
        memcpy(oldest->hash, hash.data, HASH_SIZE);
    }
    return STATUS_OK;
}

/* Room for one more token of the user. */
static enum status make_room(const struct state *state, struct id user, uint64_t now_ms)
{
    struct buffer place = {0};
    struct oldest oldest = {0};
    uint8_t hash[HASH_SIZE];
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < MAX_WALK && status == STATUS_OK; i++) {
        status = next_token(state, user, &place, hash);
        if (status == STATUS_OK)
            status = weigh_token(state, user, bytes_of(hash, sizeof hash), now_ms, &oldest);
    }
    buffer_release(&place);
    if (status != STATUS_NOT_FOUND)
        return status;
    return oldest.count < CREDENTIAL_MAX_TOKENS
               ? STATUS_OK
               : end_token(state, user, bytes_of(oldest.hash, HASH_SIZE));
}

static enum status put_token(const struct state *state, const struct credential_change *change,
                             uint64_t at_ms)
{
    struct bytes row;
    struct id owner;
    enum status status = get(state, key_of('t', change->value, none), &row);
    if (status == STATUS_OK && wire_map_id(row, "user", &owner) && !id_equal(owner, change->user))
        return STATUS_EXISTS;
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        status = make_room(state, change->user, at_ms);
    if (status != STATUS_OK)
        return status;
    struct buffer value = {0}, empty = {0};
    wire_put_map(&value, 3);
    wire_put_text(&value, "user");
    wire_put_id(&value, change->user);
    wire_put_text(&value, "created");
    wire_put_uint(&value, at_ms);
    wire_put_text(&value, "expires");
    wire_put_uint(&value, change->expires_ms);
    status = put(state, key_of('t', change->value, none), &value);
    if (status != STATUS_OK)
        return status;
    wire_put_map(&empty, 0);
    return put(state, key_of('u', id_bytes(&change->user), change->value), &empty);
}

static enum status put_password(const struct state *state, const struct credential_change *change)
{
    struct buffer value = {0};
    wire_put_map(&value, 1);
    wire_put_text(&value, "hash");
    wire_put_str(&value, change->value);
    enum status status = put(state, key_of('p', id_bytes(&change->user), none), &value);
    if (status == STATUS_OK)
        status = drop(state, key_of('c', id_bytes(&change->user), none));
    return status == STATUS_OK ? end_tokens(state, change->user) : status;
}

static enum status put_code(const struct state *state, const struct credential_change *change)
{
    struct buffer value = {0};
    wire_put_map(&value, 2);
    wire_put_text(&value, "hash");
    wire_put_bin(&value, change->value);
    wire_put_text(&value, "expires");
    wire_put_uint(&value, change->expires_ms);
    return put(state, key_of('c', id_bytes(&change->user), none), &value);
}

static enum status put_owner(const struct state *state, struct key key, struct id user)
{
    struct buffer value = {0};
    wire_put_map(&value, 1);
    wire_put_text(&value, "user");
    wire_put_id(&value, user);
    return put(state, key, &value);
}

static enum status put_certificate(const struct state *state,
                                   const struct credential_change *change)
{
    struct id owner;
    enum status status = credential_certificate_user(state, change->value.data, &owner);
    if (status == STATUS_OK)
        return id_equal(owner, change->user) ? STATUS_OK : STATUS_EXISTS;
    if (status != STATUS_NOT_FOUND)
        return status;
    return put_owner(state, key_of('f', change->value, none), change->user);
}

enum status credential_apply(const struct state *state, struct bytes body, uint64_t at_ms)
{
    struct credential_change change;
    enum status status = credential_read_body(body, &change);
    if (status != STATUS_OK)
        return status;
    switch (change.kind) {
    case CREDENTIAL_PASSWORD:
        return put_password(state, &change);
    case CREDENTIAL_CODE:
        return put_code(state, &change);
    case CREDENTIAL_TOKEN:
        return put_token(state, &change, at_ms);
    case CREDENTIAL_CERTIFICATE:
        return put_certificate(state, &change);
    case CREDENTIAL_END_TOKEN:
        return end_named_token(state, change.user, change.value);
    case CREDENTIAL_END_TOKENS:
        return end_tokens(state, change.user);
    }
    return STATUS_INVALID_VALUE;
}

static enum status forget_certificates(const struct state *state, struct id user)
{
    struct key prefix = key_of('f', none, none);
    struct buffer place = {0};
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < MAX_WALK && status == STATUS_OK; i++) {
        struct bytes value;
        struct id owner;
        status = state->ops->credential_next(state->self, key_bytes(&prefix), &place, &value);
        if (status == STATUS_OK && place.failed)
            status = STATUS_NO_MEMORY;
        if (status == STATUS_OK && wire_map_id(value, "user", &owner) && id_equal(owner, user))
            status = state->ops->put_credential(state->self, buffer_bytes(&place), none);
    }
    buffer_release(&place);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status credential_forget_user(const struct state *state, struct id user)
{
    enum status status = drop(state, key_of('p', id_bytes(&user), none));
    if (status == STATUS_OK)
        status = drop(state, key_of('c', id_bytes(&user), none));
    if (status == STATUS_OK)
        status = end_tokens(state, user);
    return status == STATUS_OK ? forget_certificates(state, user) : status;
}

static struct key name_key(struct bytes name)
{
    struct key key = key_of('x', name, none);
    for (size_t i = 1; i < key.size; i++)
        if (key.octet[i] >= 'A' && key.octet[i] <= 'Z')
            key.octet[i] = (uint8_t)(key.octet[i] + 32);
    return key;
}

enum status credential_name_taken(const struct state *state, struct bytes name, bool *taken)
{
    struct bytes row;
    enum status status = get(state, name_key(name), &row);
    *taken = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status credential_take_name(const struct state *state, struct bytes name, struct id user)
{
    return put_owner(state, name_key(name), user);
}

enum status credential_password(const struct state *state, struct id user, struct bytes *phc)
{
    struct bytes row, value;
    enum status status = get(state, key_of('p', id_bytes(&user), none), &row);
    if (status != STATUS_OK)
        return status;
    if (!wire_map_find(row, "hash", &value))
        return STATUS_CORRUPT;
    struct wire_reader reader = wire_read(value);
    return wire_get_str(&reader, phc) ? STATUS_OK : STATUS_CORRUPT;
}

/* In a time that does not depend on where they differ. */
static bool same_hash(const uint8_t *a, const uint8_t *b)
{
    unsigned difference = 0;
    for (unsigned i = 0; i < HASH_SIZE; i++)
        difference |= (unsigned)(a[i] ^ b[i]);
    return difference == 0;
}

enum status credential_code_valid(const struct state *state, struct id user,
                                  const uint8_t hash[32], uint64_t now_ms)
{
    struct bytes row;
    enum status status = get(state, key_of('c', id_bytes(&user), none), &row);
    if (status != STATUS_OK)
        return status;
    struct bytes stored = map_bin(row, "hash");
    bool valid = stored.size == HASH_SIZE && same_hash(stored.data, hash) &&
                 now_ms < map_uint(row, "expires");
    return valid ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status credential_token_user(const struct state *state, const uint8_t hash[32],
                                  uint64_t now_ms, struct id *user)
{
    struct bytes row;
    enum status status = get(state, key_of('t', bytes_of(hash, HASH_SIZE), none), &row);
    if (status != STATUS_OK)
        return status;
    if (!wire_map_id(row, "user", user))
        return STATUS_CORRUPT;
    return now_ms < map_uint(row, "expires") ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status credential_certificate_user(const struct state *state, const uint8_t hash[32],
                                        struct id *user)
{
    struct bytes row;
    enum status status = get(state, key_of('f', bytes_of(hash, HASH_SIZE), none), &row);
    if (status != STATUS_OK)
        return status;
    return wire_map_id(row, "user", user) ? STATUS_OK : STATUS_CORRUPT;
}
