/* The caller's loop: one descriptor to wait for, and what to do when it is readable.
 *
 * The connection comes and goes, other processes make themselves heard, and a thread that waits is
 * to be woken; the caller sees one epoll descriptor, the same for the life of the handle, in which
 * all of them are. What is waited for of the connection is brought up to date whenever the caller
 * asks for the descriptor or the time, after each service call, and when something was queued. */
#ifndef TANDEM_CLIENT_LIB_CLIENT_LOOP_H
#define TANDEM_CLIENT_LIB_CLIENT_LOOP_H

#include "protocol/status.h"
#include "tandem/tandem.h"

struct client_loop;

enum status client_loop_open(tandem_client *client, tandem_fault *fault);
void client_loop_close(tandem_client *client);
/* Adds a descriptor that stays, to be waited for until it is readable; -1 is fine. */
enum status client_loop_add(tandem_client *client, int fd);
void client_loop_remove(tandem_client *client, int fd);
/* Waits for the connection as it wants to be waited for now. */
void client_loop_refresh(const tandem_client *client);
/* When service is due by the clock even if nothing happens; UINT64_MAX: never. */
uint64_t client_loop_due(const tandem_client *client);

#endif
