#include "run.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"

#define MOST_WORDS 32

struct run run_tandem(const char *first, ...)
{
    char *words[MOST_WORDS] = {(char *)"tandem"};
    int count = 1;
    va_list list;
    va_start(list, first);
    for (const char *word = first; word != NULL && count < MOST_WORDS; word = va_arg(list, char *)) {
        words[count++] = (char *)word;
    }
    va_end(list);
    struct run run = {0};
    size_t out_size = 0;
    size_t err_size = 0;
    FILE *out = open_memstream(&run.out, &out_size);
    FILE *err = open_memstream(&run.err, &err_size);
    run.status = cli_main(count, words, out, err);
    (void)fclose(out);
    (void)fclose(err);
    return run;
}

void run_release(struct run *run)
{
    free(run->out);
    free(run->err);
}

const char *run_folder(char out[64])
{
    char profile[128];
    (void)snprintf(out, 64, "/tmp/tandem-test-XXXXXX");
    if (mkdtemp(out) == NULL) {
        abort();
    }
    (void)snprintf(profile, sizeof profile, "%s/profile", out);
    (void)setenv("TANDEM_PROFILE", profile, 1);
    return out;
}

static int delete_one(const char *path, const struct stat *stat, int kind, struct FTW *place)
{
    (void)stat;
    (void)kind;
    (void)place;
    return remove(path);
}

void run_delete(const char *folder)
{
    (void)nftw(folder, delete_one, 8, FTW_DEPTH | FTW_PHYS);
}
