#include "protocol/wire.h"

#include <assert.h>
#include <msgpack/pack.h>

/* The failure is kept in the buffer; the packer need not know. */
static int append(void *buffer, const char *data, size_t size)
{
    buffer_append(buffer, data, size);
    return 0;
}

static msgpack_packer packer_of(struct buffer *out)
{
    msgpack_packer packer;
    msgpack_packer_init(&packer, out, append);
    return packer;
}

void wire_put_nil(struct buffer *out)
{
    msgpack_packer packer = packer_of(out);
    msgpack_pack_nil(&packer);
}

void wire_put_bool(struct buffer *out, bool value)
{
    msgpack_packer packer = packer_of(out);
    if (value)
        msgpack_pack_true(&packer);
    else
        msgpack_pack_false(&packer);
}

void wire_put_int(struct buffer *out, int64_t value)
{
    msgpack_packer packer = packer_of(out);
    msgpack_pack_int64(&packer, value);
}

void wire_put_uint(struct buffer *out, uint64_t value)
{
    msgpack_packer packer = packer_of(out);
    msgpack_pack_uint64(&packer, value);
}

void wire_put_str(struct buffer *out, struct bytes text)
{
    assert(text.size <= UINT32_MAX);
    msgpack_packer packer = packer_of(out);
    msgpack_pack_str(&packer, text.size);
    msgpack_pack_str_body(&packer, text.data, text.size);
}

void wire_put_text(struct buffer *out, const char *text)
{
    wire_put_str(out, bytes_text(text));
}

void wire_put_bin(struct buffer *out, struct bytes bytes)
{
    assert(bytes.size <= UINT32_MAX);
    msgpack_packer packer = packer_of(out);
    msgpack_pack_bin(&packer, bytes.size);
    msgpack_pack_bin_body(&packer, bytes.data, bytes.size);
}

void wire_put_id(struct buffer *out, struct id id)
{
    wire_put_bin(out, bytes_of(id.octet, ID_SIZE));
}

void wire_put_array(struct buffer *out, uint32_t count)
{
    msgpack_packer packer = packer_of(out);
    msgpack_pack_array(&packer, count);
}

void wire_put_map(struct buffer *out, uint32_t count)
{
    msgpack_packer packer = packer_of(out);
    msgpack_pack_map(&packer, count);
}

void wire_put_raw(struct buffer *out, struct bytes encoded)
{
    buffer_append(out, encoded.data, encoded.size);
}

static size_t begin(struct buffer *out, uint8_t first)
{
    const size_t at = out->size;
    const uint8_t head[5] = {first};
    buffer_append(out, head, sizeof head);
    return at;
}

size_t wire_begin_array(struct buffer *out)
{
    return begin(out, 0xdd);
}

size_t wire_begin_map(struct buffer *out)
{
    return begin(out, 0xdf);
}

void wire_end(struct buffer *out, size_t begin_at, uint32_t count)
{
    if (out->failed)
        return;
    assert(out->size - begin_at >= 5);
    put_u32(out->data + begin_at + 1, count);
}
