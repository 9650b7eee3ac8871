#include "cli/cli_mention.h"

#include <string.h>

#include "cli/cli_list_of_commands.h"
#include "cli/cli_local.h"
#include "cli/cli_lookup.h"
#include "cli/cli_note.h"
#include "cli/cli_text.h"
#include "protocol/status.h"

/* ---- Finding -----------------------------------------------------------------------------------
 */

static bool is_word(char byte)
{
    unsigned char c = (unsigned char)byte;
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c >= 0x80;
}

/* Bytes of the name that begins at `text`: dots and hyphens are part of it where it goes on behind
 * them. */
static size_t plain_length(const char *text)
{
    size_t length = 0;
    while (is_word(text[length]) ||
           (length > 0 && text[length] != '\0' && strchr(".-@", text[length]) != NULL &&
            is_word(text[length + 1]))) {
        length++;
    }
    return length;
}

/* The name behind the '@' before `text`; 0 when there is none. */
static size_t name_at(const char *text, const char **name)
{
    bool quoted = text[0] == '"';
    *name = text + quoted;
    size_t length = quoted ? strcspn(*name, "\"\r\n") : plain_length(*name);
    bool ends = !quoted || (*name)[length] == '"';
    return ends && length < MENTION_NAME ? length : 0;
}

static bool has(const struct mention_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (text_same(names->names[i], name)) {
            return true;
        }
    }
    return false;
}

/* The next mention from *at on, which is moved behind its name; *begin is its '@'. */
static bool next_name(const char *text, const char **at, const char **begin, char out[MENTION_NAME])
{
    for (const char *sign = strchr(*at, '@'); sign != NULL; sign = strchr(*at, '@')) {
        const char *name = NULL;
        size_t length = name_at(sign + 1, &name);
        bool within = sign > text && is_word(sign[-1]);
        *at = sign + 1;
        if (within || length == 0) {
            continue;
        }
        (void)bytes_to_text(bytes_of(name, length), out, MENTION_NAME);
        *at = name + length;
        *begin = sign;
        return true;
    }
    return false;
}

static bool mentions(const char *text, const char *name)
{
    char other[MENTION_NAME];
    const char *at = text;
    const char *begin = NULL;
    while (text != NULL && next_name(text, &at, &begin, other)) {
        if (text_same(other, name)) {
            return true;
        }
    }
    return false;
}

static bool any_typed(const uint8_t *typed, size_t from, size_t to)
{
    bool any = typed == NULL;
    for (size_t i = from; i < to && !any; i++) {
        any = typed[i] != 0;
    }
    return any;
}

void mention_find_typed(const char *before, const char *after, const uint8_t *typed,
                        struct mention_names *out)
{
    const char *at = after;
    const char *begin = NULL;
    char name[MENTION_NAME];
    out->count = 0;
    while (out->count < MENTIONS_MOST && next_name(after, &at, &begin, name)) {
        if (any_typed(typed, (size_t)(begin - after), (size_t)(at - after)) && !has(out, name) &&
            !mentions(before, name)) {
            memcpy(out->names[out->count++], name, sizeof name);
        }
    }
}

void mention_find(const char *before, const char *after, struct mention_names *out)
{
    mention_find_typed(before, after, NULL, out);
}

/* ---- The line ----------------------------------------------------------------------------------
 */

#define LEAD 80u /* bytes before the '@' that are kept of a line too long to be kept whole */

static bool is_break(char byte)
{
    return byte == '\n' || byte == '\r';
}

static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xC0) != 0x80;
}

bool mention_line(const char *text, const char *name, struct buffer *out)
{
    char other[MENTION_NAME];
    const char *at = text;
    const char *begin = text;
    bool found = false;
    while (!found && next_name(text, &at, &begin, other)) {
        found = text_same(other, name);
    }
    const char *from = found ? begin : text;
    while (found && from > text && !is_break(from[-1])) {
        from--;
    }
    from += strspn(from, " \t\r\n");
    size_t size = strcspn(from, "\r\n");
    if (found && (size_t)(at - from) > MENTION_LINE) {
        const char *nearer = begin - LEAD;
        while (!begins_character(*nearer)) {
            nearer++;
        }
        size -= (size_t)(nearer - from);
        from = nearer;
    }
    if (size > MENTION_LINE) {
        size = MENTION_LINE;
        while (!begins_character(from[size])) {
            size--;
        }
    }
    buffer_append(out, from, size);
    return found;
}

/* ---- Telling -----------------------------------------------------------------------------------
 */

struct person {
    const char *name;
    bool known, disabled;
    char partner[TANDEM_ID_TEXT];
};

