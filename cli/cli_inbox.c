/* inbox: where others mentioned the one who is signed in.
 *
 * A mention points to its note and holds none of its words, so that they are gone with the note
 * when that is no longer theirs to see: the line is taken from the note each time. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli_list_of_commands.h"
#include "cli/cli_lookup.h"
#include "cli/cli_mark.h"
#include "cli/cli_mention.h"
#include "cli/cli_names.h"
#include "cli/cli_note.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"

#define READ_SHOWN 20u
#define READ_AT_ONCE 500u /* changes a mutation has at most */

struct mention {
    char id[TANDEM_ID_TEXT], note[TANDEM_ID_TEXT], account[TANDEM_ID_TEXT];
    char from[72];
    char mark[16]; /* "pending" and the like */
    int64_t at_ms;
    bool read;
};

struct inbox {
    struct cli *cli;
    struct mention *mentions;
    size_t count, capacity;
    bool failed;
};

static void copy(char *out, size_t size, const char *text)
{
    (void)bytes_to_text(bytes_text(text == NULL ? "" : text), out, size);
}

static bool take(void *context, const tandem_record *record)
{
    struct inbox *inbox = context;
    struct mention *mentions =
        memory_grow(inbox->mentions, inbox->count, &inbox->capacity, sizeof *mentions);
    if (mentions == NULL) {
        inbox->failed = true;
        return false;
    }
    inbox->mentions = mentions;
    struct mention *mention = &inbox->mentions[inbox->count++];
    const char *read = tandem_record_text(record, "read");
    copy(mention->id, sizeof mention->id, tandem_record_id(record));
    copy(mention->note, sizeof mention->note, tandem_record_text(record, "note"));
    copy(mention->account, sizeof mention->account, tandem_record_text(record, "account"));
    copy(mention->from, sizeof mention->from, tandem_record_created_by(record));
    copy(mention->mark, sizeof mention->mark, mark_of(inbox->cli, record));
    mention->at_ms = tandem_record_created_at(record);
    mention->read = read != NULL && strcmp(read, "true") == 0;
    return true;
}

/* What is unread first, and of each the newest. */
static int in_order(const void *a, const void *b)
{
    const struct mention *left = a;
    const struct mention *right = b;
    if (left->read != right->read) {
        return left->read ? 1 : -1;
    }
    if (left->at_ms != right->at_ms) {
        return left->at_ms < right->at_ms ? 1 : -1;
    }
    return strcmp(right->id, left->id);
}

static enum tandem_failure load(struct inbox *inbox)
{
    struct cli *cli = inbox->cli;
    tandem_query query = {.entity = "mention"};
    if (cli_query(cli, &query, take, inbox) != TANDEM_OK) {
        return cli_fault(cli, NULL, &cli->fault);
    }
    if (inbox->failed) {
        return cli_no_memory(cli);
    }
    if (inbox->count > 0) {
        qsort(inbox->mentions, inbox->count, sizeof *inbox->mentions, in_order);
    }
    return TANDEM_DONE;
}

/* ---- The line ----------------------------------------------------------------------------------
 */

struct notes {
    struct cli *cli;
    json_t *lines; /* id of a note -> its line that names the one signed in; null: not there */
};

struct quote {
    struct cli *cli;
    struct buffer line;
    bool there, names_us;
};

static void take_line(struct quote *quote, const char *text)
{
    buffer_clear(&quote->line);
    quote->there = true;
    quote->names_us = mention_line(text, quote->cli->profile.session.user, &quote->line);
    buffer_append_byte(&quote->line, 0);
}

static bool take_note(void *context, const tandem_record *record)
{
    const char *text = tandem_record_text(record, "text");
    if (text != NULL) {
        take_line(context, text);
    }
    return false;
}

/* The record of a note follows a moment after what is typed in it, and the server has that. */
static void ask_newest(struct quote *quote, const char *id)
{
    struct note_version newest;
    if (note_ask(quote->cli, id, 0, NULL, NULL, &newest) == TANDEM_DONE) {
        take_line(quote, newest.text == NULL ? "" : newest.text);
    }
    memory_free(newest.text);
}

