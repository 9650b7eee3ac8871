/* The folder of a client. */
#ifndef TANDEM_CLIENT_LIB_FOLDER_H
#define TANDEM_CLIENT_LIB_FOLDER_H

#include "protocol/status.h"
#include "tandem/tandem.h"

/* Makes the folder, and those above it, for their owner alone. It may be there already. IO. */
enum status folder_make(const char *folder, tandem_fault *fault);

#endif
