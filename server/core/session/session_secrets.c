/* Requests about credentials: one-time codes, certificates, passwords, tokens. What is stored is
 * always a hash; what is handed out is told only once it is durable. */
#include "server/core/session/session_internal.h"

#include <string.h>

#include "server/core/credential.h"
#include "server/core/record/view.h"

#define CODE_GROUPS 5u
#define CODE_GROUP 4u

bool session_submit_credential(struct session *session, struct id user, int kind,
                               struct bytes value, uint64_t expires_ms, enum continuation then,
                               uint64_t number)
{
    struct buffer body = {0};
    credential_body(&body, user, (enum credential_kind)kind, value, expires_ms);
    bool submitted = !body.failed &&
                     session_submit(session, COMMAND_CREDENTIAL, buffer_bytes(&body), then, number);
    if (body.data != NULL) {
        session_wipe(body.data, body.size);
    }
    buffer_release(&body);
    return submitted;
}

void session_note_password(struct session *session, struct bytes phc)
{
    session->by_password = true;
    session->port.digest(session->port.self, phc, session->password_hash);
}

enum status session_password_holds(struct session *session, const struct state *state)
{
    struct bytes phc;
    uint8_t hash[32];
    if (!session->by_password) {
        return STATUS_OK;
    }
    enum status status = credential_password(state, session->user, &phc);
    if (status != STATUS_OK) {
        return status;
    }
    session->port.digest(session->port.self, phc, hash);
    return memcmp(hash, session->password_hash, sizeof hash) == 0 ? STATUS_OK : STATUS_NOT_FOUND;
}

/* Only administrators touch other people's credentials, and only of users that exist. */
static enum status may_administer(struct session *session, struct id user)
{
    struct state state;
    struct meta meta;
    if (!session_look(session, &state, &meta)) {
        return STATUS_INTERNAL;
    }
    struct record *record = &session->cache->record;
    enum status status = view_load(&state, &session->who, user, record);
    session_look_away(session);
    if (status == STATUS_OK && !bytes_is(record->entity, "user")) {
        return STATUS_NOT_FOUND;
    }
    if (status == STATUS_OK && session->who.role != ROLE_ADMINISTRATOR) {
        return STATUS_DENIED;
    }
    return status;
}

/* 100 random bits in Crockford's base 32 (no I, L, O, U), in groups for people. The canonical
 * form that is hashed has no dashes. */
static void make_code(struct session *session, char shown[32], uint8_t hash[32])
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint8_t random[CODE_GROUPS * CODE_GROUP];
    char canonical[CODE_GROUPS * CODE_GROUP];
    session->port.random(session->port.self, random, sizeof random);
    size_t at = 0;
    for (size_t i = 0; i < sizeof random; i++) {
        if (i > 0 && i % CODE_GROUP == 0) {
            shown[at++] = '-';
        }
        shown[at++] = canonical[i] = digits[random[i] & 31];
    }
    shown[at] = '\0';
    session->port.digest(session->port.self, bytes_of(canonical, sizeof canonical), hash);
    session_wipe(random, sizeof random);
    session_wipe(canonical, sizeof canonical);
}

void session_on_invite(struct session *session, const struct msg_invite *invite)
{
    enum status status = may_administer(session, invite->user);
    if (status == STATUS_OK && session->code[0] != '\0') {
        status = STATUS_BUSY;
    }
    if (status == STATUS_OK) {
        uint8_t hash[32];
        make_code(session, session->code, hash);
        session->code_expires =
            session->port.now_ms(session->port.self) + SESSION_CODE_HOURS * UINT64_C(3600000);
        if (!session_submit_credential(session, invite->user, CREDENTIAL_CODE, bytes_of(hash, 32),
                                       session->code_expires, THEN_ANSWER_CODE, invite->request)) {
            session_wipe(session->code, sizeof session->code);
            status = STATUS_BUSY;
        }
    }
    if (status != STATUS_OK) {
        session_refuse(session, &invite->request, status, NULL);
    }
}

void session_on_certificate(struct session *session, const struct msg_certificate *certificate)
{
    enum status status = may_administer(session, certificate->user);
    if (status == STATUS_OK && certificate->fingerprint.size != 32) {
        status = STATUS_INVALID_VALUE;
    }
    if (status == STATUS_OK &&
        !session_submit_credential(session, certificate->user, CREDENTIAL_CERTIFICATE,
                                   certificate->fingerprint, 0, THEN_ANSWER,
                                   certificate->request)) {
        status = STATUS_BUSY;
    }
    if (status != STATUS_OK) {
        session_refuse(session, &certificate->request, status, NULL);
    }
}

