/* What the server shows and whom it believes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/net/net_fixture.h"

static struct net_fixture fixture;
static char client_pem[96], client_key[96];

static int start(void **state)
{
    (void)state;
    net_fixture_init(&fixture);
    net_fixture_path(&fixture, "client.pem", client_pem);
    net_fixture_path(&fixture, "client.key", client_key);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    net_fixture_release(&fixture);
    return 0;
}

static bool opens(const struct net_client_options *options)
{
    struct net_client client;
    bool open = net_client_open(&client, server_address(fixture.server), options);
    /* In TLS 1.3 the client is done before the server has judged it: only an answer counts. */
    open = open && net_client_send_text(&client, "e") && net_client_expect(&client, "e");
    net_client_close(&client);
    return open;
}

static void expect_fingerprint(const struct net_client_options *options, const char *hex)
{
    struct net_client client;
    assert_true(net_client_open(&client, server_address(fixture.server), options));
    assert_true(net_client_send_text(&client, "f"));
    assert_true(net_client_expect(&client, hex));
    net_client_close(&client);
}

static void test_client_certificates(void **state)
{
    (void)state;
    fixture.options.authority = fixture.authority;
    net_fixture_start(&fixture);
    uint8_t fingerprint[32];
    char hex[65];
    test_certificate_write(&fixture.ca, "kari", 10, client_pem, client_key, fingerprint);
    for (size_t i = 0; i < sizeof fingerprint; i++)
        snprintf(hex + 2 * i, 3, "%02x", fingerprint[i]);
    struct net_client_options with = {.authority = fixture.authority, .certificate = client_pem,
                                      .key = client_key};
    struct net_client_options without = {.authority = fixture.authority};
    expect_fingerprint(&with, hex);
    expect_fingerprint(&without, "none");
    with.max_version = TLS1_2_VERSION;
    expect_fingerprint(&with, hex);
}

static void test_rogue_certificates(void **state)
{
    (void)state;
    fixture.options.authority = fixture.authority;
    net_fixture_start(&fixture);
    struct net_client_options rogue = {.authority = fixture.authority, .certificate = client_pem,
                                       .key = client_key};
    /* Another authority of the very same name. */
    struct test_authority stranger = test_authority_make("test authority");
    for (int version = 0; version <= TLS1_2_VERSION; version += TLS1_2_VERSION) {
        rogue.max_version = version;
        test_certificate_write(&stranger, "kari", 10, client_pem, client_key, NULL);
        assert_false(opens(&rogue));
        /* Of ours, but over. */
        test_certificate_write(&fixture.ca, "kari", -1, client_pem, client_key, NULL);
        assert_false(opens(&rogue));
        /* Signed by itself: the authority's own key shown as a client's. */
        test_authority_write(&stranger, client_pem);
        FILE *file = fopen(client_key, "w");
        assert_non_null(file);
        assert_true(PEM_write_PrivateKey(file, stranger.key, NULL, NULL, 0, NULL, NULL));
        fclose(file);
        assert_false(opens(&rogue));
    }
    test_authority_free(&stranger);
    assert_int_equal(atomic_load(&fake_sessions_alive), 0);
}

/* Without an authority nobody is asked, and what is shown unasked counts for nothing. */
static void test_no_authority(void **state)
{
    (void)state;
    net_fixture_start(&fixture);
    test_certificate_write(&fixture.ca, "kari", 10, client_pem, client_key, NULL);
    struct net_client_options with = {.authority = fixture.authority, .certificate = client_pem,
                                      .key = client_key};
    expect_fingerprint(&with, "none");
}

static void test_versions_and_suites(void **state)
{
    (void)state;
    net_fixture_start(&fixture);
    struct net_client_options options = {.authority = fixture.authority};
    assert_true(opens(&options));
    options.max_version = TLS1_2_VERSION;
    assert_true(opens(&options));
    static const char *const good[] = {"ECDHE-ECDSA-AES128-GCM-SHA256",
                                       "ECDHE-ECDSA-AES256-GCM-SHA384",
                                       "ECDHE-ECDSA-CHACHA20-POLY1305"};
    static const char *const bad[] = {"ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA",
                                      "ECDHE-ECDSA-AES128-CCM8"};
    for (size_t i = 0; i < 3; i++) {
        options.ciphers = good[i];
        assert_true(opens(&options));
        options.ciphers = bad[i];
        assert_false(opens(&options));
    }
    options.ciphers = "ALL:@SECLEVEL=0";
    options.max_version = TLS1_1_VERSION;
    assert_false(opens(&options));
}

