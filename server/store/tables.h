/* The operations of struct state_ops, by the file that keeps the tables they work on. */
#ifndef TANDEM_STORE_TABLES_H
#define TANDEM_STORE_TABLES_H

#include "server/core/state.h"
#include "server/store/txn.h"

/* table_meta.c */
#define STORE_FORMAT 3u
/* Tables that a store of this format has: the first so many. */
enum table tables_of_format(uint32_t version);
enum status table_meta(void *self, struct meta *out);
enum status table_put_meta(void *self, const struct meta *meta);
/* The format version of the store; CORRUPT when its row is none. Works for every version. */
enum status table_format(struct txn *txn, uint32_t *version);

/* table_records.c */
enum status table_record(void *self, struct id id, struct bytes *encoded);
enum status table_put_record(void *self, const struct record *old, const struct record *record);
enum status table_forget_record(void *self, const struct record *record);

/* table_feed.c */
enum status table_feed_next(void *self, uint64_t *seq, struct id *id);
enum status table_lane_next(void *self, struct scope scope, struct tag tag, uint64_t *seq,
                            struct id *id);

/* table_index.c */
enum status table_index_next(void *self, struct bytes entity, struct bytes field,
                             struct bytes exact, bool descending, struct buffer *place,
                             struct id *id);
enum status table_timeline_next(void *self, struct scope scope, struct buffer *place,
                                struct id *id);

/* table_access.c */
enum status table_access(void *self, struct id subject, struct scope scope, struct access_row *out);
enum status table_access_next(void *self, struct id subject, struct scope after,
                              struct scope *scope, struct access_row *row);
enum status table_access_change_next(void *self, struct id subject, uint64_t *seq,
                                     struct scope *scope);
enum status table_put_access(void *self, struct id subject, struct scope scope,
                             const struct access_row *row);
enum status access_row_decode(struct bytes payload, struct access_row *out);
uint64_t access_row_seq(const struct access_row *row);

/* table_rows.c */
enum status table_history_next(void *self, struct id id, uint64_t before, uint64_t *seq,
                               struct bytes *entry);
enum status table_put_history(void *self, struct id id, uint64_t seq, struct bytes entry);
enum status table_client(void *self, struct bytes key, struct bytes *value);
enum status table_put_client(void *self, struct bytes key, struct bytes value);
enum status table_client_next(void *self, struct bytes prefix, struct buffer *key,
                              struct bytes *value);
enum status table_credential(void *self, struct bytes key, struct bytes *value);
enum status table_put_credential(void *self, struct bytes key, struct bytes value);
enum status table_credential_next(void *self, struct bytes prefix, struct buffer *key,
                                  struct bytes *value);
enum status table_due_first(void *self, uint64_t *at_ms, struct id *id);
enum status table_put_due(void *self, uint64_t at_ms, struct id id, bool present);

/* table_notes.c; in a store that has no such tables nothing is found */
enum status table_note_head(void *self, struct id note, struct bytes *head);
enum status table_note_row(void *self, enum note_rows rows, struct id note, uint64_t version,
                           struct bytes *row);
enum status table_note_before(void *self, enum note_rows rows, struct id note, uint64_t before,
                              uint64_t *version, struct bytes *row);
enum status table_note_next(void *self, enum note_rows rows, struct id note, uint64_t after,
                            uint64_t *version, struct bytes *row);
enum status table_put_note_head(void *self, struct id note, struct bytes head);
enum status table_put_note_row(void *self, enum note_rows rows, struct id note, uint64_t version,
                               struct bytes row);

/* table_audit.c */
#define AUDIT_HASH_SIZE 32u
enum status table_audit(void *self, struct bytes entry);
/* What the entry behind this one must begin with: SHA-256 of key and value. */
enum status audit_hash(struct buffer *scratch, struct bytes key, struct bytes value,
                       uint8_t out[AUDIT_HASH_SIZE]);

#endif
