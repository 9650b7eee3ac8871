/* note --versions: what was done to a note, in groups of versions that one person made without a
 * pause, as each burst of typing is a version; and each version by itself where that is asked for.
 *
 * What a group did is read from the texts before and after it, of which the server is asked for one
 * a group: that of the newest version in it. */
#include <inttypes.h>
#include <string.h>

#include "cli/cli_note.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"
#include "protocol/status.h"

#define PAGE 200u          /* versions asked for at a time */
#define LOOKED_MOST 20000u /* versions that are grouped, of a note with more */
#define PAUSE_MS 120000    /* between two versions of one group */
#define EXCERPT 80u        /* bytes of what was put in or taken out; a terminal may show less */

struct group {
    uint64_t newest, oldest; /* versions */
    int64_t from_ms, to_ms;
    size_t removed, inserted;
    char by[72];
    json_t *each; /* as versions are printed by themselves; NULL for people */
};

struct listing {
    struct cli *cli;
    struct group *groups;
    size_t count, capacity, wanted;
    bool single; /* a group for each version */
    bool full;   /* one more than is wanted has begun */
    bool failed; /* out of memory */
    uint64_t last;
    size_t looked;
};

static void print_json(struct cli *cli, json_t *object)
{
    (void)json_dumpf(object, cli->out, JSON_COMPACT);
    (void)fputc('\n', cli->out);
    json_decref(object);
}

static json_t *version_json(const tandem_note_version_info *info)
{
    char when[25];
    return json_pack("{s:I, s:s, s:s, s:I, s:I}", "version", (json_int_t)info->version, "by",
                     info->by, "at", tandem_time_text(info->at_ms, when), "removed",
                     (json_int_t)info->removed, "inserted", (json_int_t)info->inserted);
}

/* ---- Collecting ------------------------------------------------------------------------------ */

static bool goes_with(const struct listing *listing, const tandem_note_version_info *info)
{
    const struct group *group = &listing->groups[listing->count - 1];
    return !listing->single && strcmp(group->by, info->by) == 0 &&
           group->from_ms - info->at_ms <= PAUSE_MS;
}

static struct group *begin_group(struct listing *listing, const tandem_note_version_info *info)
{
    struct group *groups =
        memory_grow(listing->groups, listing->count, &listing->capacity, sizeof *groups);
    if (groups == NULL) {
        return NULL;
    }
    listing->groups = groups;
    struct group *group = &groups[listing->count++];
    *group = (struct group){.newest = info->version, .to_ms = info->at_ms};
    (void)bytes_to_text(bytes_text(info->by), group->by, sizeof group->by);
    group->each = listing->cli->json ? json_array() : NULL;
    return group;
}

static bool take_version(void *context, const tandem_note_version_info *info)
{
    struct listing *listing = context;
    listing->looked++;
    listing->last = info->version;
    struct group *group = listing->count > 0 && goes_with(listing, info)
                              ? &listing->groups[listing->count - 1]
                              : NULL;
    if (group == NULL && listing->count == listing->wanted) {
        listing->full = true;
        return false;
    }
    group = group != NULL ? group : begin_group(listing, info);
    if (group == NULL) {
        listing->failed = true;
        return false;
    }
    group->oldest = info->version;
    group->from_ms = info->at_ms;
    group->removed += info->removed;
    group->inserted += info->inserted;
    if (group->each != NULL) {
        (void)json_array_append_new(group->each, version_json(info));
    }
    return true;
}

static enum tandem_failure collect(struct listing *listing, const char *id)
{
    enum tandem_failure failure = TANDEM_DONE;
    size_t before = SIZE_MAX;
    size_t most = listing->single ? listing->wanted : LOOKED_MOST;
    while (failure == TANDEM_DONE && !listing->full && !listing->failed &&
           listing->looked != before && listing->looked < most &&
           (listing->looked == 0 || listing->last > 1)) {
        size_t left = most - listing->looked;
        before = listing->looked;
        failure = note_ask_versions(listing->cli, id, listing->last,
                                    left < PAGE ? (unsigned)left : PAGE, take_version, listing);
    }
    return failure == TANDEM_DONE && listing->failed ? cli_no_memory(listing->cli) : failure;
}

/* ---- What a group did ------------------------------------------------------------------------ */

/* The longest text that came, or where none did, that went. */
struct excerpt {
    const char *before; /* the text that the group found */
    struct buffer text;
    bool removed;
    bool known; /* both texts are */
    bool any;   /* and they differ, be it in white space alone */
};

static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xC0) != 0x80;
}

/* Its beginning, on one line: line ends and the like are spaces, and none in front. */
static void put_short(struct buffer *out, const char *text, size_t size)
{
    size_t from = 0;
    while (from < size && strchr(" \t\n", text[from]) != NULL) {
        from++;
    }
    size_t end = size - from > EXCERPT ? from + EXCERPT : size;
    while (end < size && !begins_character(text[end])) {
        end--;
    }
    for (size_t i = from; i < end; i++) {
        buffer_append_byte(out, (uint8_t)((unsigned char)text[i] < ' ' ? ' ' : text[i]));
    }
    text_add(out, end < size ? " ..." : "");
}

