/* Rows of the credentials table, which is never synced and never leaves the server.
 *
 *     'p' user              -> {hash: PHC string of Argon2id}
 *     'c' user              -> {hash: sha-256 of the one-time code, expires: ms}
 *     't' sha-256 of token  -> {user, created: ms, expires: ms}
 *     'u' user sha-256      -> {}      tokens of a user, to end them together
 *     'f' sha-256 of DER    -> {user}  client certificate
 *     'x' folded name       -> {user}  a sign-in name, which is never given to anybody else
 *
 * Keys are the letter and the bytes named, values are maps of the wire format.
 */
#ifndef TANDEM_CORE_CREDENTIAL_H
#define TANDEM_CORE_CREDENTIAL_H

#include "server/core/state.h"

enum credential_kind {
    CREDENTIAL_PASSWORD = 1, /* value: PHC string; ends the user's code and tokens */
    CREDENTIAL_CODE = 2,     /* value: sha-256 of the code, 32 bytes */
    CREDENTIAL_TOKEN = 3,    /* value: sha-256 of the token */
    CREDENTIAL_CERTIFICATE = 4, /* value: sha-256 of the certificate in DER */
    CREDENTIAL_END_TOKEN = 5,   /* value: sha-256 of the token */
    CREDENTIAL_END_TOKENS = 6   /* all tokens of the user */
};

/* Body of a COMMAND_CREDENTIAL. */
void credential_body(struct buffer *out, struct id user, enum credential_kind kind,
                     struct bytes value, uint64_t expires_ms);
/* What such a body says; `value` points into it. INVALID_VALUE when it is not one. */
struct credential_change {
    struct id user;
    enum credential_kind kind;
    struct bytes value;
    uint64_t expires_ms;
};
enum status credential_read_body(struct bytes body, struct credential_change *out);

/* A user holds at most this many tokens; a new one pushes out expired ones, then the oldest. */
#define CREDENTIAL_MAX_TOKENS 64u

/* Applies such a body to the state. INVALID_VALUE when it is not one; EXISTS for a certificate
 * that is bound to somebody else. Either leaves the state as it was. */
enum status credential_apply(const struct state *state, struct bytes body, uint64_t at_ms);

/* Forgets every credential of a user who is no more, their certificates included. */
enum status credential_forget_user(const struct state *state, struct id user);

/* Sign-in names, compared without regard to ASCII case. A name has at most this many bytes. */
#define CREDENTIAL_NAME_MAX 63u
/* Whether the name was ever given to anybody. */
enum status credential_name_taken(const struct state *state, struct bytes name, bool *taken);
/* Keeps the name for the user for ever. */
enum status credential_take_name(const struct state *state, struct bytes name, struct id user);

/* PHC string of the user's password, valid as long as the snapshot; NOT_FOUND when they have none yet. */
enum status credential_password(const struct state *state, struct id user, struct bytes *phc);
/* OK when a code with this hash is good for the user at `now_ms`, NOT_FOUND when it is not. */
enum status credential_code_valid(const struct state *state, struct id user,
                                  const uint8_t hash[32], uint64_t now_ms);
enum status credential_token_user(const struct state *state, const uint8_t hash[32],
                                  uint64_t now_ms, struct id *user);
enum status credential_certificate_user(const struct state *state, const uint8_t hash[32],
                                        struct id *user);

#endif
