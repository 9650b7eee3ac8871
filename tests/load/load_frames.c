/* Bytes of an open connection: the upgrade, then WebSocket frames (RFC 6455). */
#include "tests/load/load_internal.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "protocol/memory.h"

enum { OPCODE_TEXT = 1, OPCODE_BINARY = 2, OPCODE_CLOSE = 8, OPCODE_PING = 9, OPCODE_PONG = 10 };
#define FINAL 0x80u
#define MASKED 0x80u
#define HEAD_MAX 8192u

/* ---- Out ---- */

/* As much as the socket takes; false when the connection has ended because of it. */
static bool push(struct load_client *client, const uint8_t *data, size_t size, size_t *taken)
{
    *taken = 0;
    while (*taken < size) {
        size_t left = size - *taken;
        ERR_clear_error();
        int done = SSL_write(client->ssl, data + *taken, left < INT_MAX ? (int)left : INT_MAX);
        if (done > 0) {
            *taken += (size_t)done;
            continue;
        }
        int error = SSL_get_error(client->ssl, done);
        if (error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ)
            return true;
        load_fail(client, "cannot be written to");
        return false;
    }
    return true;
}

void load_flush(struct load_client *client)
{
    size_t taken = 0;
    if (client->out.size == 0 || client->step < STEP_UPGRADE ||
        !push(client, client->out.data, client->out.size, &taken))
        return;
    if (taken == client->out.size) {
        buffer_release(&client->out);
    } else if (taken > 0) {
        memmove(client->out.data, client->out.data + taken, client->out.size - taken);
        client->out.size -= taken;
    }
    load_watch(client);
}

bool load_write(struct load_client *client, struct bytes bytes)
{
    size_t taken = 0;
    if (client->ssl == NULL || client->step < STEP_UPGRADE ||
        client->out.size + bytes.size > LOAD_OUT_MAX)
        return false;
    client->sent_ms = client->load->now_ms;
    /* What is said while reading leaves together at the end of it. */
    if (client->out.size == 0 && !client->reading && !push(client, bytes.data, bytes.size, &taken))
        return false;
    if (taken == bytes.size)
        return true;
    buffer_append(&client->out, bytes.data + taken, bytes.size - taken);
    if (client->out.failed) {
        load_fail(client, "no memory to write");
        return false;
    }
    load_watch(client);
    return true;
}

bool load_send_raw(struct load_client *client, struct bytes bytes)
{
    return load_write(client, bytes);
}

static uint32_t next_mask(struct load *load)
{
    load->random = load->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(load->random >> 32);
}

bool load_send_frame(struct load_client *client, uint8_t opcode, struct bytes payload)
{
    struct buffer *frame = &client->load->frame;
    uint8_t head[14];
    size_t size = 2;
    head[0] = (uint8_t)(FINAL | opcode);
    if (payload.size < 126) {
        head[1] = (uint8_t)(MASKED | payload.size);
    } else if (payload.size <= UINT16_MAX) {
        head[1] = MASKED | 126;
        put_u16(head + 2, (uint16_t)payload.size);
        size = 4;
    } else {
        head[1] = MASKED | 127;
        put_u64(head + 2, payload.size);
        size = 10;
    }
    put_u32(head + size, next_mask(client->load));
    const uint8_t mask[4] = {head[size], head[size + 1], head[size + 2], head[size + 3]};
    size += 4;
    buffer_clear(frame);
    buffer_append(frame, head, size);
    uint8_t *body = buffer_extend(frame, payload.size);
    if (body == NULL)
        return false;
    for (size_t i = 0; i < payload.size; i++)
        body[i] = payload.data[i] ^ mask[i % 4];
    return load_write(client, buffer_bytes(frame));
}

void load_begin_upgrade(struct load_client *client)
{
    char request[512];
    client->step = STEP_UPGRADE;
    if (client->load->raw) {
        client->step = STEP_OPEN;
        load_opened(client);
        return;
    }
    /* Whether the server computes the answer to the key is tested elsewhere. */
    int size = snprintf(request, sizeof request,
                        "GET / HTTP/1.1\r\nHost: %s:%u\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Protocol: " PROTOCOL_SUBPROTOCOL "\r\n"
                        "Sec-WebSocket-Key: dGFuZGVtIGxvYWQgY2xpZQ==\r\n\r\n",
                        client->load->host, ntohs(client->load->address.sin_port));
    (void)load_write(client, bytes_of(request, (size_t)size));
}

/* ---- In ---- */

/* How much of `size` bytes was the head of the answer; 0 when it is not there yet, or was wrong. */
static size_t take_upgrade(struct load_client *client, const uint8_t *data, size_t size)
{
    static const char good[] = "HTTP/1.1 101";
    const uint8_t *end = memmem(data, size, "\r\n\r\n", 4);
    if (end == NULL) {
        if (size > HEAD_MAX)
            load_fail(client, "the answer to the upgrade does not end");
        return 0;
    }
    if (size < sizeof good - 1 || memcmp(data, good, sizeof good - 1) != 0) {
        load_fail(client, "upgrade refused: %.*s", (int)(size < 32 ? size : 32),
                  (const char *)data);
        return 0;
    }
    client->step = STEP_OPEN;
    load_opened(client);
    return (size_t)(end - data) + 4;
}

