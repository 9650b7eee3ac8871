/* What of a connection's bytes became no message: honest senders never have too much of it, at any
 * rate and over any link, and who floods pays for every byte beyond what is free. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>

#include "net_random.h"
#include "server/net/chaff.h"

#define RECORD 16384u /* the longest of TLS */
#define RECEIVED_AT_ONCE 2048u

#define PIECES 64u /* of messages, in a record */
/* A record's header, and what its encryption adds. */
#define RECORD_HEADER 5u
#define SEAL 24u

struct sender {
    struct chaff chaff;
    uint64_t now_us, bytes_per_s; /* 0: as fast as it can be read */
    uint32_t header, message;     /* of the frame under way: bytes that were not sent yet */
};

/* What of messages is in a record. */
struct content {
    uint32_t piece[PIECES];
    bool last[PIECES];
    unsigned count;
};

static void hear(struct sender *sender, struct content *content)
{
    for (unsigned i = 0; i < content->count; i++)
        chaff_became_message(&sender->chaff, content->piece[i], content->last[i]);
    content->count = 0;
}

/* Bytes come out of the socket in parts. */
static void arrive(struct sender *sender, uint32_t size)
{
    while (size > 0) {
        uint32_t part = 1 + draw(size);
        if (sender->bytes_per_s > 0) {
            sender->now_us += part * UINT64_C(1000000) / sender->bytes_per_s;
            if (draw(2))
                chaff_forget(&sender->chaff, sender->now_us / 1000);
        }
        chaff_came(&sender->chaff, part);
        assert_int_equal(chaff_take_points(&sender->chaff), 0);
        size -= part;
    }
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Puts what there is to say into a record of up to `most` bytes; how many there are. */
static uint32_t fill(struct sender *sender, uint32_t most, uint32_t longest, struct content *out)
{
    uint32_t filled = 0;
    while (filled < most && out->count < PIECES) {
        if (sender->message == 0) {
            sender->message = 1 + draw(longest);
            sender->header = sender->message < 126 ? 6 : sender->message < 65536 ? 8 : 14;
        }
        uint32_t header = least(sender->header, most - filled);
        sender->header -= header;
        filled += header;
        uint32_t piece = least(least(sender->message, most - filled), RECEIVED_AT_ONCE);
        sender->message -= piece;
        filled += piece;
        out->piece[out->count] = piece;
        out->last[out->count++] = piece > 0 && sender->message == 0;
    }
    return filled;
}

/* Each record is heard once it is whole, or when the next one has been read, too. */
static void send_honestly(uint64_t bytes_per_s, uint32_t record, uint32_t longest)
{
    struct sender sender = {.bytes_per_s = bytes_per_s};
    struct content content[2] = {{.count = 0}};
    for (int i = 0; i < 3000; i++) {
        struct content *now = &content[i % 2], *before = &content[1 - i % 2];
        uint32_t size = fill(&sender, record, longest, now);
        arrive(&sender, RECORD_HEADER);
        arrive(&sender, size + SEAL);
        hear(&sender, before);
        if (draw(2))
            hear(&sender, now);
    }
}

static void test_honest_senders(void **state)
{
    (void)state;
    static const uint64_t rates[] = {0, 300, 3000, 10000, 50000, 1000000, 100000000};
    static const uint32_t records[] = {500, 1400, 4096, RECORD};
    static const uint32_t longest[] = {10, 200, 5000, 1000000};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        for (size_t k = 0; k < sizeof records / sizeof *records; k++)
            for (size_t n = 0; n < sizeof longest / sizeof *longest; n++)
                send_honestly(rates[i], records[k], longest[n]);
}

/* Every byte beyond the room is paid for once, in whatever parts it comes, and what is forgotten
 * meanwhile is not. */
static void test_a_flood(void **state)
{
    (void)state;
    struct chaff chaff = {.at_ms = 1000};
    uint64_t came = 0, points = 0, now_ms = 1000;
    while (came < 10000000) {
        uint32_t part = 1 + draw(20000);
        chaff_came(&chaff, part);
        came += part;
        points += chaff_take_points(&chaff);
        assert_int_equal(points, came > CHAFF_ROOM ? (came - CHAFF_ROOM) / CHAFF_POINT_BYTES : 0);
    }
    uint64_t paid = points;
    for (; now_ms < 61000; now_ms += 500) {
        chaff_forget(&chaff, now_ms + 500);
        chaff_came(&chaff, 500 * CHAFF_FREE_PER_MS);
        assert_int_equal(chaff_take_points(&chaff), 0);
    }
    for (; now_ms < 121000; now_ms += 500) {
        chaff_forget(&chaff, now_ms + 500);
        chaff_came(&chaff, 500 * CHAFF_FREE_PER_MS + 640);
        points += chaff_take_points(&chaff);
    }
    assert_in_range(points - paid, 120 * 10 - 1, 120 * 10 + 1);
    /* A clock that was read earlier forgets nothing, and one that stood still for ever, all. */
    chaff_forget(&chaff, 5);
    chaff_came(&chaff, 640);
    assert_in_range(chaff_take_points(&chaff), 9, 11);
    chaff_forget(&chaff, UINT64_MAX / 8);
    assert_int_equal(chaff.bytes, 0);
}

/* Messages are no savings to flood from. */
static void test_no_savings(void **state)
{
    (void)state;
    struct chaff chaff = {.bytes = 0};
    for (int i = 0; i < 1000; i++) {
        chaff_came(&chaff, 1000);
        chaff_became_message(&chaff, 1000, true);
        chaff_forget(&chaff, (uint64_t)i * 1000);
    }
    chaff_came(&chaff, CHAFF_ROOM + 10 * CHAFF_POINT_BYTES);
    assert_int_equal(chaff_take_points(&chaff), 10);
    chaff_came(&chaff, SIZE_MAX / 4);
    assert_int_equal(chaff_take_points(&chaff), UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_honest_senders),
        cmocka_unit_test(test_a_flood),
        cmocka_unit_test(test_no_savings),
    };
    return cmocka_run_group_tests(tests, choose_seed, NULL);
}
