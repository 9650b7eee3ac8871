/* The answer to the upgrade, from servers and from what is none. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "client-lib/link/transport_tls.h"
#include "client-lib/link/upgrade.h"

#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define GOOD                                                                                       \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"            \
    "Sec-WebSocket-Accept: " ACCEPT "\r\nSec-WebSocket-Protocol: tandem.v1\r\n\r\n"

static enum upgrade_result feed(const char *text, size_t size, size_t step, size_t *used,
                                tandem_fault *fault)
{
    static struct upgrade upgrade;
    enum upgrade_result result = UPGRADE_MORE;
    upgrade_init(&upgrade, ACCEPT);
    *used = 0;
    while (*used < size && result == UPGRADE_MORE) {
        size_t taken = 0;
        size_t piece = size - *used < step ? size - *used : step;
        result = upgrade_feed(&upgrade, bytes_of(text + *used, piece), &taken, fault);
        *used += taken;
    }
    return result;
}

static void the_proof_is_that_of_the_rfc(void **state)
{
    (void)state;
    /* RFC 6455, 1.3: the key "dGhlIHNhbXBsZSBub25jZQ==". */
    char key[UPGRADE_KEY_SIZE], accept[UPGRADE_ACCEPT_SIZE];
    assert_true(tls_websocket_key((const uint8_t *)"the sample nonce", key, accept));
    assert_string_equal(key, "dGhlIHNhbXBsZSBub25jZQ==");
    assert_string_equal(accept, ACCEPT);
}

static void a_good_answer_is_taken_in_any_pieces(void **state)
{
    (void)state;
    static const char with_more[] = GOOD "\x82\x02hi";
    size_t used;
    tandem_fault fault;
    for (size_t step = 1; step < sizeof with_more; step++) {
        assert_int_equal(feed(with_more, sizeof with_more - 1, step, &used, &fault), UPGRADE_DONE);
        assert_int_equal(used, sizeof GOOD - 1); /* the frame behind it is left */
    }
    for (size_t size = 0; size < sizeof GOOD - 1; size++)
        assert_int_equal(feed(GOOD, size, 7, &used, &fault), UPGRADE_MORE);
}

static void case_and_white_space_are_as_http_allows(void **state)
{
    (void)state;
    static const char *const good[] = {
        "HTTP/1.1 101\r\nupgrade:WebSocket\r\nCONNECTION: keep-alive ,\tupgrade\r\n"
        "sec-websocket-accept: \t" ACCEPT " \r\nSec-WebSocket-Protocol:tandem.v1\r\n\r\n",
        "HTTP/1.1 101 \r\nServer: x\r\nX-Empty:\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " ACCEPT "\r\nSec-WebSocket-Protocol: tandem.v1\r\n\r\n",
    };
    size_t used;
    tandem_fault fault;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(feed(good[i], strlen(good[i]), 1, &used, &fault), UPGRADE_DONE);
}

#define UPGRADE_LINE "Upgrade: websocket\r\n"
#define CONNECTION_LINE "Connection: Upgrade\r\n"
#define ACCEPT_LINE "Sec-WebSocket-Accept: " ACCEPT "\r\n"
#define PROTOCOL_LINE "Sec-WebSocket-Protocol: tandem.v1\r\n"
#define ALL UPGRADE_LINE CONNECTION_LINE ACCEPT_LINE PROTOCOL_LINE

static void every_wrong_answer_is_refused_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *words;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\n" ALL "\r\n", "200 OK"},
        {"HTTP/1.1 1010 X\r\n" ALL "\r\n", "1010"},
        {"HTTP/1.0 101 X\r\n" ALL "\r\n", "HTTP/1.0 101"},
        {"HTTP/2 101 X\r\n" ALL "\r\n", "HTTP/1.1"},
        {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1"},
        {"\r\n\r\n", "HTTP/1.1"},
        {"HTTP/1.1 403 \x1b[31mred\r\n\r\n", "403 ?[31mred"},
        {"HTTP/1.1 101 X\r\n" CONNECTION_LINE ACCEPT_LINE PROTOCOL_LINE "\r\n", "lacks"},
        {"HTTP/1.1 101 X\r\n" UPGRADE_LINE ACCEPT_LINE PROTOCOL_LINE "\r\n", "lacks"},
        {"HTTP/1.1 101 X\r\n" UPGRADE_LINE CONNECTION_LINE PROTOCOL_LINE "\r\n", "lacks"},
        {"HTTP/1.1 101 X\r\n" UPGRADE_LINE CONNECTION_LINE ACCEPT_LINE "\r\n", "tandem.v1"},
        {"HTTP/1.1 101 X\r\n" ALL UPGRADE_LINE "\r\n", "Upgrade"},
        {"HTTP/1.1 101 X\r\n" ALL ACCEPT_LINE "\r\n", "Accept"},
        {"HTTP/1.1 101 X\r\n" ALL PROTOCOL_LINE "\r\n", "Protocol"},
        {"HTTP/1.1 101 X\r\n" ALL "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
         "extension"},
        {"HTTP/1.1 101 X\r\nUpgrade: h2c\r\n" CONNECTION_LINE ACCEPT_LINE PROTOCOL_LINE "\r\n",
         "Upgrade"},
        {"HTTP/1.1 101 X\r\n" UPGRADE_LINE "Connection: close\r\n" ACCEPT_LINE PROTOCOL_LINE "\r\n",
         "Connection"},
        {"HTTP/1.1 101 X\r\n" UPGRADE_LINE CONNECTION_LINE
         "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" PROTOCOL_LINE "\r\n",
         "Accept"},
        {"HTTP/1.1 101 X\r\n" UPGRADE_LINE CONNECTION_LINE ACCEPT_LINE
         "Sec-WebSocket-Protocol: tandem.v2\r\n\r\n",
         "Protocol"},
        {"HTTP/1.1 101 X\r\n" ALL " folded: line\r\n\r\n", "malformed"},
        {"HTTP/1.1 101 X\r\n" ALL "no colon\r\n\r\n", "malformed"},
        {"HTTP/1.1 101 X\r\n" ALL ": no name\r\n\r\n", "malformed"},
        {"HTTP/1.1 101 X\r\n" ALL "Name : space\r\n\r\n", "malformed"},
        {"HTTP/1.1 101 X\r\n" ALL "Name: a\rb\r\n\r\n", "malformed"},
        {"HTTP/1.1 101 X\r\n" ALL "Name: a\nUpgrade: x\r\n\r\n", "malformed"},
        {"HTTP/1.1 101 X\r\n" ALL "Name: \x01\r\n\r\n", "malformed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t step = 1; step <= 4096; step += 4095) {
            size_t used;
            tandem_fault fault = {0};
            enum upgrade_result result =
                feed(cases[i].answer, strlen(cases[i].answer), step, &used, &fault);
            if (result != UPGRADE_FAILED || strstr(fault.detail, cases[i].words) == NULL)
                fail_msg("case %zu: %d, \"%s\"", i, (int)result, fault.detail);
            assert_int_equal(fault.code, STATUS_UNREACHABLE);
        }
}

