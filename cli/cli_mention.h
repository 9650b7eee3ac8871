/* "@kari" in a note: who is newly named in it, where, and letting them know.
 *
 * Whoever sends a text for a note calls mention_tell() behind it, with the text as it was. It tells
 * the person whom it reached, or, of a name that was refused, what they can do: share the note, or
 * leave the name as text. The text is sent either way.
 *
 * A mention itself holds no words of its note: whoever shows one takes the line that names the
 * person from the note as it is to be seen now, by mention_line().
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
/* The same of a text that several people wrote: only those of whose "@name" in `after` some byte
 * was typed here. `typed` has a byte for each of `after`, 0 for what was not; NULL: all was. */
void mention_find_typed(const char *before, const char *after, const uint8_t *typed,
                        struct mention_names *out);

#define MENTION_LINE 200u /* bytes of a line that are shown at most, the name among them */

/* Appends the first line of `text` that mentions `name`; of a longer one the part around the name,
 * cut between characters. Without such a line it appends the first that is not blank, and returns
 * false. Pure. */
bool mention_line(const char *text, const char *name, struct buffer *out);

/* Mentions in the note, by its id, whoever is newly named. The command is connected. `kept`: what
 * was typed waits on this machine though the connection is there, so nothing is waited for. What is
 * refused is no failure of the caller's. */
void mention_tell(struct cli *cli, const char *note, const char *before, const char *after,
                  bool kept);
/* The same of what several people wrote: `typed` as above. */
void mention_tell_typed(struct cli *cli, const char *note, const char *before, const char *after,
                        const uint8_t *typed, bool kept);

#endif
