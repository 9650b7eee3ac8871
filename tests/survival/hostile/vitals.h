/* How a server is doing, seen from outside: descriptors, memory, health, log. */
#ifndef TANDEM_TESTS_SURVIVAL_HOSTILE_VITALS_H
#define TANDEM_TESTS_SURVIVAL_HOSTILE_VITALS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/support/server_process.h"

struct vitals {
    unsigned descriptors;
    uint64_t anonymous; /* resident bytes that belong to no file */
    uint64_t cpu_ns;
};

/* False when the process is gone. */
bool vitals_read(pid_t pid, struct vitals *out);
/* Waits until the process has at most so many descriptors; false after `limit_ms`. */
bool vitals_wait_descriptors(pid_t pid, unsigned most, unsigned limit_ms);
/* Waits until it has at most so many bytes of anonymous memory; false after `limit_ms`. */
bool vitals_wait_memory(pid_t pid, uint64_t most, unsigned limit_ms);
/* Whether /healthz says ok. */
bool vitals_healthy(const struct server_process *server);
/* Whether the log holds nothing but what is said of refused connections, of loops that were busy,
 * and the usual. What is not is shown on standard error. */
bool vitals_log_is_calm(const struct server_process *server);

#endif
