/* A password from TANDEM_PASSWORD or from the terminal, which does not show it. */
#ifndef TANDEM_APP_PASSWORD_H
#define TANDEM_APP_PASSWORD_H

#include "protocol/status.h"

#define PASSWORD_MIN 8u
#define PASSWORD_MAX 1000u
#define PASSWORD_SIZE (PASSWORD_MAX + 2) /* one more to notice, and a NUL */

/* Asks on the terminal twice. WEAK_PASSWORD for one that is too short or too long, INVALID_VALUE
 * when the two differ or there is neither a variable nor a terminal. The caller wipes `out`. */
enum status password_choose(const char *prompt, char out[PASSWORD_SIZE], struct fault *fault);

#endif
