/* A folder of a test's own, gone when the test is. */
#ifndef TANDEM_TESTS_SUPPORT_SCRATCH_H
#define TANDEM_TESTS_SUPPORT_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

#define SCRATCH_PATH 512

/* Makes a folder below TMPDIR, or /tmp. False after saying why. */
bool scratch_make(char folder[SCRATCH_PATH]);
/* Deletes the folder and all in it. "" is fine. */
void scratch_remove(const char *folder);
/* Writes a whole file; false after saying why. */
bool scratch_write(const char *path, const void *data, size_t size);
/* A whole file with a NUL behind it, or NULL after saying why. The caller frees. */
char *scratch_read(const char *path, size_t *size);

#endif
