/* From `hello` to `welcome`.
 *
 * Every way in ends in a user whose principal loads, or in one and the same refusal. Where a
 * secret that people choose is involved, an unknown name costs the same hashing as a known one.
 * Nothing is told before the outcome is certain and, when something had to be stored, durable.
 *
 *     password:     check ---------------------------+-> [store token] -> welcome
 *     code:         hash the new one -> store it ----+
 *     token, certificate: look up -------------------+
 */
#include "server/core/session/session_internal.h"

#include <string.h>

#include "protocol/wire.h"
#include "server/core/apply/apply_number.h"
#include "server/core/credential.h"

#define CODE_CHARACTERS 20u

/* A wrong guess, or one like it: it stays counted. */
static void fail_sign_in(struct session *session)
{
    session_refuse(session, NULL, STATUS_SIGN_IN_FAILED, NULL);
    session_close(session, CLOSE_SIGN_IN);
}

static void fail_with(struct session *session, enum status status, enum close_code code)
{
    session_forgive(session);
    session_refuse(session, NULL, status, NULL);
    session_close(session, code);
}

/* A secret that is not there is wrong; whether it is there could not be told otherwise. */
static void fail_lookup(struct session *session, enum status status)
{
    if (status == STATUS_NOT_FOUND) {
        fail_sign_in(session);
    } else {
        fail_with(session, status, CLOSE_SERVER_ERROR);
    }
}

static bool speaks_version(struct bytes versions)
{
    struct wire_reader reader = wire_read(versions);
    uint32_t count;
    uint64_t version;
    if (!wire_get_array(&reader, &count)) {
        return false;
    }
    while (count-- > 0 && wire_get_uint(&reader, &version)) {
        if (version == PROTOCOL_VERSION) {
            return true;
        }
    }
    return false;
}

static enum status put_parties(struct buffer *out, const struct state *state,
                               const struct principal *who, struct record *scratch)
{
    size_t begin = wire_begin_array(out);
    uint32_t count = 0, total = who->partner ? 1 : who->department_count;
    for (uint32_t i = 0; i < total; i++) {
        struct id party = who->partner ? who->party : who->departments[i];
        struct bytes encoded;
        enum status status = state->ops->record(state->self, party, &encoded);
        if (status == STATUS_NOT_FOUND) {
            continue;
        }
        if (status == STATUS_OK) {
            status = record_decode(encoded, scratch);
        }
        if (status != STATUS_OK) {
            return status;
        }
        wire_put_map(out, 3);
        wire_put_text(out, "id");
        wire_put_id(out, party);
        wire_put_text(out, "name");
        wire_put_str(out, record_text(scratch, "name"));
        wire_put_text(out, "kind");
        wire_put_str(out, record_text(scratch, "kind"));
        count++;
    }
    wire_end(out, begin, count);
    return out->failed ? STATUS_NO_MEMORY : STATUS_OK;
}

static void put_limits(struct buffer *out)
{
    static const struct {
        const char *name;
        uint32_t value;
    } limits[] = {
        {"messageBytes", LIMIT_MESSAGE_BYTES},
        {"recordBytes", LIMIT_RECORD_BYTES},
        {"changes", LIMIT_CHANGES},
        {"fields", LIMIT_FIELDS},
        {"page", LIMIT_PAGE},
        {"window", LIMIT_WINDOW},
        {"inFlight", LIMIT_IN_FLIGHT},
        {"scopes", LIMIT_SCOPES},
        {"prefer", LIMIT_PREFER},
        {"check", LIMIT_CHECK},
        {"notes", LIMIT_NOTES_OPEN},
        {"noteText", LIMIT_NOTE_TEXT},
        {"notePush", LIMIT_NOTE_PUSH},
    };
    wire_put_map(out, sizeof limits / sizeof *limits);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        wire_put_text(out, limits[i].name);
        wire_put_uint(out, limits[i].value);
    }
}

/* A client id that is somebody else's has no numbers here; its mutations will be refused. */
static enum status last_number(const struct session *session, const struct state *state,
                               uint64_t *out)
{
    struct number_row row;
    enum status status = number_read(state, session->client, session->who.user, &row);
    *out = status == STATUS_OK && id_equal(row.user, session->who.user) ? row.last : 0;
    return status;
}

