#include "client-lib/link/transport_tls.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "client-lib/base/fault.h"
#include "protocol/memory.h"

struct tls {
    SSL_CTX *context;
    SSL *ssl;
    BIO_METHOD *socket_method;
    struct url url;
    char ca[256]; /* for messages */
};

/* ---- A socket BIO that never raises SIGPIPE ---- */

static int socket_fd(BIO *bio)
{
    return (int)(intptr_t)BIO_get_data(bio);
}

static int socket_result(BIO *bio, ssize_t done, int retry)
{
    BIO_clear_retry_flags(bio);
    if (done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
    return (int)done;
}

static int socket_write(BIO *bio, const char *data, int size)
{
    ssize_t done = send(socket_fd(bio), data, (size_t)size, MSG_NOSIGNAL);
    return socket_result(bio, done, BIO_FLAGS_WRITE);
}

static int socket_read(BIO *bio, char *out, int size)
{
    ssize_t done = recv(socket_fd(bio), out, (size_t)size, 0);
    return socket_result(bio, done, BIO_FLAGS_READ);
}

static long socket_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO *socket_bio(const struct tls *tls, int fd)
{
    BIO *bio = BIO_new(tls->socket_method);
    if (bio != NULL) {
        BIO_set_data(bio, (void *)(intptr_t)fd);
        BIO_set_init(bio, 1);
    }
    return bio;
}

static BIO_METHOD *make_socket_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "tandem socket");
    if (method != NULL && BIO_meth_set_write(method, socket_write) &&
        BIO_meth_set_read(method, socket_read) && BIO_meth_set_ctrl(method, socket_control))
        return method;
    BIO_meth_free(method);
    return NULL;
}

/* ---- Certificates ---- */

/* OpenSSL's newest reason in words, and an empty error queue. */
static const char *reason(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *words = ERR_reason_error_string(code);
    if (words == NULL && ERR_SYSTEM_ERROR(code))
        words = strerror(ERR_GET_REASON(code));
    ERR_clear_error();
    return words != NULL ? words : "unknown reason";
}

static bool readable(const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    fclose(file);
    return true;
}

static enum status bad_file(tandem_fault *fault, enum status status, const char *what,
                            const char *path)
{
    if (!readable(path))
        return trouble(fault, status, "", "cannot read %s %s: %s", what, path, strerror(errno));
    return trouble(fault, status, "", "%s %s cannot be used: %s", what, path, reason());
}

static enum status load_ca(struct tls *tls, const char *ca, tandem_fault *fault)
{
    if (ca == NULL) {
        if (SSL_CTX_set_default_verify_paths(tls->context) == 1)
            return STATUS_OK;
        return trouble(fault, STATUS_UNTRUSTED, "",
                       "the system's trusted certificates cannot be read: %s", reason());
    }
    snprintf(tls->ca, sizeof tls->ca, "%s", ca);
    if (SSL_CTX_load_verify_file(tls->context, ca) == 1)
        return STATUS_OK;
    return bad_file(fault, STATUS_UNTRUSTED, "the CA file", ca);
}

/* Loading a key compares it with the certificate loaded before. */
static bool is_foreign_key(void)
{
    unsigned long code = ERR_peek_last_error();
    return ERR_GET_LIB(code) == ERR_LIB_X509 && ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH;
}

/* What is wrong here is wrong with the caller's own files, whatever the server is. */
static enum status load_certificate(struct tls *tls, const struct link_config *config,
                                    tandem_fault *fault)
{
    if (config->certificate == NULL)
        return STATUS_OK;
    const char *key = config->key != NULL ? config->key : config->certificate;
    if (SSL_CTX_use_certificate_chain_file(tls->context, config->certificate) != 1)
        return bad_file(fault, STATUS_USAGE, "the client certificate", config->certificate);
    bool loaded = SSL_CTX_use_PrivateKey_file(tls->context, key, SSL_FILETYPE_PEM) == 1;
    if (!loaded && !is_foreign_key())
        return bad_file(fault, STATUS_USAGE, "the key of the client certificate", key);
    if (loaded && SSL_CTX_check_private_key(tls->context) == 1)
        return STATUS_OK;
    ERR_clear_error();
    return trouble(fault, STATUS_USAGE, "", "the key %s does not belong to the certificate %s", key,
                   config->certificate);
}

