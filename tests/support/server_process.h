/* A real tandemd on a store of its own.
 *
 * server_process_make() makes certificates and a store in a folder; server_process_start() serves
 * it on a port that is free, and returns when the server has said that it is ready. Started again,
 * it is on the same port. What the server writes on standard error is in FOLDER/server.log.
 */
#ifndef TANDEM_TESTS_SUPPORT_SERVER_PROCESS_H
#define TANDEM_TESTS_SUPPORT_SERVER_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "tests/support/scratch.h"

struct server_process {
    char folder[SCRATCH_PATH];
    char ca[SCRATCH_PATH + 32]; /* the authority to trust */
    char address[64];           /* 127.0.0.1:PORT, once it has been started */
    char url[80];               /* wss://... */
    pid_t pid;                  /* 0: not running */
    const char *const *wrapper; /* command that runs it by exec ("env", "NAME=value"), with its
                                   first arguments and NULL behind them; or NULL */
};

/* All return false after saying why, with what the server said. */
bool server_process_make(struct server_process *server, const char *folder, const char *admin,
                         const char *password);
/* The same for a folder with a store in `data` and the certificates of certs/make in `certs`. */
void server_process_adopt(struct server_process *server, const char *folder);
/* `arguments`: more flags, NULL-terminated, or NULL. The server's time of day is wrong by
 * `clock_shift` seconds. */
bool server_process_start(struct server_process *server, const char *const *arguments,
                          long clock_shift);
/* Asks it to end, and waits; true when it ended well. True also when it does not run. */
bool server_process_stop(struct server_process *server);
/* Ends it as a crash does (SIGKILL) and waits. Nothing when it does not run. */
void server_process_kill(struct server_process *server);
/* Whether `tandemd check` finds the store of a server that does not run as it should be. */
bool server_process_check(const struct server_process *server);

#endif
