/* The scrub of live notes: a head must decode and belong to a note, its runs must be as long as its
 * text, its log must have every version behind the oldest, and its snapshots lie between the oldest
 * version and the newest, with one at the oldest. It stands in the due table when it says so. Where
 * all that holds, the log must make of each snapshot the next, and of the last the head. */
#include "protocol/utf16.h"
#include "protocol/wire.h"
#include "server/core/note/note_block.h"
#include "server/core/note/note_row.h"
#include "server/core/note/note_runs.h"
#include "server/store/check_internal.h"

#define NOTE_KEY_SIZE (ID_SIZE + 8u)

static struct id id_of(struct bytes key)
{
    struct id id = {{0}};
    id_from_bytes(bytes_slice(key, 0, ID_SIZE), &id);
    return id;
}

/* What its record says of a note. */
struct standing {
    bool found;
    struct bytes text;
    bool removed;
    bool gone; /* so long ago that its rows are going: some may be gone */
};

static enum status find_note(struct check *check, struct bytes id, struct standing *out)
{
    struct bytes stored;
    enum status status = txn_get_sealed(&check->txn, TABLE_RECORD, id, &stored);
    *out = (struct standing){.found = false};
    if (status == STATUS_OK)
        status = record_decode(stored, &check->record);
    if (status == STATUS_OK) {
        out->found = bytes_is(check->record.entity, "note");
        out->text = record_text(&check->record, "text");
        out->removed = check->record.deleted;
        out->gone = out->removed && check->record.seq <= check->meta.horizon;
    }
    return status == STATUS_IO || status == STATUS_NO_MEMORY ? status : STATUS_OK;
}

static enum status check_text(struct check *check, enum table table, struct bytes key,
                              struct bytes text, struct bytes encoded)
{
    struct note_runs runs = {0};
    enum status status = note_runs_read(encoded, &runs);
    if (status == STATUS_NO_MEMORY)
        return status;
    if (!wire_utf8_valid(text))
        check_finding_at(check, table, key, "has a text that is not UTF-8");
    else if (status != STATUS_OK || wire_validate(encoded, NULL) != STATUS_OK)
        check_finding_at(check, table, key, "has runs that cannot be decoded");
    else if (note_runs_length(&runs) != utf16_length(text))
        check_finding_at(check, table, key, "has runs of another length than its text");
    note_runs_release(&runs);
    return STATUS_OK;
}

/* The log of one note, row by row. */
struct log_walk {
    struct check *check;
    struct bytes id;
    const struct note_head *head;
    uint64_t version; /* the next row begins behind it */
    uint64_t logged;  /* bytes of rows behind the newest snapshot */
    bool lost;        /* a row was damaged: what it had, and where the next begins, is not known */
};

static struct key row_key(struct bytes id, uint64_t version)
{
    struct key key = {0};
    key_add(&key, id);
    key_add_u64(&key, version);
    return key;
}

/* Its entries must be read, and end with a version that the note has. */
static enum status check_entries(struct log_walk *walk, struct bytes key, struct bytes row,
                                 uint64_t first)
{
    struct note_block block;
    struct note_entry entry;
    struct change_set set = {0};
    enum status status = note_block_begin(row, first, &block);
    while (status == STATUS_OK)
        status = note_block_next(&block, &entry, &set);
    change_set_release(&set);
    if (status == STATUS_NO_MEMORY)
        return status;
    walk->lost = status != STATUS_NOT_FOUND;
    walk->version = block.version;
    if (walk->lost)
        check_finding_at(walk->check, TABLE_NOTE_LOG, key, "cannot be decoded");
    else if (block.version > walk->head->version)
        check_finding_at(walk->check, TABLE_NOTE_LOG, key, "has versions that its note has not");
    return STATUS_OK;
}

/* One row of the log; `value` is sealed. */
static enum status check_log_row(struct log_walk *walk, struct bytes key, struct bytes value)
{
    const uint64_t first = get_u64(key.data + ID_SIZE);
    const struct key wanted = row_key(walk->id, walk->version + 1);
    struct bytes row;
    walk->check->present[TABLE_NOTE_LOG]++;
    if (!walk->lost && first != walk->version + 1)
        check_finding_at(walk->check, TABLE_NOTE_LOG, key_bytes(&wanted),
                         first > walk->version ? "missing" : "is in two rows");
    if (sealed_open(key, value, &row) != STATUS_OK) {
        check_finding_at(walk->check, TABLE_NOTE_LOG, key, "fails its checksum");
        walk->lost = true;
        return STATUS_OK;
    }
    walk->logged += first > walk->head->snapshot ? row.size : 0;
    return check_entries(walk, key, row, first);
}