/* Private keys with a passphrase are refused rather than asked for on a terminal. */
static int no_passphrase(char *out, int size, int writing, void *context)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

static enum status set_up(struct tls *tls, const struct link_config *config, tandem_fault *fault)
{
    tls->context = SSL_CTX_new(TLS_client_method());
    tls->socket_method = make_socket_method();
    if (tls->context == NULL || tls->socket_method == NULL)
        return trouble(fault, STATUS_NO_MEMORY, "", "TLS cannot be set up: %s", reason());
    SSL_CTX_set_default_passwd_cb(tls->context, no_passphrase);
    SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(tls->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                       SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION) != 1)
        return trouble(fault, STATUS_INTERNAL, "", "TLS cannot be set up: %s", reason());
    enum status status = load_ca(tls, config->ca, fault);
    return status == STATUS_OK ? load_certificate(tls, config, fault) : status;
}

enum status tls_new(const struct link_config *config, const struct url *url, struct tls **out,
                    tandem_fault *fault)
{
    struct tls *tls = memory_new(sizeof *tls);
    *out = NULL;
    if (tls == NULL)
        return trouble(fault, STATUS_NO_MEMORY, "", "out of memory");
    tls->url = *url;
    ERR_clear_error();
    enum status status = set_up(tls, config, fault);
    if (status != STATUS_OK) {
        tls_free(tls);
        return status;
    }
    *out = tls;
    return STATUS_OK;
}

void tls_free(struct tls *tls)
{
    if (tls == NULL)
        return;
    SSL_free(tls->ssl);
    SSL_CTX_free(tls->context);
    BIO_meth_free(tls->socket_method);
    memory_free(tls);
}

static bool is_address(const char *host)
{
    struct in_addr four;
    struct in6_addr six;
    return inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, host, &six) == 1;
}

enum status tls_attach(struct tls *tls, int fd)
{
    static const unsigned char http[] = "\x08http/1.1";
    SSL_free(tls->ssl);
    tls->ssl = SSL_new(tls->context);
    BIO *bio = socket_bio(tls, fd);
    if (tls->ssl == NULL || bio == NULL) {
        BIO_free(bio);
        return STATUS_NO_MEMORY;
    }
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_connect_state(tls->ssl);
    if (is_address(tls->url.host)) {
        if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls->ssl), tls->url.host) != 1)
            return STATUS_INTERNAL;
    } else {
        SSL_set_hostflags(tls->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        if (SSL_set1_host(tls->ssl, tls->url.host) != 1 ||
            SSL_set_tlsext_host_name(tls->ssl, tls->url.host) != 1)
            return STATUS_INTERNAL;
    }
    return SSL_set_alpn_protos(tls->ssl, http, sizeof http - 1) == 0 ? STATUS_OK : STATUS_INTERNAL;
}

/* ---- Reading and writing ---- */

static enum status untrusted(const struct tls *tls, long verdict, tandem_fault *fault)
{
    const char *host = tls->url.host;
    if (verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH)
        return trouble(fault, STATUS_UNTRUSTED, "",
                       "the server's certificate is not for %s; connect by the name it was made "
                       "for, or have it made for this one",
                       host);
    if (tls->ca[0] != 0)
        return trouble(fault, STATUS_UNTRUSTED, "",
                       "the certificate of %s is not trusted by %s (%s); check that this is the "
                       "CA file of that server",
                       host, tls->ca, X509_verify_cert_error_string(verdict));
    return trouble(fault, STATUS_UNTRUSTED, "",
                   "the certificate of %s is not trusted by this system (%s); name the server's CA "
                   "file",
                   host, X509_verify_cert_error_string(verdict));
}

/* Whether the server's alert means that it wants another client certificate. */
static bool about_our_certificate(unsigned long code)
{
    switch (ERR_GET_REASON(code)) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        return ERR_GET_LIB(code) == ERR_LIB_SSL;
    default:
        return false;
    }
}

