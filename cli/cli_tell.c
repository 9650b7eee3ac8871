/* What is said to the person: failures with the next step, remarks, results (cli.h). */
#include <ctype.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/cli_entry.h"
#include "cli/cli_mark.h"
#include "cli/cli_overwrite.h"
#include "cli/cli_text.h"
#include "cli/cli_trouble.h"
#include "protocol/status.h"

static void print_sentence(struct cli *cli, const char *sentence)
{
    if (cli->json) {
        json_t *object = json_pack("{s:s}", "error", sentence);
        if (object != NULL) {
            (void)json_dumpf(object, cli->err, JSON_COMPACT);
            (void)fputc('\n', cli->err);
            json_decref(object);
        }
        return;
    }
    (void)fputs("tandem: ", cli->err);
    (void)text_put(cli->err, sentence, 0);
    (void)fputc('\n', cli->err);
}

static void print_list(struct cli *cli, const char *format, va_list list)
    __attribute__((format(printf, 2, 0)));
static void print_list(struct cli *cli, const char *format, va_list list)
{
    char *sentence = NULL;
    if (vasprintf(&sentence, format, list) >= 0) {
        print_sentence(cli, sentence);
        free(sentence);
    }
}

enum tandem_failure cli_refuse(struct cli *cli, enum tandem_failure failure, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    print_list(cli, format, list);
    va_end(list);
    return failure;
}

enum tandem_failure cli_usage(struct cli *cli, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    print_list(cli, format, list);
    va_end(list);
    if (!cli->json) {
        (void)fprintf(cli->err, "Usage: tandem %s%s%s\nMore:  tandem %s --help\n",
                      cli->command->name, cli->command->arguments[0] == '\0' ? "" : " ",
                      cli->command->arguments, cli->command->name);
    }
    return TANDEM_USAGE;
}

enum tandem_failure cli_no_memory(struct cli *cli)
{
    return cli_refuse(cli, TANDEM_REFUSED, "out of memory");
}

void cli_note(struct cli *cli, const char *format, ...)
{
    if (cli->json) {
        return;
    }
    va_list list;
    va_start(list, format);
    char *sentence = NULL;
    if (vasprintf(&sentence, format, list) >= 0) {
        (void)text_put(cli->err, sentence, 0);
        (void)fputc('\n', cli->err);
        free(sentence);
    }
    va_end(list);
}

/* A word as a shell takes it; with quotes where it needs some. */
static void add_word(struct buffer *out, const char *word)
{
    bool plain = word[0] != '\0';
    for (const char *at = word; *at != '\0' && plain; at++) {
        plain = ((unsigned char)*at & 0x80) != 0 || isalnum((unsigned char)*at) ||
                strchr("-_./:@+,%", *at) != NULL;
    }
    text_add(out, plain ? "" : "'");
    for (const char *at = word; *at != '\0'; at++) {
        text_addf(out, *at == '\'' ? "'\\''" : "%c", *at);
    }
    text_add(out, plain ? "" : "'");
}

static void add_login(const char *url, const char *user, const char *ca, struct buffer *out)
{
    text_add(out, "tandem login ");
    add_word(out, url);
    text_add(out, " --user ");
    add_word(out, user == NULL || user[0] == '\0' ? "NAME" : user);
    if (ca != NULL && ca[0] != '\0') {
        text_add(out, " --ca ");
        add_word(out, ca);
    }
}

/* How to sign in, as it was just tried, or as the session that ended was begun. A program knows what
 * it just tried. */
static void add_sign_in(const struct cli *cli, struct buffer *out)
{
    const struct session *session = &cli->profile.session;
    const tandem_server *attempt = cli->attempt;
    if (attempt != NULL && attempt->method != TANDEM_SIGN_IN_CERTIFICATE && !cli->json) {
        text_add(out, " Try again: ");
        add_login(attempt->url, attempt->user, attempt->ca, out);
    } else if (attempt == NULL && cli->profile.signed_in) {
        text_add(out, " Sign in again: ");
        add_login(session->url, session->user, session->ca, out);
    }
}

/* Whether the server no longer knows the sign-in of the profile. Why, it tells nobody: a disabled
 * account looks like one that was signed out elsewhere. While connected a secret that does not match
 * is another one, as that of passwd. */
static bool has_ended(const struct cli *cli, const tandem_fault *fault)
{
    bool connected = cli->client != NULL && tandem_connected(cli->client);
    return cli->attempt == NULL && !connected &&
           (fault->code == STATUS_SIGN_IN_FAILED || fault->code == STATUS_NOT_SIGNED_IN);
}

/* What is in the open outbox, settled by nobody yet. */
static size_t count_kept(const struct cli *cli)
{
    return cli->client == NULL ? 0 : tandem_outbox_count(cli->client, ENTRY_UNSETTLED);
}

