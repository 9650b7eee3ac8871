/* A small disk of a test's own: a tmpfs that only this process and its children see, and that goes
 * with them. Making one needs root or user namespaces. */
#ifndef TANDEM_TESTS_SURVIVAL_SMALL_DISK_H
#define TANDEM_TESTS_SURVIVAL_SMALL_DISK_H

#include <stdbool.h>
#include <stdint.h>

enum small_disk_made { SMALL_DISK_MADE, SMALL_DISK_NOT_PERMITTED, SMALL_DISK_FAILED };

/* Mounts one of so many MiB at `path`, a folder that is made. Says why it cannot. */
enum small_disk_made small_disk_make(const char *path, unsigned mib);
void small_disk_remove(const char *path);

uint64_t small_disk_free(const char *path);
/* Takes all but so many bytes, in a file of its own beside what is there. */
bool small_disk_fill(const char *path, uint64_t leave);
/* Gives that back. */
bool small_disk_clear(const char *path);

#endif