static enum tls_result failed(struct tls *tls, int saved_errno, tandem_fault *fault)
{
    unsigned long code = ERR_peek_last_error();
    long verdict = SSL_get_verify_result(tls->ssl);
    if (verdict != X509_V_OK) {
        ERR_clear_error();
        untrusted(tls, verdict, fault);
    } else if (about_our_certificate(code)) {
        trouble(fault, STATUS_UNTRUSTED, "certificate",
                "the server refused the client certificate: %s", reason());
    } else if (code != 0) {
        trouble(fault, STATUS_UNREACHABLE, "", "TLS with %s:%s failed: %s", tls->url.host,
                tls->url.port, reason());
    } else {
        trouble(fault, STATUS_UNREACHABLE, "", "the connection to %s:%s broke: %s", tls->url.host,
                tls->url.port,
                saved_errno != 0 ? strerror(saved_errno) : "closed by the other end");
    }
    return TLS_FAILED;
}

/* What a failed call of SSL means; `done` is what it returned. */
static enum tls_result result(struct tls *tls, int done, int saved_errno, tandem_fault *fault)
{
    switch (SSL_get_error(tls->ssl, done)) {
    case SSL_ERROR_WANT_READ:
        return TLS_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        trouble(fault, STATUS_UNREACHABLE, "", "%s:%s closed the connection", tls->url.host,
                tls->url.port);
        return TLS_CLOSED;
    default:
        return failed(tls, saved_errno, fault);
    }
}

enum tls_result tls_handshake(struct tls *tls, tandem_fault *fault)
{
    ERR_clear_error();
    errno = 0;
    int done = SSL_do_handshake(tls->ssl);
    return done == 1 ? TLS_DONE : result(tls, done, errno, fault);
}

enum tls_result tls_read(struct tls *tls, void *out, size_t size, size_t *got, tandem_fault *fault)
{
    ERR_clear_error();
    errno = 0;
    int done = SSL_read_ex(tls->ssl, out, size, got);
    return done == 1 ? TLS_DONE : result(tls, done, errno, fault);
}

enum tls_result tls_write(struct tls *tls, struct bytes bytes, size_t *put, tandem_fault *fault)
{
    ERR_clear_error();
    errno = 0;
    int done = SSL_write_ex(tls->ssl, bytes.data, bytes.size, put);
    return done == 1 ? TLS_DONE : result(tls, done, errno, fault);
}

bool tls_pending(const struct tls *tls)
{
    return tls->ssl != NULL && SSL_pending(tls->ssl) > 0;
}

void tls_shutdown(struct tls *tls)
{
    if (tls->ssl != NULL && SSL_is_init_finished(tls->ssl))
        (void)SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

/* ---- Hashes ---- */

bool tls_websocket_key(const uint8_t random[16], char key[UPGRADE_KEY_SIZE],
                       char accept[UPGRADE_ACCEPT_SIZE])
{
    /* RFC 6455, 1.3: the accept value is the hash of the key and this constant. */
    static const char suffix[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char joined[UPGRADE_KEY_SIZE - 1 + sizeof suffix - 1];
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_EncodeBlock((unsigned char *)key, random, 16);
    memcpy(joined, key, UPGRADE_KEY_SIZE - 1);
    memcpy(joined + UPGRADE_KEY_SIZE - 1, suffix, sizeof suffix - 1);
    if (EVP_Digest(joined, sizeof joined, hash, &size, EVP_sha1(), NULL) != 1 || size != 20)
        return false;
    EVP_EncodeBlock((unsigned char *)accept, hash, (int)size);
    return true;
}

enum status tls_fingerprint(const char *pem_file, uint8_t out[32], tandem_fault *fault)
{
    unsigned size = 0;
    FILE *file = pem_file != NULL ? fopen(pem_file, "re") : NULL;
    if (file == NULL)
        return trouble(fault, STATUS_IO, "", "cannot read the certificate %s: %s",
                       pem_file != NULL ? pem_file : "", strerror(errno));
    X509 *certificate = PEM_read_X509(file, NULL, no_passphrase, NULL);
    fclose(file);
    bool done = certificate != NULL && X509_digest(certificate, EVP_sha256(), out, &size) == 1 &&
                size == 32;
    X509_free(certificate);
    ERR_clear_error();
    return done ? STATUS_OK
                : trouble(fault, STATUS_INVALID_VALUE, "", "%s has no certificate in PEM form",
                          pem_file);
}
