/* Everything that runs while a store is served, wired together:
 *
 *     store <- committer -> server <- hash pool
 *
 * The committer's answers and notices go to the server, whose sessions submit to the committer
 * and ask the hash pool. Starting goes from left to right; stopping lets the committer answer what
 * it has taken before the sessions are told to leave.
 */
#ifndef TANDEM_APP_SERVICE_H
#define TANDEM_APP_SERVICE_H

#include "server/app/config.h"

struct service;

/* Opens the store and serves it. On failure *out is NULL. `failed` is called once, from another
 * thread, when the store has failed and the process must end. */
enum status service_start(const struct config *config, void (*failed)(void), struct service **out,
                          struct fault *fault);
const char *service_address(const struct service *service);
uint64_t service_seq(const struct service *service); /* of the store when it was opened */
/* Certificates anew; the old ones stay when the files are bad. */
enum status service_reload(struct service *service, struct fault *fault);
/* Stops, with the time for goodbyes that the configuration gives. NULL is fine. */
void service_stop(struct service *service);
/* What server_start would find wrong with these settings. */
enum status service_check(const struct config *config, struct fault *fault);

#endif
