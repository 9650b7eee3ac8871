/* Short words for what people do in live notes, on top of world.h.
 *
 * A change set is written as parts between spaces: "=3" keeps three units, "-2" deletes two,
 * "+text" inserts, "-2+text" replaces; '_' stands for a space and '/' for a line end. Several sets
 * of one push stand between '|'.
 */
#ifndef TANDEM_TESTS_CORE_NOTE_WORLD_H
#define TANDEM_TESTS_CORE_NOTE_WORLD_H

#include "server/core/note/note.h"
#include "tests/unit/core/world.h"

struct push_reply {
    enum status status;
    uint64_t version;
    int change;
    char detail[161];
};

/* Appends the change set that `text` describes, encoded. */
void put_set(struct buffer *out, const char *text);
/* Pushes at once, by the user's own device. */
struct push_reply push(struct world *world, struct id user, struct id note, uint64_t base,
                       const char *sets);
/* The same with `changes` as they are. */
struct push_reply push_raw(struct world *world, struct id user, struct id note, uint64_t base,
                           struct bytes changes);
/* Any body. */
struct push_reply push_body(struct world *world, struct id user, struct bytes body);

/* The head of the note, whose slices are good until the next write. */
struct note_head head_of(struct world *world, struct id note);
/* The text of a version, and who wrote it ("3 ada, 2 kari"); good for the next 4 calls. NULL when
 * there is no such version. */
const char *text_of(struct world *world, struct id note, uint64_t version);
const char *authors_of(struct world *world, struct id note, uint64_t version);
/* Lets `ms` pass and does what is due then. */
void pass(struct world *world, uint64_t ms);
/* Says what may be forgotten: what is older than `before`. */
void prune(struct world *world, uint64_t before);
/* Checks what must hold of whatever is kept of the note: head, log and snapshots fit together. */
void check_kept(struct world *world, struct id note);
/* Whether anything is kept of it. */
bool is_kept(struct world *world, struct id note);

#define assert_pushed(answer, number)                                                              \
    do {                                                                                           \
        struct push_reply pushed_ = (answer);                                                      \
        if (pushed_.status != STATUS_OK)                                                           \
            print_error("answered %s (change %d: %s)\n", status_name(pushed_.status),              \
                        pushed_.change, pushed_.detail);                                           \
        assert_int_equal(pushed_.status, STATUS_OK);                                               \
        assert_int_equal(pushed_.version, (number));                                               \
    } while (0)

#endif
