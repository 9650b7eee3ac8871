/* Live notes: texts that several people edit at once.
 *
 * The server orders change sets (protocol/change_set.h) and never rewrites them. Each accepted set
 * makes the next version of its note. A push names the version it was made of; when that is the
 * newest it is appended, else the client takes the others' changes first and pushes again.
 *
 *     COMMAND_NOTE -> apply_note(): gate, bounds, apply -> log row, head, due for settling
 *     COMMAND_DUE  -> note_due(): typing has paused; the record gets text and version, as a
 *                     change of the record that everybody who may see it receives
 *
 * What is kept of a note, by its record's id:
 *
 *     head        the newest version: its text, and who wrote which run of it
 *     log         versions -> the change sets that made them, by whom, from which device, when
 *     snapshot    version -> text and authors, whenever the log since the last has outgrown both,
 *                 or has so many versions that reading one would take long
 *
 * A note whose text nobody changed has no head: it is at version 0, the text is its record's (line
 * ends made \n). There is a snapshot of the oldest version that is kept, and the log has each version
 * behind it. What is older than the company remembers deletions goes, so that what is kept of a note is
 * bounded by what is typed in that time: while it is busy, what lies below the newest snapshot that is
 * older (note_prune.h); when it settles, and with COMMAND_PRUNE when it has long been left alone, all
 * of it (note_cut.h). How old that is, the last COMMAND_PRUNE said: the row of the heads under the id
 * zero.
 *
 * A mutation that sets `text` as a whole is such a change too: it makes the next version, so that
 * who has the note open sees it as an edit.
 *
 * Everything here is a function of the state and a stamp.
 */
#ifndef TANDEM_CORE_NOTE_H
#define TANDEM_CORE_NOTE_H

#include "protocol/bytes.h"
#include "protocol/change_set.h"
#include "protocol/id.h"
#include "protocol/status.h"
#include "server/core/access/principal.h"
#include "server/core/record/record.h"
#include "server/core/state.h"

/* Milliseconds without typing after which a note settles, and after the first change that has not
 * settled, however busy it is. */
#define NOTE_PAUSE_MS 3000u
#define NOTE_LONGEST_MS 30000u

/* Who wrote a run of the text. */
struct note_run {
    uint32_t length; /* UTF-16 units */
    struct bytes by; /* sign-in name */
    uint64_t at_ms;
};

/* The newest version. Slices point into the snapshot it was read from; `runs` is an encoded array
 * of [length, by, at], together as long as the text. */
struct note_head {
    uint64_t version;
    uint64_t oldest;      /* version that can still be read */
    uint64_t settled;     /* version that the record shows */
    uint64_t snapshot;    /* newest version with a snapshot */
    uint64_t logged;      /* bytes of log rows behind it */
    uint64_t waiting_ms;  /* time of the first change that has not settled; 0: all have */
    uint64_t changed_ms;  /* time of the newest change */
    uint64_t due_ms;      /* what stands in the due table; 0: nothing */
    struct bytes by;      /* author of the newest change */
    struct bytes text;    /* UTF-8 */
    struct bytes runs;
};

/* An entry of the log (note_log.h): how version `version` was made of the one before. */
struct note_entry {
    uint64_t version;
    struct id client; /* device; zero for a mutation that set the text as a whole */
    struct bytes by;
    uint64_t at_ms;
    uint64_t seq; /* of the newest change in the store when it was made */
    const struct change_set *set;
};

/* The head of the note that `record` is; one that was never edited live gets version 0 from the
 * record's text, its runs by the record's author. `scratch` holds what had to be made up.
 * CORRUPT, NO_MEMORY, or the store's error. */
enum status note_read_head(const struct state *state, const struct record *record,
                           struct buffer *scratch, struct note_head *out);

/* The oldest version that `who` may read of what head->oldest still has: staff all; people of a
 * partner none that came to an end before the note was theirs to see, as with a record's history.
 * `record` has passed the gate for them. */
enum status note_oldest_for(const struct state *state, const struct principal *who,
                            const struct record *record, const struct note_head *head,
                            uint64_t *oldest);

/* Text and authors of any version from head->oldest to head->version, appended to the buffers.
 * NOT_FOUND for others. */
enum status note_read_version(const struct state *state, const struct record *record,
                              uint64_t version, struct buffer *text, struct buffer *runs);

#endif
