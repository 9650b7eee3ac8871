/* A live note on a device: the input is [text, step...], and each step
 *
 *     [0, from, removed, text]    typed
 *     [1, from, removed, text]    typed in another process
 *     [2, changes, own, away, more]   an entry of the server's
 *     [3, version, text]          a text of the server's
 *     [4]  sends    [5]  is refused    [6]  undoes    [7]  redoes    [8]  pauses
 *     [9, row]                    any row at all
 *     [10, saved]                 anything at all that was saved
 *     [11, version, unit]         asks where a cursor is
 *
 * What is shown leads from the text before to the text now, and a second document that is given the
 * same rows, or what was saved, is the same. */
#include "fuzz.h"

#include "client-lib/note/note_doc.h"
#include "protocol/utf16.h"
#include "protocol/wire.h"

#define STEPS_MOST 200u

struct stage {
    struct note_doc *doc, *other;
    struct buffer row, before, made, left, right;
};

static void must_be_same(struct stage *stage)
{
    buffer_clear(&stage->left);
    buffer_clear(&stage->right);
    note_doc_save(stage->doc, &stage->left);
    note_doc_save(stage->other, &stage->right);
    MUST(bytes_equal(buffer_bytes(&stage->left), buffer_bytes(&stage->right)));
    MUST(bytes_equal(note_doc_text(stage->doc), note_doc_text(stage->other)));
}

/* What the second document was shown makes its text of the one before. */
static void must_lead_on(struct stage *stage)
{
    const struct bytes text = note_doc_text(stage->other);
    size_t count;
    const struct note_doc_shown *shown = note_doc_shown(stage->other, &count);
    for (size_t i = 0; i < count; i++) {
        const struct bytes before = buffer_bytes(&stage->before);
        if (shown[i].kept) {
            MUST(shown[i].from <= text.size && shown[i].inserted.size <= text.size - shown[i].from);
            continue;
        }
        const size_t end = shown[i].from + shown[i].removed;
        MUST(end <= before.size);
        buffer_clear(&stage->made);
        buffer_append(&stage->made, before.data, shown[i].from);
        buffer_append(&stage->made, shown[i].inserted.data, shown[i].inserted.size);
        buffer_append(&stage->made, before.data + end, before.size - end);
        const struct buffer made = stage->made;
        stage->made = stage->before;
        stage->before = made;
    }
    MUST(bytes_equal(buffer_bytes(&stage->before), text));
}

static bool apply(struct stage *stage, enum note_doc_origin origin)
{
    const struct bytes text = note_doc_text(stage->other);
    if (stage->row.size == 0)
        return false;
    buffer_clear(&stage->before);
    buffer_append(&stage->before, text.data, text.size);
    const enum status status = note_doc_apply(stage->doc, buffer_bytes(&stage->row), origin);
    MUST(note_doc_apply(stage->other, buffer_bytes(&stage->row), NOTE_DOC_ELSEWHERE) == status);
    MUST(status == STATUS_OK || status == STATUS_CORRUPT || status == STATUS_TOO_LARGE);
    if (status == STATUS_OK)
        must_lead_on(stage);
    must_be_same(stage);
    return status == STATUS_OK;
}

static void type(struct stage *stage, struct wire_reader *reader, enum note_doc_origin origin)
{
    uint64_t from, removed;
    struct bytes text;
    if (wire_get_uint(reader, &from) && wire_get_uint(reader, &removed) &&
        wire_get_str(reader, &text) &&
        note_doc_row_edit(stage->doc, from, removed, text, &stage->row) == STATUS_OK)
        apply(stage, origin);
}

static void hear_entry(struct stage *stage, struct wire_reader *reader)
{
    struct bytes changes;
    bool own, away, more;
    if (wire_skip(reader, &changes) && wire_get_bool(reader, &own) &&
        wire_get_bool(reader, &away) && wire_get_bool(reader, &more) &&
        note_doc_row_entry(stage->doc, changes, own, away, more, &stage->row) == STATUS_OK)
        apply(stage, NOTE_DOC_TYPED);
}

