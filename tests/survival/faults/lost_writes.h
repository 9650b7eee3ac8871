/* What a power cut can take away: writes that no flush has made durable.
 *
 * From lost_writes_watch() on, the contents that each write to a file below the folder replaces are
 * kept until a flush of that file succeeds. lost_writes_take() then makes the files what a disk may
 * hold after the power went: of the writes not flushed none, or those to some pages. A flush that
 * failed has made nothing durable, and neither does a later one for the writes before it: the
 * system has marked their pages clean. A write through a descriptor opened with O_DSYNC, as LMDB's
 * of its meta page, is durable at once when it succeeds; told to fail although all was done, it is
 * in the page cache and may or may not be on the disk.
 *
 * So after a failure there are three stores to start from: the files as the page cache has them
 * (the server was started again), as the disk has them at least, and anything in between. Names are
 * taken for durable at once: whoever depends on one has to flush its directory.
 */
#ifndef TANDEM_TESTS_LOST_WRITES_H
#define TANDEM_TESTS_LOST_WRITES_H

#include <stdint.h>

enum lost_writes { LOST_NONE, LOST_ALL, LOST_SOME };

void lost_writes_watch(const char *folder);
/* Ends the watch. The files must be closed. `seed` chooses for LOST_SOME. */
void lost_writes_take(enum lost_writes which, uint64_t seed);

#endif
