/* note: which note is meant, and what is to be done with it. */
#include "cli/cli_note.h"

#include <string.h>
#include <unistd.h>

#include "cli/cli_list_of_commands.h"
#include "cli/cli_log.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"

#define NEW_NOTE_MOST 65536u /* bytes of the text that a record is made with */
#define GROUPS_SHOWN 20u     /* unless told otherwise */
#define VERSIONS_SHOWN 100u  /* each by itself */
#define NAMED_MOST 8u        /* notes that are listed when several are meant */

/* ---- Which note ------------------------------------------------------------------------------ */

struct choice {
    const char *title; /* notes with this first line; NULL: all of them */
    struct sighting *out;
    size_t found;
    struct buffer others; /* for the person, when there are several */
};

static bool take_note(void *context, const tandem_record *record)
{
    struct choice *choice = context;
    const char *title = tandem_record_title(record);
    if (choice->title != NULL && strcmp(title, choice->title) != 0) {
        return true;
    }
    if (choice->found++ == 0) {
        lookup_take(choice->out, record);
    }
    if (choice->found <= NAMED_MOST) {
        text_addf(&choice->others, "\n  %s  %s", tandem_record_id(record), title);
    }
    return true;
}

/* Of those found one at most is meant. */
static enum tandem_failure decide(struct cli *cli, const char *text, struct choice *choice)
{
    const char *others = text_of(&choice->others);
    enum tandem_failure failure = TANDEM_DONE;
    if (others == NULL) {
        failure = cli_no_memory(cli);
    } else if (choice->found > 1) {
        failure = cli_refuse(cli, TANDEM_REFUSED,
                             "\"%s\" has, or is, several notes; name one by its id:%s%s", text,
                             others, choice->found > NAMED_MOST ? "\n  ..." : "");
    }
    buffer_release(&choice->others);
    return failure;
}

static tandem_code find_notes(struct cli *cli, const char *field, const char *op, const char *value,
                              struct choice *choice)
{
    tandem_condition condition = {.field = field, .op = op, .text = value};
    tandem_query query = {.entity = "note", .where = &condition, .where_count = 1};
    choice->found = 0;
    return cli_query(cli, &query, take_note, choice);
}

static enum tandem_failure refuse_nameless(struct cli *cli, const char *text)
{
    return cli_refuse(
        cli, TANDEM_REFUSED,
        "no note begins with the line \"%s\", and no account is called so. See: tandem "
        "list note, tandem list account",
        text);
}

/* Accounts of this name, two at most. */
static tandem_code find_accounts(struct cli *cli, const char *name, struct choice *choice)
{
    tandem_condition condition = {.field = "name", .op = "=", .text = name};
    tandem_query query = {.entity = "account", .where = &condition, .where_count = 1, .limit = 2};
    return cli_query(cli, &query, take_note, choice);
}

static enum tandem_failure find_by_name(struct cli *cli, const char *text, struct sighting *out)
{
    struct sighting account;
    struct choice accounts = {.title = text, .out = &account};
    struct choice choice = {.title = text, .out = out};
    tandem_code code = find_notes(cli, "text", "contains", text, &choice);
    if (code == TANDEM_OK && choice.found == 0) {
        code = find_accounts(cli, text, &accounts);
    }
    buffer_release(&accounts.others);
    if (code == TANDEM_OK && accounts.found == 1) {
        choice.title = NULL;
        code = find_notes(cli, "account", "=", account.id, &choice);
    }
    if (code == TANDEM_OK && choice.found > 0) {
        return decide(cli, text, &choice);
    }
    buffer_release(&choice.others);
    if (code != TANDEM_OK) {
        return cli_fault(cli, NULL, &cli->fault);
    }
    return accounts.found == 0 ? refuse_nameless(cli, text)
           : accounts.found == 1
               ? cli_refuse(cli, TANDEM_REFUSED, "%s has no note. Write one: tandem note %s TEXT",
                            text, account.id)
               : cli_refuse(cli, TANDEM_REFUSED,
                            "several accounts are named \"%s\"; name the note by its "
                            "id. See: tandem list note",
                            text);
}

