/* Batches of an import on their way (cli_import.h). */
#include <string.h>

#include "cli/cli_import.h"
#include "protocol/memory.h"
#include "protocol/status.h"

/* A server that is busy is given time, up to this often. */
#define MOST_ATTEMPTS 60u
#define PAUSE_MS 500u
#define LONGEST_PAUSE_MS 10000u
/* No answer to anything for so long: the server is gone. */
#define SILENCE_MS 60000

void import_row_free(struct import_row *row)
{
    for (size_t i = 0; i < row->count; i++) {
        memory_free(row->values[i].text);
    }
    memory_free(row);
}

tandem_code import_build(const struct import *import, struct import_row *row,
                         tandem_mutation *mutation)
{
    tandem_code code = row->update ? tandem_update(mutation, import->entity, row->id)
                                   : tandem_create(mutation, import->entity, row->id);
    for (size_t i = 0; i < row->count && code == TANDEM_OK; i++) {
        const struct field_facts *facts = &import->targets[row->values[i].target].facts;
        const char *text = row->values[i].text;
        code = facts->custom ? tandem_set_kind(mutation, facts->name, facts->kind, text)
                             : tandem_set_text(mutation, facts->name, text);
    }
    for (size_t i = 0; i < import->tag_count && code == TANDEM_OK && !row->update; i++) {
        code = tandem_add_audience(mutation, import->tags[i]);
    }
    return code;
}

static struct import_batch *new_batch(struct import *import)
{
    struct import_batch *batch = memory_new(sizeof *batch);
    if (batch == NULL) {
        import->fatal = cli_no_memory(import->cli);
        return NULL;
    }
    batch->import = import;
    return batch;
}

static void free_batch(struct import_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        import_row_free(batch->rows[i]);
    }
    memory_free(batch);
}

static void enqueue(struct import *import, struct import_batch *batch)
{
    if (import->waiting == NULL) {
        import->waiting_end = &import->waiting;
    }
    *import->waiting_end = batch;
    import->waiting_end = &batch->next;
}

static void on_result(void *context, const tandem_result *result)
{
    struct import_batch *batch = context;
    batch->fault = *result->fault;
    batch->fault.code = result->code;
    batch->done = true;
}

/* New records sort in the order of the file, also across the batches of one millisecond. */
static tandem_code build(struct import *import, struct import_batch *batch,
                         tandem_mutation *mutation)
{
    tandem_code code =
        import->last_id[0] == '\0' ? TANDEM_OK : tandem_set_after(mutation, import->last_id);
    for (size_t i = 0; i < batch->count && code == TANDEM_OK; i++) {
        code = import_build(import, batch->rows[i], mutation);
        if (code == TANDEM_OK && !batch->rows[i]->update) {
            memcpy(import->last_id, batch->rows[i]->id, sizeof import->last_id);
        }
    }
    return code;
}

static void start(struct import *import, struct import_batch *batch)
{
    tandem_mutation *mutation = tandem_mutation_new();
    tandem_code code =
        mutation == NULL ? (tandem_code)STATUS_NO_MEMORY : build(import, batch, mutation);
    batch->done = false;
    batch->fault = (tandem_fault){.change = -1};
    batch->attempts++;
    bool local = import->cli->local;
    if (code == TANDEM_OK) { /* in the outbox it is safe, and its answer comes another day */
        code = tandem_send(import->cli->client, mutation, local ? NULL : on_result, batch);
        batch->done = local;
    }
    if (code != TANDEM_OK) {
        if (mutation != NULL) {
            tandem_mutation_fault(mutation, &batch->fault);
        }
        batch->fault.code = code;
        batch->done = true;
    }
    tandem_mutation_free(mutation);
    batch->next = import->under_way;
    import->under_way = batch;
    import->under_way_count++;
}

/* Each row of a refused batch by itself. */
static void split(struct import *import, struct import_batch *batch)
{
    size_t moved = 0;
    while (moved < batch->count && import->fatal == TANDEM_DONE) {
        struct import_batch *single = new_batch(import);
        if (single != NULL) {
            single->rows[0] = batch->rows[moved++];
            single->count = 1;
            enqueue(import, single);
        }
    }
    batch->count -= moved;
    memmove(batch->rows, batch->rows + moved, batch->count * sizeof batch->rows[0]);
    free_batch(batch);
}

static void lose(struct import *import)
{
    if (import->fatal == TANDEM_DONE) {
        import->fatal = cli_fault(import->cli, "the import is not complete", &import->cli->fault);
    }
}

/* Keeps the connection alive while the server asks for time. */
static void pause_for(struct import *import, uint64_t asked_ms)
{
    uint64_t pause = asked_ms == 0 ? PAUSE_MS : asked_ms;
    int64_t until = cli_now_ms(CLOCK_MONOTONIC) +
                    (int64_t)(pause > LONGEST_PAUSE_MS ? LONGEST_PAUSE_MS : pause);
    for (int64_t left;
         import->fatal == TANDEM_DONE && (left = until - cli_now_ms(CLOCK_MONOTONIC)) > 0;) {
        if (!cli_turn(import->cli, (int)left)) {
            lose(import);
        }
    }
}

