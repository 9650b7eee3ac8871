/* The connection over real sockets and TLS: what is trusted, what is refused and in which words. */
#include "support.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client-lib/link/link.h"
#include "client-lib/link/transport_tls.h"
#include "tests/unit/net/net_certs.h"
#include "tls_peer.h"

struct files {
    char *folder;
    char ca[128], other_ca[128], certificate[128], key[128], expired[128], expired_key[128];
    uint8_t fingerprint[32];
};

static struct files files;

static int make_files(void **state)
{
    (void)state;
    files.folder = folder_new();
    snprintf(files.ca, sizeof files.ca, "%s/ca.pem", files.folder);
    snprintf(files.other_ca, sizeof files.other_ca, "%s/other.pem", files.folder);
    snprintf(files.certificate, sizeof files.certificate, "%s/server.pem", files.folder);
    snprintf(files.key, sizeof files.key, "%s/server.key", files.folder);
    snprintf(files.expired, sizeof files.expired, "%s/expired.pem", files.folder);
    snprintf(files.expired_key, sizeof files.expired_key, "%s/expired.key", files.folder);
    struct test_authority authority = test_authority_make("Test authority");
    struct test_authority other = test_authority_make("Other authority");
    test_authority_write(&authority, files.ca);
    test_authority_write(&other, files.other_ca);
    test_certificate_write(&authority, "localhost", 5, files.certificate, files.key,
                           files.fingerprint);
    test_certificate_write(&authority, "localhost", -1, files.expired, files.expired_key, NULL);
    test_authority_free(&authority);
    test_authority_free(&other);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    folder_remove(files.folder);
    return 0;
}

/* What became of a connection. */
struct story {
    struct link *link;
    unsigned opened, closed, close_code;
    tandem_fault fault;
    struct buffer received;
    size_t messages;
};

static void on_opened(void *context)
{
    ((struct story *)context)->opened++;
}

static void on_message(void *context, struct bytes frame)
{
    struct story *story = context;
    story->messages++;
    buffer_clear(&story->received);
    buffer_append(&story->received, frame.data, frame.size);
}

static void on_closed(void *context, unsigned close_code, const tandem_fault *fault)
{
    struct story *story = context;
    story->closed++;
    story->close_code = close_code;
    story->fault = *fault;
}

static enum status begin(struct story *story, const struct peer *peer, const char *host,
                         struct link_config config)
{
    char url[64];
    const struct link_events events = {story, on_opened, on_message, on_closed};
    snprintf(url, sizeof url, "wss://%s:%u", host, peer->port);
    config.url = url;
    memset(story, 0, sizeof *story);
    return link_tls()->open(&config, port_system(), &events, &story->link, &story->fault);
}

/* Runs the link until it has closed, or opened or received as many messages as wanted; 20 s at
 * most. */
static void run_until(struct story *story, bool opened, size_t messages)
{
    const struct link_ops *ops = link_tls();
    for (int i = 0; i < 4000; i++) {
        ops->run(story->link);
        if (story->closed > 0 || (opened && story->opened > 0) ||
            (messages > 0 && story->messages >= messages))
            return;
        if (ops->more(story->link))
            continue;
        int want = ops->want(story->link);
        struct pollfd fd = {.fd = ops->fd(story->link),
                            .events = (short)(((want & TANDEM_WANT_READ) != 0 ? POLLIN : 0) |
                                              ((want & TANDEM_WANT_WRITE) != 0 ? POLLOUT : 0))};
        assert_true(poll(&fd, 1, 20000) > 0);
    }
    fail();
}

static void end(struct story *story)
{
    link_tls()->free(story->link);
    buffer_release(&story->received);
}

static struct peer usual(enum peer_manner manner)
{
    return (struct peer){.address = "127.0.0.1",
                         .certificate = files.certificate,
                         .key = files.key,
                         .manner = manner};
}

/* Starts the peer, connects, and runs to the end, which must be this. */
static void expect_end(struct peer peer, const char *host, struct link_config config,
                       enum status status, const char *words)
{
    struct story story;
    peer_start(&peer);
    assert_ok(begin(&story, &peer, host, config));
    run_until(&story, false, 0);
    assert_int_equal(story.closed, 1);
    assert_int_equal(story.fault.code, status);
    if (strstr(story.fault.detail, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", story.fault.detail, words);
    end(&story);
    assert_true(peer_finish(&peer));
}

static void messages_travel_whole(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 125, 126, 5000, 200000};
    for (int tls12 = 0; tls12 < 2; tls12++) {
        struct peer peer = usual(PEER_ECHO);
        struct story story;
        peer.tls12 = tls12 == 1;
        peer_start(&peer);
        assert_ok(begin(&story, &peer, "localhost", (struct link_config){.ca = files.ca}));
        run_until(&story, true, 0);
        assert_int_equal(story.closed, 0);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            uint8_t *data = malloc(sizes[i]);
            assert_non_null(data);
            for (size_t at = 0; at < sizes[i]; at++)
                data[at] = (uint8_t)(at * 7 + i);
            assert_ok(link_tls()->send(story.link, bytes_of(data, sizes[i])));
            run_until(&story, false, i + 1);
            assert_int_equal(story.closed, 0);
            assert_int_equal(story.received.size, sizes[i]);
            assert_memory_equal(story.received.data, data, sizes[i]);
            free(data);
        }
        link_tls()->close(story.link, 1000);
        end(&story);
        assert_true(peer_finish(&peer));
    }
}

