/* A door for the administrator of the machine: the socket "control" in the store's folder, which
 * only its owner can open. One line in, one line out:
 *
 *     backup PATH   ->  "ok" | "error: ..."
 *
 * A store is open in one process at a time, so a copy of a store that is served has to be made by
 * the server itself. A thread of its own serves one caller after another.
 */
#ifndef TANDEM_APP_CONTROL_H
#define TANDEM_APP_CONTROL_H

#include "protocol/status.h"

#define CONTROL_LINE_MAX 1200

struct control;

struct control_port {
    void *self;
    enum status (*backup)(void *self, const char *path, struct fault *fault);
};

/* Makes the socket and starts the thread. INVALID_VALUE when the folder's name is too long for a
 * socket, IO otherwise. */
enum status control_start(const char *folder, const struct control_port *port,
                          struct control **out, struct fault *fault);
/* Lets a backup that is under way finish; removes the socket. NULL is fine. */
void control_stop(struct control *control);

/* The other end: asks the server of this folder. UNREACHABLE when there is none, else what it
 * answered. */
enum status control_backup(const char *folder, const char *path, struct fault *fault);

#endif