static bool take_person(void *context, const tandem_record *record)
{
    struct person *person = context;
    const char *name = tandem_record_text(record, "name");
    if (name == NULL || !text_same(name, person->name)) {
        return true; /* somebody whose name has other capitals than A to Z */
    }
    const char *disabled = tandem_record_text(record, "disabled");
    person->known = true;
    person->disabled = disabled != NULL && strcmp(disabled, "true") == 0;
    const char *partner = tandem_record_text(record, "partner");
    (void)snprintf(person->partner, sizeof person->partner, "%s", partner == NULL ? "" : partner);
    return false;
}

static bool take_title(void *context, const tandem_record *record)
{
    char *title = context;
    (void)snprintf(title, LOOKUP_NAME, "%s", tandem_record_title(record));
    return false;
}

/* Whom to share with so that they see it: a tag as tandem share takes it. */
static void find_tag(struct cli *cli, const char *name, bool *disabled, char tag[LOOKUP_NAME])
{
    tandem_condition condition = {.field = "name", .op = "=", .text = name};
    tandem_query query = {.entity = "user", .where = &condition, .where_count = 1};
    struct person person = {.name = name};
    (void)snprintf(tag, LOOKUP_NAME, "TAG");
    bool found = cli->client != NULL && cli_query(cli, &query, take_person, &person) == TANDEM_OK &&
                 person.known;
    *disabled = found && person.disabled;
    if (found && person.partner[0] == '\0') {
        (void)snprintf(tag, LOOKUP_NAME, "internal");
    } else if (found && cli->client != NULL) {
        (void)cli_fetch(cli, person.partner, take_title, tag);
    }
}

static void tell_choice(struct cli *cli, const char *note, const char *name)
{
    char tag[LOOKUP_NAME];
    bool disabled = false;
    find_tag(cli, name, &disabled, tag);
    if (disabled) {
        cli_note(cli, "%s cannot sign in and was not told: \"@%s\" stays as text.", name, name);
        return;
    }
    cli_note(cli,
             "%s may not see this note, and was not told. Share it with them: tandem share %s "
             "--with \"%s\", then: tandem mention %s \"%s\". Or leave the name as text.",
             name, note, tag, note, name);
}

static void tell_json(struct cli *cli, const char *note, const char *name,
                      const tandem_fault *fault)
{
    const char *detail = cli_fault_detail(fault);
    json_t *object = json_pack("{s:s, s:s, s:s, s:s}", "mention", name, "note", note, "code",
                               tandem_error_name(fault->code), "reason",
                               detail[0] == '\0' ? tandem_error_text(fault->code) : detail);
    if (object != NULL) {
        (void)json_dumpf(object, cli->err, JSON_COMPACT);
        (void)fputc('\n', cli->err);
        json_decref(object);
    }
}

/* The server's words, as a sentence. */
static void tell_nobody(struct cli *cli, const char *why, const char *name)
{
    char first = why[0] >= 'a' && why[0] <= 'z' ? (char)(why[0] - 'a' + 'A') : why[0];
    if (first != '\0') {
        cli_note(cli, "%c%s: \"@%s\" stays as text.", first, why + 1, name);
    }
}

static void tell_refused(struct cli *cli, const char *note, const char *name)
{
    const tandem_fault fault = cli->fault;
    bool user = strcmp(fault.field, "user") == 0;
    if (cli->json) {
        tell_json(cli, note, name, &fault);
    } else if (user && fault.code == STATUS_DENIED) {
        tell_choice(cli, note, name);
    } else if (user && fault.code == STATUS_NOT_FOUND) {
        tell_nobody(cli, cli_fault_detail(&fault), name);
    } else if (fault.code == STATUS_INVALID_VALUE && strcmp(fault.field, "op") == 0) {
        cli_note(cli, "This server is too old to tell people of it: \"@%s\" stays as text.", name);
    } else {
        struct buffer words = {0};
        cli_fault_words(&fault, &words);
        cli_note(cli, "%s was not told: %s", name, text_of(&words) == NULL ? "" : text_of(&words));
        buffer_release(&words);
    }
}

/* Those whom it reached. */
struct reached {
    struct mention_names names;
    bool waits; /* in the outbox */
};

static void tell_reached(struct cli *cli, const struct reached *reached)
{
    const struct mention_names *names = &reached->names;
    for (size_t i = 0; i < names->count; i++) {
        (void)fputs(i == 0 ? "" : i + 1 == names->count ? " and " : ", ", cli->out);
        (void)text_put(cli->out, names->names[i], 0);
    }
    if (names->count > 0) {
        (void)fprintf(cli->out,
                      reached->waits ? ": told once this is sent\n" : ": in their inbox\n");
    }
}