static void add_ended(const struct cli *cli, struct buffer *out)
{
    const char *user = cli->profile.session.user;
    text_addf(out,
              "either an administrator disabled the account%s%s, or you were signed out elsewhere, "
              "or this sign-in is too old",
              user[0] == '\0' ? "" : " ", user);
}

/* That nothing is lost, whom to ask, and how to sign in: last, to be copied. */
static void add_way_back(const struct cli *cli, struct buffer *out)
{
    size_t kept = count_kept(cli);
    if (kept > 0) {
        text_addf(out, " %zu change%s in the outbox of this machine %s kept.", kept,
                  kept == 1 ? "" : "s", kept == 1 ? "is" : "are");
    }
    text_add(out, cli->attempt == NULL
                      ? " If signing in is refused too, the account is disabled: ask an administrator."
                      : " If the password is right, the account may be disabled: ask an "
                        "administrator.");
    add_sign_in(cli, out);
}

static void add_authority(const struct cli *cli, struct buffer *out)
{
    const tandem_server *attempt = cli->attempt;
    if (attempt == NULL) {
        text_add(out, " Name the certificate of who signed it: tandem login ... --ca FILE");
    } else if (attempt->ca == NULL && attempt->method != TANDEM_SIGN_IN_CERTIFICATE) {
        text_add(out, " Name the certificate of who signed it: ");
        add_login(attempt->url, attempt->user, "FILE", out);
    }
}

static bool has_option(const struct command *command, const char *name)
{
    const struct option_def *option = command == NULL ? NULL : command->options;
    while (option != NULL && option->name != NULL && strcmp(option->name, name) != 0) {
        option++;
    }
    return option != NULL && option->name != NULL;
}

/* What the command at hand can do about it: not all can insist. */
static void add_after_conflict(const struct cli *cli, struct buffer *out)
{
    const char *name = cli->command == NULL ? "" : cli->command->name;
    if (strcmp(name, "resolve") == 0 || strncmp(name, "outbox", 6) == 0) {
        text_add(out, " See: tandem conflicts");
    } else if (has_option(cli->command, "overwrite")) {
        text_add(out, " Look at it with tandem show and try again, or win with --overwrite.");
    } else if (strcmp(name, "remove") == 0) {
        text_add(out, " Look at it with tandem show, then remove it again.");
    } else {
        text_add(out, " Look at it with tandem show, then try again.");
    }
}

/* The next step after a failure; appended to the sentence. */
static void add_next_step(const struct cli *cli, const tandem_fault *fault, struct buffer *out)
{
    switch (fault->code) {
    case STATUS_SIGN_IN_FAILED:
    case STATUS_NOT_SIGNED_IN:
        if (cli->attempt != NULL || has_ended(cli, fault)) {
            add_way_back(cli, out);
        }
        break;
    case STATUS_UNREACHABLE:
        text_add(out, " Check the address and the network, and that the server runs.");
        if (cli->copy.caught_up_ms > 0 && cli->attempt == NULL &&
            (cli->client == NULL || !tandem_paused(cli->client))) {
            text_add(out, " Or work with the copy on this machine: tandem offline");
        }
        break;
    case STATUS_UNTRUSTED:
        if (fault->field[0] == '\0') { /* else it is about the person's own certificate */
            add_authority(cli, out);
        }
        break;
    case STATUS_UNKNOWN_ENTITY:
        text_add(out, " See what there is: tandem schema");
        break;
    case STATUS_UNKNOWN_FIELD:
        text_add(out, " See its fields: tandem schema ENTITY");
        break;
    case STATUS_CONFLICT:
        add_after_conflict(cli, out);
        break;
    case STATUS_NOT_FOUND:
        text_add(out, cli->local ? " It is not in the copy on this machine. See what is: tandem list "
                                   "ENTITY"
                                 : " See what there is: tandem list ENTITY");
        break;
    default:
        break;
    }
}

const char *cli_fault_detail(const tandem_fault *fault)
{
    const char *text = tandem_error_text(fault->code);
    const char *detail = fault->detail;
    size_t length = strlen(text);
    while (strncmp(detail, text, length) == 0 && strncmp(detail + length, ": ", 2) == 0) {
        detail += length + 2;
    }
    return strcmp(detail, text) == 0 ? "" : detail;
}

/* "other records still belong to this one": "... to this account: remove them first" says it all,
 * and more exactly. */
static bool says_the_same(const char *text, const char *detail)
{
    size_t length = strlen(text);
    size_t same = 0;
    while (same < length && text[same] == detail[same]) {
        same++;
    }
    return same * 4 >= length * 3;
}

void cli_fault_words(const tandem_fault *fault, struct buffer *out)
{
    const char *text = tandem_error_text(fault->code);
    const char *detail = cli_fault_detail(fault);
    if (fault->field[0] == '\0' && detail[0] != '\0' && says_the_same(text, detail)) {
        text_add(out, detail);
        return;
    }
    if (fault->code == STATUS_CONFLICT &&
        detail[0] != '\0') { /* it says who, or what, in a sentence */
        text = detail;
        detail = "";
    }
    text_add(out, text);
    if (fault->field[0] != '\0') {
        text_addf(out, " (%s)", fault->field);
    }
    if (detail[0] != '\0') {
        text_addf(out, ": %s", detail);
    }
}

