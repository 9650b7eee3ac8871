/* The copy of the record that a profile keeps on this machine to work without the network.
 *
 * `tandem offline` makes it: the library's files in the profile's folder replica/, and beside them
 * a file "copy" that says whose it is and how old, which the library has no need to know. Only a
 * profile that has this file keeps what is changed while the server cannot be reached. `tandem
 * watch` uses the same folder; alone it makes no such file.
 *
 *     copy       lines "url ...", "user ...", "role ...", "caught-up MS"
 */
#ifndef TANDEM_CLI_COPY_H
#define TANDEM_CLI_COPY_H

#include <stdint.h>

#include "cli/cli_profile.h"

struct copy {
    bool kept; /* there is one */
    char url[PROFILE_TEXT];
    char user[128];
    char role[64];        /* of the user when the server was last asked */
    bool offline;         /* as the outbox says; remembered here in case it is damaged */
    int64_t caught_up_ms; /* when it last was as the server had it; 0: it is not whole yet */
};

/* Reads what is known of the profile's copy; nothing is known of one that cannot be read. */
void copy_load(const struct profile *profile, struct copy *out);
/* Writes it, all or nothing, into the folder, which is there. False with a sentence in `problem`.
 */
bool copy_save(const struct profile *profile, const struct copy *copy, char problem[256]);
/* Writes only when it last was as the server had it, whatever others wrote meanwhile. Does nothing
 * where no copy of the session's user is kept. As copy_save(). */
bool copy_note_time(const struct profile *profile, int64_t caught_up_ms, char problem[256]);
/* Whether what is in the profile's folder belongs to somebody else than this user of this server:
 * as the copy says, else as the session does. */
bool copy_is_foreign(const struct profile *profile, const char *url, const char *user);

#endif
