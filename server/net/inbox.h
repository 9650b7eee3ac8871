/* What other threads hand to an I/O thread: new sockets from the acceptor, notices and answers
 * from the committer, outcomes of hashing, news of who is present, orders from the application.
 *
 * Senders append under a mutex and wake the loop when the inbox was empty; the I/O thread takes
 * everything at once. Waking again while something waits is needless: the one wake-up that is
 * under way is never lost and finds all of it.
 *
 * An inbox that cannot grow remembers that it lost something. Its thread then closes all its
 * connections: clients connect again and send again what was not answered, so a lost answer or
 * notice never turns into a client that waits for ever or misses a change.
 */
#ifndef TANDEM_NET_INBOX_H
#define TANDEM_NET_INBOX_H

#include <pthread.h>

#include "protocol/bytes.h"
#include "server/core/feed/notice.h"
#include "server/core/session/session.h"
#include "server/net/arrivals.h"

enum letter_kind {
    LETTER_SOCKET,
    LETTER_NOTICE,
    LETTER_ANSWER,
    LETTER_HASHED,
    LETTER_PRESENCE,
    LETTER_CERTIFICATE,
    LETTER_STOP
};

struct tls_material;

struct letter {
    enum letter_kind kind;
    union {
        struct arrival socket;
        struct notice *notice;
        struct {
            uint64_t connection;
            uint64_t ticket;
            enum status status;
            uint8_t *data; /* owned by the letter */
            size_t size;
        } answer;
        struct {
            uint64_t connection;
            struct hash_outcome outcome;
        } hashed;
        uint64_t present; /* LETTER_PRESENCE: connection that the board has woken */
        struct tls_material *material;
        uint64_t deadline_ms; /* LETTER_STOP: uptime at which what is left is cut off */
    } as;
};

struct inbox {
    pthread_mutex_t mutex;
    struct letter *letters;
    size_t count, capacity;
    bool lost;
};

void inbox_init(struct inbox *inbox);
/* Releases what the letters still hold. */
void inbox_release(struct inbox *inbox);

enum inbox_result {
    INBOX_QUEUED,
    INBOX_WAKE, /* queued, and the loop must be woken */
    INBOX_LOST  /* out of memory; the loop must be woken, the letter is still the caller's */
};
/* Any thread. Takes over what the letter holds unless INBOX_LOST. */
enum inbox_result inbox_put(struct inbox *inbox, const struct letter *letter);

/* The I/O thread: exchanges the waiting letters for the empty array in *letters (memory and
 * capacity are handed back and forth). Returns how many there are. *lost tells of a loss once. */
size_t inbox_take(struct inbox *inbox, struct letter **letters, size_t *capacity, bool *lost);

/* Frees what a letter holds, closes its socket. */
void letter_release(struct letter *letter);

#endif
