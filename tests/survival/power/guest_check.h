/* What must hold of a store after a power loss. */
#ifndef TANDEM_TESTS_SURVIVAL_POWER_GUEST_CHECK_H
#define TANDEM_TESTS_SURVIVAL_POWER_GUEST_CHECK_H

/* Judges the store in `folder` by the lines that were printed while it was written: see
 * guest_check.c. Prints one line, "fine ...", "LOST ..." (something acknowledged is not there) or
 * "DAMAGED ..." (anything else); the exit status is 0 for the first. Writes to the store. */
int guest_check(const char *folder, const char *lines);

#endif