enum tandem_failure note_lookup(struct cli *cli, const char *text, struct sighting *out)
{
    if (!lookup_is_id(text)) {
        return find_by_name(cli, text, out);
    }
    enum tandem_failure failure = lookup_record(cli, text, out);
    if (failure == TANDEM_DONE && strcmp(out->entity, "note") != 0) {
        return cli_refuse(cli, TANDEM_REFUSED,
                          "%s is no note, but %s %s. Its notes: tandem list note "
                          "--where %s=%s",
                          text, strchr("aeiou", out->entity[0]) != NULL ? "an" : "a", out->entity,
                          strcmp(out->entity, "account") == 0 ? "account" : "parent", out->id);
    }
    return failure;
}

/* ---- A text for a new note, or for one there is ------------------------------------------------
 */

static void tell_reading(struct cli *cli, size_t size, bool *told)
{
    char bytes[32];
    if (!cli->json && isatty(fileno(cli->err)) != 0) {
        (void)fprintf(cli->err, "\rReading: %s ", text_bytes(size, bytes));
        (void)fflush(cli->err);
        *told = true;
    }
}

/* All of standard input, as far as a note goes and a little more. NULL without memory. */
static char *read_input(struct cli *cli, size_t *size)
{
    const size_t block = 4096;
    bool told = false;
    char *text = memory_new(NOTE_MOST + block + 1);
    *size = 0;
    while (text != NULL && *size <= NOTE_MOST) {
        ssize_t got = read(STDIN_FILENO, text + *size, block);
        if (got <= 0) {
            break;
        }
        bool more = *size / 65536 != (*size + (size_t)got) / 65536;
        *size += (size_t)got;
        if (more) {
            tell_reading(cli, *size, &told);
        }
    }
    if (told) {
        (void)fputs("\r\033[K", cli->err);
    }
    return text;
}

/* The text given, or all of standard input where it is a pipe. NULL after telling. */
static char *get_text(struct cli *cli, const struct arguments *arguments)
{
    if (arguments->count > 1 && strcmp(arguments->positional[1], "-") != 0) {
        return text_copy(arguments->positional[1]);
    }
    size_t size = 0;
    char *text = read_input(cli, &size);
    bool too_large = size > NOTE_MOST;
    if (text == NULL) {
        (void)cli_no_memory(cli);
        return NULL;
    }
    while (size > 0 && !too_large && (text[size - 1] == '\n' || text[size - 1] == '\r')) {
        size--;
    }
    const char *wrong = size == 0   ? "there is no text in the pipe"
                        : too_large ? "the text is longer than 192 KiB, which is all a note holds. "
                                      "Nothing was sent"
                        : !text_is_utf8(text, size) || memchr(text, '\0', size) != NULL
                            ? "the text in the pipe is not UTF-8"
                            : NULL;
    if (wrong != NULL) {
        (void)cli_refuse(cli, TANDEM_REFUSED, "%s", wrong);
        memory_free(text);
        return NULL;
    }
    text[size] = '\0';
    return text;
}

static enum tandem_failure add_note(struct cli *cli, const struct arguments *arguments,
                                    const struct sighting *about, const char *text)
{
    const char *pairs[][2] = {
        {"text", text},
        {"type", arguments_value(arguments, "type")},
        {NULL, NULL},
    };
    if (strlen(text) > NEW_NOTE_MOST) {
        return cli_refuse(cli, TANDEM_REFUSED,
                          "the text is longer than the 64 KiB a note can begin with. Nothing was "
                          "sent; add the rest to the note once it is there: tandem note NOTE-ID -");
    }
    return log_make(cli, arguments, about, "note", pairs, "the note was not added");
}

static enum tandem_failure take_text(struct cli *cli, const struct arguments *arguments)
{
    struct sighting about;
    enum tandem_failure failure = log_check_text(cli, arguments);
    char *text = failure == TANDEM_DONE ? get_text(cli, arguments) : NULL;
    if (text == NULL) {
        return failure == TANDEM_DONE ? TANDEM_REFUSED : failure;
    }
    failure = cli_connect(cli, CLI_CHANGES);
    if (failure == TANDEM_DONE) {
        failure = lookup_account(cli, arguments->positional[0], &about);
    }
    if (failure == TANDEM_DONE && strcmp(about.entity, "note") != 0) {
        failure = add_note(cli, arguments, &about, text);
    } else if (failure == TANDEM_DONE &&
               (arguments_has(arguments, "type") || arguments_has(arguments, "share"))) {
        failure = cli_usage(cli,
                            "%s is a note, and the text is added to it: --type and --share are "
                            "for a new one",
                            about.id);
    } else if (failure == TANDEM_DONE) {
        failure = note_append(cli, &about, text);
    }
    memory_free(text);
    return failure;
}

