#include "client-lib/client/client_observe.h"

#include <string.h>

#include "client-lib/base/fault.h"
#include "client-lib/base/id_table.h"
#include "client-lib/client/client.h"
#include "client-lib/client/client_find.h"
#include "protocol/memory.h"

enum observed { OBSERVE_ALL, OBSERVE_ONE, OBSERVE_QUERY };

struct tandem_observer {
    struct tandem_observer *next;
    tandem_client *client;
    tandem_event_fn *on_event;
    void *context;
    enum observed what;
    bool ended;
    struct id id;          /* of OBSERVE_ONE */
    bool shown;            /* it was there when it was looked at last */
    struct find_plan plan; /* of OBSERVE_QUERY */
    struct id_table met;
    bool forgetful; /* `met` lacks some: memory was short */
};

static void observer_free(struct tandem_observer *observer)
{
    find_release(&observer->plan);
    id_table_release(&observer->met);
    memory_free(observer);
}

/* ---- Whom to tell ---- */

static void begin_telling(tandem_client *client)
{
    client->telling++;
}

/* Frees those who ended meanwhile, when no call is left that may have them in hand. */
static void end_telling(tandem_client *client)
{
    struct tandem_observer **at = &client->observers;
    if (--client->telling > 0)
        return;
    while (*at != NULL) {
        struct tandem_observer *observer = *at;
        if (observer->ended) {
            *at = observer->next;
            observer_free(observer);
        } else {
            at = &observer->next;
        }
    }
}

static void call(const struct tandem_observer *observer, const tandem_event *event)
{
    if (!observer->ended && !observer->client->closing)
        observer->on_event(observer->context, event);
}

static void call_removed(const struct tandem_observer *observer, struct id id,
                         const tandem_event *cause)
{
    char text[ID_TEXT_SIZE];
    tandem_event event = {.kind = TANDEM_EVENT_REMOVED,
                          .seq = cause->seq,
                          .id = id_to_text(id, text),
                          .scope = "",
                          .detail = "",
                          .entry = cause->entry};
    /* A record in hand is of this id, unless many changed at once. */
    if (cause->kind == TANDEM_EVENT_CHANGED || cause->kind == TANDEM_EVENT_REMOVED)
        event.record = cause->record;
    call(observer, &event);
}

/* ---- One record ---- */

static void meet(struct tandem_observer *observer, const struct tandem_record *record,
                 const tandem_event *event)
{
    if (!id_table_put(&observer->met, record->view.id, record->view.scope))
        observer->forgetful = true;
    call(observer, event);
}

static void lose(struct tandem_observer *observer, struct id id, const tandem_event *cause)
{
    if (id_table_remove(&observer->met, id) || observer->forgetful)
        call_removed(observer, id, cause);
}

static void tell_one(struct tandem_observer *observer, struct id id, const tandem_event *event)
{
    bool there = event->kind == TANDEM_EVENT_CHANGED;
    switch (observer->what) {
    case OBSERVE_ALL:
        call(observer, event);
        break;
    case OBSERVE_ONE:
        if (!id_equal(id, observer->id) || (!there && !observer->shown))
            break;
        observer->shown = there;
        call(observer, event);
        break;
    case OBSERVE_QUERY:
        if (there && find_meets(&observer->plan, event->record))
            meet(observer, event->record, event);
        else
            lose(observer, id, event);
        break;
    }
}

void observers_tell(tandem_client *client, struct id id, const tandem_event *event)
{
    if (client->observers == NULL)
        return;
    begin_telling(client);
    for (struct tandem_observer *at = client->observers; at != NULL; at = at->next)
        if (!at->ended)
            tell_one(at, id, event);
    end_telling(client);
}

/* ---- Many records ---- */

/* What one look at a record says of it to one observer. */
struct look {
    struct tandem_observer *observer;
    bool all;   /* tell also of what is still met, which may have changed */
    bool found; /* and meets the query */
};

static bool look_at(void *context, const struct tandem_record *record)
{
    struct look *look = context;
    struct tandem_observer *observer = look->observer;
    const tandem_event event = {.kind = TANDEM_EVENT_CHANGED,
                                .seq = record->view.seq,
                                .id = tandem_record_id(record),
                                .scope = "",
                                .record = record,
                                .detail = ""};
    look->found = observer->what != OBSERVE_QUERY || find_meets(&observer->plan, record);
    if (!look->found)
        return !observer->ended;
    if (observer->what == OBSERVE_QUERY && look->all)
        meet(observer, record, &event);
    else if (look->all)
        call(observer, &event);
    return !observer->ended;
}

/* Looks at those of `ids` that are remembered, and tells of what is gone. */
static void look_again(struct tandem_observer *observer, const struct buffer *ids,
                       const tandem_event *cause)
{
    for (size_t at = 0; at < ids->size && !observer->ended; at += ID_SIZE) {
        struct look look = {.observer = observer};
        struct id id;
        memcpy(id.octet, ids->data + at, ID_SIZE);
        if (!id_table_has(&observer->met, id))
            continue;
        (void)find_one(observer->client, id, look_at, &look);
        if (!look.found)
            lose(observer, id, cause);
    }
}

/* Everything may be different: asks anew. Where that cannot be done, nothing is told, and what was
 * met is still taken for it. */
