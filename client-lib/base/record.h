/* A record as the server sends it: checked, looked at, and told to people.
 *
 * record_view_read() checks the shape of an encoded record once and gives its parts in place. The
 * replica stores exactly the bytes that passed it. A tandem_record is such a view with the texts
 * that callers ask for; it borrows the encoded bytes. */
#ifndef TANDEM_CLIENT_LIB_RECORD_H
#define TANDEM_CLIENT_LIB_RECORD_H

#include "client-lib/base/texts.h"
#include "protocol/bytes.h"
#include "protocol/id.h"
#include "protocol/schema.h"
#include "protocol/status.h"
#include "tandem/tandem.h"

#define RECORD_NAME_MAX 64 /* bytes of an entity, field or sign-in name */

struct record_view {
    struct id id;
    struct bytes entity;
    struct scope scope;
    uint64_t seq;
    struct bytes created_by, modified_by;
    int64_t created_at, modified_at;
    struct bytes audience; /* encoded array of tags */
    struct bytes fields;   /* encoded map */
    uint32_t audience_count, field_count;
};

/* Checks a wire-validated value. False when it is no record: a part missing or of another kind,
 * more tags or fields than a record may have, names longer than RECORD_NAME_MAX. */
bool record_view_read(struct bytes encoded, struct record_view *out);

/* Where a record sits in the timeline of its account: its entity's time or date there, else when
 * it was created. False when records of its entity or scope are in no timeline. */
bool record_view_time(const struct record_view *view, int64_t *ms);

/* Whoever knows the custom fields: the definition of a field of an entity, valid while `storage`
 * is. Without one (find NULL) only built-in fields are known. */
struct field_source {
    void *context;
    bool (*find)(void *context, struct bytes entity, struct bytes name, struct field_def *out,
                 struct custom_field_storage *storage);
};

struct tandem_record {
    struct record_view view;
    struct bytes encoded;
    const struct field_source *source; /* may be NULL */
    tandem_state state;
    bool apart;     /* it is only in an entry that was not taken, and the replica holds nothing */
    /* Written when they are first asked for, "" before. */
    char id[ID_TEXT_SIZE];
    char scope[SCOPE_TEXT_SIZE];
    char entity[RECORD_NAME_MAX + 1];
    char created_by[RECORD_NAME_MAX + 1];
    char modified_by[RECORD_NAME_MAX + 1];
    struct texts texts; /* made on demand, freed with the record */
};

/* Prepares `record` over encoded bytes that stay valid until record_release(). False when they are
 * no record; then nothing needs releasing. */
bool record_init(struct tandem_record *record, struct bytes encoded,
                 const struct field_source *source);
void record_release(struct tandem_record *record);

/* Text of one encoded value whose field is `name` of `entity` (which may be "none": then the value
 * itself tells). Appended to `out`. */
void value_print(struct bytes entity, struct bytes name, struct bytes value,
                 const struct field_source *source, struct buffer *out);

#endif