static void take_close(struct load_client *client, struct bytes payload)
{
    if (payload.size < 2)
        load_fail(client, "closed without a code");
    else
        load_fail(client, "closed %u", (unsigned)get_u16(payload.data));
}

static void take_frame(struct load_client *client, uint8_t opcode, struct bytes payload)
{
    struct load *load = client->load;
    switch (opcode) {
    case OPCODE_TEXT:
    case OPCODE_BINARY:
        client->counts.bytes += payload.size;
        load->total.bytes += payload.size;
        load_received(client, payload);
        break;
    case OPCODE_CLOSE:
        take_close(client, payload);
        break;
    case OPCODE_PING:
        (void)load_send_frame(client, OPCODE_PONG, payload);
        break;
    case OPCODE_PONG:
        break;
    default:
        load_fail(client, "a frame of kind %u", opcode);
    }
}

/* One frame at `data`; its size, or 0 when it is not whole. `need`: how much it has. Tandem's
 * server sends no fragments, and no server masks. */
static size_t next_frame(const uint8_t *data, size_t size, struct bytes *payload, size_t *need)
{
    size_t head = 2;
    *need = 2;
    if (size < 2)
        return 0;
    uint64_t length = data[1] & 0x7fu;
    head += length == 126 ? 2 : length == 127 ? 8 : 0;
    *need = head;
    if (size < head)
        return 0;
    if (head == 4)
        length = get_u16(data + 2);
    else if (head == 10)
        length = get_u64(data + 2);
    *need = length < LOAD_PLAIN_MAX ? head + (size_t)length : SIZE_MAX;
    if (size < *need)
        return 0;
    *payload = bytes_of(data + head, (size_t)length);
    return *need;
}

/* Handles every whole frame; how much was used. `need` is how many bytes the next one has, as far
 * as is known. */
static size_t take_plain(struct load_client *client, const uint8_t *data, size_t size, size_t *need)
{
    uint32_t connection = client->connection;
    size_t used = client->step == STEP_UPGRADE ? take_upgrade(client, data, size) : 0;
    *need = 0;
    while (client->connection == connection && client->step == STEP_OPEN) {
        struct bytes payload;
        size_t frame = next_frame(data + used, size - used, &payload, need);
        if (frame == 0)
            return used;
        used += frame;
        take_frame(client, data[used - frame] & 0x0f, payload);
    }
    return used;
}

static bool make_room(struct load *load, size_t need)
{
    if (need <= load->plain_capacity)
        return true;
    uint8_t *plain = need <= LOAD_PLAIN_MAX ? memory_resize(load->plain, need) : NULL;
    if (plain == NULL)
        return false;
    load->plain = plain;
    load->plain_capacity = need;
    return true;
}

/* Decrypts more behind the `size` bytes that are in `plain`; 0 when there is no more, or the
 * connection has ended. */
static size_t decrypt(struct load_client *client, size_t size)
{
    struct load *load = client->load;
    ERR_clear_error();
    int got = SSL_read(client->ssl, load->plain + size, (int)(load->plain_capacity - size));
    if (got > 0)
        return (size_t)got;
    int error = SSL_get_error(client->ssl, got);
    if (error == SSL_ERROR_ZERO_RETURN)
        load_fail(client, "closed by the peer");
    else if (error != SSL_ERROR_WANT_READ)
        load_fail(client, "TLS: %s", ERR_reason_error_string(ERR_peek_last_error()));
    return 0;
}

static void keep_partial(struct load_client *client, size_t size)
{
    if (size == 0) {
        buffer_release(&client->partial);
        return;
    }
    buffer_clear(&client->partial);
    buffer_append(&client->partial, client->load->plain, size);
    if (client->partial.failed)
        load_fail(client, "no memory to read");
}

void load_read(struct load_client *client)
{
    struct load *load = client->load;
    uint32_t connection = client->connection;
    size_t size = client->partial.size, got, need;
    if (size > 0)
        memcpy(load->plain, client->partial.data, size);
    client->reading = true;
    while ((got = decrypt(client, size)) > 0) {
        size += got;
        size_t used = take_plain(client, load->plain, size, &need);
        if (client->connection != connection)
            break;
        size -= used;
        memmove(load->plain, load->plain + used, size);
        if (!make_room(load, need) || (need == 0 && size == load->plain_capacity)) {
            load_fail(client, "a message that is too large");
            break;
        }
    }
    client->reading = false;
    if (client->connection != connection)
        return;
    keep_partial(client, size);
    if (client->connection == connection)
        load_flush(client);
}
