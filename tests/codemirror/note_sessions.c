/* Makes and checks sessions of somebody who edits a note that others edit: README.md. */
#include <string.h>

#include "client-lib/note/note_doc.h"
#include "client-lib/note/note_set.h"
#include "protocol/utf16.h"
#include "protocol/wire.h"
#include "tests/codemirror/cases.h"

#define STEPS_MOST 24u

struct session {
    struct note_doc *doc;
    struct buffer head; /* the server's text */
    bool sent, waits;   /* something is under way; was typed since */
};

static bool session_begin(struct session *session, struct bytes text)
{
    session->doc = note_doc_new();
    buffer_append(&session->head, text.data, text.size);
    return session->doc != NULL && !session->head.failed &&
           note_doc_begin(session->doc, 0, text) == STATUS_OK;
}

static void session_release(struct session *session)
{
    note_doc_free(session->doc);
    buffer_release(&session->head);
}

static bool waits(const struct note_doc *doc)
{
    const struct change_set *sent = note_doc_sent(doc);
    return note_doc_waiting(doc) > (sent != NULL ? note_set_weight(sent) : 0);
}

/* ---- Steps ---------------------------------------------------------------- */

static bool apply(struct session *session, struct buffer *row, enum status made)
{
    const bool good = made == STATUS_OK && !row->failed &&
                      (row->size == 0 || note_doc_apply(session->doc, buffer_bytes(row),
                                                        NOTE_DOC_TYPED) == STATUS_OK);
    buffer_release(row);
    return good;
}

/* In units, as editors count. */
static bool edit(struct session *session, size_t from, size_t removed, struct bytes text)
{
    const struct bytes now = note_doc_text(session->doc);
    struct buffer row = {0};
    size_t begin = 0;
    if (!utf16_skip(now, from, &begin))
        return false;
    size_t end = begin;
    if (!utf16_skip(now, removed, &end))
        return false;
    const enum status made = note_doc_row_edit(session->doc, begin, end - begin, text, &row);
    return apply(session, &row, made);
}

static bool type(struct session *session, const json_t *edits)
{
    struct buffer text = {0};
    bool good = json_array_size(edits) > 0;
    for (size_t i = 0; good && i < json_array_size(edits); i++) {
        const json_t *one = json_array_get(edits, i);
        const json_int_t from = json_integer_value(json_array_get(one, 0));
        const json_int_t removed = json_integer_value(json_array_get(one, 1));
        good = from >= 0 && removed >= 0 && case_read_text(json_array_get(one, 2), &text) &&
               edit(session, (size_t)from, (size_t)removed, buffer_bytes(&text));
    }
    buffer_release(&text);
    session->waits = waits(session->doc);
    return good;
}

static bool send(struct session *session)
{
    struct buffer row = {0};
    if (!note_doc_can_send(session->doc))
        return false;
    note_doc_row_take(session->doc, &row);
    session->sent = true;
    session->waits = false;
    return apply(session, &row, STATUS_OK);
}

static bool receive(struct session *session, const struct change_set *set, bool own)
{
    struct buffer wire = {0}, row = {0}, head = {0};
    bool good = change_set_apply(set, buffer_bytes(&session->head), &head, NULL) == STATUS_OK;
    buffer_release(&session->head);
    session->head = head;
    change_set_write(set, &wire);
    const enum status made =
        note_doc_row_entry(session->doc, buffer_bytes(&wire), own, false, false, &row);
    good = apply(session, &row, made) && good && !wire.failed;
    buffer_release(&wire);
    return good;
}

static bool confirm(struct session *session)
{
    struct change_set set = {0};
    const struct change_set *sent = note_doc_sent(session->doc);
    const bool good =
        sent != NULL && change_set_copy(sent, &set) == STATUS_OK && receive(session, &set, true);
    change_set_release(&set);
    session->sent = false;
    return good;
}

static bool do_step(struct session *session, const json_t *step)
{
    const json_t *edits = json_object_get(step, "type");
    struct change_set set = {0};
    bool good = false;
    if (edits != NULL)
        return type(session, edits);
    if (json_object_get(step, "send") != NULL)
        return send(session);
    if (json_object_get(step, "confirm") != NULL)
        return confirm(session);
    good = case_read_changes(json_object_get(step, "entry"), &set) && receive(session, &set, false);
    change_set_release(&set);
    return good;
}

/* What stands there after a step, and is under way. */
static json_t *told(const struct session *session)
{
    const struct change_set *sent = note_doc_sent(session->doc);
    json_t *pair = json_array();
    json_array_append_new(pair, case_json_text(note_doc_text(session->doc)));
    json_array_append_new(pair, sent != NULL ? case_json_changes(sent) : json_null());
    return pair;
}

static json_t *session_json(struct bytes text, json_t *steps, json_t *all_told)
{
    json_t *line = json_object();
    json_object_set_new(line, "text", case_json_text(text));
    json_object_set(line, "steps", steps);
    json_object_set(line, "told", all_told);
    return line;
}

/* ---- Answering ------------------------------------------------------------ */

