#include <signal.h>

#include "tests/bench/bench_internal.h"
#include "tests/bench/rows.h"

int main(int count, char **words)
{
    size_t tables;
    const struct bench_rows *const *rows = bench_tables(&tables);
    /* A peer that goes away is an error of a write, not the end of the run. */
    (void)signal(SIGPIPE, SIG_IGN);
    return bench_main(count, words, rows, tables, stdout, stderr);
}
