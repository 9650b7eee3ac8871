/* One answer of the server, as callers see it. */
#ifndef TANDEM_CLIENT_LIB_ANSWER_H
#define TANDEM_CLIENT_LIB_ANSWER_H

#include "client-lib/client/client.h"

struct tandem_answer {
    tandem_client *client;
    const struct message *message; /* MESSAGE_ANSWER */
    bool last;
    struct bytes entity; /* of the record whose history it is, or "none" */
    struct texts texts;
};

#endif
