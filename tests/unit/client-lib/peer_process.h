/* peer.c as a process of a test's own. Its lines come one after the other; what is not expected
 * ends the test. */
#ifndef TANDEM_TESTS_CLIENT_LIB_PEER_PROCESS_H
#define TANDEM_TESTS_CLIENT_LIB_PEER_PROCESS_H

#include "support.h"

#include <sys/types.h>

#define PEER_PATIENCE_MS 30000 /* ends a test that hangs */
#define PEER_LINE_SIZE 64

/* Zeroed storage is one that does not run. */
struct peer {
    pid_t pid;
    int in, out;
    char bytes[262144];
    size_t size;
};

/* Starts it and waits until it has joined. `environment` (may be NULL) is as for child_start(). */
void peer_start(struct peer *peer, const char *folder, const char *const *environment);
/* One that is started now cannot join. */
void peer_is_refused(const char *folder);
/* Ends it by a signal, when it runs. */
void peer_end(struct peer *peer, int signal);

void peer_say(struct peer *peer, const char *line);
void peer_next_line(struct peer *peer, char out[PEER_LINE_SIZE]);
void peer_expect(struct peer *peer, const char *line);
/* Says something and expects the answer: whatever was said before has been done by then. */
void peer_ask(struct peer *peer, const char *question, const char *answer);

/* For waiting for several: whether a whole line is there, and reading what can be read. */
bool peer_has_line(const struct peer *peer);
void peer_read_some(struct peer *peer);

#endif
