#include "tests/survival/kill/ledger.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/status.h"

/* More records of one writer than this are not made: then they are only changed. */
#define MOST_LIVE 150u
/* Any time will do; ids of others have a later one. */
#define ID_TIME_MS UINT64_C(1700000000000)
#define ID_MARK 0x4c

static void *grow(void *memory, size_t count, size_t size)
{
    void *grown = realloc(memory, count * size);
    if (grown == NULL) {
        perror("realloc");
        abort();
    }
    return grown;
}

void ledger_complain(struct ledger *ledger, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("FINDING: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
    ledger->findings++;
}

uint32_t ledger_random(struct ledger *ledger, uint32_t below)
{
    ledger->random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = ledger->random;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % below);
}

void ledger_release(struct ledger *ledger)
{
    for (unsigned i = 0; i < LEDGER_WRITERS; i++) {
        free(ledger->of[i].entries);
        free(ledger->of[i].live);
    }
    free(ledger->owners);
    *ledger = (struct ledger){.random = 0};
}

struct id ledger_id(unsigned writer, uint32_t created)
{
    uint8_t random[10] = {0, ID_MARK, 0, (uint8_t)writer};
    put_u32(random + 6, created);
    return id_make(ID_TIME_MS, random);
}

bool ledger_parse(struct id id, unsigned *writer, uint32_t *created)
{
    *writer = id.octet[9];
    *created = get_u32(id.octet + 12);
    return *writer<LEDGER_WRITERS && * created> 0 && id_equal(ledger_id(*writer, *created), id);
}

struct held *sight_at(struct sight *sight, unsigned writer, uint32_t created)
{
    if (created >= sight->size[writer]) {
        size_t size = (size_t)created * 2 + 64, old = sight->size[writer];
        sight->of[writer] = grow(sight->of[writer], size, sizeof *sight->of[writer]);
        memset(sight->of[writer] + old, 0, (size - old) * sizeof *sight->of[writer]);
        sight->size[writer] = size;
    }
    return &sight->of[writer][created];
}

void sight_release(struct sight *sight)
{
    for (unsigned i = 0; i < LEDGER_WRITERS; i++) {
        free(sight->of[i]);
    }
    *sight = (struct sight){.of = {NULL}};
}

static struct held held_in(const struct sight *sight, unsigned writer, uint32_t created)
{
    return created < sight->size[writer] ? sight->of[writer][created] : (struct held){.seq = 0};
}

bool sight_differ(const struct sight *a, const struct sight *b, char *words, size_t size)
{
    for (unsigned w = 0; w < LEDGER_WRITERS; w++) {
        size_t count = a->size[w] > b->size[w] ? a->size[w] : b->size[w];
        for (uint32_t i = 1; i < count; i++) {
            const struct held x = held_in(a, w, i), y = held_in(b, w, i);
            if (x.seq != y.seq || x.number != y.number) {
                (void)snprintf(words, size,
                               "record %u of writer %u: seq %llu by number %u, and seq %llu by "
                               "number %u",
                               i, w, (unsigned long long)x.seq, x.number, (unsigned long long)y.seq,
                               y.number);
                return true;
            }
        }
    }
    return false;
}

/* ---- Planning ------------------------------------------------------------------------------ */

static void choose(struct ledger *ledger, struct pages *pages, struct entry *entry)
{
    uint32_t dice = ledger_random(ledger, 100);
    if (dice < 8) {
        entry->deed = DEED_ASTRAY;
    } else if (pages->live_count < 8 || (pages->live_count < MOST_LIVE && dice < 40)) {
        entry->deed = DEED_CREATE;
    } else {
        size_t at = ledger_random(ledger, (uint32_t)pages->live_count);
        entry->target = pages->live[at];
        entry->deed = dice < 50 ? DEED_REMOVE : DEED_UPDATE;
        if (entry->deed == DEED_REMOVE) {
            pages->live[at] = pages->live[--pages->live_count];
        }
    }
}

