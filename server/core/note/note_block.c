#include "server/core/note/note_block.h"

#include <assert.h>
#include <string.h>

#include "protocol/utf16.h"
#include "protocol/wire.h"
#include "server/core/note/note_place.h"

#define ROW_OF_ONE 1
#define ROW_FORMAT 2

enum lead {
    LEAD_SIZE = 0x07,
    LEAD_SEVERAL = 0x08,
    LEAD_AUTHOR = 0x10,
    LEAD_PLACE = 0x20,
    LEAD_REMOVED = 0x40,
    LEAD_SEQ = 0x80,
};

/* ---- Reading --------------------------------------------------------------------------------- */

enum status note_block_begin(struct bytes row, uint64_t first, struct note_block *out)
{
    struct note_place place = {row, row.data == NULL || first == 0};
    const uint8_t format = note_take_u8(&place);
    *out = (struct note_block){.row = row, .first = first, .version = first - 1};
    if (format == ROW_FORMAT) {
        out->at_ms = note_take_number(&place);
        out->seq = note_take_number(&place);
        const uint64_t units = note_take_number(&place);
        place.bad = place.bad || units > CHANGE_TEXT_MAX;
        out->units = (uint32_t)units;
    }
    out->at = row.size - place.left.size;
    return place.bad || place.left.size == 0 || (format != ROW_FORMAT && format != ROW_OF_ONE)
               ? STATUS_CORRUPT
               : STATUS_OK;
}

/* All of a row of format 1 behind its first byte. */
static enum status take_old(struct note_block *block, struct note_place *place,
                            struct note_entry *out, struct change_set *set)
{
    out->at_ms = note_take_u64(place);
    out->seq = note_take_u64(place);
    const struct bytes client = note_take(place, ID_SIZE);
    if (client.data)
        memcpy(out->client.octet, client.data, ID_SIZE);
    out->by = note_take(place, note_take_u8(place));
    const struct bytes changes = place->left;
    block->at = block->row.size;
    if (place->bad || changes.size == 0)
        return STATUS_CORRUPT;
    if (!set)
        return STATUS_OK;
    if (wire_validate(changes, NULL) != STATUS_OK)
        return STATUS_CORRUPT;
    const enum status status = change_set_read(changes, set, NULL);
    return status == STATUS_OK || status == STATUS_NO_MEMORY ? status : STATUS_CORRUPT;
}

static void take_author_name(struct note_place *place, struct id *client, struct bytes *by)
{
    const struct bytes octets = note_take(place, ID_SIZE);
    if (octets.data)
        memcpy(client->octet, octets.data, ID_SIZE);
    *by = note_take(place, note_take_u8(place));
}

static void read_author(const struct note_block *block, unsigned number, struct id *client,
                        struct bytes *by)
{
    assert(number < block->author_count);
    const size_t at = block->authors[number];
    struct note_place place = {bytes_slice(block->row, at, block->row.size - at), false};
    take_author_name(&place, client, by);
}

static void take_author(struct note_block *block, struct note_place *place)
{
    const unsigned number = note_take_u8(place);
    struct id client;
    struct bytes by;
    if (number > block->author_count || number == NOTE_BLOCK_AUTHORS)
        place->bad = true;
    if (place->bad)
        return;
    if (number == block->author_count) {
        block->authors[block->author_count++] = (uint32_t)(block->row.size - place->left.size);
        take_author_name(place, &client, &by);
    }
    block->author = number;
}

/* A change as it is taken part by part. */
struct change {
    struct note_place *place;
    struct change_set *set; /* or NULL */
    uint32_t left;          /* units of the old text behind it */
    uint32_t after;         /* units made so far */
    uint32_t cursor;
};

static void keep(struct change *change, uint64_t units)
{
    if (units > change->left || units > CHANGE_TEXT_MAX - change->after)
        change->place->bad = true;
    if (change->place->bad)
        return;
    change->left -= (uint32_t)units;
    change->after += (uint32_t)units;
    if (change->set)
        change_set_keep(change->set, units);
}

static void replace(struct change *change, uint64_t units, struct bytes text)
{
    if (units > change->left || text.size > CHANGE_TEXT_MAX || !wire_utf8_valid(text) ||
        utf16_length(text) > CHANGE_TEXT_MAX - change->after)
        change->place->bad = true;
    if (change->place->bad)
        return;
    change->left -= (uint32_t)units;
    change->after += (uint32_t)utf16_length(text);
    change->cursor = change->after;
    if (change->set)
        change_set_replace(change->set, units, text, false);
}

