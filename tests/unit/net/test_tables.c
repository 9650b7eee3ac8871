/* Addresses and connection numbers, held to plain lists over random histories. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "net_random.h"
#include "server/net/acceptor.h"
#include "server/net/connection_table.h"
#include "server/net/damage.h"
#include "server/net/peers.h"

#define ADDRESSES 40
#define MOST 60

static struct peer_address address(uint32_t n)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000000u + n)};
    return peer_address_of((struct sockaddr *)&in);
}

static void test_peers_model(void **state)
{
    (void)state;
    static const struct peer_limits limits = {MOST, 6, 3};
    struct peers *peers = peers_new(&limits);
    uint32_t connected[ADDRESSES] = {0}, waiting[ADDRESSES] = {0}, all = 0;
    assert_non_null(peers);
    for (int step = 0; step < 200000; step++) {
        uint32_t n = draw(ADDRESSES);
        uint32_t what = draw(5);
        if (what < 2) {
            enum peer_verdict expected = all >= MOST           ? PEER_SERVER_FULL
                                         : connected[n] >= 6 ? PEER_ADDRESS_FULL
                                         : waiting[n] >= 3   ? PEER_ADDRESS_HALF_OPEN
                                                             : PEER_WELCOME;
            assert_int_equal(peers_enter(peers, address(n)), expected);
            bool in = expected == PEER_WELCOME;
            connected[n] += in;
            waiting[n] += in;
            all += in;
        } else if (what == 2 && waiting[n] > 0) {
            peers_signed_in(peers, address(n));
            waiting[n]--;
        } else if (what >= 3 && connected[n] > 0) {
            bool signed_in = waiting[n] == 0 || (connected[n] > waiting[n] && draw(2));
            peers_leave(peers, address(n), signed_in);
            connected[n]--;
            waiting[n] -= !signed_in;
            all--;
        }
        assert_int_equal(peers_count(peers), all);
    }
    peers_free(peers);
}

static struct peer_address of_text(const char *text)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
    return peer_address_of((struct sockaddr *)&six);
}

static void test_addresses(void **state)
{
    (void)state;
    char text[PEER_TEXT_SIZE];
    struct peer_address mapped = of_text("::ffff:10.0.0.7"), plain = address(7);
    assert_memory_equal(&mapped, &plain, sizeof plain);
    assert_string_equal(peer_address_text(mapped, text), "10.0.0.7");
    /* One subscriber's 2^64 addresses are one. */
    struct peer_address one = of_text("2001:db8:1:2::1"), two = of_text("2001:db8:1:2:ffff::9");
    struct peer_address other = of_text("2001:db8:1:3::1");
    assert_memory_equal(&one, &two, sizeof one);
    assert_memory_not_equal(&one, &other, sizeof one);
    assert_string_equal(peer_address_text(one, text), "2001:db8:1:2::/64");
}

#define HELD 300

static void test_numbers_model(void **state)
{
    (void)state;
    struct connection_table table = {.places = NULL};
    uint64_t held[HELD] = {0}, gone[1000] = {0};
    size_t gone_count = 0;
    for (int step = 0; step < 100000; step++) {
        size_t n = draw(HELD);
        struct connection *owner = (struct connection *)(held + n);
        if (held[n] == 0) {
            held[n] = connection_table_add(&table, owner);
            assert_int_not_equal(held[n], 0);
        } else if (draw(2)) {
            connection_table_remove(&table, held[n]);
            gone[gone_count++ % 1000] = held[n];
            held[n] = 0;
        }
        size_t other = draw(HELD);
        if (held[other])
            assert_ptr_equal(connection_table_find(&table, held[other]),
                             (struct connection *)(held + other));
        /* A number never comes again, though its place does. */
        assert_null(connection_table_find(&table, gone[draw(1000)]));
    }
    assert_null(connection_table_find(&table, 0));
    assert_null(connection_table_find(&table, UINT64_MAX));
    connection_table_release(&table);
}

/* Told once each time that half of a crowd has left, and never of a few. */
static void test_emptied(void **state)
{
    (void)state;
    struct connection_table table = {.places = NULL};
    uint64_t held[1000];
    unsigned told = 0, told_at[8];
    for (uint32_t n = 0; n < 1000; n++) {
        held[n] = connection_table_add(&table, (struct connection *)(uintptr_t)(n + 1));
        assert_false(connection_table_emptied(&table));
    }
    for (uint32_t left = 1000; left > 0; left--) {
        connection_table_remove(&table, held[left - 1]);
        if (connection_table_emptied(&table))
            told_at[told++ % 8] = table.count;
    }
    assert_int_equal(told, 2);
    assert_int_equal(told_at[0], 500);
    assert_int_equal(told_at[1], 244);
    for (uint32_t n = 0; n < CONNECTION_TABLE_CROWD - 1; n++)
        held[n] = connection_table_add(&table, (struct connection *)(uintptr_t)(n + 1));
    for (uint32_t n = 0; n < CONNECTION_TABLE_CROWD - 1; n++)
        connection_table_remove(&table, held[n]);
    assert_false(connection_table_emptied(&table));
    connection_table_release(&table);
}

static void test_split(void **state)
{
    (void)state;
    char host[256], port[8];
    static const struct {
        const char *text, *host, *port;
    } good[] = {{"127.0.0.1:7443", "127.0.0.1", "7443"}, {"[::1]:1", "::1", "1"},
                {":7443", "", "7443"}, {"crm.example.com:65535", "crm.example.com", "65535"}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(acceptor_split(good[i].text, host, port));
        assert_string_equal(host, good[i].host);
        assert_string_equal(port, good[i].port);
    }
    static const char *const bad[] = {"127.0.0.1:65536", "127.0.0.1:99999", "", ":", "7443", "localhost", "localhost:", "::1:7443",
                                      "localhost:http", "localhost:-1", "localhost:123456",
                                      "localhost:1 "};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(acceptor_split(bad[i], host, port));
}

/* Of each note once, and of no more than are kept. */
static void test_damage_is_told_once(void **state)
{
    (void)state;
    struct damage damage;
    struct id note = {{0}};
    damage_init(&damage);
    for (unsigned i = 0; i < DAMAGE_TOLD; i++) {
        note.octet[3] = (uint8_t)i;
        assert_true(damage_is_news(&damage, note));
        assert_false(damage_is_news(&damage, note));
    }
    note.octet[3] = 0;
    assert_false(damage_is_news(&damage, note));
    note.octet[0] = 1;
    assert_false(damage_is_news(&damage, note));
    damage_release(&damage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peers_model),   cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_numbers_model), cmocka_unit_test(test_emptied),
        cmocka_unit_test(test_split),         cmocka_unit_test(test_damage_is_told_once),
    };
    return cmocka_run_group_tests(tests, choose_seed, NULL);
}
