/* One who goes on working while others attack: changes a record again and again, and notes how
 * long each answer took. */
#ifndef TANDEM_TESTS_SURVIVAL_HOSTILE_HONEST_H
#define TANDEM_TESTS_SURVIVAL_HOSTILE_HONEST_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/survival/hostile/company.h"

struct honest {
    struct talk talk;
    struct id record;
    double *times_ms; /* of the answers since honest_clear() */
    size_t count, capacity;
};

/* Signs in as the administrator. False after saying why. */
bool honest_begin(struct honest *honest, const struct server_process *server,
                  const struct company *company);
void honest_end(struct honest *honest);

void honest_clear(struct honest *honest);
/* One change; false, after saying why, when it was not accepted. */
bool honest_work(struct honest *honest);
/* A change each `pause_us` for so long; the time of an answer counts from when the change was due.
 */
bool honest_work_for(struct honest *honest, unsigned milliseconds, unsigned pause_us);
/* Somebody else comes in by a token, from the local address `from`, and leaves. The time that took,
 * in ms; negative, after saying why, when they were not let in. */
double honest_come_in(const struct server_process *server, const struct company *company,
                      const char *from);
/* The time below which a fraction of the answers came, in ms. */
double honest_percentile(struct honest *honest, double fraction);
/* Adds the times of `from` to those of `to`. False when out of memory. */
bool honest_pool(struct honest *to, const struct honest *from);

#endif
