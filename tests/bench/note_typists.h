/* People who type in live notes, as the network sees them: clients of tests/load, each of which
 * pushes one keystroke, waits until it has its own entry, and pushes the next. Who was too late has
 * the others' first and tries again, as the client library does. Keystrokes are put at the
 * beginning of the text, so that a push made of any version says the same.
 */
#ifndef TANDEM_TESTS_BENCH_NOTE_TYPISTS_H
#define TANDEM_TESTS_BENCH_NOTE_TYPISTS_H

#include "tests/bench/rows_network_stage.h"

#define TYPISTS_A_NOTE 5u

struct typists;

/* A server of its own in the row's folder, and so many people, connected. NULL after bench_fail().
 */
struct typists *typists_new(struct bench_run *run, size_t people);
void typists_free(struct typists *typists);
int typists_server(const struct typists *typists); /* pid */

/* Makes `notes` notes, each opened by as many people. */
bool typists_open(struct bench_run *run, struct typists *typists, size_t notes);
/* `keystrokes` more in all, until everybody who has their note open has them. `screen_ms` gets, of
 * each, the time until the last of the others had it, and has room for all. */
bool typists_type(struct bench_run *run, struct typists *typists, size_t keystrokes,
                  double *screen_ms);
/* As many mutations instead, by the same people at the same time, each after the answer to the one
 * before. */
bool typists_mutate(struct bench_run *run, struct typists *typists, size_t mutations);

/* Makes a note and types and deletes in it `keystrokes` times, so that its text stays as it was. */
bool typists_history(struct bench_run *run, struct typists *typists, size_t keystrokes,
                     struct id *note);
/* Opens and closes the note so often, one after another. */
bool typists_look(struct bench_run *run, struct typists *typists, struct id note, unsigned times);

#endif