/* The new password waits in the session while the old one is compared. */
static enum status begin_password(struct session *session, const struct msg_password *password)
{
    uint64_t wait_ms;
    if (password->new_secret.size < 8) {
        return STATUS_WEAK_PASSWORD;
    }
    if (session->hashing != THEN_NOTHING) {
        return STATUS_BUSY;
    }
    if (!session_attempt(session, session->name, &wait_ms)) {
        return STATUS_TOO_MANY_ATTEMPTS;
    }
    struct state state;
    struct meta meta;
    if (!session_look(session, &state, &meta)) {
        return STATUS_INTERNAL;
    }
    struct hash_request request = {HASH_VERIFY, password->old_secret, {NULL, 0}};
    enum status status = credential_password(&state, session->user, &request.phc);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND) {
        buffer_clear(&session->new_secret);
        buffer_append(&session->new_secret, password->new_secret.data, password->new_secret.size);
        bool begun = !session->new_secret.failed &&
                     session_hash(session, &request, THEN_HASH_CHANGED, password->request);
        status = begun ? STATUS_OK : STATUS_BUSY;
    }
    if (status != STATUS_OK) {
        session_forgive(session);
    }
    session_look_away(session);
    return status;
}

void session_on_password(struct session *session, const struct msg_password *password)
{
    enum status status = begin_password(session, password);
    if (status != STATUS_OK) {
        session_refuse(session, &password->request, status, NULL);
    }
}

static enum status continue_password(struct session *session, enum continuation then,
                                     const struct hash_outcome *outcome, uint64_t request)
{
    if (outcome->busy) {
        session_forgive(session);
        return STATUS_BUSY;
    }
    if (then == THEN_HASH_CHANGED) {
        if (!outcome->matched) {
            return STATUS_SIGN_IN_FAILED;
        }
        session_forgive(session);
        struct hash_request hash = {HASH_CREATE, buffer_bytes(&session->new_secret), {NULL, 0}};
        return session_hash(session, &hash, THEN_STORE_CHANGED, request) ? STATUS_OK : STATUS_BUSY;
    }
    if (outcome->phc[0] == '\0') {
        return STATUS_NO_MEMORY;
    }
    bool submitted = session_submit_credential(session, session->user, CREDENTIAL_PASSWORD,
                                               bytes_text(outcome->phc), 0, THEN_ANSWER, request);
    if (submitted) {
        session->ending_token = true;
        session_note_password(session, bytes_text(outcome->phc));
    }
    return submitted ? STATUS_OK : STATUS_BUSY;
}

void session_continue_password(struct session *session, enum continuation then,
                               const struct hash_outcome *outcome)
{
    uint64_t request = session->hash_request;
    enum status status = continue_password(session, then, outcome, request);
    if (status != STATUS_OK || then == THEN_STORE_CHANGED) {
        session_wipe(session->new_secret.data, session->new_secret.size);
        buffer_clear(&session->new_secret);
    }
    if (status != STATUS_OK) {
        session_refuse(session, &request, status, NULL);
    }
}

void session_on_sign_out(struct session *session, const struct msg_sign_out *sign_out)
{
    bool everywhere = sign_out->everywhere;
    bool submitted;
    if (!everywhere && !session->has_token) {
        struct pending pending = {.number = sign_out->request, .then = THEN_ANSWER};
        session_stored_request(session, &pending, STATUS_OK);
        return;
    }
    submitted = session_submit_credential(
        session, session->user, everywhere ? CREDENTIAL_END_TOKENS : CREDENTIAL_END_TOKEN,
        everywhere ? bytes_of(NULL, 0) : bytes_of(session->token_hash, 32), 0, THEN_ANSWER,
        sign_out->request);
    session->ending_token = session->ending_token || submitted;
    if (!submitted) {
        session_refuse(session, &sign_out->request, STATUS_BUSY, NULL);
    }
}

void session_stored_request(struct session *session, const struct pending *pending,
                            enum status status)
{
    struct message message = {.type = MESSAGE_ANSWER};
    message.as.answer.request = pending->number;
    session->ending_token = false; /* what ends it from now on was somebody else's doing */
    if (status != STATUS_OK) {
        session_refuse(session, &pending->number, status, NULL);
    } else {
        if (pending->then == THEN_ANSWER_CODE) {
            message.as.answer.code = bytes_text(session->code);
            message.as.answer.expires = session->code_expires;
            message_mark(&message, "code");
            message_mark(&message, "expires");
        }
        session_reply(session, &message);
    }
    if (pending->then == THEN_ANSWER_CODE) {
        session_wipe(session->code, sizeof session->code);
    }
}
