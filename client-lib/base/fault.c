#include "client-lib/base/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void trouble_clear(tandem_fault *fault)
{
    if (fault == NULL)
        return;
    memset(fault, 0, sizeof *fault);
    fault->change = -1;
}

enum status trouble(tandem_fault *fault, enum status status, const char *field, const char *format,
                    ...)
{
    if (fault == NULL)
        return status;
    va_list arguments;
    trouble_clear(fault);
    fault->code = (tandem_code)status;
    bytes_to_text(bytes_text(field), fault->field, sizeof fault->field);
    va_start(arguments, format);
    vsnprintf(fault->detail, sizeof fault->detail, format, arguments);
    va_end(arguments);
    return status;
}

enum status trouble_from(tandem_fault *fault, const struct fault *from)
{
    if (fault != NULL) {
        trouble(fault, from->status, from->field, "%s", from->detail);
        fault->change = from->change;
    }
    return from->status;
}

const char *tandem_error_name(tandem_code code)
{
    return status_name((enum status)code);
}

const char *tandem_error_text(tandem_code code)
{
    return status_text((enum status)code);
}

#define STATUS(name, code, wire, retry, text)                                                      \
    _Static_assert(TANDEM_CODE_##name == (code), "the header names every code as the table does");
#define TANDEM_CODE_OK TANDEM_OK
#include "protocol/status.def"
#undef TANDEM_CODE_OK
#undef STATUS

enum tandem_failure tandem_error_class(tandem_code code)
{
    switch ((enum status)code) {
    case STATUS_OK:
        return TANDEM_DONE;
    case STATUS_USAGE:
        return TANDEM_USAGE;
    case STATUS_UNREACHABLE:
    case STATUS_UNTRUSTED:
    case STATUS_SHUTTING_DOWN:
        return TANDEM_UNREACHABLE;
    default:
        return TANDEM_REFUSED;
    }
}
