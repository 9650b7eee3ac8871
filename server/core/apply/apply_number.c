#include "server/core/apply/apply_number.h"

#include <string.h>

#include "protocol/mix.h"
#include "protocol/wire.h"

#define ROW_KEY (1 + ID_SIZE)
#define ANSWER_KEY (1 + ID_SIZE + 8)

void number_hash(const struct msg_mutate *mutate, uint8_t out[CONTENT_HASH])
{
    uint8_t head[8 + 8 + CONTENT_HASH + CONTENT_HASH];
    put_u64(head, mutate->number);
    put_u64(head + 8, mutate->base);
    mix128(mutate->mode, 1, head + 16);
    mix128(mutate->changes, 2, head + 16 + CONTENT_HASH);
    mix128(bytes_of(head, sizeof head), 3, out);
}

static void row_key(uint8_t key[ROW_KEY], struct id client)
{
    key[0] = 'n';
    memcpy(key + 1, client.octet, ID_SIZE);
}

static void answer_key(uint8_t key[ANSWER_KEY], struct id client, uint64_t number)
{
    key[0] = 'a';
    memcpy(key + 1, client.octet, ID_SIZE);
    put_u64(key + 1 + ID_SIZE, number);
}

enum status number_read(const struct state *state, struct id client, struct id user,
                        struct number_row *out)
{
    uint8_t key[ROW_KEY];
    struct bytes row, owner;
    *out = (struct number_row){.client = client, .user = user};
    row_key(key, client);
    enum status status = state->ops->client(state->self, bytes_of(key, sizeof key), &row);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    if (!wire_map_bin(row, "user", &owner) || !id_from_bytes(owner, &out->user) ||
        !wire_map_uint(row, "last", &out->last) || !wire_map_uint(row, "pruned", &out->pruned))
        return STATUS_CORRUPT;
    out->known = true;
    return STATUS_OK;
}

enum status number_answer(const struct state *state, const struct number_row *row, uint64_t number,
                          const uint8_t hash[CONTENT_HASH], struct buffer *answer)
{
    uint8_t key[ANSWER_KEY];
    struct bytes stored, known, bytes;
    if (number <= row->pruned)
        return STATUS_NUMBER_FORGOTTEN;
    answer_key(key, row->client, number);
    enum status status = state->ops->client(state->self, bytes_of(key, sizeof key), &stored);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
    if (!wire_map_bin(stored, "hash", &known) || !wire_map_bin(stored, "answer", &bytes))
        return STATUS_CORRUPT;
    if (!bytes_equal(known, bytes_of(hash, CONTENT_HASH)))
        return STATUS_NUMBER_REUSED;
    buffer_append(answer, bytes.data, bytes.size);
    return answer->failed ? STATUS_NO_MEMORY : STATUS_OK;
}

static enum status put_client(const struct state *state, const uint8_t *key, size_t size,
                              struct buffer *value)
{
    enum status status = value->failed
                             ? STATUS_NO_MEMORY
                             : state->ops->put_client(state->self, bytes_of(key, size),
                                                      buffer_bytes(value));
    buffer_release(value);
    return status;
}

static enum status put_answer(const struct state *state, struct id client, uint64_t number,
                              const uint8_t hash[CONTENT_HASH], struct bytes answer)
{
    uint8_t key[ANSWER_KEY];
    struct buffer value = {0};
    answer_key(key, client, number);
    wire_put_map(&value, 2);
    wire_put_text(&value, "hash");
    wire_put_bin(&value, bytes_of(hash, CONTENT_HASH));
    wire_put_text(&value, "answer");
    wire_put_bin(&value, answer);
    return put_client(state, key, sizeof key, &value);
}

static enum status put_row(const struct state *state, const struct number_row *row)
{
    uint8_t key[ROW_KEY];
    struct buffer value = {0};
    row_key(key, row->client);
    wire_put_map(&value, 3);
    wire_put_text(&value, "user");
    wire_put_id(&value, row->user);
    wire_put_text(&value, "last");
    wire_put_uint(&value, row->last);
    wire_put_text(&value, "pruned");
    wire_put_uint(&value, row->pruned);
    return put_client(state, key, sizeof key, &value);
}

static enum status drop(const struct state *state, struct bytes key)
{
    const struct bytes none = {NULL, 0};
    enum status status = state->ops->put_client(state->self, key, none);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status number_claim(const struct state *state, const struct number_row *row)
{
    return row->known ? STATUS_OK : put_row(state, row);
}

/* At most NUMBER_KEPT answers are there, so that this takes so many steps at most. */
static enum status prune_to(const struct state *state, struct number_row *row, uint64_t upto)
{
    enum status status = STATUS_OK;
    while (row->pruned < upto && status == STATUS_OK) {
        uint8_t key[ANSWER_KEY];
        answer_key(key, row->client, ++row->pruned);
        status = drop(state, bytes_of(key, sizeof key));
    }
    return status;
}

enum status number_remember(const struct state *state, struct number_row *row,
                            const uint8_t hash[CONTENT_HASH], struct bytes answer,
                            uint64_t answered)
{
    uint64_t upto = answered < row->last ? answered : row->last;
    row->last++;
    if (row->last > NUMBER_KEPT && row->last - NUMBER_KEPT > upto)
        upto = row->last - NUMBER_KEPT;
    enum status status = prune_to(state, row, upto);
    if (status == STATUS_OK)
        status = put_answer(state, row->client, row->last, hash, answer);
    return status == STATUS_OK ? put_row(state, row) : status;
}

static enum status forget_answers(const struct state *state, struct id client)
{
    uint8_t prefix[ROW_KEY];
    struct buffer place = {0};
    enum status status = STATUS_OK;
    row_key(prefix, client);
    prefix[0] = 'a';
    for (unsigned i = 0; i <= NUMBER_KEPT && status == STATUS_OK; i++) {
        struct bytes value;
        status = state->ops->client_next(state->self, bytes_of(prefix, sizeof prefix), &place,
                                         &value);
        if (status == STATUS_OK && place.failed)
            status = STATUS_NO_MEMORY;
        if (status == STATUS_OK)
            status = drop(state, buffer_bytes(&place));
    }
    buffer_release(&place);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status number_forget(const struct state *state, struct id client, struct id user)
{
    struct number_row row;
    uint8_t key[ROW_KEY];
    enum status status = number_read(state, client, user, &row);
    if (status != STATUS_OK || !row.known || !id_equal(row.user, user))
        return status;
    status = forget_answers(state, client);
    row_key(key, client);
    return status == STATUS_OK ? drop(state, bytes_of(key, sizeof key)) : status;
}
