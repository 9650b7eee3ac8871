/* What is wrong on this machine: the folder of the profile's copy, its disk, its outbox.
 *
 * The library tells what a call met, "the disk reported an error". A person is to know what that
 * means here, whether what they typed is safe, and what to do; so the folder is looked at, and
 * three sentences say so. */
#ifndef TANDEM_CLI_TROUBLE_H
#define TANDEM_CLI_TROUBLE_H

#include "cli/cli.h"

/* What happened, in place of the library's words. False, and nothing is added, when the fault is
 * none of this machine's: then it came from the server, or is about the person's own values. */
bool trouble_add_words(const struct cli *cli, const tandem_fault *fault, struct buffer *out);
/* The fault's code, or IO where the disk is what kept the server from being heard. */
tandem_code trouble_code(const struct cli *cli, const tandem_fault *fault);
/* What is safe and what to do about it: sentences with a blank in front. Nothing where there are no
 * words. */
void trouble_add_step(const struct cli *cli, const tandem_fault *fault, struct buffer *out);
/* Tells that the outbox could not be read and was set aside under this name in the copy's folder:
 * with
 * --json as an object on cli->err. */
void trouble_tell_damaged(struct cli *cli, const char *name);
/* Tells that the copy of the profile, which is offline, holds nothing though it was whole once: it
 * could not be read, and is fetched anew once there is a connection. Nothing when it is as it
 * should be. */
void trouble_tell_empty(struct cli *cli);

#endif
