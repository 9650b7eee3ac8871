/* inbox: where others mentioned the one who is signed in. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli_list_of_commands.h"
#include "cli/cli_lookup.h"
#include "cli/cli_mark.h"
#include "cli/cli_names.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"

#define READ_SHOWN 20u
#define READ_AT_ONCE 500u /* changes a mutation has at most */

struct mention {
    char id[TANDEM_ID_TEXT], note[TANDEM_ID_TEXT], account[TANDEM_ID_TEXT];
    char from[72];
    char text[256];
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
    if (inbox->count == inbox->capacity) {
        size_t larger = inbox->capacity == 0 ? 32 : 2 * inbox->capacity;
        struct mention *resized = memory_resize(inbox->mentions, larger * sizeof *inbox->mentions);
        if (resized == NULL) {
            inbox->failed = true;
            return false;
        }
        inbox->mentions = resized;
        inbox->capacity = larger;
    }
    struct mention *mention = &inbox->mentions[inbox->count++];
    const char *read = tandem_record_text(record, "read");
    copy(mention->id, sizeof mention->id, tandem_record_id(record));
    copy(mention->note, sizeof mention->note, tandem_record_text(record, "note"));
    copy(mention->account, sizeof mention->account, tandem_record_text(record, "account"));
    copy(mention->from, sizeof mention->from, tandem_record_created_by(record));
    copy(mention->text, sizeof mention->text, tandem_record_text(record, "text"));
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

/* ---- Printing ----------------------------------------------------------------------------------
 */

static void print_json(struct cli *cli, const struct mention *mention, struct names *names)
{
    char at[25];
    json_t *object =
        json_pack("{s:s, s:b, s:s, s:s, s:s, s:s}", "id", mention->id, "read", mention->read,
                  "from", mention->from, "at", tandem_time_text(mention->at_ms, at), "note",
                  mention->note, "text", mention->text);
    const char *title = names_of(names, mention->note);
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

/* A note that is no longer there to see has no title, and its line is what is left. */
static void print(struct cli *cli, const struct mention *mention, struct names *names)
{
    char when[32];
    size_t width = text_terminal_width(cli->out);
    const char *account = names_of(names, mention->account);
    const char *title = names_of(names, mention->note);
    (void)fputs(mention->read ? "  " : "* ", cli->out);
    (void)text_put(cli->out, mention->from, 0);
    (void)fprintf(cli->out, ", %s", text_local_time(mention->at_ms, when));
    if (account[0] != '\0') {
        (void)fputs(", in ", cli->out);
        (void)text_put(cli->out, account, 60);
    }
    (void)fprintf(cli->out, "  %s%s%s\n      ", mention->id, mention->mark[0] == '\0' ? "" : "  ",
                  mention->mark);
    (void)text_put(cli->out, mention->text, width > 12 ? width - 6 : 0);
    (void)fputs("\n      note ", cli->out);
    if (title[0] != '\0') {
        (void)text_put(cli->out, title, width > 60 ? width - 50 : 40);
        (void)fprintf(cli->out, "  %s\n", mention->note);
    } else {
        (void)fprintf(cli->out, "%s, which is not there, or not yours to see, any more\n",
                      mention->note);
    }
}

static void print_all(const struct inbox *inbox, bool all)
{
    struct cli *cli = inbox->cli;
    struct names names;
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
        if (cli->json) {
            print_json(cli, mention, &names);
        } else {
            print(cli, mention, &names);
        }
    }
    names_release(&names);
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
                              "%s is in your inbox under no such id, and nothing was marked. See: "
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
    } else {
        (void)fprintf(cli->out, "Marked %zu as read%s\n", done,
                      cli->entry != 0 && done > 0 ? ", pending" : "");
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
