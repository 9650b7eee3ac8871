/* Requests: each waits in a list for the answer with its number. One that is answered in pages asks
 * for the next page when one has come, under a number of its own. */
#include "client-lib/client/client.h"

#include <string.h>

#include "client-lib/base/fault.h"
#include "client-lib/client/answer.h"
#include "client-lib/link/transport_tls.h"
#include "protocol/memory.h"

#define PAGE 200u

struct request {
    struct request *next;
    uint64_t number; /* of the message that waits for its answer */
    uint64_t asked;  /* of the first one, by which callers know the request */
    bool cancelled;
    enum message_type type;
    tandem_answer_fn *done;
    void *context;
    uint64_t remaining; /* records still wanted of a paged request; 0: all */
    /* What a further page repeats. */
    struct id id; /* of the account or the record */
    char entity[RECORD_NAME_MAX + 1];
    char sort[RECORD_NAME_MAX + 1];
    struct buffer where;
    bool descending;
};

static void free_request(struct request *request)
{
    if (request == NULL)
        return;
    buffer_release(&request->where);
    memory_free(request);
}

/* A request that is not in the list yet; NULL with `fault` filled. */
static struct request *new_request(tandem_client *client, enum message_type type,
                                   tandem_answer_fn *done, void *context, tandem_fault *fault)
{
    if (client->state != CLIENT_ONLINE) {
        trouble(fault, STATUS_NOT_SIGNED_IN, "", "connect first, and wait for CONNECTED");
        return NULL;
    }
    struct request *request = memory_new(sizeof *request);
    if (request == NULL) {
        trouble(fault, STATUS_NO_MEMORY, "", "out of memory");
        return NULL;
    }
    request->type = type;
    request->done = done;
    request->context = context;
    return request;
}

/* Sends the message of the request, which then waits for its answer; on failure it is freed. */
static tandem_code send_request(tandem_client *client, struct request *request,
                                const struct message *message, tandem_fault *fault)
{
    struct buffer frame = {0};
    enum status status = STATUS_NO_MEMORY;
    message_encode(&frame, message);
    if (!frame.failed)
        status = frame.size > LIMIT_MESSAGE_BYTES
                     ? STATUS_TOO_LARGE
                     : client->ops->send(client->link, buffer_bytes(&frame));
    buffer_release(&frame);
    if (status != STATUS_OK) {
        free_request(request);
        return (tandem_code)trouble(fault, status, "", "%s", status_text(status));
    }
    client->last_sent = client_now(client);
    request->next = client->requests;
    client->requests = request;
    if (request->asked == request->number)
        client->last_request = request->asked;
    return TANDEM_OK;
}

uint64_t client_number(tandem_client *client)
{
    /* Above this the numbers are those of fences. */
    if (++client->next_request >= SYNC_FENCE_BIT)
        client->next_request = 1;
    return client->next_request;
}

static uint64_t number_request(tandem_client *client, struct request *request)
{
    request->number = client_number(client);
    if (request->asked == 0)
        request->asked = request->number;
    return request->number;
}

tandem_code client_expect(tandem_client *client, tandem_answer_fn *done, void *context,
                          uint64_t *number)
{
    struct request *request = new_request(client, MESSAGE_CHECK, done, context, &client->fault);
    if (request == NULL)
        return client->fault.code;
    *number = number_request(client, request);
    request->next = client->requests;
    client->requests = request;
    client->last_request = request->asked;
    return TANDEM_OK;
}

tandem_code client_ask(tandem_client *client, const struct message *message, uint64_t *number,
                       tandem_answer_fn *done, void *context)
{
    struct request *request = new_request(client, message->type, done, context, &client->fault);
    if (request == NULL)
        return client->fault.code;
    *number = number_request(client, request);
    return send_request(client, request, message, &client->fault);
}

static uint64_t page_limit(const struct request *request)
{
    return request->remaining != 0 && request->remaining < PAGE ? request->remaining : PAGE;
}

