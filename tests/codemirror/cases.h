/* What the programs of this folder share: cases as lines of JSON, made at random or read and
 * answered again. README.md says what is in a case.
 *
 *     PROGRAM make SEED COUNT    writes so many cases
 *     PROGRAM check              reads cases, and fails at the first that has another answer here
 */
#ifndef TANDEM_TESTS_CODEMIRROR_CASES_H
#define TANDEM_TESTS_CODEMIRROR_CASES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocol/bytes.h"
#include "protocol/change_set.h"

/* ---- JSON; what is returned is the caller's ---- */

json_t *case_json_text(struct bytes text);
json_t *case_json_changes(const struct change_set *set);
/* False for another kind of value; `out` is replaced. */
bool case_read_text(const json_t *value, struct buffer *out);
bool case_read_changes(const json_t *value, struct change_set *out);

/* ---- Chance ---- */

struct case_maker {
    uint64_t random;
    bool lines_only; /* no \r in any text */
};

uint32_t case_below(struct case_maker *maker, uint32_t bound);
/* At most so many pieces: letters, marks, pairs of surrogates, line ends. */
void case_some_text(struct case_maker *maker, uint32_t most, struct buffer *out);
/* Units of up to `most` characters that follow the byte `*at`, which moves behind them. */
size_t case_go_on(struct bytes text, uint32_t most, size_t *at);
void case_some_changes(struct case_maker *maker, struct bytes text, struct change_set *out);

/* ---- Programs ---- */

struct case_program {
    const char *name;
    bool lines_only;
    /* A whole case; NULL when it cannot be answered. */
    json_t *(*make)(struct case_maker *maker);
    /* The case as it is here, when one side has given what it is about; NULL when it is none. */
    json_t *(*answer)(const json_t *given);
};

int case_main(const struct case_program *program, int argc, char **argv);

#endif
