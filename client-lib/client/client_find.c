#include "client-lib/client/client_find.h"

#include <stdlib.h>
#include <string.h>

#include "client-lib/base/fault.h"
#include "client-lib/client/client.h"
#include "client-lib/client/client_laid.h"
#include "protocol/memory.h"

/* ---- One record ---- */

struct one {
    tandem_client *client;
    tandem_record_fn *each;
    void *context;
    tandem_state state;
    bool apart;
    enum status status;
};

static bool hand_one(void *context, struct bytes encoded)
{
    struct one *one = context;
    struct tandem_record record;
    if (!record_init(&record, encoded, &one->client->source)) {
        one->status = STATUS_CORRUPT;
        return false;
    }
    record.state = one->state;
    record.apart = one->apart;
    bool more = one->each(one->context, &record);
    record_release(&record);
    return more;
}

enum status find_one(tandem_client *client, struct id id, tandem_record_fn *each, void *context)
{
    struct one one = {client, each, context, TANDEM_STATE_SYNCED, false, STATUS_OK};
    struct overlay overlay = {0};
    enum status status = STATUS_OK;
    bool laid = false;
    if (laid_any(client))
        status = laid_get(client, id, &overlay, &laid);
    if (status == STATUS_OK && !laid) {
        status = replica_get(client->replica, id, hand_one, &one);
    } else if (status == STATUS_OK && overlay.record.size > 0) {
        one.state = overlay.state;
        one.apart = overlay.apart;
        (void)hand_one(&one, buffer_bytes(&overlay.record));
    } else if (status == STATUS_OK) {
        status = STATUS_NOT_FOUND;
    }
    overlay_release(&overlay);
    return status == STATUS_OK ? one.status : status;
}

/* ---- Places ---- */

/* Where a record stands in the order asked for. */
struct place {
    struct id id;
    bool missing; /* it has no value of the field, and is behind all that have */
    uint8_t size;
    uint8_t key[SCHEMA_KEY_MAX];
};

struct run {
    tandem_client *client;
    const struct find_plan *plan;
    struct find_access access;
    tandem_record_fn *each;
    void *context;
    struct buffer laid; /* ids of the records that the outbox has something about, sorted */
    struct place *places;
    size_t count, capacity, next;
    size_t met;     /* records that a walk came to */
    size_t missing; /* records that an index names and that are not there */
    unsigned given;
    bool ended;
    enum status status;
};

static int compare_keys(const struct place *a, const struct place *b)
{
    return bytes_compare(bytes_of(a->key, a->size), bytes_of(b->key, b->size));
}

static int compare_up(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (a->missing != b->missing)
        return a->missing ? 1 : -1;
    int order = compare_keys(a, b);
    return order != 0 ? order : id_compare(a->id, b->id);
}

static int compare_down(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (a->missing != b->missing)
        return a->missing ? 1 : -1;
    int order = compare_keys(b, a);
    return order != 0 ? order : id_compare(b->id, a->id);
}

static int compare_places(const struct run *run, const struct place *a, const struct place *b)
{
    return run->plan->descending ? compare_down(a, b) : compare_up(a, b);
}

static void sort_places(struct run *run)
{
    if (run->count > 1)
        qsort(run->places, run->count, sizeof *run->places,
              run->plan->descending ? compare_down : compare_up);
}

/* False when memory is short. */
static bool find_place(const struct find_plan *plan, const struct record_view *view,
                       struct place *out)
{
    struct buffer key = {0};
    struct bytes value;
    int64_t ms = 0;
    memset(out, 0, sizeof *out);
    out->id = view->id;
    if (plan->order == FIND_BY_TIME) {
        (void)record_view_time(view, &ms);
        put_u64(out->key, (uint64_t)ms ^ (UINT64_C(1) << 63));
        out->size = 8;
    } else if (plan->order == FIND_BY_FIELD) {
        if (wire_map_find(view->fields, plan->sort.name, &value))
            condition_key(&plan->sort, value, &key);
        out->missing = key.size == 0;
        out->size = (uint8_t)(key.size < sizeof out->key ? key.size : sizeof out->key);
        if (out->size > 0)
            memcpy(out->key, key.data, out->size);
    }
    bool found = !key.failed;
    buffer_release(&key);
    return found;
}

