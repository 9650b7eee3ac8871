/* The scrub of what live notes were: from each snapshot the log must come to the next one, and from
 * the last to the head, in text, authors and times. */
#include "server/core/note/note_replay.h"
#include "server/core/note/note_row.h"
#include "server/core/note/note_runs.h"
#include "server/store/check_internal.h"

static const struct state_ops note_ops = {
    .note_row = table_note_row, .note_before = table_note_before, .note_next = table_note_next};

/* Where text and authors of a version are stored. */
struct stored {
    enum table table;
    struct key key;
    struct bytes text, runs;
};

static enum status same_runs(struct bytes a, struct bytes b, bool *same)
{
    struct note_runs left = {0}, right = {0};
    enum status status = note_runs_read(a, &left);
    if (status == STATUS_OK)
        status = note_runs_read(b, &right);
    *same = status == STATUS_OK && note_runs_equal(&left, &right);
    note_runs_release(&left);
    note_runs_release(&right);
    return status == STATUS_NO_MEMORY ? status : STATUS_OK;
}

static enum status compare(struct check *check, const struct stored *stored, struct bytes text,
                           struct bytes runs)
{
    bool same;
    const enum status status = same_runs(stored->runs, runs, &same);
    const struct bytes key = key_bytes(&stored->key);
    if (status == STATUS_OK && !bytes_equal(stored->text, text))
        check_finding_at(check, stored->table, key, "has another text than the note's log makes");
    else if (status == STATUS_OK && !same)
        check_finding_at(check, stored->table, key, "names other authors than the note's log");
    return status;
}

static enum status check_stretch(struct check *check, struct id note, uint64_t from, uint64_t to,
                                 const struct stored *stored)
{
    const struct state state = {.self = &check->txn, .ops = &note_ops};
    struct buffer text = {0}, runs = {0};
    enum status status = note_replay_from(&state, note, from, to, &text, &runs);
    if (status == STATUS_OK && (text.failed || runs.failed))
        status = STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        status = compare(check, stored, buffer_bytes(&text), buffer_bytes(&runs));
    else if (status == STATUS_CORRUPT) {
        check_finding_at(check, stored->table, key_bytes(&stored->key),
                         "cannot be made of the note's log");
        status = STATUS_OK;
    }
    buffer_release(&text);
    buffer_release(&runs);
    return status;
}

/* The snapshot behind `after`; NOT_FOUND when there is none. */
static enum status next_snapshot(struct check *check, struct id note, uint64_t after,
                                 uint64_t *version, struct stored *out)
{
    struct bytes row;
    struct note_snapshot snapshot;
    enum status status = table_note_next(&check->txn, NOTE_SNAPSHOT, note, after, version, &row);
    if (status == STATUS_OK)
        status = note_snapshot_decode(row, &snapshot);
    if (status != STATUS_OK)
        return status;
    *out =
        (struct stored){.table = TABLE_NOTE_SNAPSHOT, .text = snapshot.text, .runs = snapshot.runs};
    key_add_id(&out->key, note);
    key_add_u64(&out->key, *version);
    return STATUS_OK;
}

enum status check_note_replay(struct check *check, struct bytes id, const struct note_head *head)
{
    struct id note = {{0}};
    struct stored stored;
    uint64_t from = head->oldest, to;
    enum status status;
    id_from_bytes(id, &note);
    while ((status = next_snapshot(check, note, from, &to, &stored)) == STATUS_OK &&
           to <= head->version) {
        status = check_stretch(check, note, from, to, &stored);
        if (status != STATUS_OK)
            return status;
        from = to;
    }
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    stored = (struct stored){.table = TABLE_NOTE_HEAD, .text = head->text, .runs = head->runs};
    key_add(&stored.key, id);
    return check_stretch(check, note, from, head->version, &stored);
}
