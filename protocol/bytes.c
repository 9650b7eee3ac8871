#include "protocol/bytes.h"

#include <assert.h>
#include <string.h>

#include "protocol/memory.h"

#define SMALLEST_CAPACITY 64

struct bytes bytes_of(const void *data, size_t size)
{
    return (struct bytes){data, size};
}

struct bytes bytes_text(const char *text)
{
    return text != NULL ? bytes_of(text, strlen(text)) : (struct bytes){NULL, 0};
}

struct bytes bytes_slice(struct bytes whole, size_t from, size_t size)
{
    return size > 0 ? bytes_of(whole.data + from, size) : bytes_of(NULL, 0);
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static uint8_t lower(uint8_t octet)
{
    return (uint8_t)(octet >= 'A' && octet <= 'Z' ? octet + 32 : octet);
}

bool bytes_equal_folded(struct bytes a, struct bytes b)
{
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++)
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

bool bytes_is(struct bytes a, const char *text)
{
    return bytes_equal(a, bytes_text(text));
}

int bytes_compare(struct bytes a, struct bytes b)
{
    const size_t common = a.size < b.size ? a.size : b.size;
    const int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    if (order != 0)
        return order;
    return (a.size > b.size) - (a.size < b.size);
}

char *bytes_to_text(struct bytes from, char *out, size_t size)
{
    assert(size > 0);
    const size_t kept = from.size < size - 1 ? from.size : size - 1;
    if (kept > 0)
        memcpy(out, from.data, kept);
    out[kept] = '\0';
    return out;
}

void buffer_release(struct buffer *buffer)
{
    memory_free(buffer->data);
    *buffer = (struct buffer){0};
}

void buffer_clear(struct buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
}

bool buffer_reserve(struct buffer *buffer, size_t more)
{
    if (buffer->failed)
        return false;
    if (more <= buffer->capacity - buffer->size)
        return true;
    /* Doubling keeps appending linear; the checks keep it from wrapping around. */
    size_t capacity = buffer->capacity < SMALLEST_CAPACITY ? SMALLEST_CAPACITY : buffer->capacity;
    while (capacity - buffer->size < more && capacity <= SIZE_MAX / 2)
        capacity *= 2;
    uint8_t *data = NULL;
    if (capacity - buffer->size >= more)
        data = memory_resize(buffer->data, capacity);
    if (data == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

uint8_t *buffer_extend(struct buffer *buffer, size_t size)
{
    if (!buffer_reserve(buffer, size))
        return NULL;
    uint8_t *at = buffer->data + buffer->size;
    buffer->size += size;
    return at;
}

void buffer_append(struct buffer *buffer, const void *data, size_t size)
{
    if (size == 0)
        return;
    uint8_t *at = buffer_extend(buffer, size);
    if (at != NULL)
        memcpy(at, data, size);
}

void buffer_append_byte(struct buffer *buffer, uint8_t byte)
{
    buffer_append(buffer, &byte, 1);
}

void buffer_append_u64(struct buffer *buffer, uint64_t value)
{
    uint8_t octets[8];
    put_u64(octets, value);
    buffer_append(buffer, octets, sizeof octets);
}

void buffer_append_short(struct buffer *buffer, struct bytes bytes)
{
    assert(bytes.size <= UINT8_MAX);
    buffer_append_byte(buffer, (uint8_t)bytes.size);
    buffer_append(buffer, bytes.data, bytes.size);
}

struct bytes buffer_bytes(const struct buffer *buffer)
{
    return bytes_of(buffer->data, buffer->size);
}

void put_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

void put_u32(uint8_t *at, uint32_t value)
{
    put_u16(at, (uint16_t)(value >> 16));
    put_u16(at + 2, (uint16_t)value);
}

void put_u64(uint8_t *at, uint64_t value)
{
    put_u32(at, (uint32_t)(value >> 32));
    put_u32(at + 4, (uint32_t)value);
}

uint16_t get_u16(const uint8_t *at)
{
    return (uint16_t)((unsigned)at[0] << 8 | at[1]);
}

uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)get_u16(at) << 16 | get_u16(at + 2);
}

uint64_t get_u64(const uint8_t *at)
{
    return (uint64_t)get_u32(at) << 32 | get_u32(at + 4);
}
