/* Certificates for tests, made on the spot. */
#ifndef TESTS_NET_CERTS_H
#define TESTS_NET_CERTS_H

#include <openssl/evp.h>
#include <openssl/x509.h>

struct test_authority {
    X509 *certificate;
    EVP_PKEY *key;
};

struct test_authority test_authority_make(const char *name);
void test_authority_free(struct test_authority *authority);
/* Writes PEM files: a certificate for `name` (and 127.0.0.1) signed by the authority, and its
 * key. `days` may be negative. Fills the SHA-256 of the DER when `fingerprint` is not NULL. */
void test_certificate_write(const struct test_authority *authority, const char *name, int days,
                            const char *certificate_path, const char *key_path,
                            uint8_t fingerprint[32]);
/* The same for a key that the caller made. */
void test_certificate_write_for(const struct test_authority *authority, EVP_PKEY *key,
                                const char *name, int days, const char *certificate_path,
                                const char *key_path, uint8_t fingerprint[32]);
void test_authority_write(const struct test_authority *authority, const char *path);

#endif
