/* Questions: each answer holds exactly what the asker may see of what was asked for. */
#include <stdio.h>
#include <string.h>

#include "protocol/message.h"
#include "protocol/wire.h"
#include "tests/oracle/act.h"

#define MOST_FOUND 600u
#define MOST_PAGES 300u

struct question {
    struct oracle *oracle;
    struct world_client *client;
    struct model_person who;
    uint64_t request;
    struct message message; /* its slices live in `words` */
    struct buffer words, next;
    struct id found[MOST_FOUND];
    size_t count;
};

/* Whether the newest message of the type is about this question, and not about one before it that
 * nobody waited for, as a check that was refused. */
static bool is_about(const struct question *question, enum message_type type, struct message *out)
{
    if (message_decode(client_last(question->client, type), out, NULL) != STATUS_OK) {
        return false;
    }
    return type == MESSAGE_ERROR ? out->as.error.request == question->request
                                 : out->as.answer.request == question->request;
}

/* Sends the message and waits for what answers it: false when it was refused, or the connection
 * was closed. */
static bool ask(struct question *question, struct message *answer)
{
    struct world_client *client = question->client;
    size_t answers = client_received(client, MESSAGE_ANSWER);
    size_t errors = client_received(client, MESSAGE_ERROR);
    client_say(client, &question->message);
    for (unsigned i = 0; i < 100; i++) {
        if (client_received(client, MESSAGE_ERROR) > errors) {
            errors = client_received(client, MESSAGE_ERROR);
            if (is_about(question, MESSAGE_ERROR, answer)) {
                return false;
            }
        }
        if (client_received(client, MESSAGE_ANSWER) > answers) {
            answers = client_received(client, MESSAGE_ANSWER);
            if (is_about(question, MESSAGE_ANSWER, answer)) {
                return true;
            }
        }
        if (client_pump(client, 1, true) == 0) {
            break;
        }
    }
    if (client_connected(client)) {
        oracle_differ(question->oracle, "a question of %s was never answered",
                      oracle_user_name(question->oracle, client_user(client)));
    }
    return false;
}

static void take_records(struct question *question, struct bytes records)
{
    struct oracle *oracle = question->oracle;
    struct wire_reader reader = wire_read(records);
    struct bytes record;
    uint32_t count = 0;
    char why[512];
    wire_get_array(&reader, &count);
    for (uint32_t i = 0; i < count && wire_skip(&reader, &record); i++) {
        struct id id = {{0}};
        wire_map_id(record, "id", &id);
        if (!judge_record_at(oracle->model, client_user(question->client), record,
                             model_head(oracle->model), why, sizeof why)) {
            oracle_differ(oracle, "%s was answered with %s: %s",
                          oracle_user_name(oracle, client_user(question->client)),
                          oracle_name(oracle, id), why);
        }
        for (size_t j = 0; j < question->count; j++) {
            if (id_equal(question->found[j], id)) {
                oracle_differ(oracle, "an answer holds %s twice", oracle_name(oracle, id));
            }
        }
        if (question->count < MOST_FOUND) {
            question->found[question->count++] = id;
        }
    }
}

static bool was_found(const struct question *question, struct id id)
{
    for (size_t i = 0; i < question->count; i++) {
        if (id_equal(question->found[i], id)) {
            return true;
        }
    }
    return false;
}

static void compare_found(const struct question *question, const struct model_record *record,
                          bool wanted, const char *what)
{
    struct oracle *oracle = question->oracle;
    uint64_t head = model_head(oracle->model);
    bool expected = wanted && model_sees(oracle->model, &question->who, record, head);
    if (expected != was_found(question, record->id)) {
        oracle_differ(oracle, "%s of %s %s %s", what,
                      oracle_user_name(oracle, client_user(question->client)),
                      expected ? "lacks" : "should not hold", oracle_name(oracle, record->id));
    }
}

