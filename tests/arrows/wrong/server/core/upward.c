/* The rules know no store. */
#include "server/store/store.h"
#include "protocol/bytes.h"
