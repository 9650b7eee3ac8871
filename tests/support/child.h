/* Programs started by a test: none outlives it. */
#ifndef TANDEM_TESTS_SUPPORT_CHILD_H
#define TANDEM_TESTS_SUPPORT_CHILD_H

#include <sys/types.h>

/* Longest life of a program that ends by itself; after it the system ends it. */
#define CHILD_SECONDS 120

struct child_streams {
    int in; /* descriptors that become the child's; -1: /dev/null */
    int out;
    int err;
};

/* Starts a program with `environment` ("NAME=value", NULL-terminated, or NULL) added to the test's
 * own. It is killed when the test dies, and after `seconds` unless 0. Returns its process id, or
 * -1 after saying why. The descriptors stay the caller's. */
pid_t child_start(const char *const *arguments, const char *const *environment,
                  const struct child_streams *streams, unsigned seconds);
/* Waits for its end. Returns its exit status, or 128 and the number of the signal that ended it. */
int child_wait(pid_t pid);

#endif
