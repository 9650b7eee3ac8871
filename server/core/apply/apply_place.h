/* Where a record lives and whom it speaks to. */
#ifndef TANDEM_CORE_APPLY_PLACE_H
#define TANDEM_CORE_APPLY_PLACE_H

#include "server/core/apply/apply_plan.h"

/* Gives a new record its scope and its first audience. `account` is the encoded value of its field
 * "account" (none when not given), `scope` and `audience` what the change said (none when it said
 * nothing). Does not ask the gate whether the actor may create there. */
enum status place_new(struct plan *plan, struct draft *draft, struct bytes account,
                      struct bytes scope, struct bytes audience);

/* Moves the record when its account is another now; the mover must be allowed to create there. */
enum status place_moved(struct plan *plan, struct draft *draft);

/* Refuses a tag that names no party of its kind, or that speaks to outsiders where none may be. */
enum status place_check_tag(struct plan *plan, struct scope scope, struct tag tag);

/* Reads an encoded array of tags, at most LIMIT_PLACEMENTS. */
enum status place_read_tags(struct plan *plan, struct bytes encoded, const char *key,
                            struct tag tags[LIMIT_PLACEMENTS], unsigned *count);

/* Whether the party is there, and outside the company or a department. NOT_FOUND (no refusal yet)
 * when it is not. */
enum status place_party(struct plan *plan, struct id party, bool *outside);

/* Refuses an audience that nobody is in, and in an account or the library one without the company:
 * what its own people cannot see, they could neither mend nor share again. `field` is what the
 * refusal points to. */
enum status place_check_audience(struct plan *plan, const struct draft *draft, const char *field);

#endif
