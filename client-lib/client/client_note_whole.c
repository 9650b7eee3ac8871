/* What differs between two texts of a note. */
#include "client-lib/client/client.h"

#include <assert.h>

#include "client-lib/note/note_diff.h"
#include "protocol/utf16.h"

static bool tell_part(const struct change_set *set, size_t index, struct bytes inserted,
                      struct bytes before, size_t *from, tandem_note_difference_fn *each,
                      void *context)
{
    const struct change_part *part = &set->parts[index];
    size_t end = *from;
    const bool found = utf16_skip(before, part->length, &end);
    assert(found); /* the set was made of this text, by whole characters */
    const tandem_note_difference difference = {
        *from, end - *from, inserted.size > 0 ? (const char *)inserted.data : "", inserted.size};
    *from = end;
    return part->kept || each(context, &difference);
}

tandem_code tandem_note_differences(const char *before, size_t before_size, const char *after,
                                    size_t after_size, tandem_note_difference_fn *each,
                                    void *context)
{
    const struct bytes old = bytes_of(before, before_size), new = bytes_of(after, after_size);
    struct change_set set = {0};
    size_t from = 0, inserted = 0;
    if (!wire_utf8_valid(old) || !wire_utf8_valid(new))
        return STATUS_INVALID_VALUE;
    enum status status = note_diff(old, new, &set);
    for (size_t i = 0; status == STATUS_OK && i < set.count; i++) {
        const size_t size = set.parts[i].text_size;
        const struct bytes text = bytes_slice(buffer_bytes(&set.text), inserted, size);
        if (!tell_part(&set, i, text, old, &from, each, context))
            break;
        inserted += size;
    }
    change_set_release(&set);
    return (tandem_code)status;
}
