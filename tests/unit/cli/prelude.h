/* What cmocka.h wants to be there before it. */
#ifndef TANDEM_TESTS_CLI_PRELUDE_H
#define TANDEM_TESTS_CLI_PRELUDE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#endif
