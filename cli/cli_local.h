/* Questions that the profile's copy answers, with what waits in the outbox laid over: the same as
 * those of cli.h, which come here while cli->local. */
#ifndef TANDEM_CLI_LOCAL_H
#define TANDEM_CLI_LOCAL_H

#include "cli/cli.h"

tandem_code local_fetch(struct cli *cli, const char *id, tandem_record_fn *each, void *context);
tandem_code local_query(struct cli *cli, const tandem_query *query, tandem_record_fn *each,
                        void *context);
tandem_code local_timeline(struct cli *cli, const char *account, unsigned limit,
                           tandem_record_fn *each, void *context);
/* Queues the mutation; cli->entry says as which entry. Tells when it cannot be. */
enum tandem_failure local_send(struct cli *cli, const tandem_mutation *mutation, const char *what);
/* The user's role: of the connection, or as the copy remembers it. */
const char *local_role(const struct cli *cli);

#endif
