/* A live note as a server's store has it. */
#ifndef TANDEM_TESTS_SIM_NOTED_H
#define TANDEM_TESTS_SIM_NOTED_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol/bytes.h"
#include "protocol/id.h"

struct state;

struct sim_noted {
    struct id id;
    uint64_t version;    /* newest */
    uint64_t settled;    /* that its record has */
    uint64_t seq;        /* of its record */
    uint64_t changed_ms; /* when somebody wrote in it last */
    char by[64];         /* who */
    size_t size;         /* of its text */
};

/* Appends the text. False when it is no note, or one that nobody ever typed in. */
bool noted_read(const struct state *state, struct id id, struct sim_noted *out,
                struct buffer *text);

#endif