static void say_welcome(struct session *session, const struct state *state, const struct meta *meta)
{
    struct buffer parties = {0}, limits = {0};
    struct message message = {.type = MESSAGE_WELCOME};
    struct msg_welcome *welcome = &message.as.welcome;
    enum status status = put_parties(&parties, state, &session->who, &session->cache->record);
    if (status == STATUS_OK) {
        status = last_number(session, state, &welcome->last_number);
    }
    put_limits(&limits);
    welcome->version = PROTOCOL_VERSION;
    welcome->user = session->who.user;
    welcome->name = bytes_text(session->who.name);
    welcome->role = bytes_text(role_name(session->who.role));
    welcome->parties = buffer_bytes(&parties);
    welcome->epoch = meta->epoch;
    welcome->time = session->port.now_ms(session->port.self);
    welcome->limits = buffer_bytes(&limits);
    message_mark(&message, "parties");
    message_mark(&message, "limits");
    if (session->token[0] != '\0') {
        welcome->token = bytes_text(session->token);
        message_mark(&message, "token");
    }
    if (status == STATUS_OK && limits.failed) {
        status = STATUS_NO_MEMORY;
    }
    if (status == STATUS_OK) {
        session_reply(session, &message);
    } else {
        session_refuse(session, NULL, status, NULL);
        session_close(session, CLOSE_SERVER_ERROR);
    }
    session_wipe(session->token, sizeof session->token);
    buffer_release(&parties);
    buffer_release(&limits);
}

/* The user is certain and everything is stored. Their principal is read only now, so that who
 * was disabled meanwhile does not come in. */
static void complete(struct session *session)
{
    struct state state;
    struct meta meta;
    if (!session_look(session, &state, &meta)) {
        return;
    }
    enum status status = session_load_principal(session, &state);
    /* Comparing takes its time, in which the password may have been changed. */
    if (status == STATUS_OK) {
        status = session_password_holds(session, &state);
    }
    if (status == STATUS_OK && !interest_user(session->interest, session, session->user)) {
        status = STATUS_NO_MEMORY;
    }
    if (status == STATUS_OK) {
        session_forgive(session);
        session->people_seen = meta.seq > 0 ? meta.seq : 1;
        bytes_to_text(bytes_text(session->who.name), session->name, sizeof session->name);
        session_move(session, PHASE_SIGNED_IN);
        say_welcome(session, &state, &meta);
        session_charge(session, 0); /* other sessions of the user may have used up what they have */
    } else {
        fail_lookup(session, status);
    }
    session_look_away(session);
}

/* A user who is disabled, or whose partner is gone, is refused like one who guesses. */
static bool may_come_in(struct session *session)
{
    struct state state;
    struct meta meta;
    if (!session_look(session, &state, &meta)) {
        return false;
    }
    enum status status = session_load_principal(session, &state);
    session_look_away(session);
    if (status != STATUS_OK) {
        fail_lookup(session, status);
    }
    return status == STATUS_OK;
}

/* The secret was right: issue the token that was asked for, then welcome. */
static void accept(struct session *session)
{
    if (!may_come_in(session)) {
        return;
    }
    if (!session->remember) {
        complete(session);
        return;
    }
    uint8_t random[32];
    session->port.random(session->port.self, random, sizeof random);
    session_hex(random, sizeof random, session->token);
    session_wipe(random, sizeof random);
    session->port.digest(session->port.self, bytes_text(session->token), session->token_hash);
    session->has_token = true;
    uint64_t expires =
        session->port.now_ms(session->port.self) + SESSION_TOKEN_DAYS * SESSION_DAY_MS;
    if (!session_submit_credential(session, session->user, CREDENTIAL_TOKEN,
                                   bytes_of(session->token_hash, 32), expires, THEN_WELCOME, 0)) {
        fail_with(session, STATUS_BUSY, CLOSE_SERVER_ERROR);
    }
}

static void hash_or_fail(struct session *session, const struct hash_request *request,
                         enum continuation then)
{
    if (!session_hash(session, request, then, 0)) {
        fail_with(session, STATUS_BUSY, CLOSE_SERVER_ERROR);
    }
}

static void check_password(struct session *session, const struct state *state,
                           const struct msg_hello *hello)
{
    struct hash_request request = {HASH_VERIFY, hello->secret, {NULL, 0}};
    enum status status = principal_find_user(state, hello->user, &session->user);
    if (status == STATUS_OK) {
        status = credential_password(state, session->user, &request.phc);
    }
    if (status == STATUS_OK) {
        session_note_password(session, request.phc);
        hash_or_fail(session, &request, THEN_CHECK_PASSWORD);
    } else if (status == STATUS_NOT_FOUND) {
        hash_or_fail(session, &request, THEN_REFUSE);
    } else {
        fail_with(session, status, CLOSE_SERVER_ERROR);
    }
}

/* Codes are written with dashes and in either case for people. */
static void code_hash(struct session *session, struct bytes code, uint8_t hash[32])
{
    char canonical[CODE_CHARACTERS + 1];
    size_t size = 0;
    for (size_t i = 0; i < code.size && size < CODE_CHARACTERS + 1; i++) {
        char c = (char)code.data[i];
        if (c != '-' && c != ' ') {
            canonical[size++] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
        }
    }
    session->port.digest(session->port.self, bytes_of(canonical, size), hash);
    session_wipe(canonical, sizeof canonical);
}