static void ask_fetch(struct question *question)
{
    struct oracle *oracle = question->oracle;
    struct id ids[20];
    struct message answer;
    uint32_t count = 1 + (uint32_t)oracle_random(oracle, 20);
    wire_put_array(&question->words, count);
    for (uint32_t i = 0; i < count; i++) {
        size_t at = oracle_random(oracle, model_count(oracle->model) + 1);
        ids[i] = at < model_count(oracle->model) ? model_at(oracle->model, at)->id
                                                 : world_id(oracle->world);
        for (uint32_t j = 0; j < i; j++) {
            ids[i] = id_equal(ids[i], ids[j]) ? world_id(oracle->world) : ids[i];
        }
        wire_put_id(&question->words, ids[i]);
    }
    question->message.type = MESSAGE_FETCH;
    question->message.as.fetch.request = question->request;
    question->message.as.fetch.ids = buffer_bytes(&question->words);
    if (!ask(question, &answer)) {
        return;
    }
    take_records(question, answer.as.answer.records);
    for (uint32_t i = 0; i < count; i++) {
        const struct model_record *record = model_find(oracle->model, ids[i]);
        if (record != NULL) {
            compare_found(question, record, true, "what was fetched");
        }
    }
}

/* All pages, the place to go on from being set by `go_on`. False when it was refused. */
static bool all_pages(struct question *question,
                      void (*go_on)(struct question *question, struct bytes next))
{
    struct message answer;
    for (unsigned i = 0; i < MOST_PAGES; i++) {
        if (!ask(question, &answer)) {
            return false;
        }
        take_records(question, answer.as.answer.records);
        if (answer.as.answer.next.size == 0) {
            return true;
        }
        buffer_clear(&question->next);
        buffer_append(&question->next, answer.as.answer.next.data, answer.as.answer.next.size);
        go_on(question, buffer_bytes(&question->next));
    }
    oracle_differ(question->oracle, "an answer never ends");
}

static void query_on(struct question *question, struct bytes next)
{
    question->message.as.query.after = next;
    message_mark(&question->message, "after");
}

/* A text or choice that some record has, to ask for; none when there is nothing suitable. */
static struct bytes some_value(struct oracle *oracle, const char *entity, const char **field)
{
    const struct model_record *record = oracle_pick(oracle, entity);
    struct bytes text;
    if (record == NULL || record->newest->field_count == 0) {
        return bytes_of(NULL, 0);
    }
    const struct model_field *some =
        &record->newest->fields[oracle_random(oracle, record->newest->field_count)];
    struct wire_reader reader = wire_read(some->value);
    bool suits = wire_get_str(&reader, &text) && text.size < 60;
    *field = some->name;
    return suits ? some->value : bytes_of(NULL, 0);
}

static bool has_value(const struct question *question, const struct model_record *record,
                      const char *field, struct bytes value)
{
    struct oracle *oracle = question->oracle;
    uint64_t head = model_head(oracle->model);
    return value.size == 0 ||
           (model_field_seen(oracle->model, &question->who, record->entity, field, head) &&
            bytes_equal(model_value(model_version_at(record, head), field), value));
}

static void ask_query(struct question *question)
{
    static const char *const entities[] = {"account",     "contact", "note",       "interaction",
                                           "product",     "party",   "assignment", "user",
                                           "customField", "case"};
    struct oracle *oracle = question->oracle;
    const char *entity = entities[oracle_random(oracle, 10)], *field = "";
    struct bytes value = {NULL, 0};
    struct msg_query *query = &question->message.as.query;
    question->message.type = MESSAGE_QUERY;
    query->request = question->request;
    query->entity = bytes_text(entity);
    query->limit = 1 + oracle_random(oracle, 10);
    message_mark(&question->message, "limit");
    if (oracle_chance(oracle, 50)) {
        value = some_value(oracle, entity, &field);
    }
    if (value.size > 0) {
        wire_put_array(&question->words, 1);
        wire_put_array(&question->words, 3);
        wire_put_text(&question->words, field);
        wire_put_text(&question->words, "=");
        wire_put_raw(&question->words, value);
        query->where = buffer_bytes(&question->words);
        message_mark(&question->message, "where");
    }
    if (!all_pages(question, query_on)) {
        return;
    }
    for (size_t i = 0; i < model_count(oracle->model); i++) {
        const struct model_record *record = model_at(oracle->model, i);
        bool wanted =
            strcmp(record->entity, entity) == 0 && has_value(question, record, field, value);
        compare_found(question, record, wanted, "the list");
    }
}

