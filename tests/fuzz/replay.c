/* Gives a fuzz target every file of the folders named, so that the committed seeds, and whatever
 * was once found, are tried with every run of the tests. */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>

/* An exact copy on the heap, so that the sanitizer sees a read beyond its end. */
static int replay(const char *path)
{
    uint8_t *data = NULL;
    int result = 1;
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        goto done;
    const long size = ftell(file);
    if (size < 0 || fseek(file, 0, SEEK_SET) != 0)
        goto done;
    data = malloc(size > 0 ? (size_t)size : 1);
    if (data == NULL || fread(data, 1, (size_t)size, file) != (size_t)size)
        goto done;
    result = LLVMFuzzerTestOneInput(data, (size_t)size);
done:
    if (result != 0)
        fprintf(stderr, "cannot replay %s\n", path);
    free(data);
    if (file != NULL)
        fclose(file);
    return result;
}

static int replay_folder(const char *folder, unsigned *count)
{
    char path[4096];
    int result = 0;
    DIR *open = opendir(folder);
    if (open == NULL) {
        fprintf(stderr, "cannot open %s\n", folder);
        return 1;
    }
    for (struct dirent *entry; result == 0 && (entry = readdir(open)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        result = replay(path);
        (*count)++;
    }
    closedir(open);
    return result;
}

int main(int count, char **folders)
{
    unsigned inputs = 0;
    int result = 0;
    for (int i = 1; i < count && result == 0; i++)
        result = replay_folder(folders[i], &inputs);
    fprintf(stderr, "%u inputs\n", inputs);
    return result != 0 || inputs == 0;
}