static json_t *answer(const json_t *given)
{
    json_t *steps = json_object_get(given, "steps");
    json_t *all_told = json_array(), *line = NULL;
    struct session session = {.doc = NULL};
    struct buffer text = {0};
    bool good = case_read_text(json_object_get(given, "text"), &text) &&
                session_begin(&session, buffer_bytes(&text));
    for (size_t i = 0; good && i < json_array_size(steps); i++) {
        good = do_step(&session, json_array_get(steps, i));
        json_array_append_new(all_told, told(&session));
    }
    if (good)
        line = session_json(buffer_bytes(&text), steps, all_told);
    json_decref(all_told);
    buffer_release(&text);
    session_release(&session);
    return line;
}

/* ---- Making --------------------------------------------------------------- */

static size_t first_character(struct bytes text)
{
    size_t at = 0;
    (void)case_go_on(text, 1, &at);
    return at;
}

static size_t last_character(struct bytes text)
{
    size_t at = text.size;
    while (at > 0 && (text.data[--at] & 0xc0) == 0x80)
        ;
    return at;
}

/* A document leaves out of an edit what it does not change, and CodeMirror does not. */
static bool has_same_ends(struct bytes a, struct bytes b)
{
    if (a.size == 0 || b.size == 0)
        return false;
    const size_t a_last = last_character(a), b_last = last_character(b);
    return bytes_equal(bytes_slice(a, 0, first_character(a)),
                       bytes_slice(b, 0, first_character(b))) ||
           bytes_equal(bytes_slice(a, a_last, a.size - a_last),
                       bytes_slice(b, b_last, b.size - b_last));
}

static json_t *some_edit(struct case_maker *maker, struct bytes text)
{
    struct buffer inserted = {0};
    size_t at = 0;
    const size_t from = case_go_on(text, case_below(maker, 24), &at), begin = at;
    size_t removed =
        case_below(maker, 2) == 0 ? case_go_on(text, 1 + case_below(maker, 5), &at) : 0;
    if (removed == 0 || case_below(maker, 2) == 0)
        case_some_text(maker, 3, &inserted);
    if (has_same_ends(bytes_slice(text, begin, at - begin), buffer_bytes(&inserted)))
        removed = 0;
    json_t *one = json_array();
    json_array_append_new(one, json_integer((json_int_t)from));
    json_array_append_new(one, json_integer((json_int_t)removed));
    json_array_append_new(one, case_json_text(buffer_bytes(&inserted)));
    buffer_release(&inserted);
    return one;
}

/* Each edit is of the text that the one before has made. */
static json_t *some_typing(struct case_maker *maker, const struct session *session)
{
    struct session trial = {.doc = NULL};
    json_t *edits = json_array();
    bool good = session_begin(&trial, note_doc_text(session->doc));
    for (uint32_t n = 1 + case_below(maker, 3); good && n > 0; n--) {
        json_t *one = some_edit(maker, note_doc_text(trial.doc)), *alone = json_array();
        json_array_append(alone, one);
        json_array_append_new(edits, one);
        good = type(&trial, alone);
        json_decref(alone);
    }
    session_release(&trial);
    return json_pack("{s:o}", "type", edits);
}

static json_t *some_entry(struct case_maker *maker, const struct session *session)
{
    struct change_set set = {0};
    case_some_changes(maker, buffer_bytes(&session->head), &set);
    if (change_set_is_empty(&set)) {
        change_set_clear(&set);
        change_set_replace(&set, 0, bytes_text("x"), false);
        change_set_keep(&set, utf16_length(buffer_bytes(&session->head)));
    }
    json_t *step = json_pack("{s:o}", "entry", case_json_changes(&set));
    change_set_release(&set);
    return step;
}

static json_t *some_step(struct case_maker *maker, const struct session *session)
{
    const uint32_t dice = case_below(maker, 6);
    if (dice < 3 && !session->waits)
        return some_typing(maker, session);
    if (dice < 4 && session->waits && !session->sent)
        return json_pack("{s:b}", "send", 1);
    if (dice == 4 && session->sent)
        return json_pack("{s:b}", "confirm", 1);
    return some_entry(maker, session);
}

/* Others have done the same: CodeMirror goes on to send what changes nothing any more, and a
 * document does not. */
static bool has_vanished(const struct session *session)
{
    return (session->sent && note_doc_sent(session->doc) == NULL) ||
           (session->waits && !waits(session->doc));
}

static json_t *make(struct case_maker *maker)
{
    struct session session = {.doc = NULL};
    struct buffer text = {0};
    json_t *steps = json_array(), *all_told = json_array(), *line = NULL;
    case_some_text(maker, 14, &text);
    bool good = session_begin(&session, buffer_bytes(&text));
    for (uint32_t n = 4 + case_below(maker, STEPS_MOST - 3);
         good && n > 0 && !has_vanished(&session); n--) {
        json_t *step = some_step(maker, &session);
        good = do_step(&session, step);
        json_array_append_new(steps, step);
        json_array_append_new(all_told, told(&session));
    }
    if (good)
        line = session_json(buffer_bytes(&text), steps, all_told);
    json_decref(steps);
    json_decref(all_told);
    buffer_release(&text);
    session_release(&session);
    return line;
}

int main(int argc, char **argv)
{
    static const struct case_program program = {
        .name = "note_sessions", .lines_only = true, .make = make, .answer = answer};
    return case_main(&program, argc, argv);
}
