/* Rows: what is to be done to a note, as small as it can be told. */
#include <string.h>

#include "client-lib/note/note_diff.h"
#include "client-lib/note/note_doc.h"
#include "client-lib/note/note_doc_internal.h"
#include "client-lib/note/note_merge.h"
#include "client-lib/note/note_set.h"
#include "protocol/message.h"
#include "protocol/utf16.h"
#include "protocol/wire.h"

/* Bytes of a row that is worth a whole save. */
#define LARGE_ROW (16u * 1024u)

/* ---- Reading --------------------------------------------------------------- */

static enum status read_changes(struct wire_reader *reader, struct change_set *out)
{
    struct bytes encoded;
    if (!wire_skip(reader, &encoded))
        return STATUS_CORRUPT;
    const enum status status = change_set_read_own(encoded, out);
    return status == STATUS_OK || status == STATUS_NO_MEMORY ? status : STATUS_CORRUPT;
}

static uint32_t elements_of(uint64_t kind)
{
    switch (kind) {
    case NOTE_ROW_EDIT:
        return 2;
    case NOTE_ROW_ENTRY:
        return 6;
    case NOTE_ROW_TEXT:
        return 5;
    default:
        return 1;
    }
}

enum status note_row_read(struct bytes encoded, struct note_row *out)
{
    struct wire_reader reader = wire_read(encoded);
    uint32_t elements;
    uint64_t kind;
    if (wire_validate(encoded, NULL) != STATUS_OK || !wire_get_array(&reader, &elements) ||
        elements == 0 || !wire_get_uint(&reader, &kind) || kind > NOTE_ROW_REFUSED ||
        elements != elements_of(kind))
        return STATUS_CORRUPT;
    out->kind = (enum note_row_kind)kind;
    if (out->kind == NOTE_ROW_ENTRY &&
        (!wire_get_uint(&reader, &out->version) || !wire_get_bool(&reader, &out->own) ||
         !wire_get_bool(&reader, &out->away) || !wire_get_bool(&reader, &out->more)))
        return STATUS_CORRUPT;
    if (out->kind == NOTE_ROW_TEXT &&
        (!wire_get_uint(&reader, &out->version) || !wire_get_bool(&reader, &out->taken)))
        return STATUS_CORRUPT;
    enum status status = elements > 1 ? read_changes(&reader, &out->changes) : STATUS_OK;
    if (status == STATUS_OK && out->kind == NOTE_ROW_TEXT)
        status = read_changes(&reader, &out->missing);
    return status;
}

bool note_doc_row_is_large(struct bytes row)
{
    return row.size > LARGE_ROW;
}

/* ---- Writing --------------------------------------------------------------- */

static void begin_row(enum note_row_kind kind, struct buffer *out)
{
    wire_put_array(out, elements_of(kind));
    wire_put_uint(out, kind);
}

static enum status written(const struct buffer *out)
{
    return out->failed ? STATUS_NO_MEMORY : STATUS_OK;
}

static enum status write_edit(const struct change_set *set, struct buffer *out)
{
    if (set->state != STATUS_OK)
        return set->state;
    begin_row(NOTE_ROW_EDIT, out);
    change_set_write(set, out);
    return written(out);
}

/* Appends `text` with line ends as a note has them. */
static void append_lines(struct bytes text, struct buffer *out)
{
    size_t at = 0;
    while (at < text.size) {
        const uint8_t *found = memchr(text.data + at, '\r', text.size - at);
        const size_t end = found != NULL ? (size_t)(found - text.data) : text.size;
        buffer_append(out, text.data + at, end - at);
        at = end;
        if (found == NULL)
            return;
        buffer_append_byte(out, '\n');
        at += at + 1 < text.size && text.data[at + 1] == '\n' ? 2 : 1;
    }
}

/* An edit of the text, by bytes. */
struct edit {
    size_t from, removed;
    struct bytes text;
};

/* Takes from both sides what an edit leaves as it is. */
static void trim_edit(struct bytes all, struct edit *edit)
{
    struct bytes text = edit->text;
    size_t same = 0;
    while (same < edit->removed && same < text.size &&
           all.data[edit->from + same] == text.data[same])
        same++;
    while (same > 0 && ((same < text.size && (text.data[same] & 0xc0) == 0x80) ||
                        (same < edit->removed && (all.data[edit->from + same] & 0xc0) == 0x80)))
        same--;
    edit->from += same;
    edit->removed -= same;
    text = bytes_slice(text, same, text.size - same);
    const size_t end = edit->from + edit->removed;
    same = 0;
    while (same < edit->removed && same < text.size &&
           all.data[end - 1 - same] == text.data[text.size - 1 - same])
        same++;
    while (same > 0 && (text.data[text.size - same] & 0xc0) == 0x80)
        same--;
    edit->removed -= same;
    edit->text = bytes_slice(text, 0, text.size - same);
}

static enum status write_bytes_edit(struct note_doc *doc, struct edit edit, struct buffer *out)
{
    struct change_set set = {0};
    trim_edit(note_text_bytes(&doc->text), &edit);
    if (edit.removed == 0 && edit.text.size == 0)
        return STATUS_OK;
    const uint32_t from = note_text_unit(&doc->text, edit.from);
    const uint32_t to = note_text_unit(&doc->text, edit.from + edit.removed);
    change_set_keep(&set, from);
    change_set_replace(&set, to - from, edit.text, false);
    change_set_keep(&set, doc->text.units - to);
    const enum status status = write_edit(&set, out);
    change_set_release(&set);
    return status;
}