static void a_message_may_come_with_the_upgrade(void **state)
{
    (void)state;
    struct peer peer = usual(PEER_EARLY);
    struct story story;
    peer_start(&peer);
    assert_ok(begin(&story, &peer, "127.0.0.1", (struct link_config){.ca = files.ca}));
    run_until(&story, false, 1);
    assert_int_equal(story.opened, 1);
    assert_true(bytes_is(buffer_bytes(&story.received), "hi"));
    link_tls()->close(story.link, 1000);
    end(&story);
    assert_true(peer_finish(&peer));
}

static void a_close_code_arrives(void **state)
{
    (void)state;
    struct peer peer = usual(PEER_CLOSE);
    struct story story;
    peer_start(&peer);
    assert_ok(begin(&story, &peer, "127.0.0.1", (struct link_config){.ca = files.ca}));
    run_until(&story, false, 0);
    assert_int_equal(story.close_code, 4003);
    end(&story);
    assert_true(peer_finish(&peer));
}

static void whom_not_to_trust(void **state)
{
    (void)state;
    const struct link_config good = {.ca = files.ca}, bad = {.ca = files.other_ca};
    expect_end(usual(PEER_ECHO), "127.0.0.1", bad, STATUS_UNTRUSTED, files.other_ca);
    struct peer elsewhere = usual(PEER_ECHO);
    elsewhere.address = "127.0.0.2";
    expect_end(elsewhere, "127.0.0.2", good, STATUS_UNTRUSTED, "is not for 127.0.0.2");
    struct peer expired = usual(PEER_ECHO);
    expired.certificate = files.expired;
    expired.key = files.expired_key;
    expect_end(expired, "localhost", good, STATUS_UNTRUSTED, "expired");
    /* Without a file of its own: the system knows nothing of it. */
    expect_end(usual(PEER_ECHO), "127.0.0.1", (struct link_config){0}, STATUS_UNTRUSTED,
               "not trusted by this system");
}

static void what_is_no_tandem_server(void **state)
{
    (void)state;
    const struct link_config good = {.ca = files.ca};
    expect_end(usual(PEER_NOT_FOUND), "127.0.0.1", good, STATUS_UNREACHABLE, "404 Not Found");
    expect_end(usual(PEER_WRONG_PROOF), "127.0.0.1", good, STATUS_UNREACHABLE,
               "Sec-WebSocket-Accept");
    expect_end(usual(PEER_VANISH), "127.0.0.1", good, STATUS_UNREACHABLE, "");
    expect_end(usual(PEER_TEXT), "127.0.0.1", good, STATUS_UNREACHABLE, "");
}

static void a_server_may_want_a_certificate(void **state)
{
    (void)state;
    struct peer peer = usual(PEER_CLOSE);
    peer.client_ca = files.ca;
    expect_end(peer, "127.0.0.1", (struct link_config){.ca = files.ca}, STATUS_UNTRUSTED,
               "client certificate");
    expect_end(
        peer, "127.0.0.1",
        (struct link_config){.ca = files.ca, .certificate = files.certificate, .key = files.key},
        STATUS_UNREACHABLE, "closed the connection");
}

static void files_that_cannot_be_used_are_named(void **state)
{
    (void)state;
    const struct peer nobody = {.port = 1};
    struct story story;
    const struct link_config cases[] = {
        {.ca = "/nonexistent/ca.pem"},
        {.ca = files.key},
        {.ca = files.ca, .certificate = "/nonexistent/cert.pem"},
        {.ca = files.ca, .certificate = files.certificate, .key = files.expired_key},
    };
    static const char *const words[] = {"/nonexistent/ca.pem", "server.key",
                                        "/nonexistent/cert.pem",
                                        "expired.key does not belong to the certificate"};
    /* One's own files say nothing about whether the server is to be trusted. */
    static const enum status codes[] = {STATUS_UNTRUSTED, STATUS_UNTRUSTED, STATUS_USAGE,
                                        STATUS_USAGE};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(begin(&story, &nobody, "127.0.0.1", cases[i]), codes[i]);
        assert_non_null(strstr(story.fault.detail, words[i]));
    }
}

static void nobody_there_is_told_with_the_address(void **state)
{
    (void)state;
    struct peer peer = usual(PEER_ECHO);
    struct story story;
    peer_start(&peer); /* takes a port, which is free again once it is gone */
    kill(peer.process, SIGKILL);
    (void)peer_finish(&peer);
    enum status status = begin(&story, &peer, "127.0.0.1", (struct link_config){.ca = files.ca});
    if (status == STATUS_OK) {
        run_until(&story, false, 0);
        status = (enum status)story.fault.code;
        end(&story);
    }
    assert_int_equal(status, STATUS_UNREACHABLE);
    assert_non_null(strstr(story.fault.detail, "127.0.0.1:"));
}

static void a_fingerprint_is_that_of_the_certificate(void **state)
{
    (void)state;
    uint8_t fingerprint[32];
    tandem_fault fault;
    assert_ok(tls_fingerprint(files.certificate, fingerprint, &fault));
    assert_memory_equal(fingerprint, files.fingerprint, 32);
    assert_int_equal(tls_fingerprint(files.key, fingerprint, &fault), STATUS_INVALID_VALUE);
    assert_int_equal(tls_fingerprint("/nonexistent", fingerprint, &fault), STATUS_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_travel_whole),
        cmocka_unit_test(a_message_may_come_with_the_upgrade),
        cmocka_unit_test(a_close_code_arrives),
        cmocka_unit_test(whom_not_to_trust),
        cmocka_unit_test(what_is_no_tandem_server),
        cmocka_unit_test(a_server_may_want_a_certificate),
        cmocka_unit_test(files_that_cannot_be_used_are_named),
        cmocka_unit_test(nobody_there_is_told_with_the_address),
        cmocka_unit_test(a_fingerprint_is_that_of_the_certificate),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
