#include "client-lib/client/client_entries.h"

#include <stdlib.h>
#include <string.h>

#include "client-lib/client/client.h"
#include "client-lib/outbox/outbox_state.h"

/* Own commits that are remembered before it is worth looking at the whole, at least. */
#define WRITTEN_MOST 1024u
/* Entries that others are about to give up; the oldest of more are forgotten. */
#define DROPPED_MOST 1024u

/* How an entry stands, as far as others can tell: that it was sent makes no difference. */
enum standing { GONE, OPEN, ACCEPTED, CONFLICT, REFUSED };

static enum standing standing_of(unsigned state)
{
    switch (state) {
    case TANDEM_ENTRY_WAITING:
    case TANDEM_ENTRY_SENT:
        return OPEN;
    case TANDEM_ENTRY_ACCEPTED:
        return ACCEPTED;
    case TANDEM_ENTRY_CONFLICT:
        return CONFLICT;
    case TANDEM_ENTRY_REFUSED:
        return REFUSED;
    default:
        return GONE;
    }
}

void client_entries_release(struct known_entries *entries)
{
    buffer_release(&entries->traces);
    buffer_release(&entries->dropped);
}

/* Forgets what was remembered before. */
static void remember(tandem_client *client, struct buffer *traces)
{
    struct buffer written = {0};
    outbox_store_take_written(client->store, &written);
    buffer_release(&written);
    buffer_release(&client->entries.traces);
    client->entries.traces = *traces;
    client->entries.unknown = false;
}

/* Without what was read, what is remembered is not of use either. */
static void forget(tandem_client *client, struct buffer *unread)
{
    buffer_release(unread);
    remember(client, unread);
    client->entries.unknown = true;
}

void client_entries_begin(tandem_client *client)
{
    struct buffer traces = {0};
    bool alone = false;
    if (outbox_store_traces(client->store, &traces, &alone) == STATUS_OK)
        remember(client, &traces);
    else
        forget(client, &traces);
}

void client_entries_committed(tandem_client *client)
{
    struct buffer traces = {0};
    size_t known = client->entries.traces.size / sizeof(struct outbox_trace);
    bool alone = false;
    if (outbox_store_written(client->store) < (known > WRITTEN_MOST ? known : WRITTEN_MOST))
        return;
    enum status status = outbox_store_traces(client->store, &traces, &alone);
    /* Where others have written as well, they make us look. */
    if (status != STATUS_OK)
        forget(client, &traces);
    else if (alone)
        remember(client, &traces);
    else
        buffer_release(&traces);
}

void client_entries_expect_drop(tandem_client *client, uint64_t order)
{
    struct buffer *dropped = &client->entries.dropped;
    if (dropped->size >= DROPPED_MOST * sizeof order) {
        dropped->size -= sizeof order;
        memmove(dropped->data, dropped->data + sizeof order, dropped->size);
    }
    buffer_append(dropped, &order, sizeof order);
    dropped->failed = false;
}

static bool take_dropped(struct known_entries *entries, uint64_t order)
{
    uint64_t *dropped = (void *)entries->dropped.data;
    size_t count = entries->dropped.size / sizeof order;
    for (size_t i = 0; i < count; i++) {
        if (dropped[i] != order)
            continue;
        memmove(dropped + i, dropped + i + 1, (count - i - 1) * sizeof order);
        entries->dropped.size -= sizeof order;
        return true;
    }
    return false;
}

/* ---- What differs ---- */

/* One entry as it stands in a list of traces. */
struct run {
    const struct outbox_trace *first;
    size_t count;
    enum standing standing;
};

struct differing {
    uint64_t order, seq; /* seq: with which it was accepted, as far as that is known */
    struct id id;        /* of a record that it was about */
    enum standing before, now;
};

struct touched {
    struct id id;
    uint64_t entry; /* that waits over it, or 0 */
    uint64_t shown; /* the record looks no different when it is held with this seq; 0: it does */
};

struct difference {
    tandem_client *client;
    struct buffer entries; /* struct differing */
    struct buffer records; /* struct touched */
};

/* The entry at `*at`, which is moved behind it; none when it is of another order. */
static struct run take_run(const struct buffer *traces, size_t *at, uint64_t order)
{
    const struct outbox_trace *trace = (const void *)traces->data;
    size_t count = traces->size / sizeof *trace;
    struct run run = {.standing = GONE};
    if (*at == count || trace[*at].order != order)
        return run;
    run.first = &trace[*at];
    run.standing = standing_of(run.first->state);
    for (; *at < count && trace[*at].order == order; ++*at)
        run.count++;
    return run;
}

