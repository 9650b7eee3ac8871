#include "support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct random random_begin(const char *test)
{
    const char *given = getenv("TANDEM_TEST_SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const uint64_t seed = given != NULL ? strtoull(given, NULL, 10)
                                        : (uint64_t)now.tv_sec * 1000003u ^ (uint64_t)now.tv_nsec;
    fprintf(stderr, "%s: TANDEM_TEST_SEED=%" PRIu64 "\n", test, seed);
    return (struct random){seed};
}

/* splitmix64, Sebastiano Vigna. */
uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t random_below(struct random *random, uint64_t bound)
{
    return random_next(random) % bound;
}

uint64_t random_number(struct random *random)
{
    const uint64_t edge = UINT64_C(1) << random_below(random, 64);
    switch (random_below(random, 4)) {
    case 0:
        return random_below(random, 300);
    case 1:
        return edge + random_below(random, 3) - 1;
    case 2:
        return UINT64_C(0) - edge - random_below(random, 3) + 1;
    default:
        return random_next(random);
    }
}

static uint32_t random_scalar(struct random *random)
{
    static const uint32_t edges[] = {0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff};
    if (random_below(random, 4) != 0)
        return (uint32_t)(0x20 + random_below(random, 0x5f));
    if (random_below(random, 2) == 0)
        return edges[random_below(random, sizeof edges / sizeof edges[0])];
    const uint32_t scalar = (uint32_t)random_below(random, 0x110000 - 0x800);
    return scalar < 0xd800 ? scalar : scalar + 0x800;
}

static void put_scalar(struct buffer *out, uint32_t scalar)
{
    if (scalar < 0x80) {
        buffer_append_byte(out, (uint8_t)scalar);
        return;
    }
    const int more = scalar < 0x800 ? 1 : scalar < 0x10000 ? 2 : 3;
    buffer_append_byte(out, (uint8_t)((0xff00 >> (more + 1) & 0xff) | scalar >> (6 * more)));
    for (int i = more - 1; i >= 0; i--)
        buffer_append_byte(out, (uint8_t)(0x80 | (scalar >> (6 * i) & 0x3f)));
}

void random_text(struct random *random, size_t most, struct buffer *out)
{
    const size_t end = out->size + (size_t)random_below(random, most + 1);
    while (out->size + 4 <= end)
        put_scalar(out, random_scalar(random));
    while (out->size < end)
        buffer_append_byte(out, (uint8_t)('a' + random_below(random, 26)));
}

static size_t random_size(struct random *random)
{
    static const size_t edges[] = {0, 1, 15, 16, 31, 32, 255, 256, 300};
    return random_below(random, 2) == 0 ? (size_t)random_below(random, 12)
                                        : edges[random_below(random, sizeof edges / sizeof edges[0])];
}

static void random_str(struct random *random, size_t most, struct buffer *out)
{
    struct buffer text = {0};
    random_text(random, most, &text);
    wire_put_str(out, buffer_bytes(&text));
    buffer_release(&text);
}

static void random_map(struct random *random, unsigned depth, struct buffer *out)
{
    const uint32_t count = (uint32_t)random_below(random, 20);
    wire_put_map(out, count);
    for (uint32_t i = 0; i < count; i++) {
        char key[24];
        snprintf(key, sizeof key, "%" PRIu32 "%c", i, (int)('a' + random_below(random, 26)));
        wire_put_text(out, key);
        random_value(random, depth - 1, out);
    }
}

static void random_array(struct random *random, unsigned depth, struct buffer *out)
{
    const uint32_t count = (uint32_t)random_below(random, 20);
    wire_put_array(out, count);
    for (uint32_t i = 0; i < count; i++)
        random_value(random, depth - 1, out);
}

void random_value(struct random *random, unsigned depth, struct buffer *out)
{
    switch (random_below(random, depth > 0 ? 8 : 6)) {
    case 0:
        wire_put_nil(out);
        break;
    case 1:
        wire_put_bool(out, random_below(random, 2) == 0);
        break;
    case 2:
        wire_put_int(out, (int64_t)random_number(random));
        break;
    case 3:
        wire_put_uint(out, random_number(random));
        break;
    case 4:
        random_str(random, random_size(random), out);
        break;
    case 5: {
        uint8_t zeros[300] = {0};
        wire_put_bin(out, bytes_of(zeros, random_size(random)));
        break;
    }
    case 6:
        random_array(random, depth, out);
        break;
    default:
        random_map(random, depth, out);
    }
}

static int digit(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void hex_read(struct bytes text, struct buffer *out)
{
    for (size_t i = 0; i + 1 < text.size; i++) {
        const int high = digit(text.data[i]);
        if (high < 0)
            continue;
        buffer_append_byte(out, (uint8_t)(high << 4 | digit(text.data[i + 1])));
        i++;
    }
}

bool whole_file(const char *path, struct buffer *out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    uint8_t block[4096];
    size_t size;
    while ((size = fread(block, 1, sizeof block, file)) > 0)
        buffer_append(out, block, size);
    const bool good = !ferror(file) && !out->failed;
    fclose(file);
    return good;
}

bool shared_file(const char *path, struct buffer *out)
{
    char full[4096];
    const char *folder = getenv("TANDEM_SHARED_DATA");
    snprintf(full, sizeof full, "%s/%s", folder != NULL ? folder : SHARED_DATA, path);
    if (whole_file(full, out))
        return true;
    fprintf(stderr, "\n*** SKIPPED: %s is not there; set TANDEM_SHARED_DATA ***\n\n", full);
    return false;
}