static enum status check_log(struct check *check, struct bytes id, const struct note_head *head,
                             bool gone)
{
    struct log_walk walk = {check, id, head, head->oldest, 0, gone};
    struct key at = row_key(id, head->oldest);
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        struct bytes key, value;
        status = txn_behind(&check->txn, TABLE_NOTE_LOG, key_bytes(&at), false, &key, &value);
        if (status == STATUS_OK && (!bytes_begin_with(key, id) || key.size != NOTE_KEY_SIZE ||
                                    get_u64(key.data + ID_SIZE) > head->version))
            status = STATUS_NOT_FOUND;
        if (status != STATUS_OK)
            break;
        at = row_key(id, get_u64(key.data + ID_SIZE));
        status = check_log_row(&walk, key, value);
        walk.lost = walk.lost || gone;
    }
    const struct key next = row_key(id, walk.version + 1);
    if (status != STATUS_NOT_FOUND)
        return status;
    if (!walk.lost && walk.version < head->version)
        check_finding_at(check, TABLE_NOTE_LOG, key_bytes(&next), "missing");
    else if (!walk.lost && walk.version == head->version && walk.logged != head->logged)
        check_finding_at(check, TABLE_NOTE_HEAD, id, "says another size of its log");
    return STATUS_OK;
}

static enum status check_snapshot(struct check *check, struct bytes key, struct bytes value)
{
    struct bytes row;
    struct note_snapshot snapshot;
    check->present[TABLE_NOTE_SNAPSHOT]++;
    if (sealed_open(key, value, &row) != STATUS_OK)
        check_finding_at(check, TABLE_NOTE_SNAPSHOT, key, "fails its checksum");
    else if (note_snapshot_decode(row, &snapshot) != STATUS_OK)
        check_finding_at(check, TABLE_NOTE_SNAPSHOT, key, "cannot be decoded");
    else
        return check_text(check, TABLE_NOTE_SNAPSHOT, key, snapshot.text, snapshot.runs);
    return STATUS_OK;
}

/* Walks the snapshots from the newest version down. */
static enum status check_snapshots(struct check *check, struct bytes id,
                                   const struct note_head *head, bool gone)
{
    struct key at = {0};
    bool oldest = false, newest = false;
    key_add(&at, id);
    key_add_u64(&at, head->version + 1);
    for (;;) {
        struct bytes key, value;
        enum status status =
            txn_before(&check->txn, TABLE_NOTE_SNAPSHOT, key_bytes(&at), &key, &value);
        if (status == STATUS_NOT_FOUND ||
            (status == STATUS_OK && (!bytes_begin_with(key, id) || key.size != NOTE_KEY_SIZE ||
                                     get_u64(key.data + ID_SIZE) < head->oldest)))
            break;
        if (status != STATUS_OK)
            return status;
        const uint64_t version = get_u64(key.data + ID_SIZE);
        oldest = oldest || version == head->oldest;
        newest = newest || version == head->snapshot;
        status = check_snapshot(check, key, value);
        if (status != STATUS_OK)
            return status;
        key_clear(&at);
        key_add(&at, id);
        key_add_u64(&at, version);
    }
    if (!gone && (!oldest || !newest))
        check_finding_at(check, TABLE_NOTE_HEAD, id, "lacks a snapshot");
    return STATUS_OK;
}

static struct key due_key(struct bytes id, uint64_t at_ms)
{
    struct key key = {0};
    key_add_u64(&key, at_ms);
    key_add(&key, id);
    return key;
}

