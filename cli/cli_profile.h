/* A client's state on this machine: a folder with
 *
 *     session    who is signed in where: lines "url ...", "ca ...", "user ...", "token ..."
 *     replica/   the local copy that `tandem watch` keeps
 *
 * The folder is TANDEM_PROFILE, or $XDG_STATE_HOME/tandem, or ~/.local/state/tandem. It is for its
 * owner alone (0700, the session 0600), because the token signs in.
 */
#ifndef TANDEM_CLI_PROFILE_H
#define TANDEM_CLI_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#define PROFILE_PATH 4096
#define PROFILE_TEXT 1024

struct session {
    char url[PROFILE_TEXT];
    char ca[PROFILE_PATH]; /* "" for the system's */
    char user[128];
    char token[256];
};

struct profile {
    char folder[PROFILE_PATH - 64];
    bool signed_in; /* the session was read */
    struct session session;
};

/* Finds the folder and reads the session if there is one. False when no folder can be named or a
 * session is there and cannot be read, with a sentence in `problem`. */
bool profile_load(struct profile *profile, char problem[256]);
/* Writes the session durably, all of it or nothing; not when a part has control characters. False with a sentence in `problem`. */
bool profile_save(const struct profile *profile, char problem[256]);
/* Ends the session on this side. */
void profile_forget_session(const struct profile *profile);
/* Path of the replica's folder. */
const char *profile_replica(const struct profile *profile, char out[PROFILE_PATH]);
/* Deletes a folder of plain files; missing is fine. */
void profile_delete_folder(const char *path);
/* Makes the folder, and those above it. False with a sentence in `problem`. */
bool profile_make_folder(const char *path, char problem[256]);

#endif
