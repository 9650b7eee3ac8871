/* Mentions: "@name" in a note puts an entry into the inbox of whoever it names.
 *
 * The entry is a record of the entity `mention` in the scope of its owner, made by the change
 * `mention` alone, in the same mutation: whoever may write in a note may mention somebody in it who
 * may read it as it stands. It points to the note and holds none of its words, since it stays with
 * its owner when the note no longer is theirs to see. Where that is refused, staff hear why. The
 * people of a partner hear one answer, whoever they named: nobody outside their partner can be told
 * from somebody who never was, unless they wrote in the very note.
 */
#ifndef TANDEM_CORE_APPLY_MENTION_H
#define TANDEM_CORE_APPLY_MENTION_H

#include "server/core/apply/apply_plan.h"

/* Plans the mention `id`, which no record has, of the user with the sign-in name `user` in `note`.
 */
enum status mention_plan(struct plan *plan, struct id id, struct id note, struct bytes user);

#endif
