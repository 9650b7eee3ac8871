/* One answer of the server, as callers see it. */
#ifndef TANDEM_CLIENT_LIB_ANSWER_H
#define TANDEM_CLIENT_LIB_ANSWER_H

#include "client-lib/client/client.h"

struct tandem_answer {
    tandem_client *client;
    const struct message *message; /* MESSAGE_ANSWER, or MESSAGE_NOTE: see answer_parts() */
    bool last;
    struct bytes entity; /* of the record whose history it is, or "none" */
    struct texts texts;
};

/* The parts of an answer of the first kind; one of the other has none of them. */
const struct msg_answer *answer_parts(const tandem_answer *answer);

#endif
