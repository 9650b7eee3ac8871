#include "tests/sim/sim_script.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct writer {
    struct sim_script *script;
    uint64_t random;
    bool seconds; /* some devices have a second process */
};

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t draw(struct writer *writer, uint64_t below)
{
    uint64_t z = (writer->random += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

static unsigned some(struct writer *writer, unsigned below)
{
    return (unsigned)draw(writer, below);
}

/* Has the device named in a line be its second process: "edit d2 ..." becomes "edit d2b ...". */
static void mean_second(char text[SIM_LINE])
{
    const size_t verb = strcspn(text, " "), length = strlen(text);
    if (text[verb] != ' ' || text[verb + 1] != 'd' || length + 2 > SIM_LINE)
        return;
    const size_t end = verb + 2 + strspn(text + verb + 2, "0123456789");
    if (end == verb + 2 || (text[end] != ' ' && text[end] != '\0'))
        return;
    memmove(text + end + 1, text + end, length + 1 - end);
    text[end] = 'b';
}

__attribute__((format(printf, 2, 3))) static void put(struct writer *writer, const char *format,
                                                      ...)
{
    struct sim_script *script = writer->script;
    if (script->count == SIM_LINES)
        return;
    struct sim_line *line = &script->lines[script->count++];
    line->number = (unsigned)script->count;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line->text, sizeof line->text, format, arguments);
    va_end(arguments);
    if (writer->seconds && some(writer, 2) == 0)
        mean_second(line->text);
}

/* ---- What people do ---- */

#define DEVICE some(writer, 12)
#define THING some(writer, 24)

static const char *some_entity(struct writer *writer)
{
    static const char *const entities[] = {"contact", "contact", "note",       "task",
                                           "case",    "account", "opportunity"};
    return entities[draw(writer, sizeof entities / sizeof *entities)];
}

static void edit(struct writer *writer)
{
    put(writer, "edit d%u %s#%u %u%s", DEVICE, some_entity(writer), THING, some(writer, 3),
        draw(writer, 6) == 0 ? " overwrite" : "");
}

/* Two devices at the same field: what conflicts are made of. */
static void edit_both(struct writer *writer)
{
    const char *entity = some_entity(writer);
    const unsigned thing = some(writer, 4), field = some(writer, 2);
    put(writer, "edit d%u %s#%u %u", DEVICE, entity, thing, field);
    put(writer, "edit d%u %s#%u %u", DEVICE, entity, thing, field);
}

static const char *some_way(struct writer *writer)
{
    static const char *const ways[] = {"mine", "mine", "theirs", "with", "drop", "retry"};
    return ways[draw(writer, sizeof ways / sizeof *ways)];
}

/* Somebody edits offline what somebody else edits or removes meanwhile, and settles it later. */
static void clash(struct writer *writer)
{
    const char *entity = some_entity(writer);
    const unsigned away = DEVICE, thing = some(writer, 4), field = some(writer, 2);
    put(writer, "offline d%u", away);
    put(writer, "edit d%u %s#%u %u", away, entity, thing, field);
    if (draw(writer, 4) == 0)
        put(writer, "remove d%u %s#%u", DEVICE, entity, thing);
    else
        put(writer, "edit d%u %s#%u %u", DEVICE, entity, thing, field);
    put(writer, "wait %us", 1 + some(writer, 20));
    put(writer, "online d%u", away);
    put(writer, "wait %us", 20 + some(writer, 40));
    put(writer, "resolve d%u entry#%u %s", away, some(writer, 3), some_way(writer));
}

/* Somebody works offline on what is taken from them meanwhile. */
static void lose(struct writer *writer)
{
    const unsigned away = DEVICE, account = some(writer, 6);
    put(writer, "offline d%u", away);
    put(writer, "edit d%u contact#%u %u", away, some(writer, 6), some(writer, 3));
    put(writer, "create d%u note account#%u", away, account);
    if (draw(writer, 2) == 0)
        put(writer, "revoke d%u assignment#%u", DEVICE, THING);
    else
        put(writer, "restrict d%u account#%u user#%u", DEVICE, account, some(writer, 8));
    put(writer, "wait %us", 1 + some(writer, 20));
    put(writer, "online d%u", away);
    put(writer, "wait %us", 1 + some(writer, 60));
}

/* A partner works offline on what a colleague of the company has written, and loses the account. */
static void betray(struct writer *writer)
{
    const unsigned partner = some(writer, 2);
    put(writer, "create d0 contact account#%u", partner);
    put(writer, "wait %us", 3 + some(writer, 10));
    put(writer, "offline d%u", 3 + partner);
    put(writer, "edit d%u newest#0 %u", 3 + partner, some(writer, 3));
    put(writer, "revoke d0 assignment#%u", partner);
    put(writer, "wait %us", 1 + some(writer, 20));
    put(writer, "online d%u", 3 + partner);
    put(writer, "wait %us", 1 + some(writer, 60));
}

/* Somebody types in a note, and perhaps somebody else in the same. */
static void type(struct writer *writer)
{
    const unsigned note = some(writer, 3);
    for (unsigned i = 1 + some(writer, 3); i > 0; i--)
        put(writer, "type d%u note#%u %u", DEVICE, note, 1 + some(writer, 5));
}

/* Somebody types offline, for long perhaps, while others go on. */
static void type_away(struct writer *writer)
{
    const unsigned away = DEVICE, note = some(writer, 3);
    put(writer, "type d%u note#%u 2", away, note);
    put(writer, "offline d%u", away);
    put(writer, "type d%u note#%u %u", away, note, 1 + some(writer, 6));
    for (unsigned i = 1 + some(writer, 3); i > 0; i--)
        put(writer, "type d%u note#%u %u", DEVICE, note, 1 + some(writer, 6));
    if (draw(writer, 3) == 0)
        put(writer, "wait %uh", 1 + some(writer, 20));
    put(writer, "online d%u", away);
    put(writer, "type d%u note#%u %u", DEVICE, note, 1 + some(writer, 3));
    put(writer, "wait %us", 1 + some(writer, 20));
}

/* Somebody types so much offline that their device lays it together, and ends. */
static void type_much(struct writer *writer)
{
    const unsigned away = DEVICE, note = some(writer, 3);
    put(writer, "offline d%u", away);
    put(writer, "type d%u note#%u %u quickly", away, note, 300 + some(writer, 200));
    put(writer, "type d%u note#%u %u", DEVICE, note, 1 + some(writer, 6));
    if (draw(writer, 2) == 0)
        put(writer, "restart d%u", away);
    else
        put(writer, "crash d%u now", away);
    put(writer, "wait %us", 1 + some(writer, 60));
    put(writer, "online d%u", away);
}

static void create(struct writer *writer)
{
    const char *entity = some_entity(writer);
    put(writer, "create d%u %s account#%u", DEVICE,
        strcmp(entity, "account") == 0 ? "note" : entity, some(writer, 6));
}

static void create_and_edit(struct writer *writer)
{
    const unsigned device = DEVICE;
    put(writer, "create d%u contact account#%u", device, some(writer, 6));
    put(writer, "edit d%u last#0 %u", device, some(writer, 3));
}

static void remove_one(struct writer *writer)
{
    put(writer, "remove d%u %s#%u", DEVICE, some_entity(writer), THING);
}

static void share(struct writer *writer)
{
    static const char *const tags[] = {"partners", "suppliers", "distributors", "partner"};
    put(writer, "%s d%u %s#%u %s", draw(writer, 3) == 0 ? "unshare" : "share", DEVICE,
        some_entity(writer), THING, tags[draw(writer, 4)]);
}

static void read_all(struct writer *writer)
{
    put(writer, "read d%u", DEVICE);
}

static void burst(struct writer *writer)
{
    const unsigned device = DEVICE, count = 3 + some(writer, 10);
    for (unsigned i = 0; i < count; i++)
        put(writer, "edit d%u contact#%u %u", device, some(writer, 5), some(writer, 3));
}

/* ---- Access ---- */

static void grant(struct writer *writer)
{
    static const char *const levels[] = {"view", "comment", "edit", "edit"};
    static const char *const until[] = {"", "", " until 0", " until 1", " from 1"};
    put(writer, "grant d%u partner#%u account#%u %s%s", DEVICE, some(writer, 3), some(writer, 6),
        levels[draw(writer, 4)], until[draw(writer, 5)]);
}

static void revoke(struct writer *writer)
{
    put(writer, "revoke d%u assignment#%u", DEVICE, THING);
}

static void restrict_account(struct writer *writer)
{
    if (draw(writer, 3) == 0)
        put(writer, "open d%u account#%u", DEVICE, some(writer, 6));
    else
        put(writer, "restrict d%u account#%u user#%u", DEVICE, some(writer, 6), some(writer, 8));
}

static void move(struct writer *writer)
{
    if (draw(writer, 4) == 0)
        put(writer, "place d0 user#%u partner#%u", some(writer, 8), some(writer, 3));
    else
        put(writer, "move d0 user#%u department#%u", some(writer, 8), some(writer, 4));
}

static void lock_out(struct writer *writer)
{
    put(writer, "%s d0 user#%u", draw(writer, 3) == 0 ? "disable" : "enable", some(writer, 8));
}

/* ---- Offline, and what goes wrong ---- */

static void offline(struct writer *writer)
{
    put(writer, "%s d%u", draw(writer, 5) < 2 ? "offline" : "online", DEVICE);
}

static void cut(struct writer *writer)
{
    if (draw(writer, 3) == 0)
        put(writer, "cut d%u", DEVICE);
    else
        put(writer, "cut d%u after %u%s", DEVICE, some(writer, 4000),
            draw(writer, 4) == 0 ? " silently" : "");
}

static void stall(struct writer *writer)
{
    put(writer, "stall d%u %us", DEVICE, 1 + some(writer, 90));
}

static void crash(struct writer *writer)
{
    static const char *const lost[] = {"none", "all", "some"};
    static const char *const calls[] = {"write", "write", "sync"};
    char who[8] = "server";
    if (draw(writer, 5) < 3)
        (void)snprintf(who, sizeof who, "d%u", DEVICE);
    if (draw(writer, 4) == 0)
        put(writer, "crash %s now", who);
    else
        put(writer, "crash %s %s %u lose %s", who, calls[draw(writer, 3)], 1 + some(writer, 6),
            lost[draw(writer, 3)]);
}

static void restart(struct writer *writer)
{
    put(writer, "restart d%u", DEVICE);
}

static void second(struct writer *writer)
{
    put(writer, "second d%u", DEVICE);
    writer->seconds = true;
}

static void pause_device(struct writer *writer)
{
    put(writer, "%s d%u", draw(writer, 2) == 0 ? "pause" : "resume", DEVICE);
}

static void settle(struct writer *writer)
{
    put(writer, "resolve d%u entry#%u %s", DEVICE, THING, some_way(writer));
}

static void look(struct writer *writer)
{
    if (draw(writer, 2) == 0)
        put(writer, "prefer d%u account#%u", DEVICE, some(writer, 6));
    else
        put(writer, "check d%u", DEVICE);
}

static void choose(struct writer *writer)
{
    static const char *const entities[] = {
        "", "", " contact", " contact note", " account contact", " note task account", " party"};
    const char *wanted = entities[draw(writer, sizeof entities / sizeof *entities)];
    put(writer, "choose d%u %u%s", DEVICE, some(writer, 4), wanted);
}

/* A device whose entities become fewer and more again. */
static void choose_twice(struct writer *writer)
{
    const unsigned device = DEVICE;
    put(writer, "choose d%u 0 contact account note", device);
    put(writer, "wait %us", 1 + some(writer, 30));
    edit(writer);
    put(writer, "choose d%u 0 %s", device, draw(writer, 2) == 0 ? "contact" : "account note");
    put(writer, "wait %us", 1 + some(writer, 30));
    if (draw(writer, 2) == 0)
        put(writer, "choose d%u 0", device);
}

/* ---- The server ---- */

static void copy(struct writer *writer)
{
    put(writer, "copy server");
}

static void restore(struct writer *writer)
{
    put(writer, "restore server");
}

/* The server goes back to before what some did online and some offline, and others go on at the
 * same fields. */
static void turn_back(struct writer *writer)
{
    const char *entity = some_entity(writer);
    const unsigned away = DEVICE, thing = some(writer, 4), field = some(writer, 2);
    put(writer, "copy server");
    put(writer, "edit d%u %s#%u %u", DEVICE, entity, thing, field);
    put(writer, "create d%u contact account#%u", DEVICE, some(writer, 6));
    put(writer, "wait %us", 1 + some(writer, 10));
    put(writer, "offline d%u", away);
    put(writer, "edit d%u %s#%u %u", away, entity, thing, field);
    put(writer, "edit d%u newest#0 %u", away, some(writer, 3));
    put(writer, "edit d%u %s#%u %u", DEVICE, entity, thing, field);
    put(writer, "restore server");
    put(writer, "wait %us", 10 + some(writer, 40));
    for (unsigned i = some(writer, 4); i > 0; i--)
        put(writer, "edit d%u %s#%u %u", DEVICE, entity, thing, field);
    put(writer, "wait %us", 1 + some(writer, 10));
    put(writer, "online d%u", away);
    put(writer, "wait %us", 20 + some(writer, 40));
    put(writer, "resolve d%u entry#%u %s", away, some(writer, 3), some_way(writer));
}

/* A conflict of the former history is settled in the next one, offline, while somebody goes on. */
static void settle_later(struct writer *writer)
{
    const char *entity = some_entity(writer);
    const unsigned away = DEVICE, other = DEVICE, thing = some(writer, 4), field = some(writer, 2);
    put(writer, "copy server");
    for (unsigned i = 2 + some(writer, 4); i > 0; i--)
        put(writer, "edit d%u contact#%u %u", other, i, some(writer, 3));
    put(writer, "offline d%u", away);
    put(writer, "edit d%u %s#%u %u", away, entity, thing, field);
    put(writer, "edit d%u %s#%u %u", other, entity, thing, field);
    put(writer, "wait %us", 1 + some(writer, 20));
    put(writer, "online d%u", away);
    put(writer, "wait %us", 40 + some(writer, 40));
    put(writer, "restore server");
    put(writer, "wait %us", 60 + some(writer, 100));
    put(writer, "offline d%u", away);
    put(writer, "edit d%u %s#%u %u", other, entity, thing, field);
    put(writer, "wait %us", 1 + some(writer, 20));
    put(writer, "resolve d%u entry#%u mine", away, some(writer, 2));
    put(writer, "online d%u", away);
    put(writer, "wait %us", 20 + some(writer, 40));
}

static void change_version(struct writer *writer)
{
    put(writer, "%s server", draw(writer, 2) == 0 ? "downgrade" : "upgrade");
}

/* ---- Time ---- */

static void pass(struct writer *writer)
{
    switch (draw(writer, 12)) {
    case 0:
        put(writer, "wait %uh", 1 + some(writer, 4));
        break;
    case 1:
    case 2:
        put(writer, "wait %um", 1 + some(writer, 50));
        break;
    case 3:
    case 4:
    case 5:
        put(writer, "wait %us", 1 + some(writer, 60));
        break;
    default:
        put(writer, "wait %ums", 1 + some(writer, 2000));
    }
}

static void be_quiet(struct writer *writer)
{
    put(writer, "quiet");
}

void sim_script_make(uint64_t seed, struct sim_script *out)
{
    static const struct {
        unsigned weight;
        void (*write)(struct writer *writer);
    } kinds[] = {{14, edit},
                 {6, edit_both},
                 {6, clash},
                 {4, lose},
                 {2, betray},
                 {6, create},
                 {4, create_and_edit},
                 {4, remove_one},
                 {10, type},
                 {4, type_away},
                 {1, type_much},
                 {5, share},
                 {6, read_all},
                 {2, burst},
                 {5, grant},
                 {3, revoke},
                 {3, restrict_account},
                 {4, move},
                 {2, lock_out},
                 {9, offline},
                 {7, cut},
                 {4, stall},
                 {7, crash},
                 {3, restart},
                 {1, second},
                 {3, pause_device},
                 {5, settle},
                 {3, look},
                 {2, choose},
                 {1, choose_twice},
                 {2, copy},
                 {1, restore},
                 {2, turn_back},
                 {1, settle_later},
                 {1, change_version},
                 {24, pass},
                 {4, be_quiet}};
    const size_t count = sizeof kinds / sizeof *kinds;
    struct writer writer = {out, seed * 0x2545f4914f6cdd1du + 1, false};
    unsigned all = 0;
    *out = (struct sim_script){.seed = seed};
    for (size_t i = 0; i < count; i++)
        all += kinds[i].weight;
    const size_t length = 20 + draw(&writer, 100);
    if (draw(&writer, 6) == 0)
        put(&writer, "downgrade server");
    for (unsigned i = draw(&writer, 2) == 0 ? 2 + some(&writer, 4) : 0; i > 0; i--)
        second(&writer);
    while (out->count < length) {
        uint64_t at = draw(&writer, all);
        size_t i = 0;
        while (at >= kinds[i].weight)
            at -= kinds[i++].weight;
        kinds[i].write(&writer);
    }
    be_quiet(&writer);
}

/* ---- Text ---- */

void sim_words(const struct sim_line *line, struct sim_words *out)
{
    char *rest = out->storage;
    memcpy(out->storage, line->text, sizeof out->storage);
    out->count = 0;
    for (size_t i = 0; i < SIM_WORDS; i++)
        out->word[i] = "";
    for (char *word; out->count < SIM_WORDS && (word = strsep(&rest, " ")) != NULL;)
        if (*word != '\0')
            out->word[out->count++] = word;
}

uint64_t sim_duration(const char *text)
{
    char *unit;
    const uint64_t number = strtoull(text, &unit, 10);
    if (strcmp(unit, "s") == 0)
        return number * 1000;
    if (strcmp(unit, "m") == 0)
        return number * 60000;
    if (strcmp(unit, "h") == 0)
        return number * 3600000;
    if (strcmp(unit, "d") == 0)
        return number * 86400000;
    return number;
}

static bool read_line(const char *text, struct sim_script *out)
{
    unsigned number = 0;
    int size = 0;
    while (isspace((unsigned char)*text))
        text++;
    if (*text == '\0' || *text == '#')
        return true;
    if (sscanf(text, "seed %lu", (unsigned long *)&out->seed) == 1)
        return true;
    if (sscanf(text, "%u %n", &number, &size) != 1 || size == 0 || out->count == SIM_LINES ||
        strlen(text + size) >= SIM_LINE)
        return false;
    struct sim_line *line = &out->lines[out->count++];
    line->number = number;
    (void)snprintf(line->text, sizeof line->text, "%s", text + size);
    line->text[strcspn(line->text, "\r\n")] = '\0';
    return true;
}

bool sim_script_read(const char *path, struct sim_script *out)
{
    char text[256];
    FILE *file = fopen(path, "r");
    bool good = true;
    *out = (struct sim_script){0};
    if (file == NULL) {
        perror(path);
        return false;
    }
    while (good && fgets(text, sizeof text, file) != NULL)
        if (!read_line(text, out)) {
            (void)fprintf(stderr, "%s: what is this? %s\n", path, text);
            good = false;
        }
    (void)fclose(file);
    return good;
}

bool sim_script_write(const char *path, const struct sim_script *script)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        perror(path);
        return false;
    }
    (void)fprintf(file, "seed %llu\n", (unsigned long long)script->seed);
    for (size_t i = 0; i < script->count; i++)
        (void)fprintf(file, "%u %s\n", script->lines[i].number, script->lines[i].text);
    return fclose(file) == 0;
}
