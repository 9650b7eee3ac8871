/* Questions that wait for their answers (cli.h). */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/cli_local.h"
#include "cli/cli_text.h"
#include "protocol/status.h"

struct asked {
    bool done;
    tandem_record_fn *each;
    tandem_history_fn *entry;
    void *context;
    tandem_fault fault;
};

static void on_answer(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    struct asked *asked = context;
    tandem_code code = TANDEM_OK;
    if (answer == NULL) {
        asked->fault = *fault;
        asked->done = true;
        return;
    }
    if (asked->entry != NULL) {
        code = tandem_answer_history(answer, asked->entry, asked->context);
    } else if (asked->each != NULL) {
        code = tandem_answer_records(answer, asked->each, asked->context);
    }
    if (code != TANDEM_OK && asked->fault.code == TANDEM_OK) {
        asked->fault = (tandem_fault){.code = code, .change = -1};
    }
    asked->done = asked->done || tandem_answer_last(answer);
}

/* A request that timed out is never answered to `asked` any more: the connection is dropped with
 * the client, whose closing answers it while this frame is gone. So it is closed here. */
static tandem_code finish(struct cli *cli, tandem_code sent, const bool *done, tandem_fault *fault)
{
    if (sent != TANDEM_OK) {
        if (cli->fault.code != sent) {
            cli->fault = (tandem_fault){.code = sent, .change = -1};
        }
        return sent;
    }
    if (!cli_await(cli, done)) {
        cli_close(cli);
        return cli->fault.code;
    }
    if (fault->code != TANDEM_OK) {
        cli->fault = *fault;
    }
    return fault->code;
}

tandem_code cli_fetch(struct cli *cli, const char *id, tandem_record_fn *each, void *context)
{
    struct asked asked = {.each = each, .context = context};
    cli->fault = (tandem_fault){.change = -1};
    if (cli->local) {
        return local_fetch(cli, id, each, context);
    }
    return finish(cli, tandem_ask_fetch(cli->client, id, on_answer, &asked), &asked.done,
                  &asked.fault);
}

tandem_code cli_query(struct cli *cli, const tandem_query *query, tandem_record_fn *each,
                      void *context)
{
    struct asked asked = {.each = each, .context = context};
    cli->fault = (tandem_fault){.change = -1};
    if (cli->local) {
        return local_query(cli, query, each, context);
    }
    tandem_code sent = tandem_ask_query(cli->client, query, on_answer, &asked, &cli->fault);
    return finish(cli, sent, &asked.done, &asked.fault);
}

tandem_code cli_timeline(struct cli *cli, const char *account, unsigned limit,
                         tandem_record_fn *each, void *context)
{
    struct asked asked = {.each = each, .context = context};
    cli->fault = (tandem_fault){.change = -1};
    if (cli->local) {
        return local_timeline(cli, account, limit, each, context);
    }
    return finish(cli, tandem_ask_timeline(cli->client, account, limit, on_answer, &asked),
                  &asked.done, &asked.fault);
}

tandem_code cli_history(struct cli *cli, const char *id, unsigned limit, tandem_history_fn *each,
                        void *context)
{
    struct asked asked = {.entry = each, .context = context};
    cli->fault = (tandem_fault){.change = -1};
    return finish(cli, tandem_ask_history(cli->client, id, limit, on_answer, &asked), &asked.done,
                  &asked.fault);
}

void cli_on_reply(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    struct cli_reply *reply = context;
    if (answer == NULL) {
        reply->fault = *fault;
    } else {
        const char *code = tandem_answer_code(answer);
        (void)snprintf(reply->code, sizeof reply->code, "%s", code == NULL ? "" : code);
        reply->expires = tandem_answer_expires(answer);
        tandem_free(reply->info);
        reply->info = tandem_answer_info(answer);
    }
    reply->done = true;
}

tandem_code cli_take_reply(struct cli *cli, tandem_code asked, struct cli_reply *reply)
{
    return finish(cli, asked, &reply->done, &reply->fault);
}

void cli_reply_release(struct cli_reply *reply)
{
    tandem_free(reply->info);
    explicit_bzero(reply, sizeof *reply);
}

/* ---- Mutations ------------------------------------------------------------------------------ */

