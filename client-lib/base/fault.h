/* Filling the faults that callers see. */
#ifndef TANDEM_CLIENT_LIB_FAULT_H
#define TANDEM_CLIENT_LIB_FAULT_H

#include "protocol/bytes.h"
#include "protocol/status.h"
#include "tandem/tandem.h"

/* Code 0, change -1, empty texts. `fault` may be NULL in all of these. */
void trouble_clear(tandem_fault *fault);

/* Fills `fault` and returns `status`. The detail is formatted as by printf and cut to fit. */
enum status trouble(tandem_fault *fault, enum status status, const char *field, const char *format,
                    ...) __attribute__((format(printf, 4, 5)));

/* From a fault of the protocol layer; returns its status. */
enum status trouble_from(tandem_fault *fault, const struct fault *from);

#endif