static void hear_text(struct stage *stage, struct wire_reader *reader)
{
    uint64_t version;
    struct bytes text;
    if (wire_get_uint(reader, &version) && wire_get_str(reader, &text) &&
        note_doc_row_text(stage->doc, version, text, &stage->row) == STATUS_OK &&
        apply(stage, NOTE_DOC_TYPED))
        MUST(note_doc_version(stage->doc) == version && !note_doc_catching_up(stage->doc));
}

static void step_back(struct stage *stage, bool redo)
{
    const enum status status = redo ? note_doc_row_redo(stage->doc, &stage->row)
                                    : note_doc_row_undo(stage->doc, &stage->row);
    if (status == STATUS_OK)
        apply(stage, redo ? NOTE_DOC_REDO : NOTE_DOC_UNDO);
}

static void load(struct stage *stage, struct wire_reader *reader)
{
    struct bytes saved;
    if (wire_skip(reader, &saved) && note_doc_load(stage->doc, saved) == STATUS_OK) {
        MUST(note_doc_load(stage->other, saved) == STATUS_OK);
        must_be_same(stage);
    }
}

static void place(struct stage *stage, struct wire_reader *reader)
{
    uint64_t version, unit;
    size_t at;
    if (!wire_get_uint(reader, &version) || !wire_get_uint(reader, &unit) ||
        !note_doc_place_here(stage->doc, version, unit, &at))
        return;
    MUST(at <= note_doc_text(stage->doc).size);
    (void)note_doc_place_there(stage->doc, at, &version);
}

static void step(struct stage *stage, struct wire_reader *reader, uint64_t kind)
{
    struct bytes row;
    buffer_clear(&stage->row);
    switch (kind) {
    case 0:
    case 1:
        type(stage, reader, kind == 0 ? NOTE_DOC_TYPED : NOTE_DOC_ELSEWHERE);
        break;
    case 2:
        hear_entry(stage, reader);
        break;
    case 3:
        hear_text(stage, reader);
        break;
    case 4:
        note_doc_row_take(stage->doc, &stage->row);
        apply(stage, NOTE_DOC_TYPED);
        break;
    case 5:
        note_doc_row_refused(stage->doc, &stage->row);
        apply(stage, NOTE_DOC_TYPED);
        break;
    case 6:
    case 7:
        step_back(stage, kind == 7);
        break;
    case 8:
        note_doc_pause(stage->doc);
        break;
    case 9:
        if (wire_skip(reader, &row)) {
            buffer_append(&stage->row, row.data, row.size);
            apply(stage, NOTE_DOC_TYPED);
        }
        break;
    case 10:
        load(stage, reader);
        break;
    case 11:
        place(stage, reader);
        break;
    default:
        break;
    }
}

static void run(struct stage *stage, struct bytes input)
{
    struct wire_reader reader = wire_read(input);
    uint32_t count, elements;
    struct bytes text;
    if (wire_validate(input, NULL) != STATUS_OK || !wire_get_array(&reader, &count) || count == 0 ||
        !wire_get_str(&reader, &text) || note_doc_begin(stage->doc, 1, text) != STATUS_OK)
        return;
    MUST(note_doc_begin(stage->other, 1, text) == STATUS_OK);
    for (uint32_t i = 1; i < count && i < STEPS_MOST; i++) {
        struct bytes encoded;
        uint64_t kind;
        if (!wire_skip(&reader, &encoded))
            return;
        struct wire_reader one = wire_read(encoded);
        if (wire_get_array(&one, &elements) && wire_get_uint(&one, &kind))
            step(stage, &one, kind);
    }
    buffer_clear(&stage->left);
    note_doc_save(stage->doc, &stage->left);
    MUST(note_doc_load(stage->other, buffer_bytes(&stage->left)) == STATUS_OK);
    must_be_same(stage);
    MUST(utf16_length(note_doc_text(stage->doc)) == note_doc_units(stage->doc));
    buffer_clear(&stage->row);
    note_doc_own_words(stage->doc, &stage->row);
    (void)note_doc_waiting(stage->doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stage stage = {.doc = note_doc_new(), .other = note_doc_new()};
    struct buffer *const buffers[] = {&stage.row, &stage.before, &stage.made, &stage.left,
                                      &stage.right};
    MUST(stage.doc != NULL && stage.other != NULL);
    run(&stage, bytes_of(data, size));
    note_doc_free(stage.doc);
    note_doc_free(stage.other);
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        buffer_release(buffers[i]);
    return 0;
}
