/* The server's answer to a mutation, as callers see it. */
#ifndef TANDEM_CLIENT_LIB_RESULT_H
#define TANDEM_CLIENT_LIB_RESULT_H

#include "client-lib/base/texts.h"
#include "protocol/message.h"
#include "tandem/tandem.h"

/* What the result says; code OK when the mutation was accepted. A status that this version does not
 * know is a refusal like any other, with its name in the detail. */
void result_fault(const struct msg_result *result, tandem_fault *out);

/* The conflicts of an encoded array, to be freed; fewer than there are when memory is short. Their
 * texts are kept in `texts`. */
tandem_conflict *result_conflicts(tandem_client *client, struct bytes array, struct texts *texts,
                                  size_t *count);

#endif
