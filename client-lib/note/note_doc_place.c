/* What is asked of a note: its state, and where a place of one text is in another. */
#include "client-lib/note/note_doc.h"
#include "client-lib/note/note_doc_internal.h"
#include "client-lib/note/note_set.h"

struct bytes note_doc_text(const struct note_doc *doc)
{
    return note_text_bytes(&doc->text);
}

uint32_t note_doc_units(const struct note_doc *doc)
{
    return doc->text.units;
}

uint64_t note_doc_version(const struct note_doc *doc)
{
    return doc->version;
}

bool note_doc_catching_up(const struct note_doc *doc)
{
    return doc->catching_up;
}

bool note_doc_can_send(const struct note_doc *doc)
{
    return !doc->catching_up && !doc->held && note_set_none(&doc->sent) &&
           !(note_set_none(&doc->waiting) && note_set_none(&doc->fresh));
}

const struct change_set *note_doc_sent(const struct note_doc *doc)
{
    return doc->catching_up || note_set_none(&doc->sent) ? NULL : &doc->sent;
}

bool note_doc_is_divided(const struct note_doc *doc)
{
    return doc->sent.count > CHANGE_PARTS_MAX;
}

size_t note_doc_waiting(const struct note_doc *doc)
{
    return note_set_weight(&doc->sent) + note_set_weight(&doc->waiting) +
           note_set_weight(&doc->fresh);
}

void note_doc_pause(struct note_doc *doc)
{
    note_history_pause(&doc->history);
}

void note_doc_cursor(struct note_doc *doc, size_t at)
{
    note_history_cursor(&doc->history, note_text_unit(&doc->text, at));
}

void note_doc_own_words(const struct note_doc *doc, struct buffer *out)
{
    struct change_set typed = {0};
    size_t at = 0;
    if (note_doc_typed(doc, &typed) != STATUS_OK)
        out->failed = true;
    for (size_t i = 0; i < typed.count; i++) {
        const struct bytes text =
            bytes_slice(buffer_bytes(&typed.text), at, typed.parts[i].text_size);
        at += text.size;
        buffer_append(out, text.data, text.size);
        if (text.size > 0 && text.data[text.size - 1] != '\n')
            buffer_append_byte(out, '\n');
    }
    change_set_release(&typed);
}

/* Text that somebody puts where their cursor is comes before it. */
bool note_doc_place_here(struct note_doc *doc, uint64_t version, uint64_t unit, size_t *at)
{
    if (version > doc->base_version || version < doc->past_from || unit > CHANGE_TEXT_MAX)
        return false;
    uint32_t place = (uint32_t)unit;
    for (uint64_t next = version + 1; next <= doc->base_version; next++) {
        const struct change_set *entry = &doc->past[next % NOTE_DOC_PAST];
        if (!note_set_none(entry) && place > entry->before)
            return false;
        place = note_set_place_after(entry, place, true);
    }
    if (place > doc->base.units)
        return false;
    place = note_set_place_after(&doc->sent, place, false);
    place = note_set_place_after(&doc->waiting, place, false);
    place = note_set_place_after(&doc->fresh, place, false);
    return note_text_byte(&doc->text, place, at);
}

uint32_t note_doc_place_there(struct note_doc *doc, size_t at, uint64_t *version)
{
    uint32_t place = note_text_unit(&doc->text, at);
    *version = doc->base_version;
    place = note_set_place_before(&doc->fresh, place);
    place = note_set_place_before(&doc->waiting, place);
    return note_set_place_before(&doc->sent, place);
}