/* Builds the message of a page; `after` is "none" for the first. */
static void fill_page(struct request *request, struct bytes after, struct message *out)
{
    *out = (struct message){.type = request->type};
    switch (request->type) {
    case MESSAGE_QUERY:
        out->as.query.request = request->number;
        out->as.query.entity = bytes_text(request->entity);
        out->as.query.where = buffer_bytes(&request->where);
        out->as.query.sort = bytes_text(request->sort);
        out->as.query.descending = request->descending;
        out->as.query.limit = page_limit(request);
        out->as.query.after = after;
        if (request->where.size > 0)
            message_mark(out, "where");
        if (request->sort[0] != 0)
            message_mark(out, "sort");
        if (request->descending)
            message_mark(out, "descending");
        break;
    case MESSAGE_TIMELINE:
        out->as.timeline.request = request->number;
        out->as.timeline.account = request->id;
        out->as.timeline.limit = page_limit(request);
        out->as.timeline.after = after;
        break;
    default:
        out->as.history.request = request->number;
        out->as.history.id = request->id;
        out->as.history.limit = page_limit(request);
        out->as.history.after = after;
    }
    message_mark(out, "limit");
    if (after.size > 0)
        message_mark(out, "after");
}

static bool is_paged(const struct request *request)
{
    return request->type == MESSAGE_QUERY || request->type == MESSAGE_TIMELINE ||
           request->type == MESSAGE_HISTORY;
}

static tandem_code send_page(tandem_client *client, struct request *request, struct bytes after,
                             tandem_fault *fault)
{
    struct message message;
    (void)number_request(client, request);
    fill_page(request, after, &message);
    return send_request(client, request, &message, fault);
}

/* ---- Asking ---- */

static enum status read_id(const char *text, const char *field, struct id *out, tandem_fault *fault)
{
    if (id_from_text(bytes_text(text), out))
        return STATUS_OK;
    return trouble(fault, STATUS_INVALID_VALUE, field, "this is no id");
}

tandem_code tandem_ask_fetch(tandem_client *client, const char *id, tandem_answer_fn *done,
                             void *context)
{
    struct message message = {.type = MESSAGE_FETCH};
    struct buffer ids = {0};
    struct id parsed;
    enum status status = read_id(id, "id", &parsed, &client->fault);
    if (status != STATUS_OK)
        return (tandem_code)status;
    wire_put_array(&ids, 1);
    wire_put_id(&ids, parsed);
    if (ids.failed)
        return (tandem_code)trouble(&client->fault, STATUS_NO_MEMORY, "", "out of memory");
    struct request *request = new_request(client, MESSAGE_FETCH, done, context, &client->fault);
    if (request == NULL) {
        buffer_release(&ids);
        return client->fault.code;
    }
    message.as.fetch.request = number_request(client, request);
    message.as.fetch.ids = buffer_bytes(&ids);
    tandem_code code = send_request(client, request, &message, &client->fault);
    buffer_release(&ids);
    return code;
}

tandem_code tandem_ask_query(tandem_client *client, const tandem_query *query,
                             tandem_answer_fn *done, void *context, tandem_fault *fault)
{
    fault = fault != NULL ? fault : &client->fault;
    trouble_clear(fault);
    if (query->entity == NULL || strlen(query->entity) > RECORD_NAME_MAX)
        return (tandem_code)trouble(fault, STATUS_UNKNOWN_ENTITY, "", "an entity is needed");
    if (query->sort != NULL && strlen(query->sort) > RECORD_NAME_MAX)
        return (tandem_code)trouble(fault, STATUS_UNKNOWN_FIELD, "", "this is no field to sort by");
    struct request *request = new_request(client, MESSAGE_QUERY, done, context, fault);
    if (request == NULL)
        return fault->code;
    bytes_to_text(bytes_text(query->entity), request->entity, sizeof request->entity);
    bytes_to_text(bytes_text(query->sort), request->sort, sizeof request->sort);
    request->descending = query->descending;
    request->remaining = query->limit;
    enum status status = client_put_where(client, query->entity, query->where, query->where_count,
                                          &request->where, fault);
    if (status != STATUS_OK) {
        free_request(request);
        return (tandem_code)status;
    }
    return send_page(client, request, (struct bytes){0}, fault);
}

static tandem_code ask_pages(tandem_client *client, enum message_type type, const char *id,
                             const char *field, unsigned limit, tandem_answer_fn *done,
                             void *context)
{
    struct id parsed;
    enum status status = read_id(id, field, &parsed, &client->fault);
    if (status != STATUS_OK)
        return (tandem_code)status;
    struct request *request = new_request(client, type, done, context, &client->fault);
    if (request == NULL)
        return client->fault.code;
    request->id = parsed;
    request->remaining = limit;
    return send_page(client, request, (struct bytes){0}, &client->fault);
}