static void ask_again(struct tandem_observer *observer, const tandem_event *cause)
{
    struct look look = {.observer = observer, .all = true};
    struct id_table before = observer->met;
    struct buffer ids = {0};
    id_table_list(&before, NULL, &ids);
    observer->met = (struct id_table){0};
    enum status status = STATUS_NO_MEMORY;
    if (!ids.failed)
        status = find_run(observer->client, &observer->plan, look_at, &look);
    if (status != STATUS_OK) {
        id_table_release(&observer->met);
        observer->met = before;
        observer->forgetful = true;
        before = (struct id_table){0};
    }
    for (size_t at = 0; at < ids.size && status == STATUS_OK && !observer->ended; at += ID_SIZE) {
        struct id id;
        memcpy(id.octet, ids.data + at, ID_SIZE);
        if (!id_table_has(&observer->met, id))
            call_removed(observer, id, cause);
    }
    id_table_release(&before);
    buffer_release(&ids);
}

static void tell_query(struct tandem_observer *observer, const struct scope *scope,
                       const tandem_event *event)
{
    struct buffer ids = {0};
    if (event->kind == TANDEM_EVENT_RELOAD) {
        ask_again(observer, event);
        return;
    }
    id_table_list(&observer->met, scope, &ids);
    if (!ids.failed)
        look_again(observer, &ids, event);
    buffer_release(&ids);
}

static void tell_followed(struct tandem_observer *observer, const tandem_event *event)
{
    struct look look = {.observer = observer, .all = event->kind == TANDEM_EVENT_RELOAD};
    enum status status = find_one(observer->client, observer->id, look_at, &look);
    if (status == STATUS_NOT_FOUND && observer->shown)
        call_removed(observer, observer->id, event);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        observer->shown = look.found;
}

void observers_tell_many(tandem_client *client, const struct scope *scope,
                         const tandem_event *event)
{
    bool many = event->kind == TANDEM_EVENT_PURGED || event->kind == TANDEM_EVENT_ENTERED ||
                event->kind == TANDEM_EVENT_RESET || event->kind == TANDEM_EVENT_RELOAD;
    if (client->observers == NULL || !many)
        return;
    begin_telling(client);
    for (struct tandem_observer *at = client->observers; at != NULL; at = at->next) {
        if (at->ended)
            continue;
        if (at->what == OBSERVE_ALL)
            call(at, event);
        else if (at->what == OBSERVE_ONE)
            tell_followed(at, event);
        else
            tell_query(at, scope, event);
    }
    end_telling(client);
}

/* ---- Beginning and ending ---- */

struct filling {
    struct tandem_observer *observer;
    bool failed;
};

static bool fill(void *context, const struct tandem_record *record)
{
    struct filling *filling = context;
    struct tandem_observer *observer = filling->observer;
    observer->shown = true;
    if (observer->what == OBSERVE_QUERY &&
        !id_table_put(&observer->met, record->view.id, record->view.scope))
        filling->failed = true;
    return !filling->failed;
}

/* What is there now is not told: only what changes from here on. */
static enum status look_first(struct tandem_observer *observer)
{
    struct filling filling = {observer, false};
    enum status status = STATUS_OK;
    if (observer->what == OBSERVE_ONE)
        status = find_one(observer->client, observer->id, fill, &filling);
    else if (observer->what == OBSERVE_QUERY)
        status = find_run(observer->client, &observer->plan, fill, &filling);
    if (status == STATUS_NOT_FOUND)
        status = STATUS_OK;
    return filling.failed ? STATUS_NO_MEMORY : status;
}

static enum status prepare(struct tandem_observer *observer, const tandem_find *find,
                           const char *id)
{
    tandem_fault *fault = &observer->client->fault;
    if (id != NULL && find != NULL)
        return trouble(fault, STATUS_USAGE, "", "either one record is followed or a query");
    if (id != NULL) {
        observer->what = OBSERVE_ONE;
        if (!id_from_text(bytes_text(id), &observer->id))
            return trouble(fault, STATUS_INVALID_VALUE, "id", "this is no id");
    } else if (find != NULL) {
        enum status status = find_prepare(observer->client, find, &observer->plan, fault);
        if (status != STATUS_OK)
            return status;
        observer->what = OBSERVE_QUERY;
        observer->plan.limit = 0;
    }
    enum status status = look_first(observer);
    return status == STATUS_OK ? status : trouble(fault, status, "", "%s", status_text(status));
}

tandem_code tandem_observe(tandem_client *client, const tandem_find *find, const char *id,
                           tandem_event_fn *on_event, void *context, tandem_observer **out)
{
    *out = NULL;
    if (!client_may_read(client))
        return client_without_replica(client);
    struct tandem_observer *observer = memory_new(sizeof *observer);
    if (observer == NULL)
        return (tandem_code)trouble(&client->fault, STATUS_NO_MEMORY, "", "out of memory");
    observer->client = client;
    observer->on_event = on_event;
    observer->context = context;
    observer->what = OBSERVE_ALL;
    enum status status = prepare(observer, find, id);
    if (status != STATUS_OK) {
        observer_free(observer);
        return (tandem_code)status;
    }
    observer->next = client->observers;
    client->observers = observer;
    *out = observer;
    return TANDEM_OK;
}

void tandem_unobserve(tandem_observer *observer)
{
    if (observer == NULL)
        return;
    observer->ended = true;
    begin_telling(observer->client);
    end_telling(observer->client);
}

void observers_release(tandem_client *client)
{
    while (client->observers != NULL) {
        struct tandem_observer *observer = client->observers;
        client->observers = observer->next;
        observer_free(observer);
    }
}
