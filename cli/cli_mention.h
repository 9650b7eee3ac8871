/* "@kari" in a note: who is newly named in it, and letting them know.
 *
 * Whoever sends a text for a note calls mention_tell() behind it, with the text as it was. It tells
 * the person whom it reached, or, of a name that was refused, what they can do: share the note, or
 * leave the name as text. The text is sent either way.
 */
#ifndef TANDEM_CLI_MENTION_H
#define TANDEM_CLI_MENTION_H

#include "cli/cli.h"

#define MENTION_NAME 64u  /* a sign-in name has 63 bytes at most */
#define MENTIONS_MOST 32u /* of one change */

struct mention_names {
    char names[MENTIONS_MOST][MENTION_NAME];
    size_t count;
};

/* The names that `after` mentions and `before` (NULL: nothing) does not, each once, in order:
 * @name, or @"a name" for one with spaces in it. An address of mail mentions nobody. Pure. */
void mention_find(const char *before, const char *after, struct mention_names *out);

/* Mentions in the note, by its id, whoever is newly named. The command is connected. `kept`: what
 * was typed waits on this machine though the connection is there, so nothing is waited for. What is
 * refused is no failure of the caller's. */
void mention_tell(struct cli *cli, const char *note, const char *before, const char *after,
                  bool kept);
/* The same for names that were given. REFUSED when somebody was not told. */
enum tandem_failure mention_send(struct cli *cli, const char *note,
                                 const struct mention_names *names, bool kept);

#endif
