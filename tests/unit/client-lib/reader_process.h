/* A process that reads a file of a client's folder for as long as a test wants. */
#ifndef TANDEM_TESTS_CLIENT_LIB_READER_PROCESS_H
#define TANDEM_TESTS_CLIENT_LIB_READER_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

struct reader {
    pid_t process;
    int tell;
};

/* It reads data.mdb, or the outbox, as it is when this returns. */
void start_reader(const char *folder, struct reader *reader, bool outbox);
void end_reader(struct reader *reader);

#endif
