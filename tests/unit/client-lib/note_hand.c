#include "note_hand.h"

#include <stdio.h>
#include <string.h>

#include "protocol/status.h"
#include "tests/unit/protocol/notation.h"

struct note_doc *hand_begin(uint64_t version, const char *text)
{
    struct note_doc *doc = note_doc_new();
    assert_non_null(doc);
    assert_int_equal(note_doc_begin(doc, version, bytes_text(text)), STATUS_OK);
    return doc;
}

void hand_apply(struct note_doc *doc, const struct buffer *row, enum note_doc_origin origin)
{
    assert_false(row->failed);
    if (row->size > 0)
        assert_int_equal(note_doc_apply(doc, buffer_bytes(row), origin), STATUS_OK);
}

static void type(struct note_doc *doc, size_t from, size_t removed, const char *text,
                 enum note_doc_origin origin)
{
    struct buffer row = {0};
    assert_int_equal(note_doc_row_edit(doc, from, removed, bytes_text(text), &row), STATUS_OK);
    hand_apply(doc, &row, origin);
    buffer_release(&row);
}

void hand_type(struct note_doc *doc, size_t from, size_t removed, const char *text)
{
    type(doc, from, removed, text, NOTE_DOC_TYPED);
}

void hand_type_elsewhere(struct note_doc *doc, size_t from, size_t removed, const char *text)
{
    type(doc, from, removed, text, NOTE_DOC_ELSEWHERE);
}

void hand_undo(struct note_doc *doc)
{
    struct buffer row = {0};
    assert_int_equal(note_doc_row_undo(doc, &row), STATUS_OK);
    hand_apply(doc, &row, NOTE_DOC_UNDO);
    buffer_release(&row);
}

void hand_redo(struct note_doc *doc)
{
    struct buffer row = {0};
    assert_int_equal(note_doc_row_redo(doc, &row), STATUS_OK);
    hand_apply(doc, &row, NOTE_DOC_REDO);
    buffer_release(&row);
}

void hand_take(struct note_doc *doc)
{
    struct buffer row = {0};
    assert_true(note_doc_can_send(doc));
    note_doc_row_take(doc, &row);
    hand_apply(doc, &row, NOTE_DOC_TYPED);
    assert_false(note_doc_can_send(doc));
    buffer_release(&row);
}

void hand_refuse(struct note_doc *doc)
{
    struct buffer row = {0};
    note_doc_row_refused(doc, &row);
    hand_apply(doc, &row, NOTE_DOC_TYPED);
    buffer_release(&row);
}

void hand_encode(const char *changes, struct buffer *out)
{
    assert_true(notation_parse(bytes_text(changes), out));
}

static void entry(struct note_doc *doc, struct bytes encoded, bool own, bool away, bool more)
{
    struct buffer row = {0};
    assert_int_equal(note_doc_row_entry(doc, encoded, own, away, more, &row), STATUS_OK);
    hand_apply(doc, &row, NOTE_DOC_TYPED);
    buffer_release(&row);
}

void hand_entry(struct note_doc *doc, const char *changes, bool own)
{
    struct buffer encoded = {0};
    hand_encode(changes, &encoded);
    entry(doc, buffer_bytes(&encoded), own, false, false);
    buffer_release(&encoded);
}

void hand_away(struct note_doc *doc, const char *changes, bool own, bool more)
{
    struct buffer encoded = {0};
    hand_encode(changes, &encoded);
    entry(doc, buffer_bytes(&encoded), own, true, more);
    buffer_release(&encoded);
}

void hand_confirm(struct note_doc *doc)
{
    struct buffer encoded = {0};
    assert_non_null(note_doc_sent(doc));
    change_set_write(note_doc_sent(doc), &encoded);
    entry(doc, buffer_bytes(&encoded), true, false, false);
    buffer_release(&encoded);
}

void hand_text(struct note_doc *doc, uint64_t version, const char *text)
{
    struct buffer row = {0};
    assert_int_equal(note_doc_row_text(doc, version, bytes_text(text), &row), STATUS_OK);
    hand_apply(doc, &row, NOTE_DOC_TYPED);
    buffer_release(&row);
}

void assert_text(const struct note_doc *doc, const char *wanted)
{
    const struct bytes text = note_doc_text(doc);
    assert_int_equal(text.data[text.size], '\0');
    assert_string_equal((const char *)text.data, wanted);
    assert_int_equal(text.size, strlen(wanted));
}

void assert_changes(const struct change_set *set, const char *wanted)
{
    struct buffer encoded = {0}, printed = {0}, encoded_wanted = {0}, printed_wanted = {0};
    change_set_write(set, &encoded);
    notation_print(buffer_bytes(&encoded), &printed);
    hand_encode(wanted, &encoded_wanted);
    notation_print(buffer_bytes(&encoded_wanted), &printed_wanted);
    buffer_append_byte(&printed, '\0');
    buffer_append_byte(&printed_wanted, '\0');
    assert_string_equal((const char *)printed.data, (const char *)printed_wanted.data);
    buffer_release(&encoded);
    buffer_release(&printed);
    buffer_release(&encoded_wanted);
    buffer_release(&printed_wanted);
}

void assert_sent(const struct note_doc *doc, const char *wanted)
{
    const struct change_set *sent = note_doc_sent(doc);
    if (wanted == NULL) {
        assert_null(sent);
        return;
    }
    assert_non_null(sent);
    assert_changes(sent, wanted);
}

void assert_shown(const struct note_doc *doc, const char *wanted)
{
    char got[2000] = "";
    size_t count, at = 0;
    const struct note_doc_shown *shown = note_doc_shown(doc, &count);
    for (size_t i = 0; i < count; i++) {
        const char *bar = i > 0 ? "|" : "";
        const int size = (int)shown[i].inserted.size;
        const char *text = (const char *)shown[i].inserted.data;
        int added;
        if (shown[i].kept)
            added = snprintf(got + at, sizeof got - at, "%skept %s %zu,%.*s", bar,
                             shown[i].own ? "own" : "theirs", shown[i].from, size, text);
        else
            added = snprintf(got + at, sizeof got - at, "%s%zu,%zu,%.*s", bar, shown[i].from,
                             shown[i].removed, size, text);
        assert_true(added >= 0 && (size_t)added < sizeof got - at);
        at += (size_t)added;
    }
    assert_string_equal(got, wanted);
}
