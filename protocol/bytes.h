/* Borrowed bytes and owned, growing bytes: the two ways memory travels through Tandem. */
#ifndef TANDEM_PROTOCOL_BYTES_H
#define TANDEM_PROTOCOL_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A borrowed run of bytes: valid as long as whatever owns it. {NULL, 0} is "none". */
struct bytes {
    const uint8_t *data;
    size_t size;
};

struct bytes bytes_of(const void *data, size_t size);
struct bytes bytes_text(const char *text); /* NULL gives "none" */
/* `size` bytes from `from` on, all within `whole`; none when `size` is 0. */
struct bytes bytes_slice(struct bytes whole, size_t from, size_t size);
bool bytes_equal(struct bytes a, struct bytes b);
bool bytes_is(struct bytes a, const char *text);
/* ASCII letters of either case are the same, as in sign-in names. */
bool bytes_equal_folded(struct bytes a, struct bytes b);
/* Order of memcmp, the shorter first where one begins the other. */
int bytes_compare(struct bytes a, struct bytes b);
/* Copies into `out` of `size` bytes, cut to fit, always NUL-terminated (size > 0); returns `out`. */
char *bytes_to_text(struct bytes from, char *out, size_t size);

/* An owned buffer that grows. A failed allocation sets `failed` and every later append does
 * nothing, so that a writer checks once, at the end. Zero-initialised storage is a valid,
 * empty buffer. */
struct buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
    bool failed;
};

void buffer_release(struct buffer *buffer);
/* Keeps the memory for reuse; forgets the contents and any failure. */
void buffer_clear(struct buffer *buffer);
void buffer_append(struct buffer *buffer, const void *data, size_t size);
void buffer_append_byte(struct buffer *buffer, uint8_t byte);
/* Eight bytes, big-endian. */
void buffer_append_u64(struct buffer *buffer, uint64_t value);
/* At most 255 bytes, behind their number in one byte. */
void buffer_append_short(struct buffer *buffer, struct bytes bytes);
/* Room for `size` more bytes, uninitialised and already counted in; NULL when it failed. */
uint8_t *buffer_extend(struct buffer *buffer, size_t size);
bool buffer_reserve(struct buffer *buffer, size_t more);
struct bytes buffer_bytes(const struct buffer *buffer);

/* Big-endian numbers, the order in which keys and wire lengths sort. */
void put_u16(uint8_t *at, uint16_t value);
void put_u32(uint8_t *at, uint32_t value);
void put_u64(uint8_t *at, uint64_t value);
uint16_t get_u16(const uint8_t *at);
uint32_t get_u32(const uint8_t *at);
uint64_t get_u64(const uint8_t *at);

#endif
