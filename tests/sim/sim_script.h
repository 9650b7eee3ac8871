/* A script of the simulator: what happens, as text, one thing a line.
 *
 *     seed 17            the first line: the company, its devices, and all chances
 *     12 edit d2 contact#3 title
 *     13 cut d1 after 700
 *
 * The number in front is what the line draws its chances by; a shrunk script keeps it. See
 * README.md for the words. */
#ifndef TANDEM_TESTS_SIM_SCRIPT_H
#define TANDEM_TESTS_SIM_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_LINE 96
#define SIM_LINES 400
#define SIM_WORDS 8

struct sim_line {
    unsigned number;
    char text[SIM_LINE]; /* without the number */
};

struct sim_script {
    uint64_t seed;
    size_t count;
    struct sim_line lines[SIM_LINES];
};

/* The script that follows from a seed. */
void sim_script_make(uint64_t seed, struct sim_script *out);
/* False after saying why on standard error. */
bool sim_script_read(const char *path, struct sim_script *out);
bool sim_script_write(const char *path, const struct sim_script *script);

/* The words of a line; `storage` holds their text. */
struct sim_words {
    char storage[SIM_LINE];
    const char *word[SIM_WORDS]; /* "" beyond the last */
    size_t count;
};
void sim_words(const struct sim_line *line, struct sim_words *out);
/* "40m" in ms: ms, s, m, h, d. */
uint64_t sim_duration(const char *text);

#endif