static struct bytes take_text(struct note_place *place)
{
    const uint64_t size = note_take_number(place);
    if (size > place->left.size)
        place->bad = true;
    return note_take(place, place->bad ? 0 : (size_t)size);
}

static void take_several(struct change *change)
{
    struct note_place *place = change->place;
    const uint64_t count = note_take_number(place);
    for (uint64_t i = 0; i < count && !place->bad; i++) {
        const uint64_t part = note_take_number(place);
        if ((part & 1) == 0)
            keep(change, part / 2);
        else
            replace(change, part / 2, take_text(place));
    }
}

/* Where the change begins, when the one before ended at `cursor`. */
static uint64_t moved(uint32_t cursor, uint64_t place)
{
    const uint64_t by = place / 2 + (place & 1);
    if ((place & 1) == 0)
        return by <= CHANGE_TEXT_MAX ? cursor + by : UINT64_MAX;
    return by <= cursor ? cursor - by : UINT64_MAX;
}

static void take_single(struct change *change, uint8_t lead, uint32_t cursor)
{
    struct note_place *place = change->place;
    const uint64_t from =
        (lead & LEAD_PLACE) != 0 ? moved(cursor, note_take_number(place)) : cursor;
    const uint64_t removed = (lead & LEAD_REMOVED) != 0 ? note_take_number(place) : 0;
    const unsigned size = lead & LEAD_SIZE;
    keep(change, from);
    replace(change, removed, size == LEAD_SIZE ? take_text(place) : note_take(place, size));
}

static enum status take_change(struct note_block *block, struct note_place *place, uint8_t lead,
                               struct change_set *set)
{
    struct change change = {place, set, block->units, 0, block->cursor};
    if (set)
        change_set_clear(set);
    if ((lead & LEAD_SEVERAL) != 0)
        take_several(&change);
    else
        take_single(&change, lead, block->cursor);
    keep(&change, change.left);
    block->units = change.after;
    block->cursor = change.cursor;
    if (place->bad)
        return STATUS_CORRUPT;
    return set ? set->state : STATUS_OK;
}

enum status note_block_next(struct note_block *block, struct note_entry *out,
                            struct change_set *set)
{
    struct note_place place = {bytes_slice(block->row, block->at, block->row.size - block->at),
                               false};
    if (place.left.size == 0)
        return STATUS_NOT_FOUND;
    if (block->version == UINT64_MAX)
        return STATUS_CORRUPT;
    *out = (struct note_entry){.version = ++block->version, .set = set};
    if (block->row.data[0] == ROW_OF_ONE)
        return take_old(block, &place, out, set);
    const uint8_t lead = note_take_u8(&place);
    if ((lead & LEAD_AUTHOR) != 0)
        take_author(block, &place);
    block->at_ms += note_take_number(&place);
    block->seq += (lead & LEAD_SEQ) != 0 ? note_take_number(&place) : 0;
    if (place.bad || block->author_count == 0)
        return STATUS_CORRUPT;
    out->at_ms = block->at_ms;
    out->seq = block->seq;
    read_author(block, block->author, &out->client, &out->by);
    const enum status status = take_change(block, &place, lead, set);
    block->at = block->row.size - place.left.size;
    return status;
}

/* ---- Writing --------------------------------------------------------------------------------- */

bool note_block_grows(const struct note_block *block)
{
    return block->row.data[0] == ROW_FORMAT;
}

void note_block_start(struct note_block *block, struct buffer *row, const struct note_entry *entry)
{
    buffer_clear(row);
    buffer_append_byte(row, ROW_FORMAT);
    note_put_number(row, entry->at_ms);
    note_put_number(row, entry->seq);
    note_put_number(row, entry->set->before);
    *block = (struct note_block){.row = buffer_bytes(row),
                                 .at = row->size,
                                 .first = entry->version,
                                 .version = entry->version - 1,
                                 .at_ms = entry->at_ms,
                                 .seq = entry->seq,
                                 .units = entry->set->before};
}

/* The number of an author; author_count for one who is not named yet. */
static unsigned find_author(const struct note_block *block, const struct note_entry *entry)
{
    unsigned number = 0;
    for (; number < block->author_count; number++) {
        struct id client;
        struct bytes by;
        read_author(block, number, &client, &by);
        if (id_equal(client, entry->client) && bytes_equal(by, entry->by))
            break;
    }
    return number;
}

