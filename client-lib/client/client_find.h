/* A local query: what is asked, made ready once, and the records that meet it.
 *
 * Where the replica has an order that is asked for (ids, a timeline, an index of a field) its
 * records are walked in it and the records that entries lie over are merged in, each looked at
 * twice: once to find its place and once when its turn has come. Only these have a place kept in
 * memory. Any other order is made by keeping the places of all that match, or of the first `limit`.
 * No record is copied but those that differ from what the replica holds.
 *
 * What has to be walked is as little as may be: a range of a timeline, an account, a range of an
 * index (replica_index.h), else the entity. A query that has walked past many records for want of
 * an index has it built. */
#ifndef TANDEM_CLIENT_LIB_CLIENT_FIND_H
#define TANDEM_CLIENT_LIB_CLIENT_FIND_H

#include "client-lib/base/record.h"
#include "client-lib/replica/replica_index.h"
#include "protocol/condition.h"

enum find_order {
    FIND_BY_ID,
    FIND_BY_TIME, /* of the account's timeline */
    FIND_BY_FIELD
};

struct find_plan {
    char entity_text[RECORD_NAME_MAX + 1];
    struct bytes entity; /* none: all */
    bool in_account, in_range;
    struct scope account;
    int64_t from_ms, to_ms;
    struct buffer where; /* which the conditions point into */
    struct conditions conditions;
    enum find_order order;
    bool descending;
    char sort_text[RECORD_NAME_MAX + 1];
    struct field_def sort; /* of BY_FIELD */
    struct custom_field_storage storage;
    unsigned states; /* bits; 0: any but what stands apart */
    unsigned limit;  /* 0: none */
    bool nothing;    /* no record can meet it */
};

/* Checks and copies `find`. `plan` must stay where it is. USAGE, UNKNOWN_FIELD, INVALID_VALUE,
 * LIMIT, NO_MEMORY with `fault` filled; nothing needs releasing then. */
enum status find_prepare(tandem_client *client, const tandem_find *find, struct find_plan *plan,
                         tandem_fault *fault);
void find_release(struct find_plan *plan);
/* Whether a record meets it. One that is only in an entry that was not taken is met by a query for
 * that state alone. */
bool find_meets(const struct find_plan *plan, const struct tandem_record *record);
/* The same, but for conditions (a bit for each) that it is known to meet. */
bool find_meets_besides(const struct find_plan *plan, const struct tandem_record *record,
                        uint32_t met);
/* Hands over what meets it, in its order. */
enum status find_run(tandem_client *client, const struct find_plan *plan, tandem_record_fn *each,
                     void *context);

/* ---- client_find_index.c ---- */

#define FIND_MISSING 2

/* What of the replica is read. It must stay where it is, and points into the plan. */
struct find_access {
    bool index; /* this range of an index; else what a walk finds */
    bool in_order;
    uint32_t met; /* conditions that all in the range meet, a bit for each */
    struct replica_index_range range;
    uint8_t from[SCHEMA_KEY_MAX], to[SCHEMA_KEY_MAX];
    struct replica_index_name missing[FIND_MISSING]; /* that the query could have used */
    size_t missing_count;
};
enum status find_choose(tandem_client *client, const struct find_plan *plan,
                        struct find_access *out);
/* After so many records were looked at: has what was missed built, if it was many. */
void find_walked(tandem_client *client, const struct find_access *access, size_t count);
/* Notes what was missed in the folder, where another process keeps the replica. */
void find_wish(tandem_client *client, const struct find_access *access);
/* Of whoever does: has what others noted built. */
void find_look_wishes(tandem_client *client);
/* When find_index_run() has something to do, in the client's time; UINT64_MAX: it has nothing. */
uint64_t find_index_due(const tandem_client *client);
/* Builds a slice of an index. */
void find_index_run(tandem_client *client);

/* ---- client_find.c ---- */

/* Hands over one record as its author left it, with its state. NOT_FOUND. */
enum status find_one(tandem_client *client, struct id id, tandem_record_fn *each, void *context);

#endif
