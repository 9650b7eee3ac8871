#include "client-lib/note/note_doc_whole.h"

#include <string.h>

#include "client-lib/note/note_diff.h"
#include "client-lib/note/note_doc_internal.h"
#include "client-lib/note/note_set.h"
#include "protocol/message.h"
#include "protocol/wire.h"

enum status note_doc_row_whole(const struct note_doc *doc, struct bytes text, struct buffer *out)
{
    const struct bytes now = note_doc_text(doc);
    struct change_set set = {0};
    if (!wire_utf8_valid(text) || (text.size > 0 && memchr(text.data, '\r', text.size) != NULL))
        return STATUS_INVALID_VALUE;
    if (text.size > now.size && text.size > LIMIT_NOTE_TEXT)
        return STATUS_TOO_LARGE;
    enum status status = note_diff(now, text, &set);
    if (status == STATUS_OK && !note_set_none(&set)) {
        wire_put_array(out, 2);
        wire_put_uint(out, NOTE_ROW_EDIT);
        change_set_write(&set, out);
        status = out->failed ? STATUS_NO_MEMORY : STATUS_OK;
    }
    change_set_release(&set);
    return status;
}
