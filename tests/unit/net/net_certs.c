#include "tests/unit/net/net_certs.h"

#include <assert.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>

static void add_extension(X509 *certificate, X509 *issuer, int which, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, which, value);
    assert(extension);
    assert(X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
}

static X509 *make(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key, int days)
{
    X509 *certificate = X509_new();
    uint32_t serial;
    assert(certificate && RAND_bytes((unsigned char *)&serial, sizeof serial) == 1);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -86400 * 2);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400L * days);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                               (const unsigned char *)name, -1, -1, 0);
    X509 *by = issuer ? issuer : certificate;
    X509_set_issuer_name(certificate, X509_get_subject_name(by));
    add_extension(certificate, by, NID_basic_constraints,
                  issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (issuer)
        add_extension(certificate, by, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
    assert(X509_sign(certificate, issuer_key, EVP_sha256()));
    return certificate;
}

struct test_authority test_authority_make(const char *name)
{
    struct test_authority authority = {.key = EVP_EC_gen("P-256")};
    assert(authority.key);
    authority.certificate = make(name, authority.key, NULL, authority.key, 30);
    return authority;
}

void test_authority_free(struct test_authority *authority)
{
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
}

static void write_certificate(X509 *certificate, const char *path)
{
    FILE *file = fopen(path, "w");
    assert(file && PEM_write_X509(file, certificate));
    fclose(file);
}

void test_authority_write(const struct test_authority *authority, const char *path)
{
    write_certificate(authority->certificate, path);
}

void test_certificate_write_for(const struct test_authority *authority, EVP_PKEY *key,
                                const char *name, int days, const char *certificate_path,
                                const char *key_path, uint8_t fingerprint[32])
{
    X509 *certificate = make(name, key, authority->certificate, authority->key, days);
    write_certificate(certificate, certificate_path);
    FILE *file = fopen(key_path, "w");
    assert(file && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
    fclose(file);
    unsigned int size = 32;
    if (fingerprint)
        assert(X509_digest(certificate, EVP_sha256(), fingerprint, &size));
    X509_free(certificate);
}

void test_certificate_write(const struct test_authority *authority, const char *name, int days,
                            const char *certificate_path, const char *key_path,
                            uint8_t fingerprint[32])
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert(key);
    test_certificate_write_for(authority, key, name, days, certificate_path, key_path,
                               fingerprint);
    EVP_PKEY_free(key);
}
