#include "server/core/note/note_cut.h"

#include "server/core/note/note_append.h"
#include "server/core/note/note_log.h"
#include "server/core/note/note_prune.h"
#include "server/core/note/note_replay.h"
#include "server/core/note/note_row.h"

/* What is written where the log is cut. */
struct cut {
    uint64_t version; /* that becomes the oldest */
    struct buffer snapshot;
    struct note_append rest; /* the younger versions of its row */
};

static void cut_release(struct cut *cut)
{
    buffer_release(&cut->snapshot);
    note_append_release(&cut->rest);
}

static enum status put_snapshot(struct cut *cut, uint64_t at_ms, struct bytes text,
                                struct bytes runs)
{
    const struct note_snapshot snapshot = {at_ms, text, runs};
    note_snapshot_encode(&cut->snapshot, &snapshot);
    return cut->snapshot.failed ? STATUS_NO_MEMORY : STATUS_OK;
}

/* The newest version before the first that is not older than the horizon. */
static enum status find_version(struct note_log *log, const struct note_head *head,
                                uint64_t before_ms, uint64_t *version, uint64_t *at_ms)
{
    enum status status = STATUS_OK;
    struct note_entry entry;
    *version = head->oldest;
    while (*version < head->version) {
        status = note_log_at(log, *version + 1, &entry);
        if (status != STATUS_OK || entry.at_ms >= before_ms)
            break;
        *version = entry.version;
        *at_ms = entry.at_ms;
    }
    return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
}

/* Takes the entries behind cut->version that are in a row with it. */
static enum status take_rest(struct note_log *log, struct cut *cut)
{
    struct note_entry entry;
    enum status status = note_log_at(log, cut->version + 1, &entry);
    const uint64_t row = log->block.first;
    while (status == STATUS_OK && log->block.first == row && row <= cut->version) {
        status = note_append_add(&cut->rest, &entry);
        if (status == STATUS_OK)
            status = note_log_at(log, entry.version + 1, &entry);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Of a note that was typed in since: the oldest version that is remembered is replayed. */
static enum status prepare_between(const struct state *state, struct id note,
                                   const struct note_head *head, uint64_t before_ms,
                                   struct cut *cut)
{
    struct buffer text = {0}, runs = {0};
    struct note_log log;
    uint64_t at_ms = 0;
    note_log_begin(&log, state, note);
    enum status status = find_version(&log, head, before_ms, &cut->version, &at_ms);
    if (status == STATUS_OK && cut->version > head->oldest) {
        status = note_replay_from(state, note, head->oldest, cut->version, &text, &runs);
        if (status == STATUS_OK && (text.failed || runs.failed))
            status = STATUS_NO_MEMORY;
        if (status == STATUS_OK)
            status = put_snapshot(cut, at_ms, buffer_bytes(&text), buffer_bytes(&runs));
        if (status == STATUS_OK)
            status = take_rest(&log, cut);
    }
    note_log_release(&log);
    buffer_release(&text);
    buffer_release(&runs);
    return status;
}

static enum status prepare(const struct state *state, struct id note, const struct note_head *head,
                           uint64_t before_ms, struct cut *cut)
{
    *cut = (struct cut){.version = head->oldest};
    if (head->oldest == head->version)
        return STATUS_OK;
    if (head->changed_ms >= before_ms)
        return prepare_between(state, note, head, before_ms, cut);
    cut->version = head->version;
    return put_snapshot(cut, head->changed_ms, head->text, head->runs);
}

static enum status carry_out(const struct state *state, struct id note, const struct cut *cut,
                             struct note_head *head, unsigned *dropped)
{
    uint64_t bytes = 0;
    enum status status = state->ops->put_note_row(state->self, NOTE_SNAPSHOT, note, cut->version,
                                                  buffer_bytes(&cut->snapshot));
    if (status == STATUS_OK)
        status = note_drop_versions(state, note, head->oldest, cut->version, dropped, &bytes);
    if (status == STATUS_OK)
        status = note_append_write(&cut->rest, state, note);
    if (head->snapshot < cut->version) {
        head->snapshot = cut->version;
        head->logged -= bytes < head->logged ? bytes : head->logged;
        head->logged += cut->rest.bytes;
    }
    head->oldest = cut->version;
    return status;
}

enum status note_cut(const struct state *state, struct id note, struct note_head *head,
                     unsigned *dropped, bool *done)
{
    uint64_t before_ms;
    struct cut cut = {.version = 0};
    enum status status = note_prune(state, note, head, dropped, done);
    if (status == STATUS_OK && *done)
        status = note_horizon(state, &before_ms);
    if (status != STATUS_OK || !*done)
        return status;
    status = prepare(state, note, head, before_ms, &cut);
    if (status == STATUS_OK && cut.version > head->oldest)
        status = carry_out(state, note, &cut, head, dropped);
    else if (status == STATUS_CORRUPT)
        status = STATUS_OK;
    cut_release(&cut);
    return status;
}

static enum status forget_old(const struct state *state, struct id note, struct bytes stored,
                              unsigned *dropped, bool *done)
{
    struct note_head head;
    struct buffer row = {0};
    enum status status = note_head_decode(stored, &head);
    const uint64_t oldest = head.oldest;
    if (status == STATUS_OK)
        status = note_cut(state, note, &head, dropped, done);
    if (status == STATUS_OK && head.oldest != oldest) {
        note_head_encode(&row, &head);
        status = row.failed ? STATUS_NO_MEMORY
                            : state->ops->put_note_head(state->self, note, buffer_bytes(&row));
    }
    buffer_release(&row);
    return status;
}

enum status note_forget_old(const struct state *state, struct id note, unsigned *dropped,
                            bool *done)
{
    struct bytes row;
    struct buffer stored = {0};
    *done = true;
    enum status status = state->ops->note_head(state->self, note, &row);
    if (status == STATUS_OK) {
        buffer_append(&stored, row.data, row.size);
        status = stored.failed ? STATUS_NO_MEMORY
                               : forget_old(state, note, buffer_bytes(&stored), dropped, done);
    }
    buffer_release(&stored);
    return status == STATUS_NOT_FOUND || status == STATUS_CORRUPT ? STATUS_OK : status;
}
