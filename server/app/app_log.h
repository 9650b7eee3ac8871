/* The log: single lines on standard error, each "tandemd: " and a sentence. The system's journal
 * adds the time. Control characters, which could forge lines, are replaced. */
#ifndef TANDEM_APP_LOG_H
#define TANDEM_APP_LOG_H

void app_log(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same as a callback; `context` is not used. */
void app_log_line(void *context, const char *line);

#endif