static bool same_records(const struct run *one, const struct run *other)
{
    if (one->count != other->count)
        return false;
    for (size_t i = 0; i < one->count; i++)
        if (!id_equal(one->first[i].id, other->first[i].id))
            return false;
    return true;
}

static void add_records(struct difference *difference, const struct run *run,
                        const struct differing *entry)
{
    for (size_t i = 0; i < run->count; i++) {
        struct touched touched;
        memset(&touched, 0, sizeof touched);
        touched.id = run->first[i].id;
        touched.entry = entry->now == OPEN ? entry->order : 0;
        touched.shown = entry->before == ACCEPTED && entry->now == GONE ? run->first[i].seq : 0;
        buffer_append(&difference->records, &touched, sizeof touched);
    }
}

static void compare(struct difference *difference, uint64_t order, const struct run *before,
                    const struct run *now)
{
    struct differing entry;
    if (before->standing == now->standing && same_records(before, now))
        return;
    memset(&entry, 0, sizeof entry);
    entry.order = order;
    entry.before = before->standing;
    entry.now = now->standing;
    if (before->count > 0)
        entry.id = before->first->id;
    if (before->standing != now->standing)
        buffer_append(&difference->entries, &entry, sizeof entry);
    add_records(difference, before, &entry);
    add_records(difference, now, &entry);
}

/* ---- What was done here ---- */

/* How the entry was left by this handle when it wrote it last; false when it did not. */
static bool find_left(const struct buffer *written, uint64_t order, unsigned *state)
{
    const struct outbox_trace *trace = (const void *)written->data;
    size_t low = 0, high = written->size / sizeof *trace;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (trace[middle].order <= order)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || trace[low - 1].order != order)
        return false;
    *state = trace[low - 1].state;
    return true;
}

/* Of the states of each entry, sorted by order, the last. */
static void keep_last(const struct buffer *written, struct buffer *out)
{
    const struct outbox_trace *trace = (const void *)written->data;
    size_t count = written->size / sizeof *trace;
    for (size_t i = 0; i < count; i++) {
        struct outbox_trace last = trace[i];
        if (!id_is_zero(last.id))
            continue;
        last.seq = i + 1; /* its place, until they are sorted */
        buffer_append(out, &last, sizeof last);
    }
}

static int by_order_and_place(const void *a, const void *b)
{
    const struct outbox_trace *left = a, *right = b;
    if (left->order != right->order)
        return left->order < right->order ? -1 : 1;
    return (left->seq > right->seq) - (left->seq < right->seq);
}

static void sort(struct buffer *traces, int (*by)(const void *a, const void *b))
{
    if (traces->size > 0)
        qsort(traces->data, traces->size / sizeof(struct outbox_trace),
              sizeof(struct outbox_trace), by);
}

static void add_left(const struct buffer *traces, const struct buffer *left, bool own,
                     struct buffer *out)
{
    const struct outbox_trace *trace = (const void *)traces->data;
    for (size_t i = 0; i < traces->size / sizeof *trace; i++) {
        struct outbox_trace add = trace[i];
        if (own && id_is_zero(add.id))
            continue;
        if (!find_left(left, add.order, &add.state) || add.state != OUTBOX_GONE)
            buffer_append(out, &add, sizeof add);
    }
}

/* Takes out what is there twice. */
static void thin(struct buffer *traces)
{
    struct outbox_trace *trace = (void *)traces->data;
    size_t kept = 0;
    for (size_t i = 0; i < traces->size / sizeof *trace; i++)
        if (kept == 0 || outbox_trace_compare(&trace[kept - 1], &trace[i]) != 0)
            trace[kept++] = trace[i];
    traces->size = kept * sizeof *trace;
}

/* What was remembered, with what this handle has done since. */
static enum status bring_up(const struct buffer *before, const struct buffer *written,
                            struct buffer *out)
{
    struct buffer left = {0};
    keep_last(written, &left);
    sort(&left, by_order_and_place);
    add_left(before, &left, false, out);
    add_left(written, &left, true, out);
    sort(out, outbox_trace_compare);
    thin(out);
    bool failed = left.failed || out->failed;
    buffer_release(&left);
    return failed ? STATUS_NO_MEMORY : STATUS_OK;
}

/* ---- Comparing ---- */

/* Both lists are sorted by order. */
static void find_differences(struct difference *difference, const struct buffer *before,
                             const struct buffer *now)
{
    const struct outbox_trace *old = (const void *)before->data;
    const struct outbox_trace *new = (const void *)now->data;
    size_t old_count = before->size / sizeof *old, new_count = now->size / sizeof *new;
    for (size_t i = 0, j = 0; i < old_count || j < new_count;) {
        uint64_t order = i == old_count                ? new[j].order
                         : j == new_count              ? old[i].order
                         : old[i].order < new[j].order ? old[i].order
                                                       : new[j].order;
        const struct run was = take_run(before, &i, order);
        const struct run is = take_run(now, &j, order);
        compare(difference, order, &was, &is);
    }
}

