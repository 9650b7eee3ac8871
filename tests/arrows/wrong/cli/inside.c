/* The command line has the public header, as anybody. */
#include "client-lib/client.h"
#include "tandem/tandem.h"