/* Tickets of one thread are good on the other: connections are dealt out in turn. */
static void test_resumption(void **state)
{
    (void)state;
    net_fixture_start(&fixture);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct net_client_options options = {.authority = fixture.authority,
                                             .max_version = version};
        struct net_client client;
        assert_true(net_client_open(&client, server_address(fixture.server), &options));
        assert_true(net_client_send_text(&client, "e"));
        assert_true(net_client_expect(&client, "e"));
        options.resume = SSL_get1_session(client.ssl);
        net_client_close(&client);
        assert_non_null(options.resume);
        assert_true(net_client_open(&client, server_address(fixture.server), &options));
        assert_int_equal(SSL_session_reused(client.ssl), 1);
        assert_true(net_client_send_text(&client, "e resumed"));
        assert_true(net_client_expect(&client, "e resumed"));
        net_client_close(&client);
        SSL_SESSION_free(options.resume);
    }
}

/* The name in the certificate that a new connection is shown. */
static void shown_name(char out[64])
{
    struct net_client client;
    struct net_client_options options = {.authority = fixture.authority};
    assert_true(net_client_open(&client, server_address(fixture.server), &options));
    X509 *shown = SSL_get1_peer_certificate(client.ssl);
    X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, out, 64);
    X509_free(shown);
    net_client_close(&client);
}

static void expect_shown_everywhere(const char *name)
{
    for (int i = 0; i < 4; i++) { /* two threads, twice */
        char shown[64] = "";
        shown_name(shown);
        assert_string_equal(shown, name);
    }
}

static void test_reload(void **state)
{
    (void)state;
    net_fixture_start(&fixture);
    struct net_client before;
    struct fault fault;
    net_fixture_connect(&fixture, &before);
    expect_shown_everywhere("first");
    test_certificate_write(&fixture.ca, "second", 10, fixture.certificate, fixture.key, NULL);
    assert_int_equal(server_reload(fixture.server, &fault), STATUS_OK);
    expect_shown_everywhere("second");
    /* Who was there stays. */
    assert_true(net_client_send_text(&before, "e still"));
    assert_true(net_client_expect(&before, "e still"));
    net_client_close(&before);
}

static void test_reload_refused(void **state)
{
    (void)state;
    net_fixture_start(&fixture);
    struct fault fault;
    char other_key[96];
    /* A certificate with the key of another. */
    net_fixture_path(&fixture, "other.key", other_key);
    test_certificate_write(&fixture.ca, "second", 10, fixture.certificate, other_key, NULL);
    fault_clear(&fault);
    assert_int_equal(server_reload(fixture.server, &fault), STATUS_INVALID_VALUE);
    assert_non_null(strstr(fault.detail, fixture.key));
    expect_shown_everywhere("first");
    /* One that is over. */
    test_certificate_write(&fixture.ca, "third", -1, fixture.certificate, fixture.key, NULL);
    assert_int_equal(server_reload(fixture.server, &fault), STATUS_INVALID_VALUE);
    assert_non_null(strstr(fault.detail, "expired"));
    /* One for another kind of key: contexts would go on showing the old one to many. */
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    assert_non_null(rsa);
    test_certificate_write_for(&fixture.ca, rsa, "fourth", 10, fixture.certificate, fixture.key,
                               NULL);
    EVP_PKEY_free(rsa);
    assert_int_equal(server_reload(fixture.server, &fault), STATUS_INVALID_VALUE);
    assert_non_null(strstr(fault.detail, "restart"));
    /* None at all. */
    remove(fixture.certificate);
    assert_int_equal(server_reload(fixture.server, &fault), STATUS_INVALID_VALUE);
    expect_shown_everywhere("first");
}

static void test_start_refused(void **state)
{
    (void)state;
    struct server_ports ports = {.store = fixture.store};
    struct server *server;
    struct fault fault;
    struct server_options options = fixture.options;
    options.listen = "nowhere";
    assert_int_equal(server_start(&options, &ports, &server, &fault), STATUS_INVALID_VALUE);
    assert_null(server);
    options = fixture.options;
    options.authority = "/nonexistent.pem";
    assert_int_equal(server_start(&options, &ports, &server, &fault), STATUS_INVALID_VALUE);
    assert_non_null(strstr(fault.detail, "/nonexistent.pem"));
    options = fixture.options;
    options.key = fixture.certificate;
    assert_int_equal(server_check(&options, &fault), STATUS_INVALID_VALUE);
    assert_int_equal(server_check(&fixture.options, &fault), STATUS_OK);
    /* An address that somebody has. */
    net_fixture_start(&fixture);
    options = fixture.options;
    options.listen = server_address(fixture.server);
    assert_int_equal(server_start(&options, &ports, &server, &fault), STATUS_IO);
    assert_non_null(strstr(fault.detail, "cannot listen"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_client_certificates, start, stop),
        cmocka_unit_test_setup_teardown(test_rogue_certificates, start, stop),
        cmocka_unit_test_setup_teardown(test_no_authority, start, stop),
        cmocka_unit_test_setup_teardown(test_versions_and_suites, start, stop),
        cmocka_unit_test_setup_teardown(test_resumption, start, stop),
        cmocka_unit_test_setup_teardown(test_reload, start, stop),
        cmocka_unit_test_setup_teardown(test_reload_refused, start, stop),
        cmocka_unit_test_setup_teardown(test_start_refused, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
