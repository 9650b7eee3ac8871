/* What a server sends to one subscription, as a script: changes, removals, purges, scopes that
 * enter with their backfills, and in the middle a new epoch, so that all begins again.
 *
 * It answers a subscribe message as PROTOCOL.md asks: from the client's cursor and from where its
 * backfills stand. So it can be left and come back to at any place.
 */
#ifndef TANDEM_TESTS_STREAM_H
#define TANDEM_TESTS_STREAM_H

#include "protocol/message.h"

#define STREAM_MOST 64u

struct stream {
    struct buffer frames[STREAM_MOST];
    size_t count, next;
    struct id epoch;
    bool reset_due; /* the client's epoch is not the server's */
    bool subscribed, caught_up_told;
    unsigned epochs; /* that the stream has gone through */
};

void stream_make(struct stream *stream);
void stream_release(struct stream *stream);
/* As when the server begins anew: the first epoch. The script stays. */
void stream_rewind(struct stream *stream);
/* A new connection. */
void stream_connect(struct stream *stream);
/* Takes what the client sent. */
void stream_take(struct stream *stream, const struct message *message);
/* The next message for the client, in bytes that live until the next call; "none" when it has all
 * there is. */
struct bytes stream_next(struct stream *stream);

#endif
