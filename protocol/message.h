/* The messages of messages.def as C structs, with their one encoder and one decoder.
 *
 * A decoded message borrows: every slice in it points into the frame it was decoded from. A
 * field that was absent is zero and its bit in `present` is clear.
 */
#ifndef TANDEM_PROTOCOL_MESSAGE_H
#define TANDEM_PROTOCOL_MESSAGE_H

#include "protocol/bytes.h"
#include "protocol/id.h"
#include "protocol/messages.def"
#include "protocol/status.h"
#include "protocol/wire.h"

#define PROTOCOL_VERSION 1
#define PROTOCOL_SUBPROTOCOL "tandem.v1"

/* Limits of the protocol, repeated in PROTOCOL.md and told in `welcome`. */
#define LIMIT_MESSAGE_BYTES (1024u * 1024u)  /* one message from a client */
#define LIMIT_RECORD_BYTES (256u * 1024u)    /* one record, encoded */
#define LIMIT_CHANGES 500u                   /* changes in one mutation */
#define LIMIT_MUTATION_RECORDS (1280u * 1024u) /* records of one mutation together, encoded */
#define LIMIT_FIELDS 128u                    /* fields of one record */
#define LIMIT_PLACEMENTS 64u                 /* audience tags of one record, former ones included */
#define LIMIT_PAGE 500u                      /* records or entries in one answer */
#define LIMIT_WINDOW 64u                     /* data frames sent and not acknowledged */
#define LIMIT_IN_FLIGHT 64u                  /* mutations sent and not answered */
#define LIMIT_SCOPES 2048u                   /* scopes named in one subscription */
#define LIMIT_PREFER 16u                     /* scopes preferred at a time */
#define LIMIT_CHECK 64u                      /* scopes checked at a time */
#define LIMIT_NOTE_TEXT (192u * 1024u)       /* bytes of a note's text */
#define LIMIT_NOTE_PUSH 16u                  /* change sets in one push */
#define LIMIT_NOTES_OPEN 32u                 /* notes open in one connection */
#define LIMIT_PRESENT 64u                    /* things one connection is present at */
/* A changes frame ends before the mutation whose first record would pass this: with its envelope it
 * is one TLS record, of 16 KiB. What one mutation holds is never divided. */
#define LIMIT_FRAME_TARGET (16u * 1024u - 256u)

enum message_type {
    MESSAGE_NONE,
#define M(name, NAME, wire) MESSAGE_##NAME,
    MESSAGES(M)
#undef M
    MESSAGE_TYPES
};

#define MESSAGE_C_U64 uint64_t
#define MESSAGE_C_BOOL bool
#define MESSAGE_C_STR struct bytes
#define MESSAGE_C_BIN struct bytes
#define MESSAGE_C_RAW struct bytes
#define MESSAGE_C_ID struct id
#define MESSAGE_C_SCOPE struct scope

/* struct msg_hello { uint32_t present; struct bytes versions; ... }; and so on. */
#define MESSAGE_MEMBER(kind, member, wire, need, limit) MESSAGE_C_##kind member;
#define M(name, NAME, wire)                    \
    struct msg_##name {                        \
        uint32_t present;                      \
        MSG_##NAME(MESSAGE_MEMBER)             \
    };
MESSAGES(M)
#undef M

struct message {
    enum message_type type;
    union {
#define M(name, NAME, wire) struct msg_##name name;
        MESSAGES(M)
#undef M
    } as;
};

/* Whether an optional field came with a decoded message, by its wire name; false for a name the
 * message does not have. */
bool message_has(const struct message *message, const char *wire_field);

/* Marks an optional field as present before encoding, by its wire name. Asserts that the message
 * has it. Required fields need no marking. */
void message_mark(struct message *message, const char *wire_field);

const char *message_name(enum message_type type);

/* Validates `frame` (see wire_validate) and decodes it: a map whose "type" names the message.
 * Unknown keys are ignored. On failure `fault` (may be NULL) says which field and why; `out->type`
 * is MESSAGE_NONE when the type itself was not understood, else every field that could be read is
 * there, so that the answer to a refused message can name its request. */
enum status message_decode(struct bytes frame, struct message *out, struct fault *fault);

/* Appends the encoded message: "type" first, then the fields in the order of their definition,
 * required ones always, optional ones when marked. Check out->failed afterwards. */
void message_encode(struct buffer *out, const struct message *message);

/* Number of values in an encoded array (0 when it is no array). */
uint32_t message_count(struct bytes array);

#endif