static bool is_blank(const char *text, size_t size)
{
    size_t at = 0;
    while (at < size && strchr(" \t\n", text[at]) != NULL) {
        at++;
    }
    return at == size;
}

static void consider(struct excerpt *out, const char *text, size_t size, bool removed)
{
    bool better = out->text.size == 0 || (out->removed && !removed) ||
                  (out->removed == removed && size > out->text.size);
    if (better && !is_blank(text, size)) {
        buffer_clear(&out->text);
        buffer_append(&out->text, text, size);
        out->removed = removed;
    }
}

static bool take_difference(void *context, const tandem_note_difference *difference)
{
    struct excerpt *out = context;
    out->any = true;
    consider(out, difference->inserted, difference->inserted_size, false);
    consider(out, out->before + difference->from, difference->removed, true);
    return !out->text.failed;
}

/* The texts before and after one group: what is after it is before the next newer one. */
struct texts {
    struct cli *cli;
    const char *id;
    struct note_version after, before;
    bool lost; /* the server does not answer any more, which is no reason to list nothing */
};

static void texts_release(struct texts *texts)
{
    memory_free(texts->after.text);
    memory_free(texts->before.text);
}

static void ask_text(struct texts *texts, uint64_t version, struct note_version *out)
{
    uint64_t wanted = version == 0 ? TANDEM_NOTE_BEGINNING : version;
    *out = (struct note_version){.text = NULL};
    if (!texts->lost) {
        texts->lost = note_ask_quietly(texts->cli, texts->id, wanted, NULL, NULL, out) != TANDEM_OK;
    }
}

/* Goes on to an older group. */
static void texts_move(struct texts *texts, const struct group *group)
{
    memory_free(texts->after.text);
    texts->after = texts->before;
    if (texts->after.text == NULL || texts->after.version != group->newest) {
        memory_free(texts->after.text);
        ask_text(texts, group->newest, &texts->after);
    }
    ask_text(texts, group->oldest - 1, &texts->before);
}

static void find_excerpt(const struct texts *texts, struct excerpt *out)
{
    const struct note_version *before = &texts->before;
    const struct note_version *after = &texts->after;
    out->before = before->text;
    out->any = false;
    out->known = before->text != NULL && after->text != NULL;
    buffer_clear(&out->text);
    if (out->known) {
        (void)tandem_note_differences(before->text, before->size, after->text, after->size,
                                      take_difference, out);
    }
}

/* ---- Printing -------------------------------------------------------------------------------- */

static void print_group_json(struct cli *cli, struct group *group, const struct excerpt *excerpt)
{
    char from[25], to[25];
    struct buffer what = {0};
    json_t *object = json_pack(
        "{s:I, s:I, s:I, s:s, s:s, s:s, s:I, s:I, s:o}", "version", (json_int_t)group->newest,
        "first", (json_int_t)group->oldest, "count", (json_int_t)json_array_size(group->each), "by",
        group->by, "from", tandem_time_text(group->from_ms, from), "at",
        tandem_time_text(group->to_ms, to), "removed", (json_int_t)group->removed, "inserted",
        (json_int_t)group->inserted, "versions", group->each);
    group->each = NULL;
    if (excerpt->text.size > 0 && !excerpt->text.failed) {
        put_short(&what, (const char *)excerpt->text.data, excerpt->text.size);
        (void)json_object_set_new(object, excerpt->removed ? "textRemoved" : "text",
                                  json_string(text_of(&what)));
    }
    buffer_release(&what);
    print_json(cli, object);
}

/* "2026-03-01 09:30 to 09:42" */
static const char *span_text(const struct group *group, char out[80])
{
    char from[32], to[32];
    (void)text_local_time(group->from_ms, from);
    (void)text_local_time(group->to_ms, to);
    bool same_day = strncmp(from, to, strlen("2026-03-01 ")) == 0;
    if (strcmp(from, to) == 0) {
        (void)snprintf(out, 80, "%s", to);
    } else {
        (void)snprintf(out, 80, "%s to %s", from, same_day ? to + strlen("2026-03-01 ") : to);
    }
    return out;
}

static void put_group(struct table *table, const struct group *group, const struct excerpt *excerpt)
{
    char number[32], count[32], when[80], change[64];
    struct buffer what = {0};
    (void)snprintf(number, sizeof number, "%" PRIu64, group->newest);
    (void)snprintf(count, sizeof count, "%" PRIu64, group->newest - group->oldest + 1);
    (void)snprintf(change, sizeof change, "+%zu -%zu", group->inserted, group->removed);
    if (excerpt->text.size > 0 && !excerpt->text.failed) {
        text_add(&what, excerpt->removed ? "removed: " : "");
        put_short(&what, (const char *)excerpt->text.data, excerpt->text.size);
    } else if (excerpt->known && !excerpt->any) {
        text_add(&what, "(the text as it was before)");
    }
    const char *const cells[] = {number, span_text(group, when), group->by, count,
                                 change, text_of(&what)};
    table_row(table, cells);
    buffer_release(&what);
}