/* Looking in vain is no failure of the command. */
static json_t *find_line(struct cli *cli, const char *id)
{
    struct quote quote = {.cli = cli};
    const tandem_fault fault = cli->fault;
    if (cli->client != NULL) {
        (void)cli_fetch(cli, id, take_note, &quote);
    }
    if (quote.there && !quote.names_us && !cli->local && cli->client != NULL) {
        ask_newest(&quote, id);
    }
    cli->fault = fault;
    json_t *line = quote.there && !quote.line.failed ? json_string((const char *)quote.line.data)
                                                     : json_null();
    buffer_release(&quote.line);
    return line;
}

/* NULL when the note is not there, or not theirs to see. */
static const char *line_of(struct notes *notes, const char *id)
{
    if (json_object_get(notes->lines, id) == NULL) {
        (void)json_object_set_new(notes->lines, id, find_line(notes->cli, id));
    }
    return json_string_value(json_object_get(notes->lines, id));
}

/* ---- Printing ----------------------------------------------------------------------------------
 */

static void print_json(struct cli *cli, const struct mention *mention, struct names *names,
                       const char *line)
{
    char at[25];
    json_t *object =
        json_pack("{s:s, s:b, s:s, s:s, s:s, s:s?}", "id", mention->id, "read", mention->read,
                  "from", mention->from, "at", tandem_time_text(mention->at_ms, at), "note",
                  mention->note, "text", line);
    const char *title = line == NULL ? "" : names_of(names, mention->note);
    if (title[0] != '\0') {
        (void)json_object_set_new(object, "noteTitle", json_string(title));
    }
    if (mention->account[0] != '\0') {
        const char *account = names_of(names, mention->account);
        (void)json_object_set_new(object, "account", json_string(mention->account));
        if (account[0] != '\0') {
            (void)json_object_set_new(object, "accountName", json_string(account));
        }
    }
    if (mention->mark[0] != '\0') {
        (void)json_object_set_new(object, "state", json_string(mention->mark));
    }
    (void)json_dumpf(object, cli->out, JSON_COMPACT);
    (void)fputc('\n', cli->out);
    json_decref(object);
}

static void print(struct cli *cli, const struct mention *mention, struct names *names,
                  const char *line)
{
    char when[32];
    size_t width = text_terminal_width(cli->out);
    const char *account = names_of(names, mention->account);
    const char *title = line == NULL ? "" : names_of(names, mention->note);
    (void)fputs(mention->read ? "  " : "* ", cli->out);
    (void)text_put(cli->out, mention->from, 0);
    (void)fprintf(cli->out, ", %s", text_local_time(mention->at_ms, when));
    if (account[0] != '\0') {
        (void)fputs(", in ", cli->out);
        (void)text_put(cli->out, account, 60);
    }
    (void)fprintf(cli->out, "  %s%s%s\n      ", mention->id, mention->mark[0] == '\0' ? "" : "  ",
                  mention->mark);
    if (line == NULL) {
        (void)fprintf(cli->out, "(not there, or not yours to see, any more)\n      note %s\n",
                      mention->note);
        return;
    }
    (void)text_put(cli->out, line, width > 12 ? width - 6 : 0);
    (void)fputs("\n      note ", cli->out);
    if (strcmp(title, line) != 0) {
        (void)text_put(cli->out, title, width > 60 ? width - 50 : 40);
        (void)fputs("  ", cli->out);
    }
    (void)fprintf(cli->out, "%s\n", mention->note);
}

static void print_all(const struct inbox *inbox, bool all)
{
    struct cli *cli = inbox->cli;
    struct names names;
    struct notes notes = {cli, json_object()};
    size_t read = 0;
    size_t left = 0;
    names_begin(&names, cli, true);
    for (size_t i = 0; i < inbox->count; i++) {
        const struct mention *mention = &inbox->mentions[i];
        read += mention->read;
        if (!all && read > READ_SHOWN) {
            left = inbox->count - i;
            break;
        }
        const char *line = line_of(&notes, mention->note);
        if (cli->json) {
            print_json(cli, mention, &names, line);
        } else {
            print(cli, mention, &names, line);
        }
    }
    names_release(&names);
    json_decref(notes.lines);
    if (inbox->count == 0) {
        cli_note(cli, "Nobody has mentioned you.");
    } else if (left > 0) {
        cli_note(cli, "%zu older that %s read: tandem inbox --all", left, left == 1 ? "is" : "are");
    }
}