/* What waits stands in the due table, where the head says. */
static enum status check_waiting(struct check *check, struct bytes id, const struct note_head *head)
{
    const struct key key = due_key(id, head->due_ms);
    struct bytes value;
    enum status status = STATUS_OK;
    if (head->due_ms != 0)
        status = txn_get(&check->txn, TABLE_DUE, key_bytes(&key), &value);
    if (status == STATUS_NOT_FOUND)
        check_finding_at(check, TABLE_DUE, key_bytes(&key), "missing: its note waits to settle");
    else if (status == STATUS_OK && head->due_ms == 0 && head->settled < head->version)
        check_finding_at(check, TABLE_NOTE_HEAD, id, "has not settled, and is not to");
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* All that is kept of a note whose head can be read. */
static enum status check_note(struct check *check, struct bytes id, const struct note_head *head)
{
    const uint64_t findings = check->findings;
    struct standing standing;
    enum status status = find_note(check, id, &standing);
    if (status == STATUS_OK && !standing.found)
        check_finding_at(check, TABLE_NOTE_HEAD, id, "belongs to no note");
    if (status == STATUS_OK)
        status = check_text(check, TABLE_NOTE_HEAD, id, head->text, head->runs);
    if (status == STATUS_OK)
        status = check_log(check, id, head, standing.gone);
    if (status == STATUS_OK)
        status = check_snapshots(check, id, head, standing.gone);
    if (status == STATUS_OK && check->findings == findings && !standing.gone)
        status = check_note_replay(check, id, head);
    if (status == STATUS_OK && check->findings == findings && !standing.removed &&
        head->settled == head->version && !bytes_equal(standing.text, head->text))
        check_finding_at(check, TABLE_RECORD, id, "shows another text than its note settled with");
    if (status == STATUS_OK && standing.found && !standing.removed)
        status = check_waiting(check, id, head);
    return status;
}

static enum status check_head(struct check *check, enum table table, struct bytes key,
                              struct bytes value)
{
    struct bytes row;
    struct note_head head;
    uint64_t before_ms;
    if (key.size != ID_SIZE) {
        check_finding_at(check, table, key, "is no key of this table");
        return STATUS_OK;
    }
    const struct id id = id_of(key);
    enum status status = sealed_open(key, value, &row);
    if (status != STATUS_OK) {
        check_finding_at(check, table, key, "fails its checksum");
        return STATUS_OK;
    }
    status = id_is_zero(id) ? note_horizon_decode(row, &before_ms) : note_head_decode(row, &head);
    if (status != STATUS_OK) {
        check_finding_at(check, table, key, "cannot be decoded");
        return STATUS_OK;
    }
    return id_is_zero(id) ? STATUS_OK : check_note(check, key, &head);
}

/* A note stands in the due table when its head says, and at no other time. */
static enum status check_due_note(struct check *check, enum table table, struct bytes key,
                                  struct bytes value)
{
    struct bytes row;
    struct note_head head;
    struct standing standing;
    (void)value;
    if (key.size != 8 + ID_SIZE)
        return STATUS_OK;
    const struct bytes id = bytes_slice(key, 8, ID_SIZE);
    enum status status = txn_get_sealed(&check->txn, TABLE_NOTE_HEAD, id, &row);
    if (status == STATUS_OK)
        status = note_head_decode(row, &head);
    if (status == STATUS_OK)
        status = find_note(check, id, &standing);
    if (status == STATUS_OK && !standing.removed && head.due_ms != get_u64(key.data))
        check_finding_at(check, table, key, "is not when its note is to settle");
    return status == STATUS_NOT_FOUND || status == STATUS_CORRUPT ? STATUS_OK : status;
}

/* A row behind no head, or of a version that its head does not have. */
static enum status check_row(struct check *check, enum table table, struct bytes key,
                             struct bytes value)
{
    struct bytes row;
    struct note_head head;
    (void)value;
    if (key.size != NOTE_KEY_SIZE) {
        check_finding_at(check, table, key, "is no key of this table");
        return STATUS_OK;
    }
    const struct bytes id = bytes_slice(key, 0, ID_SIZE);
    const uint64_t version = get_u64(key.data + ID_SIZE);
    enum status status = txn_get_sealed(&check->txn, TABLE_NOTE_HEAD, id, &row);
    if (status == STATUS_OK)
        status = note_head_decode(row, &head);
    if (status == STATUS_CORRUPT)
        return STATUS_OK; /* its head was found before */
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    const uint64_t first = table == TABLE_NOTE_LOG ? head.oldest + 1 : head.oldest;
    if (status == STATUS_NOT_FOUND || version < first || version > head.version)
        check_finding_at(check, table, key, "belongs to no note");
    return STATUS_OK;
}

enum status check_notes(struct check *check)
{
    enum status status = check_each_row(check, TABLE_NOTE_HEAD, check_head);
    if (status == STATUS_OK)
        status = check_each_row(check, TABLE_DUE, check_due_note);
    if (status == STATUS_OK)
        status = check_strangers(check, TABLE_NOTE_LOG, check_row);
    return status == STATUS_OK ? check_strangers(check, TABLE_NOTE_SNAPSHOT, check_row) : status;
}