/* The text that it all began with. */
static void put_beginning(struct table *table, const struct texts *texts)
{
    const struct note_version *first = &texts->before;
    struct buffer what = {0};
    if (first->text == NULL || first->version != 0) {
        return;
    }
    text_add(&what, "began with: ");
    put_short(&what, first->text, first->size);
    const char *const cells[] = {"0", NULL, NULL, NULL, NULL, text_of(&what)};
    table_row(table, cells);
    buffer_release(&what);
}

static enum tandem_failure print_groups(struct listing *listing, const char *id)
{
    static const char *const headings[] = {"version", "when",       "who",
                                           "changes", "characters", "what"};
    struct cli *cli = listing->cli;
    struct texts texts = {.cli = cli, .id = id};
    struct excerpt excerpt = {.before = NULL};
    struct table table;
    table_init(&table, sizeof headings / sizeof headings[0]);
    table_row(&table, headings);
    for (size_t i = 0; i < listing->count; i++) {
        texts_move(&texts, &listing->groups[i]);
        find_excerpt(&texts, &excerpt);
        if (cli->json) {
            print_group_json(cli, &listing->groups[i], &excerpt);
        } else {
            put_group(&table, &listing->groups[i], &excerpt);
        }
    }
    if (!cli->json) {
        put_beginning(&table, &texts);
        table_print(&table, cli->out, text_terminal_width(cli->out));
    }
    bool failed = table.failed;
    table_release(&table);
    buffer_release(&excerpt.text);
    texts_release(&texts);
    return failed ? cli_no_memory(cli) : TANDEM_DONE;
}

static enum tandem_failure print_each(const struct listing *listing)
{
    static const char *const headings[] = {"version", "when", "who", "characters"};
    struct cli *cli = listing->cli;
    struct table table;
    table_init(&table, sizeof headings / sizeof headings[0]);
    table_row(&table, headings);
    for (size_t i = 0; i < listing->count; i++) {
        const struct group *group = &listing->groups[i];
        char number[32], when[32], change[64];
        if (cli->json) {
            print_json(cli, json_incref(json_array_get(group->each, 0)));
            continue;
        }
        (void)snprintf(number, sizeof number, "%" PRIu64, group->newest);
        (void)snprintf(change, sizeof change, "+%zu -%zu", group->inserted, group->removed);
        const char *const cells[] = {number, text_local_time(group->to_ms, when), group->by,
                                     change};
        table_row(&table, cells);
    }
    if (!cli->json) {
        table_print(&table, cli->out, text_terminal_width(cli->out));
    }
    bool failed = table.failed;
    table_release(&table);
    return failed ? cli_no_memory(cli) : TANDEM_DONE;
}

/* What else there is to know, for people. */
static void tell_more(const struct listing *listing, const char *id, size_t given)
{
    struct cli *cli = listing->cli;
    bool grouped = false;
    for (size_t i = 0; i < listing->count; i++) {
        grouped = grouped || listing->groups[i].newest != listing->groups[i].oldest;
    }
    if (cli->json) {
        return;
    }
    if (listing->count == 0) {
        cli_note(cli, "Nobody has edited this note since it was written.");
        return;
    }
    if (listing->full || (listing->single && listing->count == given && listing->last > 1)) {
        cli_note(cli, "There are older ones: --limit %zu", given * 10);
    } else if (listing->looked >= LOOKED_MOST && listing->last > 1) {
        cli_note(cli, "There are older ones: --all --limit %zu", listing->looked * 2);
    }
    cli_note(cli, "Read one: tandem note %s --print --version N%s", id,
             grouped ? ". Each change by itself: --versions --all" : "");
}

static void listing_release(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        json_decref(listing->groups[i].each);
    }
    memory_free(listing->groups);
}

enum tandem_failure note_versions(struct cli *cli, const char *name, bool single, size_t limit)
{
    struct sighting about;
    struct listing listing = {.cli = cli, .wanted = limit, .single = single};
    enum tandem_failure failure = cli_connect(cli, CLI_SERVER);
    if (failure == TANDEM_DONE) {
        failure = note_lookup(cli, name, &about);
    }
    if (failure == TANDEM_DONE) {
        failure = collect(&listing, about.id);
    }
    if (failure == TANDEM_DONE && listing.count > 0) {
        failure = single ? print_each(&listing) : print_groups(&listing, about.id);
    }
    if (failure == TANDEM_DONE) {
        tell_more(&listing, about.id, limit);
    }
    listing_release(&listing);
    return failure;
}