static void an_endless_answer_is_cut_off(void **state)
{
    (void)state;
    static char endless[UPGRADE_HEAD_MAX + 100];
    size_t used;
    tandem_fault fault;
    memset(endless, 'a', sizeof endless);
    memcpy(endless, "HTTP/1.1 101 X\r\nName: ", 22);
    assert_int_equal(feed(endless, sizeof endless, 100, &used, &fault), UPGRADE_FAILED);
    assert_true(used <= UPGRADE_HEAD_MAX + 1);
}

/* One byte changed anywhere in a good answer: never read out of bounds, and never taken for good
 * when it is the proof that was changed. */
static void no_changed_byte_goes_unnoticed_in_the_proof(void **state)
{
    (void)state;
    char answer[sizeof GOOD];
    const size_t proof = (size_t)(strstr(GOOD, ACCEPT) - GOOD);
    for (size_t at = 0; at < sizeof GOOD - 1; at++)
        for (unsigned byte = 0; byte < 256; byte++) {
            size_t used;
            tandem_fault fault;
            memcpy(answer, GOOD, sizeof answer);
            if ((unsigned char)answer[at] == byte)
                continue;
            answer[at] = (char)byte;
            enum upgrade_result result = feed(answer, sizeof answer - 1, 4096, &used, &fault);
            bool in_proof = at >= proof && at < proof + sizeof ACCEPT - 1;
            assert_false(in_proof && result == UPGRADE_DONE);
        }
}

static void addresses_are_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *port, *path;
    } good[] = {
        {"wss://localhost", "localhost", "7443", "/"},
        {"WSS://crm.example.com:443/tandem?x=1", "crm.example.com", "443", "/tandem?x=1"},
        {"wss://10.0.0.1:65535/", "10.0.0.1", "65535", "/"},
        {"wss://[::1]:7443/a", "::1", "7443", "/a"},
        {"wss://[fe80::1]", "fe80::1", "7443", "/"},
    };
    static const char *const bad[] = {
        "",          "localhost",        "ws://localhost", "http://localhost", "wss://",
        "wss://:1",  "wss://a:0",        "wss://a:65536",  "wss://a:",         "wss://a:1x",
        "wss://a b", "wss://a/\r\nX: y", "wss://a/ b",     "wss://[::1",       "wss://[::1]x",
        "wss://u@h", "wss://a?q",        "wss://a/#f",     "wss://[]",         "wss://\xc3\xa5"};
    struct url url;
    tandem_fault fault;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_ok(url_parse(good[i].text, &url, &fault));
        assert_string_equal(url.host, good[i].host);
        assert_string_equal(url.port, good[i].port);
        assert_string_equal(url.path, good[i].path);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (url_parse(bad[i], &url, &fault) != STATUS_USAGE || fault.detail[0] == 0)
            fail_msg("\"%s\" is taken", bad[i]);
    assert_int_equal(url_parse(NULL, &url, NULL), STATUS_USAGE);
}

static void the_request_names_the_host_as_http_wants_it(void **state)
{
    (void)state;
    struct url url;
    struct buffer out = {0};
    assert_ok(url_parse("wss://[::1]:99/x", &url, NULL));
    upgrade_request(&url, "dGhlIHNhbXBsZSBub25jZQ==", &out);
    buffer_append_byte(&out, 0);
    assert_string_equal((const char *)out.data,
                        "GET /x HTTP/1.1\r\nHost: [::1]:99\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Protocol: tandem.v1\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    buffer_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_proof_is_that_of_the_rfc),
        cmocka_unit_test(a_good_answer_is_taken_in_any_pieces),
        cmocka_unit_test(case_and_white_space_are_as_http_allows),
        cmocka_unit_test(every_wrong_answer_is_refused_in_words),
        cmocka_unit_test(an_endless_answer_is_cut_off),
        cmocka_unit_test(no_changed_byte_goes_unnoticed_in_the_proof),
        cmocka_unit_test(addresses_are_taken_apart),
        cmocka_unit_test(the_request_names_the_host_as_http_wants_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
