/* A session without rules, for testing the transport alone: it implements session.h, and does what
 * the first byte of a message says.
 *
 *     e...        echoes the message
 *     s N SIZE    sends N frames of SIZE bytes (u32 each); each begins with its number (u32)
 *     c CODE      answers "bye" and closes with CODE (u16)
 *     n           signs in as "kari"; echoes
 *     f           answers the certificate's fingerprint in hex, or "none"
 *     m...        submits to the committer (see fake_committer below); the answer is echoed
 *     h...        asks for hashing; answers "matched", "different" or "busy"
 *     b           reads nothing more until the committer has answered everything
 *
 * Every session is interested in everything, and answers a notice with "notice SEQ".
 */
#ifndef TESTS_NET_FAKE_SESSION_H
#define TESTS_NET_FAKE_SESSION_H

#include <stdatomic.h>

#include "server/commit/commit.h"
#include "server/core/session/session.h"

/* What was submitted, for the test to answer. */
struct fake_submission {
    struct origin origin;
    uint8_t body[64];
    size_t size;
};
/* Waits for the next submission; false after ten seconds. */
bool fake_committer_take(struct fake_submission *out);
/* How many sessions there are, and have been. */
extern atomic_uint fake_sessions_alive, fake_sessions_made, fake_messages_received;
/* Points that the transport charged sessions for. */
extern atomic_uint fake_charged;
extern atomic_uint fake_ticks;
/* The next submissions are refused as by a full queue. */
extern atomic_bool fake_committer_full;

#endif
