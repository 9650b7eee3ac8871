/* The demo company, Nordlys Handel AS: pure, and the same each time for the same day.
 *
 * A wholesaler of paper and timber in Norway, with customers around the Baltic Sea, three
 * departments and three partners. Times are told backwards and forwards from the given day.
 */
#ifndef TANDEM_DEMO_GENERATE_H
#define TANDEM_DEMO_GENERATE_H

#include "demo/company.h"

/* Fills an empty company; `today` is in days since 1970-01-01. False when out of memory; release
 * it in either case. */
bool generate_company(struct company *out, int64_t today);

/* The password of a demo user: "nordlys-" and the name. */
#define DEMO_PASSWORD_MAX 64
const char *generate_password(const char *user, char out[DEMO_PASSWORD_MAX]);

#endif
