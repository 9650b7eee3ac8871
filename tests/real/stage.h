/* Where a real-input test takes place: a server, people with profiles of their own, a crowd of
 * clients, and the model of what everybody should see.
 *
 *     stage_begin()    notes what everybody should see now
 *     stage_run()...   somebody does something, and the test does the same to the model
 *     stage_check()    everybody was told exactly what the model says, and nothing else
 */
#ifndef TANDEM_TESTS_REAL_STAGE_H
#define TANDEM_TESTS_REAL_STAGE_H

#include "tests/real/crowd.h"
#include "tests/real/model.h"
#include "tests/support/server_process.h"
#include "tests/support/tandem_command.h"

#define STAGE_ADMIN "root"
#define STAGE_ADMIN_PASSWORD "a password for the test"
#define STAGE_PASSWORD "another password for the test" /* of everybody else */

struct stage {
    char folder[SCRATCH_PATH];
    struct server_process server;
    struct crowd crowd;
    struct model model;
    unsigned long beacon;
    struct sight before[CROWD_MOST];
    const char *starts_over; /* a user whose replica is emptied and filled again, or NULL */
};

/* What a test ends with that was skipped. */
#define STAGE_SKIPPED 77

/* Whether the data is there; says so when not. `file` is one of those needed. */
bool stage_has_data(const char *file);

/* More of the server's flags. */
extern const char *const stage_arguments[];

/* Makes and starts a server and signs the administrator in. False after saying why; close in any
 * case. */
bool stage_open(struct stage *stage);
/* True when the server ended well. */
bool stage_close(struct stage *stage);

/* Runs a command as a user; its arguments end with NULL. */
struct tandem_output stage_run_list(const struct stage *stage, const char *user,
                                    const char *const *arguments);
/* The same where the command has to succeed: false after saying what it said. */
bool stage_do_list(const struct stage *stage, const char *user, const char *const *arguments);
/* With the arguments written out, up to NULL. */
#define stage_run(stage, user, ...)                                                                \
    stage_run_list((stage), (user), (const char *const[]){__VA_ARGS__})
#define stage_do(stage, user, ...)                                                                 \
    stage_do_list((stage), (user), (const char *const[]){__VA_ARGS__})

/* Signs a user in by a one-time code and with a password from then on. */
bool stage_sign_in(const struct stage *stage, const char *user, const char *code,
                   const char *password);
/* The server's newest seq, as `tandem status` tells it; -1 after saying why. */
int64_t stage_seq(const struct stage *stage);

/* Puts an assignment into the model: an active one; `until` is a date or NULL. */
struct item *stage_assign(struct stage *stage, const char *supplier, const char *account,
                          const char *level, const char *until);
/* The assignment of the pair; ends the test when there is none. */
struct item *stage_assignment(const struct stage *stage, const char *supplier, const char *account);

void stage_begin(struct stage *stage);
/* What is done next makes the user's replica start over: all that they see is told anew. */
void stage_starts_over(struct stage *stage, const char *user);
/* Moves the beacon, waits until all have seen it, and compares what each was told since
 * stage_begin() with the model. Those who are away are left out; once they are back it is what they
 * were told since the last stage_begin() before they left, or ever. */
bool stage_check(struct stage *stage, const char *what);
/* The same without moving the beacon: nothing new happens. */
bool stage_check_news(struct stage *stage, const char *what);
/* Compares what each replica holds with the model. */
bool stage_check_holdings(struct stage *stage, const char *what);

#endif
