/* A local query: what is asked, made ready once, and the records that meet it.
 *
 * Where the replica has an order that is asked for (ids, a timeline) its records are walked in it
 * and the records that entries lie over are merged in, each looked at twice: once to find its place
 * and once when its turn has come. Only these have a place kept in memory. Any other order is made
 * by keeping the places of all that match, or of the first `limit`. No record is copied but those
 * that differ from what the replica holds. */
#ifndef TANDEM_CLIENT_LIB_CLIENT_FIND_H
#define TANDEM_CLIENT_LIB_CLIENT_FIND_H

#include "client-lib/record.h"
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
/* Hands over what meets it, in its order. */
enum status find_run(tandem_client *client, const struct find_plan *plan, tandem_record_fn *each,
                     void *context);

/* Hands over one record as its author left it, with its state. NOT_FOUND. */
enum status find_one(tandem_client *client, struct id id, tandem_record_fn *each, void *context);

#endif