/* ---- The command ----------------------------------------------------------------------------- */

/* What is wanted of a note that is there; NULL when a text is given. */
static enum tandem_failure find_wish(struct cli *cli, const struct arguments *arguments,
                                     const char **wish)
{
    static const char *const wishes[] = {"edit",  "print",   "versions",
                                         "blame", "restore", "discard"};
    *wish = NULL;
    for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++) {
        if (arguments_has(arguments, wishes[i])) {
            if (*wish != NULL) {
                return cli_usage(cli, "choose one: --%s or --%s", *wish, wishes[i]);
            }
            *wish = wishes[i];
        }
    }
    bool reads = *wish != NULL && (strcmp(*wish, "print") == 0 || strcmp(*wish, "blame") == 0);
    if (arguments_has(arguments, "version") && !reads) {
        return cli_usage(cli, "--version goes with --print or --blame");
    }
    bool lists = *wish != NULL && strcmp(*wish, "versions") == 0;
    if (!lists && (arguments_has(arguments, "limit") || arguments_has(arguments, "all"))) {
        return cli_usage(cli, "--limit and --all go with --versions");
    }
    if (arguments_has(arguments, "yes") && (*wish == NULL || strcmp(*wish, "restore") != 0)) {
        return cli_usage(cli, "--yes goes with --restore");
    }
    if (*wish != NULL && arguments->count > 1) {
        return cli_usage(cli, "a text does not go with --%s", *wish);
    }
    if (*wish != NULL && (arguments_has(arguments, "type") || arguments_has(arguments, "share"))) {
        return cli_usage(cli, "--type and --share are for a new note");
    }
    return TANDEM_DONE;
}

/* The number that an option has, which it may be without: then *out stays. */
static enum tandem_failure get_number(struct cli *cli, const struct arguments *arguments,
                                      const char *option, unsigned long least, unsigned long *out)
{
    const char *text = arguments_value(arguments, option);
    if (text != NULL && !arguments_number(text, least, 1000000000, out)) {
        return cli_usage(cli, "--%s is a whole number, at least %lu", option, least);
    }
    return TANDEM_DONE;
}

/* A version as the functions of cli_note.h take it. */
static enum tandem_failure get_version(struct cli *cli, const struct arguments *arguments,
                                       const char *option, uint64_t *out)
{
    unsigned long number = 0;
    enum tandem_failure failure = get_number(cli, arguments, option, 0, &number);
    *out = arguments_value(arguments, option) == NULL ? 0
           : number == 0                              ? TANDEM_NOTE_BEGINNING
                                                      : number;
    return failure;
}

enum tandem_failure command_note(struct cli *cli, const struct arguments *arguments)
{
    const char *wish = NULL;
    const char *name = arguments->positional[0];
    bool all = arguments_has(arguments, "all");
    unsigned long limit = all ? VERSIONS_SHOWN : GROUPS_SHOWN;
    uint64_t version = 0;
    uint64_t restore = 0;
    enum tandem_failure failure = find_wish(cli, arguments, &wish);
    if (failure == TANDEM_DONE) {
        failure = get_version(cli, arguments, "version", &version);
    }
    if (failure == TANDEM_DONE) {
        failure = get_number(cli, arguments, "limit", 1, &limit);
    }
    if (failure == TANDEM_DONE) {
        failure = get_version(cli, arguments, "restore", &restore);
    }
    if (failure != TANDEM_DONE) {
        return failure;
    }
    if (wish == NULL) {
        return take_text(cli, arguments);
    }
    return strcmp(wish, "edit") == 0       ? note_edit(cli, name)
           : strcmp(wish, "print") == 0    ? note_print(cli, name, version)
           : strcmp(wish, "blame") == 0    ? note_blame(cli, name, version)
           : strcmp(wish, "versions") == 0 ? note_versions(cli, name, all, limit)
           : strcmp(wish, "discard") == 0
               ? note_discard(cli, name)
               : note_restore(cli, name, restore, arguments_has(arguments, "yes"));
}
