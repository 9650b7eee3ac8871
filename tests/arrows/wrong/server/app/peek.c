/* Only the store and the replica know LMDB. */
#include <lmdb.h>
