/* The file by which processes that share a profile tell each other what they did: any bytes as that
 * file, and then what two processes and a stranger who writes into it do by turns.
 *
 * Reading ends, and gives rows that somebody else may have written; what is written into a file
 * that nobody else touches is read as it was, or known to be lost. */
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client-lib/peers/peers_news.h"
#include "tests/fuzz/script.h"

#define STEPS_MOST 64u
#define READS_MOST 64u
#define ROWS_MOST 40u
#define FILE_SIZE (64u + NEWS_ROWS * NEWS_ROW_SIZE)

struct process {
    uint32_t number;
    uint64_t next;
    /* What the other one has told it, and nobody has meddled with. */
    struct peers_news told[ROWS_MOST];
    size_t count;
    bool sure; /* `told` is all there is */
};

struct heard {
    struct process *by;
    size_t count;
};

static void hear(void *context, const struct peers_news *news)
{
    struct heard *heard = context;
    MUST(news->kind != 0 && news->kind <= UINT8_MAX);
    if (heard->by->sure) {
        MUST(heard->count < heard->by->count);
        const struct peers_news *told = &heard->by->told[heard->count];
        MUST(told->kind == news->kind && told->seq == news->seq && id_equal(told->id, news->id));
    }
    heard->count++;
}

static void read_all(int file, struct process *process)
{
    struct heard heard = {process, 0};
    bool more = true, lost = false;
    unsigned reads = 0;
    for (; more && reads < READS_MOST; reads++) {
        const enum status status =
            news_read(file, process->number, &process->next, NEWS_ROWS, hear, &heard, &more);
        MUST(status == STATUS_OK || status == STATUS_LIMIT);
        lost = lost || status != STATUS_OK;
    }
    MUST(!more);
    if (process->sure)
        MUST(!lost && heard.count == process->count);
    process->count = 0;
}

static void tell(int file, struct script *script, struct process *process, struct process *other)
{
    struct buffer rows = {0};
    const uint8_t what = script_take(script);
    const bool gap = what % 8 == 7;
    unsigned count = what / 8;
    if (count == 31) /* more than the file has room for */
        count = NEWS_ROWS + 1;
    for (unsigned i = 0; i < count; i++) {
        struct peers_news news = {.kind = 1u + i % 5u, .seq = i};
        news.id.octet[0] = what;
        news_put(&rows, process->number, &news);
        if (other->count < ROWS_MOST)
            other->told[other->count++] = news;
        else
            other->sure = false;
    }
    MUST(news_add(file, buffer_bytes(&rows), gap, &process->next) == STATUS_OK);
    if (gap || count > NEWS_ROWS) {
        /* Also to the one that tells, of what it has not read itself. */
        other->sure = false;
        process->sure = process->sure && process->count == 0;
    }
    buffer_release(&rows);
}

/* Writes into the file, or cuts it off, as no process of ours does. */
static void meddle(int file, struct script *script)
{
    const size_t high = script_take(script);
    const uint64_t at = (high << 8 | script_take(script)) % (FILE_SIZE + 64);
    const struct bytes bytes = script_take_bytes(script);
    if (bytes.size == 0)
        MUST(ftruncate(file, (off_t)at) == 0);
    else
        MUST(pwrite(file, bytes.data, bytes.size, (off_t)at) == (ssize_t)bytes.size);
}

static void begin_anew(int file, struct process *process)
{
    MUST(news_begin(file, &process->next) == STATUS_OK);
    process->count = 0;
    process->sure = true;
}

static void step(int file, struct script *script, struct process both[2])
{
    bool was = false;
    const uint8_t what = script_take(script);
    struct process *process = &both[what & 1], *other = &both[~what & 1];
    switch (what / 2 % 8) {
    case 0:
    case 1:
        tell(file, script, process, other);
        break;
    case 2:
    case 3:
        read_all(file, process);
        break;
    case 4:
        begin_anew(file, process);
        break;
    case 5:
        MUST(news_wipe(file) == STATUS_OK);
        both[0].sure = both[1].sure = false;
        break;
    case 6:
        MUST(news_set_clean(file, (what & 16) != 0, &was) == STATUS_OK &&
             news_ring(file) == STATUS_OK);
        break;
    default:
        meddle(file, script);
        both[0].sure = both[1].sure = false;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct process both[2];
    struct script script = script_of(data, size);
    const struct bytes content = script_take_bytes(&script);
    const int file = memfd_create("peers", MFD_CLOEXEC);
    MUST(file >= 0 && write(file, content.data, content.size) == (ssize_t)content.size);
    if (script_take(&script) % 2 != 0) /* of its right size, whatever is in it */
        MUST(ftruncate(file, FILE_SIZE) == 0);
    for (unsigned i = 0; i < 2; i++) {
        both[i] = (struct process){.number = 100 + i};
        begin_anew(file, &both[i]);
    }
    for (unsigned i = 0; i < STEPS_MOST && !script_ended(&script); i++)
        step(file, &script, both);
    for (unsigned i = 0; i < 2; i++)
        read_all(file, &both[i]);
    (void)close(file);
    return 0;
}
