#include "tests/support/scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bool scratch_make(char folder[SCRATCH_PATH])
{
    const char *base = getenv("TMPDIR");
    int size = snprintf(folder, SCRATCH_PATH, "%s/tandem-test-XXXXXX",
                        base == NULL || base[0] == '\0' ? "/tmp" : base);
    if (size < 0 || size >= SCRATCH_PATH || mkdtemp(folder) == NULL) {
        perror("a folder for the test");
        folder[0] = '\0';
        return false;
    }
    return true;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info, (void)kind, (void)place;
    return remove(path);
}

void scratch_remove(const char *folder)
{
    if (folder[0] != '\0' && nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0) {
        perror(folder);
    }
}

bool scratch_write(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "we");
    bool good = file != NULL && fwrite(data, 1, size, file) == size;
    if (file != NULL) {
        good = fclose(file) == 0 && good;
    }
    if (!good) {
        perror(path);
    }
    return good;
}

char *scratch_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    long length = -1;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0) {
        length = ftell(file);
    }
    if (length >= 0 && fseek(file, 0, SEEK_SET) == 0) {
        text = malloc((size_t)length + 1);
    }
    if (text != NULL) {
        *size = fread(text, 1, (size_t)length, file);
        text[*size] = '\0';
    } else {
        perror(path);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return text;
}
