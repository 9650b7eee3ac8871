#include "demo/station.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Longest wait for one answer: the server may be busy, but not for this long. */
#define PATIENCE_MS 60000

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool tell(const char *what, const tandem_fault *fault)
{
    fprintf(stderr, "tandem-demo: %s: %s", what, tandem_error_text(fault->code));
    if (fault->field[0] != '\0')
        fprintf(stderr, " (%s)", fault->field);
    if (fault->detail[0] != '\0')
        fprintf(stderr, ": %s", fault->detail);
    fputc('\n', stderr);
    return false;
}

/* Services the connection until `*done`. */
static bool await(struct station *station, const char *what, const bool *done)
{
    const int64_t deadline = now_ms() + PATIENCE_MS;
    while (!*done) {
        const int64_t left = deadline - now_ms();
        if (left <= 0) {
            fprintf(stderr, "tandem-demo: %s: no answer came in time\n", what);
            return false;
        }
        const int limit = tandem_timeout(station->client);
        const int wait = limit >= 0 && limit < left ? limit : (int)left;
        if (tandem_wait(station->client, wait) != TANDEM_OK && !*done) {
            tandem_fault fault;
            tandem_last_fault(station->client, &fault);
            return tell(what, &fault);
        }
    }
    return true;
}

static void on_event(void *context, const tandem_event *event)
{
    struct station *station = context;
    if (event->kind == TANDEM_EVENT_CONNECTED)
        station->connected = true;
}

bool station_open(struct station *station, const tandem_server *server)
{
    const tandem_options options = {.on_event = on_event, .context = station};
    char what[128];
    tandem_fault fault;
    station->connected = false;
    (void)snprintf(what, sizeof what, "%s cannot sign in", server->user);
    tandem_code code = tandem_open(&options, &station->client, &fault);
    if (code == TANDEM_OK)
        code = tandem_connect(station->client, server, &fault);
    if (code != TANDEM_OK)
        return tell(what, &fault);
    return await(station, what, &station->connected);
}

void station_close(struct station *station)
{
    tandem_close(station->client);
    station->client = NULL;
}

/* ---- Mutations ---- */

struct sent {
    bool done;
    tandem_fault fault;
};

static void on_result(void *context, const tandem_result *result)
{
    struct sent *sent = context;
    sent->done = true;
    sent->fault = *result->fault;
    sent->fault.code = result->code;
}

bool station_send(struct station *station, const tandem_mutation *mutation)
{
    static const char what[] = "a record was refused";
    struct sent sent = {.done = false};
    tandem_code code = tandem_send(station->client, mutation, on_result, &sent);
    if (code != TANDEM_OK) {
        tandem_mutation_fault(mutation, &sent.fault);
        sent.fault.code = code;
        return tell(what, &sent.fault);
    }
    if (!await(station, "a record could not be sent", &sent.done))
        return false;
    return sent.fault.code == TANDEM_OK || tell(what, &sent.fault);
}

/* ---- Questions ---- */

struct reply {
    bool done;
    tandem_fault fault;
    char text[STATION_CODE_MAX]; /* an id, or a code; "" for none */
};

static bool take_id(void *context, const tandem_record *record)
{
    struct reply *reply = context;
    (void)snprintf(reply->text, sizeof reply->text, "%s", tandem_record_id(record));
    return false;
}

static void on_answer(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    struct reply *reply = context;
    if (answer == NULL) {
        reply->fault = *fault;
        reply->done = true;
        return;
    }
    const char *code = tandem_answer_code(answer);
    if (code != NULL)
        (void)snprintf(reply->text, sizeof reply->text, "%s", code);
    else
        (void)tandem_answer_records(answer, take_id, reply);
    reply->done = tandem_answer_last(answer);
}

static bool take_reply(struct station *station, const char *what, tandem_code code,
                       struct reply *reply)
{
    if (code != TANDEM_OK) {
        reply->fault.code = code;
        return tell(what, &reply->fault);
    }
    if (!await(station, what, &reply->done))
        return false;
    if (reply->fault.code == TANDEM_OK && reply->text[0] != '\0')
        return true;
    if (reply->fault.code != TANDEM_OK)
        return tell(what, &reply->fault);
    fprintf(stderr, "tandem-demo: %s: there is none\n", what);
    return false;
}

bool station_find(struct station *station, const char *entity, const char *name,
                  char id[TANDEM_ID_TEXT])
{
    const tandem_condition where = {.field = "name", .op = "=", .text = name};
    const tandem_query query = {.entity = entity, .where = &where, .where_count = 1, .limit = 1};
    struct reply reply = {.fault = {.code = TANDEM_OK}};
    char what[128];
    (void)snprintf(what, sizeof what, "looking for the %s %s", entity, name);
    tandem_code code = tandem_ask_query(station->client, &query, on_answer, &reply, &reply.fault);
    if (!take_reply(station, what, code, &reply))
        return false;
    (void)snprintf(id, TANDEM_ID_TEXT, "%.36s", reply.text);
    return true;
}

bool station_invite(struct station *station, const char *user, char code[STATION_CODE_MAX])
{
    struct reply reply = {.fault = {.code = TANDEM_OK}};
    tandem_code asked = tandem_ask_invite(station->client, user, on_answer, &reply);
    if (!take_reply(station, "asking for a one-time code", asked, &reply))
        return false;
    (void)snprintf(code, STATION_CODE_MAX, "%s", reply.text);
    return true;
}