static void put_author(struct note_block *block, struct buffer *row, const struct note_entry *entry,
                       unsigned number, unsigned *lead)
{
    if (number < block->author_count && number == block->author)
        return;
    *lead |= LEAD_AUTHOR;
    buffer_append_byte(row, (uint8_t)number);
    block->author = number;
    if (number == block->author_count) {
        block->authors[block->author_count++] = (uint32_t)row->size;
        buffer_append(row, entry->client.octet, ID_SIZE);
        buffer_append_short(row, entry->by);
    }
}

static void put_time(struct note_block *block, struct buffer *row, const struct note_entry *entry,
                     unsigned *lead)
{
    note_put_number(row, entry->at_ms - block->at_ms);
    if (entry->seq != block->seq) {
        *lead |= LEAD_SEQ;
        note_put_number(row, entry->seq - block->seq);
    }
    block->at_ms = entry->at_ms;
    block->seq = entry->seq;
}

static void put_text(struct buffer *row, struct bytes text)
{
    note_put_number(row, text.size);
    buffer_append(row, text.data, text.size);
}

/* The one part of a set that keeps everything else, and where it is; NULL when it is another. */
static const struct change_part *single_part(const struct change_set *set, uint32_t *from)
{
    const size_t at = set->count > 0 && set->parts[0].kept ? 1 : 0;
    const size_t last =
        set->count > 0 && set->parts[set->count - 1].kept ? set->count - 1 : set->count;
    *from = at > 0 ? set->parts[0].length : 0;
    return at + 1 == last ? &set->parts[at] : NULL;
}

static void put_single(struct note_block *block, struct buffer *row, const struct change_part *part,
                       uint32_t from, struct bytes text, unsigned *lead)
{
    if (from != block->cursor) {
        *lead |= LEAD_PLACE;
        note_put_number(row, from > block->cursor ? 2ull * (from - block->cursor)
                                                  : 2ull * (block->cursor - from) - 1);
    }
    if (part->length > 0) {
        *lead |= LEAD_REMOVED;
        note_put_number(row, part->length);
    }
    *lead |= text.size < LEAD_SIZE ? (unsigned)text.size : LEAD_SIZE;
    if (text.size < LEAD_SIZE)
        buffer_append(row, text.data, text.size);
    else
        put_text(row, text);
    block->cursor = from + part->inserted;
}

static void put_several(struct note_block *block, struct buffer *row, const struct change_set *set,
                        unsigned *lead)
{
    const bool rest = set->count > 0 && set->parts[set->count - 1].kept;
    const size_t count = set->count - (rest ? 1 : 0);
    uint32_t after = 0;
    size_t at = 0;
    *lead |= LEAD_SEVERAL;
    note_put_number(row, count);
    for (size_t i = 0; i < count; i++) {
        const struct change_part *part = &set->parts[i];
        note_put_number(row, 2ull * part->length + (part->kept ? 0 : 1));
        if (!part->kept)
            put_text(row, bytes_slice(buffer_bytes(&set->text), at, part->text_size));
        at += part->text_size;
        after += part->kept ? part->length : part->inserted;
        if (!part->kept)
            block->cursor = after;
    }
}

static void put_entry(struct note_block *next, struct buffer *row, const struct note_entry *entry,
                      unsigned author)
{
    const size_t begin = row->size;
    unsigned lead = 0;
    uint32_t from;
    const struct change_part *single = single_part(entry->set, &from);
    buffer_append_byte(row, 0);
    put_author(next, row, entry, author, &lead);
    put_time(next, row, entry, &lead);
    if (single)
        put_single(next, row, single, from, buffer_bytes(&entry->set->text), &lead);
    else
        put_several(next, row, entry->set, &lead);
    if (!row->failed)
        row->data[begin] = (uint8_t)lead;
    next->version = entry->version;
    next->units = entry->set->after;
}

bool note_block_add(struct note_block *block, struct buffer *row, const struct note_entry *entry)
{
    const size_t size = row->size;
    const bool empty = block->version < block->first;
    struct note_block next = *block;
    assert(row->failed || block->at == size);
    assert(entry->version == block->version + 1 && entry->set->before == block->units);
    const unsigned author = find_author(block, entry);
    if (author == NOTE_BLOCK_AUTHORS)
        return false;
    put_entry(&next, row, entry, author);
    const bool fits = row->failed || empty || row->size <= NOTE_BLOCK_BYTES;
    if (fits)
        *block = next;
    else
        row->size = size;
    block->row = buffer_bytes(row);
    block->at = row->size;
    return fits;
}