uint32_t ledger_plan(struct ledger *ledger, unsigned writer)
{
    struct pages *pages = &ledger->of[writer];
    if (pages->live == NULL) {
        pages->live = grow(NULL, MOST_LIVE, sizeof *pages->live);
    }
    if (pages->count == pages->capacity) {
        pages->capacity = pages->capacity * 2 + 256;
        pages->entries = grow(pages->entries, pages->capacity, sizeof *pages->entries);
    }
    uint32_t number = (uint32_t)++pages->count;
    struct entry *entry = &pages->entries[number - 1];
    *entry = (struct entry){.target = number};
    choose(ledger, pages, entry);
    if (entry->deed == DEED_CREATE) {
        pages->live[pages->live_count++] = number;
    }
    return number;
}

const struct entry *ledger_entry(const struct ledger *ledger, unsigned writer, uint32_t number)
{
    const struct pages *pages = &ledger->of[writer];
    return number >= 1 && number <= pages->count ? &pages->entries[number - 1] : NULL;
}

/* ---- Answers ------------------------------------------------------------------------------- */

static void own(struct ledger *ledger, unsigned writer, uint32_t number, uint64_t seq)
{
    const uint64_t owner = (uint64_t)(writer + 1) << 32 | number;
    if (seq >= ledger->owner_count) {
        size_t count = (size_t)seq * 2 + 1024, old = ledger->owner_count;
        ledger->owners = grow(ledger->owners, count, sizeof *ledger->owners);
        memset(ledger->owners + old, 0, (count - old) * sizeof *ledger->owners);
        ledger->owner_count = count;
    }
    if (seq == 0 || (ledger->owners[seq] != 0 && ledger->owners[seq] != owner)) {
        ledger_complain(ledger, "seq %llu was given to number %u of writer %u and to %llu of %llu",
                        (unsigned long long)seq, number, writer,
                        (unsigned long long)(ledger->owners[seq] & UINT32_MAX),
                        (unsigned long long)(ledger->owners[seq] >> 32) - 1);
    }
    ledger->owners[seq] = owner;
}

static void first_answer(struct ledger *ledger, unsigned writer, uint32_t number,
                         struct entry *entry)
{
    const unsigned right = entry->deed == DEED_ASTRAY ? STATUS_NOT_FOUND : STATUS_OK;
    struct pages *pages = &ledger->of[writer];
    ledger->acknowledged++;
    if (entry->status != right) {
        ledger_complain(ledger, "writer %u, number %u: %s instead of %s", writer, number,
                        status_name(entry->status), status_name(right));
    }
    if (entry->status == STATUS_OK) {
        own(ledger, writer, number, entry->seq);
        ledger->highest = entry->seq > ledger->highest ? entry->seq : ledger->highest;
    }
    if (entry->seen != 0) {
        ledger->inherited++;
        if (entry->seq != entry->seen) {
            ledger_complain(
                ledger, "writer %u, number %u: was stored as seq %llu and is answered as %llu",
                writer, number, (unsigned long long)entry->seen, (unsigned long long)entry->seq);
        }
    }
    while (pages->answered < pages->count && pages->entries[pages->answered].answered) {
        pages->answered++;
    }
}

void ledger_answer(struct ledger *ledger, unsigned writer, uint64_t number, unsigned status,
                   uint64_t seq)
{
    struct pages *pages = &ledger->of[writer];
    if (number == 0 || number > pages->count) {
        ledger_complain(ledger, "writer %u was answered number %llu, which it never sent", writer,
                        (unsigned long long)number);
        return;
    }
    struct entry *entry = &pages->entries[number - 1];
    if (!entry->answered) {
        entry->answered = true;
        entry->status = status;
        entry->seq = seq;
        first_answer(ledger, writer, (uint32_t)number, entry);
        return;
    }
    ledger->repeated++;
    if (entry->status != status || entry->seq != seq) {
        ledger_complain(ledger,
                        "writer %u, number %llu: was answered %s, seq %llu, and now %s, "
                        "seq %llu",
                        writer, (unsigned long long)number, status_name(entry->status),
                        (unsigned long long)entry->seq, status_name(status),
                        (unsigned long long)seq);
    }
}

