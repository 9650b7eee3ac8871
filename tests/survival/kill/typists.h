/* People who type in one note of a server that is killed meanwhile, each with a client of the
 * library and a folder of their own.
 *
 * Nobody types the same letter twice, and what is deleted is noted down, so what must stand in the
 * note follows from what was typed. What a client was told that the server has (the version it is
 * at, with nothing of its own left to send) is remembered, and must still be there when the server
 * has started again, before any client has sent anything again:
 *
 *     typists_begin()      a server, an empty note, everybody has it open
 *     typists_type()       some edits, while the clients are served or not
 *     typists_kill(), typists_kill_with(), typists_revive()
 *     typists_look_back()  the server has what it said it has
 *     typists_settle()     all is sent, all have one text, and everything is in it, once
 *     typists_clear()      an empty note again, and no letter is taken
 */
#ifndef TANDEM_TESTS_SURVIVAL_TYPISTS_H
#define TANDEM_TESTS_SURVIVAL_TYPISTS_H

#include "tests/replay/crew.h"
#include "tests/support/letters.h"

#define TYPISTS 5u

struct typists {
    struct crew crew; /* says what failed first */
    uint64_t random;
    unsigned typed;             /* letters, since the note was empty */
    bool deleted[LETTERS_MOST]; /* of those */
    uint64_t told;              /* the newest version that somebody was told of */
    uint64_t saved;             /* the newest that somebody had with nothing left to send, */
    char saved_text[64 * 1024]; /* and its text */
    uint64_t kept;              /* passages between marks, before the note was empty last */
    size_t edits, kills, ended; /* processes of clients that ended with the server */
    size_t looked;              /* looks back at a version that was saved */
};

/* All return false when crew.why says what is wrong. */
bool typists_begin(struct typists *typists, uint64_t seed);
/* So many edits by anybody; `served`: the clients do what is due in between. */
bool typists_type(struct typists *typists, unsigned edits, bool served);
void typists_kill(struct typists *typists);
/* The same just when somebody's typing is taken, and their process, which was not told so, ends
 * too. */
bool typists_kill_with(struct typists *typists);
bool typists_revive(struct typists *typists);
bool typists_look_back(struct typists *typists);
bool typists_settle(struct typists *typists);
bool typists_clear(struct typists *typists);
/* Whether the server ended well, with its store as it should be. Whatever was reached. */
bool typists_end(struct typists *typists);

/* A number below `below`, of the run's own series. */
uint32_t typists_random(struct typists *typists, uint32_t below);

#endif