static void timeline_on(struct question *question, struct bytes next)
{
    question->message.as.timeline.after = next;
    message_mark(&question->message, "after");
}

static bool in_timeline(const struct model_record *record, struct id account)
{
    static const char *const entities[] = {"interaction", "note", "case", "order"};
    const struct scope scope = {SCOPE_ACCOUNT, account};
    const struct model_version *version = model_version_at(record, UINT64_MAX);
    for (size_t i = 0; version != NULL && i < 4; i++) {
        if (strcmp(record->entity, entities[i]) == 0) {
            return scope_equal(version->scope, scope);
        }
    }
    return false;
}

static void ask_timeline(struct question *question)
{
    struct oracle *oracle = question->oracle;
    const struct model_record *account = oracle_pick(oracle, "account");
    if (account == NULL) {
        return;
    }
    question->message.type = MESSAGE_TIMELINE;
    question->message.as.timeline.request = question->request;
    question->message.as.timeline.account = account->id;
    question->message.as.timeline.limit = 1 + oracle_random(oracle, 5);
    message_mark(&question->message, "limit");
    bool seen = model_sees(oracle->model, &question->who, account, model_head(oracle->model));
    bool answered = all_pages(question, timeline_on);
    if (client_connected(question->client) && answered && !seen) {
        oracle_differ(oracle, "%s was given the timeline of %s, which is hidden from them",
                      oracle_user_name(oracle, client_user(question->client)),
                      oracle_name(oracle, account->id));
    }
    for (size_t i = 0; answered && i < model_count(oracle->model); i++) {
        const struct model_record *record = model_at(oracle->model, i);
        compare_found(question, record, in_timeline(record, account->id), "the timeline");
    }
}

static void ask_history(struct question *question)
{
    struct oracle *oracle = question->oracle;
    const struct model_record *record =
        model_at(oracle->model, oracle_random(oracle, model_count(oracle->model)));
    struct message answer;
    question->message.type = MESSAGE_HISTORY;
    question->message.as.history.request = question->request;
    question->message.as.history.id = record->id;
    if (ask(question, &answer)) {
        judge_history(oracle, &question->who, record, answer.as.answer.entries);
    }
}

void act_ask(struct oracle *oracle)
{
    static void (*const asks[])(struct question * question) = {ask_fetch, ask_query, ask_timeline,
                                                               ask_history};
    static const char *const names[] = {"fetches", "makes a list", "asks for a timeline",
                                        "asks for a history"};
    struct question question = {.oracle = oracle};
    uint64_t which = oracle_random(oracle, 4);
    for (unsigned i = 0; i < 10 && question.client == NULL; i++) {
        struct world_client *client =
            oracle->devices[oracle_random(oracle, oracle->device_count)].client;
        question.client = client_connected(client) ? client : NULL;
    }
    if (question.client == NULL) {
        return;
    }
    question.request = 1 + oracle_random(oracle, 1000000);
    model_person(oracle->model, client_user(question.client), model_head(oracle->model),
                 &question.who);
    oracle_doing(oracle, "%s %s", oracle_user_name(oracle, client_user(question.client)),
                 names[which]);
    asks[which](&question);
    buffer_release(&question.words);
    buffer_release(&question.next);
}