/* Places kept before the worst of them are dropped: enough that sorting costs little each. */
static size_t room_of(const struct run *run)
{
    return run->plan->limit > 0 ? (size_t)run->plan->limit * 2 + 64 : SIZE_MAX;
}

static void keep_place(struct run *run, const struct record_view *view)
{
    if (run->count == room_of(run)) {
        sort_places(run);
        run->count = run->plan->limit;
    }
    struct place *places = memory_grow(run->places, run->count, &run->capacity, sizeof *places);
    if (places == NULL) {
        run->status = STATUS_NO_MEMORY;
        return;
    }
    run->places = places;
    if (find_place(run->plan, view, &run->places[run->count]))
        run->count++;
    else
        run->status = STATUS_NO_MEMORY;
}

/* ---- Handing over ---- */

static void hand_over(struct run *run, const struct tandem_record *record)
{
    run->given++;
    run->ended = !run->each(run->context, record) ||
                 (run->plan->limit > 0 && run->given >= run->plan->limit);
}

/* A callback may have changed the record since its place was found. */
static bool hand_if_meets(void *context, const struct tandem_record *record)
{
    struct run *run = context;
    if (find_meets(run->plan, record))
        hand_over(run, record);
    return false;
}

static void hand_next_place(struct run *run)
{
    enum status status = find_one(run->client, run->places[run->next++].id, hand_if_meets, run);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        run->status = status;
}

static bool goes_on(const struct run *run)
{
    return run->status == STATUS_OK && !run->ended;
}

/* ---- What is not as the replica holds it ---- */

static bool keep_if_meets(void *context, const struct tandem_record *record)
{
    struct run *run = context;
    if (find_meets(run->plan, record))
        keep_place(run, &record->view);
    return false;
}

/* The places of what is not as the replica holds it. */
static enum status gather_laid(struct run *run)
{
    enum status status = laid_ids(run->client, &run->laid);
    for (size_t at = 0; at < run->laid.size && status == STATUS_OK; at += ID_SIZE) {
        struct id id;
        memcpy(id.octet, run->laid.data + at, ID_SIZE);
        status = find_one(run->client, id, keep_if_meets, run);
        if (status == STATUS_NOT_FOUND)
            status = STATUS_OK;
        if (status == STATUS_OK)
            status = run->status;
    }
    return status;
}

/* ---- Walking the replica ---- */

/* Reads a record that the walk has met; false when it is passed over. */
static bool take_held(struct run *run, struct bytes encoded, struct tandem_record *record)
{
    run->met++;
    if (!record_init(record, encoded, &run->client->source)) {
        run->status = STATUS_CORRUPT;
        return false;
    }
    return run->laid.size == 0 || !laid_has(&run->laid, record->view.id);
}

/* Whether reading an index with this outcome turned out to be of no use: the process that leads may
 * have dropped it meanwhile, or it is damaged, which only that one can mend. What was handed over
 * in its order is right, and cannot be taken back. */
static bool is_misled(const struct run *run, enum status status)
{
    if (!run->access.index || run->given > 0 || !goes_on(run))
        return false;
    return status == STATUS_NOT_FOUND || status == STATUS_CORRUPT ||
           (status == STATUS_OK && run->missing > 0);
}

static bool merge_held(void *context, struct bytes encoded)
{
    struct run *run = context;
    struct tandem_record record;
    struct place place;
    if (is_misled(run, STATUS_OK))
        return false; /* to be read anew, as long as nobody has seen any of it */
    if (!take_held(run, encoded, &record))
        return run->status == STATUS_OK;
    if (run->next < run->count && !find_place(run->plan, &record.view, &place))
        run->status = STATUS_NO_MEMORY;
    while (run->next < run->count && goes_on(run) &&
           compare_places(run, &run->places[run->next], &place) < 0)
        hand_next_place(run);
    if (goes_on(run) && find_meets_besides(run->plan, &record, run->access.met))
        hand_over(run, &record);
    record_release(&record);
    return goes_on(run);
}