static void use_code(struct session *session, const struct state *state,
                     const struct msg_hello *hello)
{
    if (hello->new_secret.size == 0) {
        fail_with(session, STATUS_CODE_NEEDS_PASSWORD, CLOSE_SIGN_IN);
        return;
    }
    if (hello->new_secret.size < 8) {
        fail_with(session, STATUS_WEAK_PASSWORD, CLOSE_SIGN_IN);
        return;
    }
    uint8_t hash[32];
    code_hash(session, hello->secret, hash);
    uint64_t now = session->port.now_ms(session->port.self);
    enum status status = principal_find_user(state, hello->user, &session->user);
    if (status == STATUS_OK) {
        status = credential_code_valid(state, session->user, hash, now);
    }
    if (status == STATUS_OK) {
        struct hash_request request = {HASH_CREATE, hello->new_secret, {NULL, 0}};
        hash_or_fail(session, &request, THEN_STORE_NEW);
    } else if (status == STATUS_NOT_FOUND) {
        struct hash_request request = {HASH_VERIFY, hello->secret, {NULL, 0}};
        hash_or_fail(session, &request, THEN_REFUSE);
    } else {
        fail_with(session, status, CLOSE_SERVER_ERROR);
    }
}

static void use_token(struct session *session, const struct state *state,
                      const struct msg_hello *hello)
{
    session->port.digest(session->port.self, hello->secret, session->token_hash);
    enum status status =
        credential_token_user(state, session->token_hash,
                              session->port.now_ms(session->port.self), &session->user);
    if (status == STATUS_OK) {
        session->has_token = true;
        session->remember = false;
        complete(session);
    } else {
        fail_lookup(session, status);
    }
}

static void use_certificate(struct session *session, const struct state *state)
{
    enum status status =
        session->has_certificate
            ? credential_certificate_user(state, session->certificate, &session->user)
            : STATUS_NOT_FOUND;
    if (status == STATUS_OK) {
        accept(session);
    } else {
        fail_lookup(session, status);
    }
}

void session_on_hello(struct session *session, const struct msg_hello *hello)
{
    session_move(session, PHASE_SIGNING_IN);
    session->client = hello->client;
    session->remember = hello->remember;
    /* Only passwords and codes are a user's to guess at. A token says itself whose it is: a name
     * with it could only be there to use up that user's attempts. */
    bool named = bytes_is(hello->method, "password") || bytes_is(hello->method, "code");
    bytes_to_text(named ? hello->user : bytes_of(NULL, 0), session->name, sizeof session->name);
    uint64_t wait_ms = 0;
    if (!speaks_version(hello->versions)) {
        fail_with(session, STATUS_UNSUPPORTED_VERSION, CLOSE_VERSION);
        return;
    }
    if (!session_attempt(session, session->name, &wait_ms)) {
        session_refuse_later(session, STATUS_TOO_MANY_ATTEMPTS, wait_ms);
        session_close(session, CLOSE_SIGN_IN);
        return;
    }
    struct state state;
    struct meta meta;
    if (!session_look(session, &state, &meta)) {
        return;
    }
    if (bytes_is(hello->method, "password")) {
        check_password(session, &state, hello);
    } else if (bytes_is(hello->method, "code")) {
        use_code(session, &state, hello);
    } else if (bytes_is(hello->method, "token")) {
        use_token(session, &state, hello);
    } else if (bytes_is(hello->method, "certificate")) {
        use_certificate(session, &state);
    } else {
        struct fault fault;
        session_forgive(session);
        fault_clear(&fault);
        fault_set(&fault, STATUS_INVALID_VALUE, bytes_text("method"),
                  "password, token, code or certificate");
        session_refuse(session, NULL, STATUS_INVALID_VALUE, &fault);
        session_close(session, CLOSE_PROTOCOL);
    }
    session_look_away(session);
}

void session_continue_sign_in(struct session *session, enum continuation then,
                              const struct hash_outcome *outcome)
{
    if (outcome->busy || (then == THEN_STORE_NEW && outcome->phc[0] == '\0')) {
        fail_with(session, STATUS_BUSY, CLOSE_SERVER_ERROR);
    } else if (then == THEN_CHECK_PASSWORD && outcome->matched) {
        accept(session);
    } else if (then == THEN_STORE_NEW) {
        session_note_password(session, bytes_text(outcome->phc));
        if (!session_submit_credential(session, session->user, CREDENTIAL_PASSWORD,
                                       bytes_text(outcome->phc), 0, THEN_ISSUE_TOKEN, 0)) {
            fail_with(session, STATUS_BUSY, CLOSE_SERVER_ERROR);
        }
    } else {
        fail_sign_in(session);
    }
}

void session_stored_sign_in(struct session *session, enum continuation then, enum status status)
{
    if (status == STATUS_DENIED || status == STATUS_NOT_FOUND) {
        fail_sign_in(session); /* disabled while it was being stored */
    } else if (status != STATUS_OK) {
        fail_with(session, status, CLOSE_SERVER_ERROR);
    } else if (then == THEN_ISSUE_TOKEN) {
        accept(session);
    } else {
        complete(session);
    }
}