static void add_sentence(const struct cli *cli, const char *what, const tandem_fault *fault,
                         struct buffer *out)
{
    if (what != NULL) {
        text_addf(out, "%s: ", what);
    }
    if (has_ended(cli, fault)) {
        add_ended(cli, out);
    } else if (trouble_add_words(cli, fault, out)) {
        text_add(out, ".");
        trouble_add_step(cli, fault, out);
        return;
    } else {
        cli_fault_words(fault, out);
    }
    text_add(out, ".");
    if (fault->retry_after > 0) {
        text_addf(out, " Try again in %llu s.",
                  (unsigned long long)((fault->retry_after + 999) / 1000));
    }
    add_next_step(cli, fault, out);
}

static void print_fault_object(struct cli *cli, const char *sentence, const tandem_fault *fault)
{
    json_t *object = json_pack("{s:s, s:s}", "error", sentence, "code",
                               tandem_error_name(fault->code));
    if (object == NULL) {
        return;
    }
    if (fault->field[0] != '\0') {
        (void)json_object_set_new(object, "field", json_string(fault->field));
    }
    if (has_ended(cli, fault)) {
        (void)json_object_set_new(object, "kept", json_integer((json_int_t)count_kept(cli)));
    }
    (void)json_dumpf(object, cli->err, JSON_COMPACT);
    (void)fputc('\n', cli->err);
    json_decref(object);
}

enum tandem_failure cli_fault_in_words(struct cli *cli, const char *sentence,
                                       const tandem_fault *fault)
{
    if (cli->json) {
        print_fault_object(cli, sentence, fault);
    } else {
        print_sentence(cli, sentence);
    }
    enum tandem_failure failure = tandem_error_class(fault->code);
    return failure == TANDEM_DONE ? TANDEM_REFUSED : failure;
}

enum tandem_failure cli_fault(struct cli *cli, const char *what, const tandem_fault *fault)
{
    struct buffer text = {0};
    tandem_fault told = *fault;
    add_sentence(cli, what, fault, &text);
    told.code = trouble_code(cli, fault);
    const char *sentence = text_of(&text);
    enum tandem_failure failure = cli_fault_in_words(
        cli, sentence == NULL ? tandem_error_text(fault->code) : sentence, &told);
    buffer_release(&text);
    return failure;
}

void cli_print_record_json(struct cli *cli, const char *json, const char *mark)
{
    if (mark_known(cli)) { /* an object that is not empty, so that a member in front needs its comma */
        (void)fprintf(cli->out, "{\"state\":\"%s\",%s\n", mark[0] == '\0' ? "synced" : mark,
                      json + 1);
    } else {
        (void)fprintf(cli->out, "%s\n", json);
    }
}

bool cli_print_record(struct cli *cli, const tandem_record *record)
{
    char *json = tandem_record_json(record);
    if (json == NULL) {
        return false;
    }
    cli_print_record_json(cli, json, mark_of(cli, record));
    tandem_free(json);
    return true;
}

static void print_done(struct cli *cli, const char *format, va_list list)
    __attribute__((format(printf, 2, 0)));
static void print_done(struct cli *cli, const char *format, va_list list)
{
    char *sentence = NULL;
    if (vasprintf(&sentence, format, list) >= 0) {
        (void)text_put(cli->out, sentence, 0);
        if (cli->entry != 0) {
            (void)fprintf(cli->out, "  (pending, entry %llu)", (unsigned long long)cli->entry);
        }
        (void)fputc('\n', cli->out);
        overwrite_print(cli->overwrote, "overwrote", cli->out);
        if (cli->conflict != 0) {
            cli_note(cli,
                     "A change of yours to it is still in conflict. Decide: tandem resolve %llu",
                     (unsigned long long)cli->conflict);
        }
        free(sentence);
    }
}

void cli_done(struct cli *cli, const char *id, uint64_t seq, const char *format, ...)
{
    if (cli->json) {
        (void)fprintf(cli->out, "{\"id\":\"%s\",%s%llu", id,
                      cli->entry != 0 ? "\"state\":\"pending\",\"entry\":" : "\"seq\":",
                      (unsigned long long)(cli->entry != 0 ? cli->entry : seq));
        if (cli->conflict != 0) {
            (void)fprintf(cli->out, ",\"conflict\":%llu", (unsigned long long)cli->conflict);
        }
        if (json_object_size(cli->overwrote) > 0) {
            (void)fputs(",\"overwrote\":", cli->out);
            (void)json_dumpf(json_object_get(cli->overwrote, "overwrote"), cli->out, JSON_COMPACT);
        }
        (void)fputs("}\n", cli->out);
        return;
    }
    va_list list;
    va_start(list, format);
    print_done(cli, format, list);
    va_end(list);
}