tandem_code tandem_ask_timeline(tandem_client *client, const char *account, unsigned limit,
                                tandem_answer_fn *done, void *context)
{
    return ask_pages(client, MESSAGE_TIMELINE, account, "account", limit, done, context);
}

tandem_code tandem_ask_history(tandem_client *client, const char *id, unsigned limit,
                               tandem_answer_fn *done, void *context)
{
    return ask_pages(client, MESSAGE_HISTORY, id, "id", limit, done, context);
}

tandem_code tandem_ask_status(tandem_client *client, tandem_answer_fn *done, void *context)
{
    struct message message = {.type = MESSAGE_STATUS};
    struct request *request = new_request(client, MESSAGE_STATUS, done, context, &client->fault);
    if (request == NULL)
        return client->fault.code;
    message.as.status.request = number_request(client, request);
    return send_request(client, request, &message, &client->fault);
}

tandem_code tandem_ask_invite(tandem_client *client, const char *user, tandem_answer_fn *done,
                              void *context)
{
    struct message message = {.type = MESSAGE_INVITE};
    enum status status = read_id(user, "user", &message.as.invite.user, &client->fault);
    if (status != STATUS_OK)
        return (tandem_code)status;
    struct request *request = new_request(client, MESSAGE_INVITE, done, context, &client->fault);
    if (request == NULL)
        return client->fault.code;
    message.as.invite.request = number_request(client, request);
    return send_request(client, request, &message, &client->fault);
}

tandem_code tandem_ask_certificate(tandem_client *client, const char *user, const char *pem_file,
                                   tandem_answer_fn *done, void *context, tandem_fault *fault)
{
    struct message message = {.type = MESSAGE_CERTIFICATE};
    uint8_t fingerprint[32];
    fault = fault != NULL ? fault : &client->fault;
    trouble_clear(fault);
    enum status status = read_id(user, "user", &message.as.certificate.user, fault);
    if (status == STATUS_OK)
        status = tls_fingerprint(pem_file, fingerprint, fault);
    if (status != STATUS_OK)
        return (tandem_code)status;
    struct request *request = new_request(client, MESSAGE_CERTIFICATE, done, context, fault);
    if (request == NULL)
        return fault->code;
    message.as.certificate.request = number_request(client, request);
    message.as.certificate.fingerprint = bytes_of(fingerprint, sizeof fingerprint);
    return send_request(client, request, &message, fault);
}

tandem_code tandem_ask_password(tandem_client *client, const char *old_secret,
                                const char *new_secret, tandem_answer_fn *done, void *context)
{
    struct message message = {.type = MESSAGE_PASSWORD};
    if (old_secret == NULL || new_secret == NULL)
        return (tandem_code)trouble(&client->fault, STATUS_USAGE, "",
                                    "the old and the new password are needed");
    struct request *request = new_request(client, MESSAGE_PASSWORD, done, context, &client->fault);
    if (request == NULL)
        return client->fault.code;
    message.as.password.request = number_request(client, request);
    message.as.password.old_secret = bytes_text(old_secret);
    message.as.password.new_secret = bytes_text(new_secret);
    return send_request(client, request, &message, &client->fault);
}

tandem_code tandem_ask_sign_out(tandem_client *client, bool everywhere, tandem_answer_fn *done,
                                void *context)
{
    struct message message = {.type = MESSAGE_SIGN_OUT};
    struct request *request = new_request(client, MESSAGE_SIGN_OUT, done, context, &client->fault);
    if (request == NULL)
        return client->fault.code;
    message.as.sign_out.request = number_request(client, request);
    if (everywhere) {
        message.as.sign_out.everywhere = true;
        message_mark(&message, "everywhere");
    }
    return send_request(client, request, &message, &client->fault);
}

/* ---- Answers ---- */

void client_error_fault(const struct msg_error *error, tandem_fault *out)
{
    char field[65], text[257];
    bytes_to_text(error->field, field, sizeof field);
    bytes_to_text(error->text, text, sizeof text);
    enum status status = status_from_name(error->name);
    trouble(out, status == STATUS_OK ? STATUS_INTERNAL : status, field, "%s", text);
    out->retry_after = error->retry_after;
}

/* Takes the request out of the list; NULL when there is none of this number. */
static struct request *take_request(tandem_client *client, uint64_t number)
{
    for (struct request **link = &client->requests; *link != NULL; link = &(*link)->next)
        if ((*link)->number == number) {
            struct request *request = *link;
            *link = request->next;
            request->next = NULL;
            return request;
        }
    return NULL;
}

