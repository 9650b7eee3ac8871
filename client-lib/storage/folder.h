/* The folder of a client: whose it is, and that its name and those of the files in it last.
 *
 * What is in it is its owner's alone. Somebody else who could write there could put a link in the
 * place of a file, and have us write over what it points to; or a file of theirs, and read in it
 * what we write. So a folder that another user owns or may write to is refused, and so are files in
 * it that are links or another user's. Above the folder nothing is looked at: who may rename it may
 * take it away, and put there only what is refused. */
#ifndef TANDEM_CLIENT_LIB_FOLDER_H
#define TANDEM_CLIENT_LIB_FOLDER_H

#include "protocol/status.h"
#include "tandem/tandem.h"

/* Makes the folder, and those above it, for their owner alone; it may be there already. Files in it
 * that others may read are made the owner's alone. IO; DENIED with what is refused in `fault`. */
enum status folder_make(const char *folder, tandem_fault *fault);

/* Has the names in the folder, its own, and those of the folders above it that are its owner's too
 * made durable: a file that is flushed can lose its name all the same when the power goes. What a
 * file system cannot do, and a folder above that may not be read, is passed over. IO. */
enum status folder_sync(const char *folder);

#endif
