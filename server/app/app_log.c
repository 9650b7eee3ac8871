#include "server/app/app_log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void app_log(const char *format, ...)
{
    char line[512] = "tandemd: ";
    size_t start = strlen(line);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + start, sizeof line - start - 1, format, arguments);
    va_end(arguments);
    size_t size = strlen(line);
    for (size_t i = start; i < size; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    }
    line[size++] = '\n';
    /* One call a line, so that lines of several threads do not mix. A log that cannot be written
     * has nowhere to say so. */
    if (write(STDERR_FILENO, line, size) < 0)
        return;
}

void app_log_line(void *context, const char *line)
{
    (void)context;
    app_log("%s", line);
}