/* ---- Telling ---- */

static int by_record(const void *a, const void *b)
{
    const struct touched *left = a, *right = b;
    int order = memcmp(left->id.octet, right->id.octet, ID_SIZE);
    if (order != 0)
        return order;
    if ((left->shown != 0) != (right->shown != 0))
        return left->shown != 0 ? 1 : -1;
    return (left->entry < right->entry) - (left->entry > right->entry);
}

static bool copy_seq(void *context, struct bytes encoded)
{
    struct record_view view;
    if (record_view_read(encoded, &view))
        *(uint64_t *)context = view.seq;
    return false;
}

/* Whether the replica shows what was accepted: it has told that by itself. */
static bool is_shown(tandem_client *client, const struct touched *touched)
{
    uint64_t held = 0;
    return touched->shown != 0 &&
           replica_get(client->replica, touched->id, copy_seq, &held) == STATUS_OK &&
           held >= touched->shown;
}

/* Each record once, of the newest entry over it. */
static void tell_records(struct difference *difference)
{
    struct touched *touched = (void *)difference->records.data;
    size_t count = difference->records.size / sizeof *touched;
    if (count > 0)
        qsort(touched, count, sizeof *touched, by_record);
    for (size_t i = 0; i < count; i++)
        if ((i == 0 || !id_equal(touched[i].id, touched[i - 1].id)) &&
            !is_shown(difference->client, &touched[i]))
            client_laid_changed(difference->client, touched[i].id, touched[i].entry);
}

static bool tell_entry(void *context, const struct outbox_item *item)
{
    settle_tell_event(context, item);
    return false;
}

struct finding {
    uint64_t order;
    bool found;
};

static bool is_the_same(void *context, const struct outbox_item *item)
{
    struct finding *finding = context;
    finding->found = item->order != finding->order && outbox_typed(item) == finding->order;
    return !finding->found;
}

/* Whether the entry, which is gone, was queued once more under another number: then nothing was
 * answered. */
static bool was_moved(tandem_client *client, const struct differing *entry)
{
    struct finding finding = {.order = entry->order};
    (void)outbox_store_over(client->store, entry->id, is_the_same, &finding);
    return finding.found;
}

/* Whoever waits for its answer is told with it. */
static void tell_differing(tandem_client *client, const struct differing *entry)
{
    const struct outbox_item gone = {
        .order = entry->order, .state = TANDEM_ENTRY_ACCEPTED, .seq = entry->seq, .change = -1};
    bool dropped = entry->now == GONE && take_dropped(&client->entries, entry->order);
    if (dropped)
        settle_tell_dropped(client, entry->order);
    if (dropped || settle_waits(client, entry->order))
        return;
    if (entry->now == CONFLICT || entry->now == REFUSED || entry->now == ACCEPTED)
        (void)outbox_store_get(client->store, entry->order, tell_entry, client);
    else if (entry->now == GONE && entry->before == OPEN && !was_moved(client, entry))
        settle_tell_event(client, &gone);
}

static void tell_differences(struct difference *difference)
{
    const struct differing *entry = (const void *)difference->entries.data;
    tell_records(difference);
    for (size_t i = 0; i < difference->entries.size / sizeof *entry; i++)
        tell_differing(difference->client, &entry[i]);
}

/* Everything may be different: what was remembered cannot be compared. */
static void tell_unknown(tandem_client *client)
{
    client_outbox_changed(client, NULL);
}

void client_entries_look(tandem_client *client)
{
    struct known_entries *entries = &client->entries;
    struct difference difference = {.client = client};
    struct buffer written = {0}, before = {0}, now = {0};
    bool alone = false, known = !entries->unknown;
    outbox_store_take_written(client->store, &written);
    enum status status = bring_up(&entries->traces, &written, &before);
    if (status == STATUS_OK)
        status = outbox_store_traces(client->store, &now, &alone);
    if (status == STATUS_OK && known)
        find_differences(&difference, &before, &now);
    if (status == STATUS_OK && (difference.entries.failed || difference.records.failed))
        status = STATUS_NO_MEMORY;
    buffer_release(&written);
    buffer_release(&before);
    buffer_release(&entries->traces);
    entries->traces = now;
    entries->unknown = status != STATUS_OK;
    if (status != STATUS_OK || !known)
        tell_unknown(client);
    else
        tell_differences(&difference);
    buffer_release(&difference.entries);
    buffer_release(&difference.records);
}