static void print_reached(struct cli *cli, const char *note, const struct reached *reached)
{
    json_t *names = json_array();
    for (size_t i = 0; i < reached->names.count; i++) {
        (void)json_array_append_new(names, json_string(reached->names.names[i]));
    }
    json_t *object = json_pack("{s:s, s:o}", "note", note, "mentioned", names);
    if (reached->waits) {
        (void)json_object_set_new(object, "waiting", json_true());
    }
    (void)json_dumpf(object, cli->out, JSON_COMPACT);
    (void)fputc('\n', cli->out);
    json_decref(object);
}

/* A refusal is told here, so a folder's outbox need not keep it. */
static void forget_refused(struct cli *cli)
{
    uint64_t entry = cli->in_folder && cli->client != NULL ? tandem_last_entry(cli->client) : 0;
    if (entry != 0) {
        (void)tandem_outbox_drop(cli->client, entry);
    }
}

static enum tandem_failure send_one(struct cli *cli, const char *note, const char *name, bool kept)
{
    tandem_mutation *mutation = tandem_mutation_new();
    enum tandem_failure failure = TANDEM_DONE;
    if (mutation != NULL) {
        (void)tandem_mention(mutation, note, name); /* an error is told when sending */
    }
    if (kept && !cli->local) {
        failure = local_send(cli, mutation, "nobody was told");
    } else {
        failure = cli_send_unless(cli, mutation, "nobody was told", CLI_ANY_REFUSAL, NULL);
        if (failure != TANDEM_DONE && tandem_error_class(cli->fault.code) == TANDEM_REFUSED) {
            const tandem_fault fault = cli->fault;
            forget_refused(cli);
            cli->fault = fault;
            tell_refused(cli, note, name);
        }
    }
    tandem_mutation_free(mutation);
    return failure;
}

static enum tandem_failure send_all(struct cli *cli, const char *note,
                                    const struct mention_names *names, bool kept,
                                    struct reached *reached)
{
    enum tandem_failure failure = TANDEM_DONE;
    *reached = (struct reached){.waits = false};
    for (size_t i = 0; i < names->count && cli->client != NULL; i++) {
        enum tandem_failure one = send_one(cli, note, names->names[i], kept);
        if (one == TANDEM_DONE) {
            reached->waits = reached->waits || cli->entry != 0;
            memcpy(reached->names.names[reached->names.count++], names->names[i], MENTION_NAME);
        } else {
            failure = one;
        }
    }
    return failure;
}

void mention_tell_typed(struct cli *cli, const char *note, const char *before, const char *after,
                        const uint8_t *typed, bool kept)
{
    struct mention_names found, names = {.count = 0};
    struct reached reached;
    mention_find_typed(before, after, typed, &found);
    for (size_t i = 0; i < found.count; i++) {
        if (!text_same(found.names[i], cli->profile.session.user)) {
            memcpy(names.names[names.count++], found.names[i], MENTION_NAME);
        }
    }
    (void)send_all(cli, note, &names, kept, &reached);
    if (!cli->json) {
        tell_reached(cli, &reached);
    }
}

void mention_tell(struct cli *cli, const char *note, const char *before, const char *after,
                  bool kept)
{
    mention_tell_typed(cli, note, before, after, NULL, kept);
}

/* ---- The command -------------------------------------------------------------------------------
 */

enum tandem_failure command_mention(struct cli *cli, const struct arguments *arguments)
{
    struct mention_names names = {.count = 0};
    struct reached reached;
    struct sighting note;
    for (size_t i = 1; i < arguments->count; i++) {
        const char *name = arguments->positional[i] + (arguments->positional[i][0] == '@');
        if (i > MENTIONS_MOST || strlen(name) >= MENTION_NAME || name[0] == '\0') {
            return cli_usage(cli, "%s is no sign-in name, or there are more than %u", name,
                             MENTIONS_MOST);
        }
        (void)bytes_to_text(bytes_text(name), names.names[names.count++], MENTION_NAME);
    }
    enum tandem_failure failure = cli_connect(cli, CLI_CHANGES);
    if (failure == TANDEM_DONE) {
        failure = note_lookup(cli, arguments->positional[0], &note);
    }
    if (failure != TANDEM_DONE) {
        return failure;
    }
    failure = send_all(cli, note.id, &names, false, &reached);
    if (cli->json && reached.names.count > 0) {
        print_reached(cli, note.id, &reached);
    } else if (!cli->json) {
        tell_reached(cli, &reached);
    }
    return failure;
}