/* ---- After a crash ------------------------------------------------------------------------- */

struct fate {
    uint32_t acknowledged; /* the last number acknowledged for the record, 0: none */
    bool may_be_removed;   /* by a mutation that was not answered */
};

/* What became of a mutation that was sent, and not answered, before the crash. */
static bool trace(struct ledger *ledger, unsigned writer, uint32_t created, struct held held)
{
    struct pages *pages = &ledger->of[writer];
    if (held.number > pages->count) {
        return false;
    }
    struct entry *entry = &pages->entries[held.number - 1];
    if (entry->target != created || (entry->deed != DEED_CREATE && entry->deed != DEED_UPDATE)) {
        return false;
    }
    if (entry->answered) {
        return entry->status == STATUS_OK && entry->seq == held.seq;
    }
    bool same = entry->seen == 0 || entry->seen == held.seq;
    entry->seen = held.seq;
    return same;
}

static bool survived(struct ledger *ledger, unsigned writer, uint32_t created, struct fate fate,
                     struct held held)
{
    const struct entry *last = ledger_entry(ledger, writer, fate.acknowledged);
    bool removed = last != NULL && last->deed == DEED_REMOVE;
    if (held.number == 0) {
        return last == NULL || removed || fate.may_be_removed;
    }
    return !removed && held.number >= fate.acknowledged && trace(ledger, writer, created, held);
}

void ledger_survived(struct ledger *ledger, const struct sight *sight, uint64_t seq)
{
    if (seq < ledger->highest) {
        ledger_complain(ledger, "the store is at seq %llu, and %llu was acknowledged",
                        (unsigned long long)seq, (unsigned long long)ledger->highest);
    }
    for (unsigned w = 0; w < LEDGER_WRITERS; w++) {
        const struct pages *pages = &ledger->of[w];
        struct fate *fates = calloc(pages->count + 1, sizeof *fates);
        for (uint32_t n = 1; fates != NULL && n <= pages->count; n++) {
            const struct entry *entry = &pages->entries[n - 1];
            struct fate *fate = &fates[entry->target];
            if (entry->answered && entry->status == STATUS_OK) {
                fate->acknowledged = n;
            }
            fate->may_be_removed |= !entry->answered && entry->deed == DEED_REMOVE;
        }
        for (uint32_t c = 1; fates != NULL && c <= pages->count; c++) {
            const struct held held = held_in(sight, w, c);
            if (!survived(ledger, w, c, fates[c], held)) {
                ledger_complain(ledger,
                                "writer %u, record %u: number %u was acknowledged, and the store "
                                "has number %u, seq %llu",
                                w, c, fates[c].acknowledged, held.number,
                                (unsigned long long)held.seq);
            }
        }
        free(fates);
    }
}

void ledger_settled(struct ledger *ledger, ledger_visible *visible, const void *context,
                    struct sight *expected)
{
    for (unsigned w = 0; w < LEDGER_WRITERS; w++) {
        uint64_t before = 0;
        for (uint32_t n = 1; n <= ledger->of[w].count; n++) {
            const struct entry *entry = &ledger->of[w].entries[n - 1];
            if (!entry->answered || entry->status != STATUS_OK) {
                continue;
            }
            if (entry->seq <= before) {
                ledger_complain(ledger, "writer %u, number %u: seq %llu follows %llu", w, n,
                                (unsigned long long)entry->seq, (unsigned long long)before);
            }
            before = entry->seq;
            if (visible == NULL || visible(context, w, entry->target)) {
                *sight_at(expected, w, entry->target) =
                    entry->deed == DEED_REMOVE ? (struct held){.seq = 0}
                                               : (struct held){.seq = entry->seq, .number = n};
            }
        }
    }
}
