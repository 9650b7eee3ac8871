/* Sending the company to a server, record by record as anybody would: the administrator makes the
 * parties, the users and the library, then each user signs in for the first time and adds what is
 * theirs. */
#ifndef TANDEM_DEMO_LOAD_H
#define TANDEM_DEMO_LOAD_H

#include "demo/company.h"

struct load_target {
    const char *url, *ca; /* ca: NULL for those the system trusts */
    const char *admin, *password;
};

/* False after saying why on stderr; what was sent until then stays. */
bool load_company(const struct company *company, const struct load_target *target);

#endif
