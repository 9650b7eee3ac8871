#include "client-lib/peers/peers_news.h"

#include <string.h>
#include <unistd.h>

#define MAGIC "tandem\0\1"
#define HEADER_SIZE 64u
#define BELL_AT 8u
#define HEAD_AT 16u
#define FLOOR_AT 24u
#define CLEAN_AT 32u
/* Rows read at a time. */
#define READ_ROWS 64u

struct header {
    uint64_t head, floor;
    bool clean;
};

static bool read_at(int file, void *out, size_t size, uint64_t at)
{
    return pread(file, out, size, (off_t)at) == (ssize_t)size;
}

static enum status write_at(int file, const void *data, size_t size, uint64_t at)
{
    return pwrite(file, data, size, (off_t)at) == (ssize_t)size ? STATUS_OK : STATUS_IO;
}

/* False when there is none that makes sense. */
static bool read_header(int file, struct header *out)
{
    uint8_t bytes[HEADER_SIZE];
    if (!read_at(file, bytes, sizeof bytes, 0) || memcmp(bytes, MAGIC, sizeof MAGIC - 1) != 0)
        return false;
    out->head = get_u64(bytes + HEAD_AT);
    out->floor = get_u64(bytes + FLOOR_AT);
    out->clean = get_u64(bytes + CLEAN_AT) != 0;
    /* Far from where the numbers could turn over. */
    return out->head < UINT64_MAX / 2 && out->floor <= out->head &&
           out->head - out->floor <= NEWS_ROWS;
}

static enum status write_header(int file, const struct header *header)
{
    uint8_t bytes[HEADER_SIZE] = {0};
    memcpy(bytes, MAGIC, sizeof MAGIC - 1);
    put_u64(bytes + HEAD_AT, header->head);
    put_u64(bytes + FLOOR_AT, header->floor);
    put_u64(bytes + CLEAN_AT, header->clean);
    return write_at(file, bytes, sizeof bytes, 0);
}

static uint64_t place_of(uint64_t row)
{
    return HEADER_SIZE + row % NEWS_ROWS * NEWS_ROW_SIZE;
}

static enum status write_zeros(int file)
{
    static const uint8_t zeros[READ_ROWS * NEWS_ROW_SIZE];
    enum status status = STATUS_OK;
    for (uint64_t row = 0; row < NEWS_ROWS && status == STATUS_OK; row += READ_ROWS) {
        uint64_t rows = NEWS_ROWS - row < READ_ROWS ? NEWS_ROWS - row : READ_ROWS;
        status = write_at(file, zeros, (size_t)rows * NEWS_ROW_SIZE, place_of(row));
    }
    return status;
}

/* The header, of a file that is begun anew if need be. */
static enum status have_header(int file, struct header *out)
{
    if (read_header(file, out))
        return STATUS_OK;
    *out = (struct header){.head = 1, .floor = 1, .clean = true};
    if (ftruncate(file, 0) != 0)
        return STATUS_IO;
    /* All of its room now: telling goes on when the disk is full. */
    enum status status = write_zeros(file);
    return status == STATUS_OK ? write_header(file, out) : status;
}

enum status news_begin(int file, uint64_t *head)
{
    struct header header;
    enum status status = have_header(file, &header);
    *head = header.head;
    return status;
}

/* Writes rows into their places: two runs at most. */
static enum status write_rows(int file, uint64_t first, struct bytes rows)
{
    uint64_t count = rows.size / NEWS_ROW_SIZE;
    uint64_t room = NEWS_ROWS - first % NEWS_ROWS;
    uint64_t here = count < room ? count : room;
    size_t size = (size_t)here * NEWS_ROW_SIZE;
    enum status status = write_at(file, rows.data, size, place_of(first));
    if (status == STATUS_OK && here < count)
        status = write_at(file, rows.data + size, rows.size - size, place_of(first + here));
    return status;
}

enum status news_add(int file, struct bytes rows, bool gap, uint64_t *next)
{
    struct header header;
    uint64_t count = rows.size / NEWS_ROW_SIZE;
    enum status status = have_header(file, &header);
    if (status != STATUS_OK)
        return status;
    bool has_read = *next == header.head;
    if (gap || count > NEWS_ROWS) {
        header.head++;
        header.floor = header.head;
    }
    if (count > NEWS_ROWS)
        count = 0;
    if (header.head + count - header.floor > NEWS_ROWS)
        header.floor = header.head + count - NEWS_ROWS;
    if (count > 0) {
        status = write_header(file, &header);
        if (status == STATUS_OK)
            status = write_rows(file, header.head, rows);
        header.head += count;
    }
    if (status == STATUS_OK)
        status = write_header(file, &header);
    if (status == STATUS_OK && has_read)
        *next = header.head;
    return status;
}