static bool is_passing(tandem_code code)
{
    return code == STATUS_BUSY || code == STATUS_RATE_LIMITED || code == STATUS_LIMIT;
}

static void settle_refused(struct import *import, struct import_batch *batch)
{
    if (import->cli->local && batch->fault.code == STATUS_LIMIT) {
        import->cli->fault = batch->fault;
        lose(import);
        free_batch(batch);
    } else if (is_passing(batch->fault.code) && batch->attempts < MOST_ATTEMPTS) {
        uint64_t pause = batch->fault.retry_after;
        enqueue(import, batch);
        pause_for(import, pause);
    } else if (tandem_error_class(batch->fault.code) == TANDEM_UNREACHABLE ||
               batch->fault.code == STATUS_READ_ONLY) {
        import->cli->fault = batch->fault;
        lose(import);
        free_batch(batch);
    } else if (batch->count == 1) {
        import_refuse_fault(import, batch->rows[0]->line, &batch->fault);
        free_batch(batch);
    } else {
        split(import, batch);
    }
}

static void settle(struct import *import, struct import_batch *batch)
{
    if (batch->fault.code != TANDEM_OK) {
        settle_refused(import, batch);
        return;
    }
    for (size_t i = 0; i < batch->count; i++) {
        import->created += !batch->rows[i]->update;
        import->updated += batch->rows[i]->update;
    }
    free_batch(batch);
}

/* Settles every batch that was answered. */
static void harvest(struct import *import)
{
    struct import_batch **at = &import->under_way;
    struct import_batch *answered = NULL;
    while (*at != NULL) {
        struct import_batch *batch = *at;
        if (!batch->done) {
            at = &batch->next;
            continue;
        }
        *at = batch->next;
        import->under_way_count--;
        batch->next = answered;
        answered = batch;
    }
    while (answered != NULL) {
        struct import_batch *batch = answered;
        answered = batch->next;
        batch->next = NULL;
        settle(import, batch);
    }
}

static void start_waiting(struct import *import)
{
    while (import->waiting != NULL && import->under_way_count < IMPORT_UNDER_WAY &&
           import->fatal == TANDEM_DONE) {
        struct import_batch *batch = import->waiting;
        import->waiting = batch->next;
        batch->next = NULL;
        if (import->waiting == NULL) {
            import->waiting_end = &import->waiting;
        }
        start(import, batch);
    }
}

/* Sends and waits until at most `most` batches are unsettled. */
static void pump(struct import *import, size_t most)
{
    int64_t deadline = cli_now_ms(CLOCK_MONOTONIC) + SILENCE_MS;
    size_t before = import->under_way_count;
    for (;;) {
        start_waiting(import);
        harvest(import);
        if (import->fatal != TANDEM_DONE ||
            (import->waiting == NULL && import->under_way_count <= most)) {
            return;
        }
        if (import->under_way_count != before) {
            before = import->under_way_count;
            deadline = cli_now_ms(CLOCK_MONOTONIC) + SILENCE_MS;
        }
        int64_t left = deadline - cli_now_ms(CLOCK_MONOTONIC);
        if (left <= 0) {
            import->cli->fault = (tandem_fault){.code = STATUS_UNREACHABLE, .change = -1};
            lose(import);
        } else if ((import->waiting == NULL || import->under_way_count == IMPORT_UNDER_WAY) &&
                   !cli_turn(import->cli, (int)left)) {
            lose(import);
        }
    }
}

static void close_batch(struct import *import)
{
    if (import->filling != NULL) {
        enqueue(import, import->filling);
        import->filling = NULL;
    }
}

void import_send_row(struct import *import, struct import_row *row)
{
    if (import->filling != NULL &&
        import->filling->bytes + row->bytes > IMPORT_BATCH_BYTES) {
        close_batch(import);
    }
    if (import->filling == NULL) {
        import->filling = new_batch(import);
    }
    if (import->filling == NULL) {
        import_row_free(row);
        return;
    }
    struct import_batch *batch = import->filling;
    batch->rows[batch->count++] = row;
    batch->bytes += row->bytes;
    /* Queued, each row by itself: there will be nobody to try them one by one. */
    if (batch->count == IMPORT_BATCH || import->cli->local) {
        close_batch(import);
    }
    pump(import, IMPORT_UNDER_WAY - 1);
}

void import_finish_sending(struct import *import)
{
    close_batch(import);
    pump(import, 0);
}

static void free_list(struct import_batch *list)
{
    while (list != NULL) {
        struct import_batch *next = list->next;
        free_batch(list);
        list = next;
    }
}

void import_release_batches(struct import *import)
{
    /* Answers that are still owed would come to freed batches. */
    if (import->under_way != NULL) {
        tandem_close(import->cli->client);
        import->cli->client = NULL;
    }
    free_list(import->under_way);
    free_list(import->waiting);
    if (import->filling != NULL) {
        free_batch(import->filling);
    }
}
