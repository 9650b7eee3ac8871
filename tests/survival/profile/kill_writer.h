/* What the parts of kill_writer share: what was typed, as the program that was killed has said, and
 * how often it was found on the server. */
#ifndef TANDEM_TESTS_SURVIVAL_KILL_WRITER_H
#define TANDEM_TESTS_SURVIVAL_KILL_WRITER_H

#include "tandem/note.h"
#include "tandem/tandem.h"
#include "tests/support/server_process.h"

#define LINE 96
#define TYPED_MOST 20000u
#define WAIT_MS 60000

struct run {
    struct server_process server;
    char folder[SCRATCH_PATH], profile[SCRATCH_PATH + 16], token[128];
    tandem_client *client; /* the witness */
    uint64_t seed;
    char (*typed)[LINE];
    unsigned *found;
    size_t count;
    unsigned strange; /* on the server, and never said */
    bool answered, failed;
    bool in_note;                 /* rather than accounts */
    char note_id[TANDEM_ID_TEXT]; /* "": none */
    tandem_note *note;            /* as the witness has it open */
};

/* Serves the witness until this is so, a minute at most. */
bool run_wait(struct run *run, const bool *until);
/* It has said that it typed this; false when there is no room for more. */
bool run_typed(struct run *run, const char *line);
/* This is on the server. */
void run_found(struct run *run, const char *line);

/* ---- kill_writer_note.c ---- */

/* Makes the note, and has the witness open it. */
bool note_begin(struct run *run);
/* The witness types a word of its own, and waits until the server has it. */
bool note_type_beside(struct run *run, unsigned round);
/* Counts what is in the server's text. */
bool note_count(struct run *run);

#endif
