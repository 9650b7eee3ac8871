/* Rows of the credentials table, which is never synced and never leaves the server.
 *
 *     'p' user              -> {hash: PHC string of Argon2id}
 *     'c' user              -> {hash: sha-256 of the one-time code, expires: ms}
 *     't' sha-256 of token  -> {user, created: ms, expires: ms}
 *     'u' user sha-256      -> {}      tokens of a user, to end them together
 *     'f' sha-256 of DER    -> {user}  client certificate
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
/* Applies such a body to the state. INVALID_VALUE when it is not one. */
enum status credential_apply(const struct state *state, struct bytes body, uint64_t at_ms);

/* PHC string of the user's password; NOT_FOUND when they have none yet. */
enum status credential_password(const struct state *state, struct id user, struct bytes *phc);
/* Whether a code with this hash is good for the user at `now_ms`. */
bool credential_code_valid(const struct state *state, struct id user, const uint8_t hash[32],
                           uint64_t now_ms);
enum status credential_token_user(const struct state *state, const uint8_t hash[32],
                                  uint64_t now_ms, struct id *user);
enum status credential_certificate_user(const struct state *state, const uint8_t hash[32],
                                        struct id *user);

#endif
