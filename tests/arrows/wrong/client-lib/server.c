/* A client knows nothing of the server. */
#  include "server/core/record.h"
#include "client-lib/client.h"
