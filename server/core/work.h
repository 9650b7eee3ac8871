/* What is weighed of what the server is asked to do: work on live notes and presence, where a few
 * bytes can ask for much. A unit is about what a short mutation costs.
 *
 *     a command                   1, and 1 for each WORK_BYTES of it
 *     of a push, besides          1, and 1 for each WORK_BYTES of the note: its text, and
 *                                 WORK_RUN_BYTES for each run of an author
 *     each change set of it       as much again
 *     reading a note              1, and 1 for each WORK_BYTES of it; and as much for what is gone
 *                                 through to make an older version, or to list them
 *     being present               1, and 1 for each connection that has to be told
 *
 * A user has an allowance of it (server/net/misuse.c), a transaction a bound
 * (server/commit/commit.c).
 */
#ifndef TANDEM_CORE_WORK_H
#define TANDEM_CORE_WORK_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/message.h"

#define WORK_BYTES (16u * 1024u)
#define WORK_RUN_BYTES 16u

/* Of a step that reads or writes so many bytes. */
static inline uint32_t work_of(size_t bytes)
{
    const size_t more = bytes / WORK_BYTES;
    return 1 + (more < UINT32_MAX - 1 ? (uint32_t)more : UINT32_MAX - 1);
}

#endif