/* ---- Marking as read ---------------------------------------------------------------------------
 */

static bool is_given(const struct arguments *arguments, const char *id)
{
    for (size_t i = 0; i < arguments->count; i++) {
        if (text_same(arguments->positional[i], id)) {
            return true;
        }
    }
    return arguments->count == 0;
}

static enum tandem_failure check_given(const struct inbox *inbox, const struct arguments *arguments)
{
    for (size_t i = 0; i < arguments->count; i++) {
        size_t at = 0;
        while (at < inbox->count && !text_same(inbox->mentions[at].id, arguments->positional[i])) {
            at++;
        }
        if (at == inbox->count) {
            return cli_refuse(inbox->cli, TANDEM_REFUSED,
                              "your inbox has nothing with the id %s, and nothing was marked. See: "
                              "tandem inbox --all",
                              arguments->positional[i]);
        }
    }
    return TANDEM_DONE;
}

static enum tandem_failure send_read(struct cli *cli, struct mention *const *unread, size_t count)
{
    tandem_mutation *mutation = tandem_mutation_new();
    if (mutation == NULL) {
        return cli_no_memory(cli);
    }
    for (size_t i = 0; i < count; i++) { /* an error is told when sending */
        (void)tandem_update(mutation, "mention", unread[i]->id);
        (void)tandem_set_text(mutation, "read", "true");
    }
    enum tandem_failure failure = cli_send(cli, mutation, "not marked as read", NULL);
    tandem_mutation_free(mutation);
    return failure;
}

static enum tandem_failure mark_read(struct inbox *inbox, const struct arguments *arguments)
{
    struct cli *cli = inbox->cli;
    struct mention *unread[READ_AT_ONCE];
    size_t count = 0, done = 0;
    enum tandem_failure failure = check_given(inbox, arguments);
    for (size_t i = 0; i < inbox->count && failure == TANDEM_DONE; i++) {
        struct mention *mention = &inbox->mentions[i];
        if (!mention->read && is_given(arguments, mention->id)) {
            unread[count++] = mention;
        }
        if (count == READ_AT_ONCE || (count > 0 && i + 1 == inbox->count)) {
            failure = send_read(cli, unread, count);
            done += failure == TANDEM_DONE ? count : 0;
            count = 0;
        }
    }
    if (failure != TANDEM_DONE) {
        return failure;
    }
    if (cli->json) {
        (void)fprintf(cli->out, "{\"read\":%zu}\n", done);
    } else if (done == 0) {
        cli_note(cli, arguments->count == 0 ? "You have read everything in your inbox."
                                            : "That was read already.");
    } else {
        (void)fprintf(cli->out, "Marked %zu as read%s\n", done, cli->entry != 0 ? ", pending" : "");
    }
    return TANDEM_DONE;
}

enum tandem_failure command_inbox(struct cli *cli, const struct arguments *arguments)
{
    struct inbox inbox = {.cli = cli};
    bool reads = arguments_has(arguments, "read");
    if (!reads && arguments->count > 0) {
        return cli_usage(cli, "ids go with --read");
    }
    if (reads && arguments_has(arguments, "all")) {
        return cli_usage(cli, "choose one: --read or --all");
    }
    enum tandem_failure failure = cli_connect(cli, reads ? CLI_CHANGES : CLI_READS);
    if (failure == TANDEM_DONE) {
        failure = load(&inbox);
    }
    if (failure == TANDEM_DONE && reads) {
        failure = mark_read(&inbox, arguments);
    } else if (failure == TANDEM_DONE) {
        print_all(&inbox, arguments_has(arguments, "all"));
    }
    memory_free(inbox.mentions);
    return failure;
}