void client_unexpect(tandem_client *client, uint64_t number)
{
    free_request(take_request(client, number));
}

static void fail_request(struct request *request, const tandem_fault *fault)
{
    if (request->done != NULL)
        request->done(request->context, NULL, fault);
    free_request(request);
}

static void cancel_request(struct request *request)
{
    tandem_fault cancelled;
    trouble(&cancelled, STATUS_CANCELLED, "", "%s", status_text(STATUS_CANCELLED));
    fail_request(request, &cancelled);
}

/* Hands a page over. True when another is to be asked for. */
static bool hand_over(tandem_client *client, struct request *request, const struct message *message)
{
    struct tandem_answer answer = {.client = client, .message = message};
    struct buffer entity = {0};
    tandem_fault fine;
    const struct msg_answer *parts = answer_parts(&answer);
    uint64_t count =
        message_count(request->type == MESSAGE_HISTORY ? parts->entries : parts->records);
    trouble_clear(&fine);
    answer.last = !is_paged(request) || !message_has(message, "next") ||
                  message->as.answer.next.size == 0 ||
                  (request->remaining != 0 && count >= request->remaining);
    if (request->remaining != 0 && !answer.last)
        request->remaining -= count;
    if (request->type == MESSAGE_HISTORY)
        client_entity_of(client, request->id, &entity);
    answer.entity = buffer_bytes(&entity);
    client->answering = answer.last ? NULL : request;
    if (request->done != NULL)
        request->done(request->context, &answer, &fine);
    client->answering = NULL;
    texts_release(&answer.texts);
    buffer_release(&entity);
    return !answer.last;
}

static uint64_t answered_number(const struct message *message)
{
    if (message->type == MESSAGE_ERROR)
        return message->as.error.request;
    return message->type == MESSAGE_NOTE ? message->as.note.request : message->as.answer.request;
}

bool client_answer(tandem_client *client, const struct message *message)
{
    tandem_fault fault;
    bool is_error = message->type == MESSAGE_ERROR;
    uint64_t number = answered_number(message);
    struct request *request = take_request(client, number);
    /* Of one that was cancelled nobody wants to hear. */
    if (request == NULL)
        return number != 0 && number <= client->next_request;
    if (is_error) {
        client_error_fault(&message->as.error, &fault);
        fail_request(request, &fault);
        return true;
    }
    unsigned generation = client->generation;
    if (!hand_over(client, request, message)) {
        free_request(request);
        return true;
    }
    /* The callback may have ended the request, or dropped the connection. */
    if (request->cancelled) {
        cancel_request(request);
        return true;
    }
    if (generation != client->generation || client->state != CLIENT_ONLINE) {
        trouble(&fault, STATUS_UNREACHABLE, "", "the connection was dropped");
        fail_request(request, &fault);
        return true;
    }
    tandem_answer_fn *done = request->done;
    void *context = request->context;
    if (send_page(client, request, message->as.answer.next, &fault) != TANDEM_OK && done != NULL)
        done(context, NULL, &fault);
    return true;
}

void client_fail_requests(tandem_client *client, const tandem_fault *fault)
{
    /* Taken over first: a callback may ask again on the next connection. */
    struct request *request = client->requests;
    struct request *oldest = NULL;
    client->requests = NULL;
    while (request != NULL) { /* the newest is first; answers go in the order of asking */
        struct request *next = request->next;
        request->next = oldest;
        oldest = request;
        request = next;
    }
    while (oldest != NULL) {
        struct request *next = oldest->next;
        fail_request(oldest, fault);
        oldest = next;
    }
}

void client_forget_requests(tandem_client *client)
{
    while (client->requests != NULL) {
        struct request *next = client->requests->next;
        free_request(client->requests);
        client->requests = next;
    }
}

uint64_t tandem_last_request(const tandem_client *client)
{
    return client->last_request;
}

tandem_code tandem_cancel(tandem_client *client, uint64_t request)
{
    struct request *between = client->answering; /* a page of it is being handed over */
    if (between != NULL && between->asked == request && !between->cancelled) {
        between->cancelled = true;
        return TANDEM_OK;
    }
    for (struct request *at = client->requests; at != NULL; at = at->next)
        if (at->asked == request) {
            cancel_request(take_request(client, at->number));
            return TANDEM_OK;
        }
    return (tandem_code)trouble(&client->fault, STATUS_NOT_FOUND, "",
                                "this request is not waiting for an answer");
}
