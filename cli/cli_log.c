/* log: what happened with a record; and what tandem note has in common with it. */
#include "cli/cli_log.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli_fields.h"
#include "cli/cli_list_of_commands.h"
#include "cli/cli_local.h"
#include "cli/cli_mention.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"

#define TEXT_MAX 65536u /* bytes a long text may have */
#define SUBJECT_MAX 200u

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

/* A call needs no text when it has a subject. */
enum tandem_failure log_check_text(struct cli *cli, const struct arguments *arguments)
{
    const char *given = arguments->count > 1 ? arguments->positional[1] : NULL;
    const char *subject = arguments_value(arguments, "subject");
    if (given == NULL && isatty(STDIN_FILENO)) {
        return cli_usage(cli, "a text is needed, as an argument or from a pipe");
    }
    if (given != NULL && is_blank(given) && (subject == NULL || is_blank(subject))) {
        return cli_usage(cli, "the text is empty");
    }
    return TANDEM_DONE;
}

/* The text given, or all of standard input where it is a pipe. NULL after telling. */
static char *get_text(struct cli *cli, const struct arguments *arguments)
{
    if (arguments->count > 1 && strcmp(arguments->positional[1], "-") != 0) {
        return text_copy(arguments->positional[1]);
    }
    char *text = memory_new(TEXT_MAX + 2);
    size_t size = text == NULL ? 0 : fread(text, 1, TEXT_MAX + 1, stdin);
    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r')) {
        size--;
    }
    if (text != NULL && (size == 0 || size > TEXT_MAX || !text_is_utf8(text, size) ||
                         memchr(text, '\0', size) != NULL)) {
        (void)cli_refuse(cli, TANDEM_REFUSED,
                         size == 0         ? "there is no text in the pipe"
                         : size > TEXT_MAX ? "the text is longer than 64 KiB"
                                           : "the text in the pipe is not UTF-8");
        memory_free(text);
        return NULL;
    }
    if (text != NULL) {
        text[size] = '\0';
    }
    return text;
}

/* Ties the new record to what it is about: an account, or something inside one. */
static enum tandem_failure tie(struct cli *cli, tandem_mutation *mutation, const char *entity,
                               const struct sighting *about, const char *what)
{
    bool account = strcmp(about->entity, "account") == 0;
    bool contact = strcmp(about->entity, "contact") == 0 && strcmp(entity, "interaction") == 0;
    const char *home = account ? about->id : about->account;
    enum tandem_failure failure = TANDEM_DONE;
    /* What exactly it is about is for departments to know: a partner's lands in the account. */
    if (!account && strcmp(local_role(cli), "Partner") != 0) {
        failure = fields_set(cli, mutation, entity, contact ? "contacts" : "parent", about->id, what);
    }
    if (failure == TANDEM_DONE && home[0] != '\0') {
        failure = fields_set(cli, mutation, entity, "account", home, what);
    } else if (failure == TANDEM_DONE && strcmp(about->scope, "library") != 0) {
        (void)tandem_set_scope(mutation, about->scope); /* an error is told when sending */
    }
    return failure;
}

/* Whoever is named in the text of a new note. */
static void tell_mentioned(struct cli *cli, const char *entity, const char *id,
                           const char *pairs[][2])
{
    for (size_t i = 0; strcmp(entity, "note") == 0 && pairs[i][0] != NULL; i++) {
        if (strcmp(pairs[i][0], "text") == 0 && pairs[i][1] != NULL) {
            mention_tell(cli, id, NULL, pairs[i][1], false);
        }
    }
}

enum tandem_failure log_make(struct cli *cli, const struct arguments *arguments,
                             const struct sighting *about, const char *entity,
                             const char *pairs[][2], const char *what)
{
    char id[TANDEM_ID_TEXT] = "";
    uint64_t seq = 0;
    const char *share = arguments_value(arguments, "share");
    tandem_mutation *mutation = tandem_mutation_new();
    if (mutation == NULL) {
        return cli_no_memory(cli);
    }
    (void)tandem_create(mutation, entity, id); /* an error is told when sending */
    enum tandem_failure failure = fields_set_pairs(cli, mutation, entity, pairs, what);
    if (failure == TANDEM_DONE) {
        failure = tie(cli, mutation, entity, about, what);
    }
    if (failure == TANDEM_DONE && share != NULL) {
        failure = fields_audience(cli, mutation, "internal", false);
        failure = failure == TANDEM_DONE ? fields_audience(cli, mutation, share, false) : failure;
    }
    if (failure == TANDEM_DONE) {
        failure = cli_send(cli, mutation, what, &seq);
    }
    if (failure == TANDEM_DONE) {
        cli_done(cli, id, seq, "Added %s to %s %s  %s", entity, about->entity, about->title,
                 id);
        tell_mentioned(cli, entity, id, pairs);
    }
    tandem_mutation_free(mutation);
    return failure;
}

/* The first line, as far as a subject goes. NULL when out of memory. */
static char *first_line(const char *text)
{
    size_t length = strcspn(text, "\r\n");
    while (length > SUBJECT_MAX || (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)) {
        length = length > SUBJECT_MAX ? SUBJECT_MAX : length - 1;
    }
    return memory_copy(text, length);
}

/* "2026-03-01 09:30" is local time; everything else is the schema's business. */
static const char *when(const char *text, char out[TANDEM_ID_TEXT])
{
    struct tm broken = {.tm_isdst = -1};
    int64_t now = (int64_t)time(NULL) * 1000;
    if (text == NULL) {
        return tandem_time_text(now, out);
    }
    const char *end = strptime(text, "%Y-%m-%d %H:%M", &broken);
    if (end == NULL || *end != '\0') {
        return text;
    }
    broken.tm_isdst = -1;
    return tandem_time_text((int64_t)mktime(&broken) * 1000, out);
}

enum tandem_failure command_log(struct cli *cli, const struct arguments *arguments)
{
    const char *channel = arguments_value(arguments, "channel");
    char time_text[TANDEM_ID_TEXT];
    struct sighting about;
    if (channel == NULL) {
        return cli_usage(cli, "say how it went: --channel call, email, meeting, visit, ...");
    }
    enum tandem_failure failure = log_check_text(cli, arguments);
    char *text = failure == TANDEM_DONE ? get_text(cli, arguments) : NULL;
    if (text == NULL) {
        return failure == TANDEM_DONE ? TANDEM_REFUSED : failure;
    }
    char *subject = first_line(text);
    const char *given = arguments_value(arguments, "subject");
    const char *pairs[][2] = {
        {"channel", channel},
        {"direction", arguments_value(arguments, "direction")},
        {"status", arguments_value(arguments, "status")},
        {"subject", given == NULL ? subject : given},
        {"body", text},
        {"outcome", arguments_value(arguments, "outcome")},
        {"dateStart", when(arguments_value(arguments, "at"), time_text)},
        {NULL, NULL},
    };
    failure = subject == NULL ? cli_no_memory(cli) : cli_connect(cli, CLI_CHANGES);
    if (failure == TANDEM_DONE) {
        failure = lookup_account(cli, arguments->positional[0], &about);
    }
    if (failure == TANDEM_DONE) {
        failure = log_make(cli, arguments, &about, "interaction", pairs, "nothing was logged");
    }
    memory_free(subject);
    memory_free(text);
    return failure;
}