static bool keep_held(void *context, struct bytes encoded)
{
    struct run *run = context;
    struct tandem_record record;
    if (!take_held(run, encoded, &record))
        return run->status == STATUS_OK;
    if (find_meets_besides(run->plan, &record, run->access.met))
        keep_place(run, &record.view);
    record_release(&record);
    return run->status == STATUS_OK;
}

/* Walks what can meet the query; in its order when that is one of the replica's. */
static enum status walk(struct run *run, replica_walk_fn *each)
{
    const struct find_plan *plan = run->plan;
    struct replica *replica = run->client->replica;
    if (run->access.index)
        return replica_index_walk(replica, &run->access.range, each, run, &run->missing);
    if (plan->order == FIND_BY_TIME && plan->in_range)
        return replica_timeline_between(replica, plan->account, plan->from_ms, plan->to_ms, each,
                                        run);
    if (plan->order == FIND_BY_TIME)
        return replica_timeline(replica, plan->account, each, run);
    if (plan->in_account)
        return replica_each_in(replica, plan->account, each, run);
    if (plan->descending && plan->order == FIND_BY_ID)
        return replica_each_back(replica, plan->entity, each, run);
    return replica_each(replica, plan->entity, each, run);
}

/* Whether walk() goes in the order asked for. */
static bool in_order(const struct run *run)
{
    const struct find_plan *plan = run->plan;
    if (run->access.index)
        return run->access.in_order;
    return plan->order == FIND_BY_TIME ||
           (plan->order == FIND_BY_ID && !(plan->in_account && plan->descending));
}

static enum status read_held(struct run *run)
{
    bool ordered = in_order(run);
    enum status status = ordered ? STATUS_OK : walk(run, keep_held);
    sort_places(run);
    return ordered ? walk(run, merge_held) : status;
}

static enum status read_without_index(struct run *run)
{
    run->access.index = false;
    run->access.met = 0;
    run->count = run->next = run->met = run->missing = 0;
    buffer_clear(&run->laid);
    enum status status = laid_any(run->client) ? gather_laid(run) : STATUS_OK;
    return status == STATUS_OK ? read_held(run) : status;
}

static enum status query_held(struct run *run)
{
    enum status status = find_choose(run->client, run->plan, &run->access);
    if (status == STATUS_OK)
        status = read_held(run);
    if (is_misled(run, status))
        status = read_without_index(run);
    find_walked(run->client, &run->access, run->met);
    return status;
}

static enum status run_query(struct run *run)
{
    const struct find_plan *plan = run->plan;
    bool held = plan->states == 0 || (plan->states & TANDEM_IN_STATE(TANDEM_STATE_SYNCED)) != 0;
    enum status status = STATUS_OK;
    if (laid_any(run->client))
        status = gather_laid(run);
    if (status == STATUS_OK && held)
        status = query_held(run);
    else
        sort_places(run);
    while (status == STATUS_OK && run->next < run->count && goes_on(run))
        hand_next_place(run);
    return status == STATUS_OK ? run->status : status;
}

enum status find_run(tandem_client *client, const struct find_plan *plan, tandem_record_fn *each,
                     void *context)
{
    struct run run = {.client = client, .plan = plan, .each = each, .context = context};
    run.status = STATUS_OK;
    enum status status = plan->nothing ? STATUS_OK : run_query(&run);
    buffer_release(&run.laid);
    memory_free(run.places);
    return status;
}

tandem_code tandem_find_each(tandem_client *client, const tandem_find *find, tandem_record_fn *each,
                             void *context)
{
    static const tandem_find everything;
    struct find_plan plan;
    if (!client_may_read(client))
        return client_without_replica(client);
    enum status status =
        find_prepare(client, find != NULL ? find : &everything, &plan, &client->fault);
    if (status != STATUS_OK)
        return (tandem_code)status;
    status = find_run(client, &plan, each, context);
    find_release(&plan);
    return client_read_done(client, status);
}
