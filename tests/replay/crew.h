/* A server, and clients of the library that have one note open: in one thread, each with a folder
 * and a user of its own. */
#ifndef TANDEM_TESTS_REPLAY_CREW_H
#define TANDEM_TESTS_REPLAY_CREW_H

#include "tandem/note.h"
#include "tandem/tandem.h"
#include "tests/replay/slots.h"
#include "tests/replay/trace.h"
#include "tests/support/server_process.h"
#include "tests/support/tandem_command.h"

#define CREW_MOST (TRACE_AGENTS_MOST + 8u)
#define CREW_WHY 512u

struct crew;

struct crew_member {
    struct crew *crew;
    char user[32];
    tandem_client *client;
    tandem_note *note;
    bool opened;
    struct slots slots;
};

struct crew {
    char folder[SCRATCH_PATH];
    struct server_process server;
    char note[TANDEM_ID_TEXT];
    struct crew_member members[CREW_MOST];
    size_t count;
    bool follows; /* keeps the members' slots */
    uint64_t kept, lost_connections;
    bool failed;
    char why[CREW_WHY]; /* what failed first */
};

/* A server, a note without a text, and `count` people who have it open. False after setting `why`;
 * close in any case. */
bool crew_open(struct crew *crew, size_t count, bool follows);
/* True when the server ended well and found its store to be as it should. */
bool crew_close(struct crew *crew);

/* Starts the server again that was killed, where it was. */
bool crew_start(struct crew *crew);
/* Closes a member's client without reading what has come for it, and opens the folder again, as
 * when its process had ended. */
bool crew_reopen(struct crew_member *member);
/* What a command of the administrator's says. Release it. */
struct tandem_output crew_run(const struct crew *crew, const char *const *arguments);

/* False, and `why` unless something failed before. */
bool crew_fail(struct crew *crew, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Does what is due for everybody, without waiting. False when something has failed. */
bool crew_serve(struct crew *crew);
/* Until the server has everything, and everybody the server's newest, and the same text. */
bool crew_settle(struct crew *crew);
/* The note's newest text, as the server tells it, is this one. */
bool crew_server_has(struct crew *crew, const char *text, size_t size);

#endif
