#include "server/net/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "protocol/memory.h"

struct tls_material {
    atomic_uint references;
    X509 *leaf;
    STACK_OF(X509) * chain;
    EVP_PKEY *key;
    X509_STORE *authority; /* NULL: no client certificates */
    STACK_OF(X509_NAME) * authority_names;
    int64_t expires;
};

static const char CIPHERS_TLS12[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
/* Tickets and sessions of another service with the same certificate are not ours. */
static const unsigned char SESSION_CONTEXT[] = "tandem";

struct tls_material *tls_material_share(struct tls_material *material)
{
    atomic_fetch_add_explicit(&material->references, 1, memory_order_relaxed);
    return material;
}

void tls_material_drop(struct tls_material *material)
{
    if (!material ||
        atomic_fetch_sub_explicit(&material->references, 1, memory_order_acq_rel) != 1)
        return;
    X509_free(material->leaf);
    sk_X509_pop_free(material->chain, X509_free);
    EVP_PKEY_free(material->key);
    X509_STORE_free(material->authority);
    sk_X509_NAME_pop_free(material->authority_names, X509_NAME_free);
    memory_free(material);
}

int64_t tls_material_expires(const struct tls_material *material)
{
    return material->expires;
}

/* A key file that asks for a passphrase must not make a server wait for a terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

static enum status refuse(struct fault *fault, const char *what, const char *path)
{
    char reason[128] = "";
    unsigned long error = ERR_peek_last_error();
    if (error)
        ERR_error_string_n(error, reason, sizeof reason);
    ERR_clear_error();
    return fault_set(fault, STATUS_INVALID_VALUE, bytes_of(NULL, 0), "%s %s%s%s", what, path,
                     reason[0] ? ": " : "", reason);
}

static enum status load_chain(struct tls_material *material, const char *path, struct fault *fault)
{
    BIO *file = BIO_new_file(path, "r");
    if (!file)
        return refuse(fault, "cannot read the certificate", path);
    material->leaf = PEM_read_bio_X509(file, NULL, no_passphrase, NULL);
    material->chain = sk_X509_new_null();
    X509 *more = NULL;
    bool stored = material->chain != NULL;
    while (material->leaf && stored &&
           (more = PEM_read_bio_X509(file, NULL, no_passphrase, NULL)) != NULL) {
        stored = sk_X509_push(material->chain, more) > 0;
        if (!stored)
            X509_free(more);
    }
    BIO_free(file);
    if (!material->leaf || !stored)
        return refuse(fault, "no certificate in", path);
    ERR_clear_error(); /* the end of the file is told as an error */
    struct tm end;
    if (!ASN1_TIME_to_tm(X509_get0_notAfter(material->leaf), &end))
        return refuse(fault, "the date is not readable in the certificate", path);
    material->expires = (int64_t)timegm(&end);
    if (material->expires <= (int64_t)time(NULL))
        return refuse(fault, "expired: the certificate", path);
    return STATUS_OK;
}

static enum status load_key(struct tls_material *material, const char *path, struct fault *fault)
{
    BIO *file = BIO_new_file(path, "r");
    if (!file)
        return refuse(fault, "cannot read the key", path);
    material->key = PEM_read_bio_PrivateKey(file, NULL, no_passphrase, NULL);
    BIO_free(file);
    if (!material->key)
        return refuse(fault, "no usable private key in", path);
    if (!X509_check_private_key(material->leaf, material->key))
        return refuse(fault, "the certificate does not belong to the key", path);
    return STATUS_OK;
}

static enum status load_authority(struct tls_material *material, const char *path,
                                  struct fault *fault)
{
    if (!path)
        return STATUS_OK;
    material->authority = X509_STORE_new();
    if (!material->authority || !X509_STORE_load_file(material->authority, path))
        return refuse(fault, "cannot read the client authority", path);
    material->authority_names = SSL_load_client_CA_file(path);
    if (!material->authority_names)
        return refuse(fault, "no certificate in the client authority", path);
    return STATUS_OK;
}

enum status tls_material_load(const char *certificate, const char *key, const char *authority,
                              struct tls_material **out, struct fault *fault)
{
    *out = NULL;
    ERR_clear_error();
    struct tls_material *material = memory_new(sizeof *material);
    if (!material)
        return fault_set(fault, STATUS_NO_MEMORY, bytes_of(NULL, 0), "out of memory");
    atomic_init(&material->references, 1);
    enum status status = load_chain(material, certificate, fault);
    if (status == STATUS_OK)
        status = load_key(material, key, fault);
    if (status == STATUS_OK)
        status = load_authority(material, authority, fault);
    if (status == STATUS_OK)
        *out = material;
    else
        tls_material_drop(material);
    return status;
}

bool tls_configure(SSL_CTX *ctx, const uint8_t ticket_keys[TLS_TICKET_KEYS_SIZE])
{
    uint8_t keys[TLS_TICKET_KEYS_SIZE];
    memcpy(keys, ticket_keys, sizeof keys);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    bool done = SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) &&
                SSL_CTX_set_cipher_list(ctx, CIPHERS_TLS12) &&
                SSL_CTX_set_session_id_context(ctx, SESSION_CONTEXT, sizeof SESSION_CONTEXT - 1) &&
                SSL_CTX_set_tlsext_ticket_keys(ctx, keys, sizeof keys) == 1 &&
                SSL_CTX_set_num_tickets(ctx, 1);
    OPENSSL_cleanse(keys, sizeof keys);
    return done;
}

bool tls_use(SSL_CTX *ctx, const struct tls_material *material)
{
    ERR_clear_error();
    if (SSL_CTX_use_cert_and_key(ctx, material->leaf, material->key, material->chain, 1) != 1)
        return false;
    if (!material->authority) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
        return true;
    }
    STACK_OF(X509_NAME) *names = SSL_dup_CA_list(material->authority_names);
    if (!names || SSL_CTX_set1_verify_cert_store(ctx, material->authority) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return false;
    }
    SSL_CTX_set_client_CA_list(ctx, names);
    /* A certificate is asked for, not demanded; one that is shown must be right. OpenSSL's own
     * verdict stands: the library in between would ask a callback and reverse its answer. */
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    return true;
}

bool tls_same_kind(const struct tls_material *a, const struct tls_material *b)
{
    return EVP_PKEY_get_base_id(a->key) == EVP_PKEY_get_base_id(b->key);
}

bool tls_peer_fingerprint(SSL *ssl, uint8_t out[32])
{
    X509 *peer = SSL_get1_peer_certificate(ssl);
    unsigned int size = 0;
    bool known = peer && SSL_get_verify_result(ssl) == X509_V_OK &&
                 X509_digest(peer, EVP_sha256(), out, &size) && size == 32;
    X509_free(peer);
    return known;
}
