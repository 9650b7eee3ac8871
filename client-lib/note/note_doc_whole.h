/* Giving a note another text as a whole, by as little as makes the one of the other: what both have
 * stays, with who wrote it. */
#ifndef TANDEM_CLIENT_NOTE_DOC_WHOLE_H
#define TANDEM_CLIENT_NOTE_DOC_WHOLE_H

#include "client-lib/note/note_doc.h"

/* A row as note_doc.h has them. INVALID_VALUE when `text` is not UTF-8 or has line ends other than
 * \n; TOO_LARGE when the note would grow beyond LIMIT_NOTE_TEXT; NO_MEMORY. When it changes
 * nothing, OK and no row. */
enum status note_doc_row_whole(const struct note_doc *doc, struct bytes text, struct buffer *out);

#endif