enum status news_wipe(int file)
{
    struct header header;
    enum status status = have_header(file, &header);
    if (status != STATUS_OK)
        return status;
    header.floor = header.head;
    status = write_header(file, &header);
    return status == STATUS_OK ? write_zeros(file) : status;
}

enum status news_wipe_rows(int file)
{
    return write_zeros(file);
}

bool news_is_bare(int file)
{
    uint8_t rows[READ_ROWS * NEWS_ROW_SIZE];
    for (uint64_t row = 0; row < NEWS_ROWS; row += READ_ROWS) {
        uint64_t count = NEWS_ROWS - row < READ_ROWS ? NEWS_ROWS - row : READ_ROWS;
        size_t size = (size_t)count * NEWS_ROW_SIZE;
        if (!read_at(file, rows, size, place_of(row)))
            return false;
        for (size_t i = 0; i < size; i++)
            if (rows[i] != 0)
                return false;
    }
    return true;
}

enum status news_set_clean(int file, bool clean, bool *was)
{
    struct header header;
    enum status status = have_header(file, &header);
    if (status != STATUS_OK)
        return status;
    *was = header.clean;
    header.clean = clean;
    return write_header(file, &header);
}

enum status news_ring(int file)
{
    static const uint8_t bell[8];
    return write_at(file, bell, sizeof bell, BELL_AT);
}

void news_put(struct buffer *rows, uint32_t process, const struct peers_news *news)
{
    uint8_t *row = buffer_extend(rows, NEWS_ROW_SIZE);
    if (row == NULL)
        return;
    memset(row, 0, NEWS_ROW_SIZE);
    row[0] = (uint8_t)news->kind;
    put_u32(row + 1, process);
    put_u64(row + 5, news->seq);
    memcpy(row + 13, news->id.octet, ID_SIZE);
    row[13 + ID_SIZE] = news->scope;
}

bool news_name_records(struct bytes rows)
{
    for (size_t at = 0; at < rows.size; at += NEWS_ROW_SIZE)
        if (rows.data[at] == PEERS_CHANGED || rows.data[at] == PEERS_REMOVED)
            return true;
    return false;
}

static void hand_over(const uint8_t *row, uint32_t process, news_fn *each, void *context)
{
    struct peers_news news = {.kind = row[0], .seq = get_u64(row + 5)};
    if (get_u32(row + 1) == process)
        return;
    memcpy(news.id.octet, row + 13, ID_SIZE);
    news.scope = row[13 + ID_SIZE];
    each(context, &news);
}

/* A row that was wiped while its place was still told of. */
static bool any_wiped(const uint8_t *rows, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        if (rows[i * NEWS_ROW_SIZE] == 0)
            return true;
    return false;
}

enum status news_read(int file, uint32_t process, uint64_t *next, size_t most, news_fn *each,
                      void *context, bool *more)
{
    uint8_t rows[READ_ROWS * NEWS_ROW_SIZE];
    struct header header;
    *more = false;
    if (!read_header(file, &header))
        return STATUS_OK; /* whoever writes next begins it anew */
    if (*next == header.head)
        return STATUS_OK;
    uint64_t room = NEWS_ROWS - *next % NEWS_ROWS;
    uint64_t count = header.head - *next;
    count = count < READ_ROWS ? count : READ_ROWS;
    count = count < room ? count : room;
    count = count < most ? count : most;
    bool whole = *next >= header.floor && *next < header.head &&
                 read_at(file, rows, (size_t)count * NEWS_ROW_SIZE, place_of(*next)) &&
                 read_header(file, &header) && *next >= header.floor && *next < header.head &&
                 !any_wiped(rows, count);
    if (!whole) {
        *next = header.head;
        return STATUS_LIMIT;
    }
    *next += count;
    *more = *next != header.head;
    for (uint64_t i = 0; i < count; i++)
        hand_over(rows + i * NEWS_ROW_SIZE, process, each, context);
    return STATUS_OK;
}