struct sent {
    bool done;
    uint64_t seq;
    tandem_fault fault;
    json_t *conflicts;
};

static void on_result(void *context, const tandem_result *result)
{
    struct sent *sent = context;
    sent->done = true;
    sent->seq = result->seq;
    sent->fault = *result->fault;
    sent->fault.code = result->code;
    for (size_t i = 0; i < result->conflict_count; i++) {
        const tandem_conflict *conflict = &result->conflicts[i];
        json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "id", conflict->id, "field",
                                   conflict->field, "theirs", conflict->theirs, "by", conflict->by,
                                   "at", (json_int_t)conflict->at_ms, "seq",
                                   (json_int_t)conflict->seq);
        if (object != NULL) {
            (void)json_array_append_new(sent->conflicts, object);
        }
    }
}

static void tell_conflicts(struct cli *cli, const json_t *conflicts)
{
    size_t index = 0;
    json_t *conflict = NULL;
    json_array_foreach(conflicts, index, conflict) {
        if (cli->json) {
            (void)json_dumpf(conflict, cli->err, JSON_COMPACT);
            (void)fputc('\n', cli->err);
            continue;
        }
        char when[32];
        const char *field = json_string_value(json_object_get(conflict, "field"));
        const char *theirs = json_string_value(json_object_get(conflict, "theirs"));
        const char *by = json_string_value(json_object_get(conflict, "by"));
        (void)text_local_time(json_integer_value(json_object_get(conflict, "at")), when);
        if (strchr(theirs, '\n') == NULL) {
            cli_note(cli, "  %s is now \"%s\" (%s, %s)", field, theirs, by, when);
        } else {
            cli_note(cli, "  %s is now (%s, %s)", field, by, when);
            text_put_lines(cli->err, theirs, "    | ");
        }
    }
}

enum tandem_failure cli_send(struct cli *cli, const tandem_mutation *mutation, const char *what,
                             uint64_t *seq)
{
    return cli_send_unless(cli, mutation, what, TANDEM_OK, seq);
}

/* The line broke before the answer. Whether the server has the change is not known; sent again it
 * does no harm, since ids are given here and whoever else changed the same meanwhile is a conflict.
 */
static enum tandem_failure keep(struct cli *cli, const tandem_mutation *mutation, const char *what)
{
    enum tandem_failure failure = cli_open_copy(cli);
    if (failure == TANDEM_DONE) {
        failure = local_send(cli, mutation, what);
    }
    if (failure == TANDEM_DONE) {
        cli_note(cli, "The line broke before the server answered, so this is kept here and sent when "
                      "the server can be reached.");
    }
    return failure;
}

enum tandem_failure cli_send_unless(struct cli *cli, const tandem_mutation *mutation,
                                    const char *what, tandem_code silent, uint64_t *seq)
{
    cli->entry = 0;
    if (cli->local) {
        return local_send(cli, mutation, what);
    }
    struct sent sent = {.conflicts = json_array()};
    cli->fault = (tandem_fault){.change = -1};
    tandem_code code = mutation == NULL || sent.conflicts == NULL ? STATUS_NO_MEMORY : TANDEM_OK;
    if (code == TANDEM_OK) {
        code = tandem_send(cli->client, mutation, on_result, &sent);
        if (code != TANDEM_OK) {
            tandem_last_fault(cli->client, &cli->fault);
        }
    }
    code = finish(cli, code, &sent.done, &sent.fault);
    enum tandem_failure failure = TANDEM_DONE;
    bool any = silent == CLI_ANY_REFUSAL && tandem_error_class(code) == TANDEM_REFUSED;
    if (code != TANDEM_OK && (any || code == silent)) {
        failure = tandem_error_class(code);
    } else if (code == STATUS_UNREACHABLE && cli->copy.caught_up_ms > 0) {
        failure = keep(cli, mutation, what);
    } else if (code != TANDEM_OK) {
        failure = cli_fault(cli, what, &cli->fault);
        tell_conflicts(cli, sent.conflicts);
    } else if (seq != NULL) {
        *seq = sent.seq;
    }
    json_decref(sent.conflicts);
    return failure;
}

void cli_saw(const struct cli *cli, tandem_mutation *mutation, uint64_t seq)
{
    if (!cli->local) {
        tandem_set_base(mutation, seq);
    }
}