enum status note_doc_row_edit(struct note_doc *doc, size_t from, size_t removed, struct bytes text,
                              struct buffer *out)
{
    const size_t size = doc->text.bytes.size;
    struct buffer lines = {0};
    enum status status = STATUS_OK;
    if (from > size || removed > size - from || !note_text_is_place(&doc->text, from) ||
        !note_text_is_place(&doc->text, from + removed) || !wire_utf8_valid(text))
        return STATUS_INVALID_VALUE;
    if (text.size > 0 && memchr(text.data, '\r', text.size) != NULL) {
        append_lines(text, &lines);
        if (lines.failed)
            status = STATUS_NO_MEMORY;
        text = buffer_bytes(&lines);
    }
    if (status == STATUS_OK && note_doc_outgrows(size, size - removed + text.size))
        status = STATUS_TOO_LARGE;
    if (status == STATUS_OK)
        status = write_bytes_edit(doc, (struct edit){from, removed, text}, out);
    buffer_release(&lines);
    return status;
}

static enum status row_step(struct note_doc *doc, bool redo, struct buffer *out)
{
    const struct change_set *step;
    enum status status = note_history_peek(&doc->history, redo, &step);
    if (status == STATUS_OK)
        status = note_text_plan(&doc->text, step, &doc->plan);
    if (status == STATUS_OK && note_doc_outgrows(doc->text.bytes.size, doc->plan.size))
        status = STATUS_TOO_LARGE;
    return status == STATUS_OK ? write_edit(step, out) : status;
}

enum status note_doc_row_undo(struct note_doc *doc, struct buffer *out)
{
    return row_step(doc, false, out);
}

enum status note_doc_row_redo(struct note_doc *doc, struct buffer *out)
{
    return row_step(doc, true, out);
}

/* Whether the entry fits the version before, of which there is no text while catching up: then all
 * that came, with it, must fit the base. */
static enum status check_entry(struct note_doc *doc, const struct change_set *entry)
{
    struct change_set theirs = {0};
    const uint32_t units = note_set_none(&doc->theirs) ? doc->base.units : doc->theirs.after;
    if (entry->before != units)
        return STATUS_INVALID_VALUE;
    enum status status = note_set_compose(&doc->theirs, entry, &theirs);
    if (status == STATUS_OK && note_set_bytes(&theirs) > NOTE_DOC_THEIRS_BYTES)
        status = STATUS_TOO_LARGE;
    if (status == STATUS_OK)
        status = note_text_plan(&doc->base, &theirs, &doc->base_plan);
    change_set_release(&theirs);
    return status;
}

enum status note_doc_row_entry(struct note_doc *doc, struct bytes encoded, bool own, bool away,
                               bool more, struct buffer *out)
{
    struct change_set entry = {0};
    enum status status = change_set_read(encoded, &entry, NULL);
    if (status == STATUS_OK)
        status = check_entry(doc, &entry);
    if (status == STATUS_OK) {
        begin_row(NOTE_ROW_ENTRY, out);
        wire_put_uint(out, doc->version + 1);
        wire_put_bool(out, own);
        wire_put_bool(out, away);
        wire_put_bool(out, more);
        change_set_write(&entry, out);
        status = written(out);
    }
    change_set_release(&entry);
    return status;
}

/* What a text says of the version that it is of. */
struct found {
    struct change_set theirs;  /* what made it of the base, */
    bool taken;                /* with `sent`, */
    struct change_set missing; /* but for this */
};

static void found_release(struct found *found)
{
    change_set_release(&found->theirs);
    change_set_release(&found->missing);
}

/* Looks whether the text, which is not the base, holds what was sent. */
static enum status find_sent(const struct note_doc *doc, struct bytes text, struct found *out)
{
    struct buffer with_sent = {0};
    struct change_set since = {0};
    if (note_set_none(&doc->sent))
        return STATUS_OK;
    enum status status =
        change_set_apply(&doc->sent, note_text_bytes(&doc->base), &with_sent, NULL);
    if (status == STATUS_OK)
        status = note_diff(buffer_bytes(&with_sent), text, &since);
    if (status == STATUS_OK)
        status = note_merge_holds(&doc->sent, &since, &out->taken, &out->missing);
    if (status == STATUS_OK && out->taken)
        status = note_set_map(&since, &out->missing, false, &out->theirs);
    else
        change_set_clear(&out->missing);
    buffer_release(&with_sent);
    change_set_release(&since);
    return status;
}

enum status note_doc_row_text(struct note_doc *doc, uint64_t version, struct bytes text,
                              struct buffer *out)
{
    struct found found = {.taken = false};
    if (!wire_utf8_valid(text))
        return STATUS_INVALID_VALUE;
    if (text.size > 3u * CHANGE_TEXT_MAX || utf16_length(text) > CHANGE_TEXT_MAX)
        return STATUS_TOO_LARGE;
    enum status status = note_diff(note_text_bytes(&doc->base), text, &found.theirs);
    if (status == STATUS_OK && !note_set_none(&found.theirs))
        status = find_sent(doc, text, &found);
    if (status == STATUS_OK) {
        begin_row(NOTE_ROW_TEXT, out);
        wire_put_uint(out, version);
        wire_put_bool(out, found.taken);
        change_set_write(&found.theirs, out);
        change_set_write(&found.missing, out);
        status = written(out);
    }
    found_release(&found);
    return status;
}

void note_doc_row_take(const struct note_doc *doc, struct buffer *out)
{
    (void)doc;
    begin_row(NOTE_ROW_TAKE, out);
}

void note_doc_row_refused(const struct note_doc *doc, struct buffer *out)
{
    (void)doc;
    begin_row(NOTE_ROW_REFUSED, out);
}
