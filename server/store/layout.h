/* Tables, keys and sealed values: the bytes of docs/FORMAT.md, built and taken apart here.
 *
 * Keys compare by memcmp, so numbers are big-endian, signed times have their sign bit flipped,
 * and a value of varying length in the middle of a key is written so that it neither runs into what
 * follows nor disturbs the order (protocol/ordered.h).
 */
#ifndef TANDEM_STORE_LAYOUT_H
#define TANDEM_STORE_LAYOUT_H

#include "protocol/bytes.h"
#include "protocol/id.h"
#include "protocol/ordered.h"
#include "protocol/schema.h"
#include "protocol/status.h"

/* TABLE(NAME, name in LMDB); those of later formats behind those of earlier ones. */
#define TABLES(TABLE)                                                                              \
    TABLE(META, "meta")                                                                            \
    TABLE(RECORD, "record")                                                                        \
    TABLE(FEED, "feed")                                                                            \
    TABLE(LANE, "lane")                                                                            \
    TABLE(ACCESS, "access")                                                                        \
    TABLE(ACCESS_CHANGE, "access_change")                                                          \
    TABLE(INDEX, "index")                                                                          \
    TABLE(TIMELINE, "timeline")                                                                    \
    TABLE(HISTORY, "history")                                                                      \
    TABLE(CLIENT, "client")                                                                        \
    TABLE(CREDENTIAL, "credential")                                                                \
    TABLE(DUE, "due")                                                                              \
    TABLE(AUDIT, "audit")                                                                          \
    TABLE(NOTE_HEAD, "note_head")                                                                  \
    TABLE(NOTE_LOG, "note_log")                                                                    \
    TABLE(NOTE_SNAPSHOT, "note_snapshot")

enum table {
#define TABLE(name, text) TABLE_##name,
    TABLES(TABLE)
#undef TABLE
        TABLE_COUNT
};

const char *table_name(enum table table);

/* The longest key is that of an index entry: two names, a separator behind each, an ordered
 * value, an id. */
#define LAYOUT_NAME_MAX 64u
#define LAYOUT_KEY_MAX (2u * (LAYOUT_NAME_MAX + 1u) + ORDERED_MAX + ID_SIZE)
#define LAYOUT_OPAQUE_KEY_MAX 64u /* of a client or a credential */
#define LAYOUT_CHECKSUM_SIZE 8u
#define LAYOUT_LANE_SIZE (SCOPE_SIZE + TAG_SIZE)
#define LAYOUT_TIMELINE_SIZE (SCOPE_SIZE + 8u + ID_SIZE)

_Static_assert(LAYOUT_KEY_MAX <= 256, "a place of an index is at most 256 bytes");

struct key {
    size_t size;
    uint8_t data[LAYOUT_KEY_MAX];
};

/* Each add asserts that there is room: callers bound what comes from outside first. */
void key_clear(struct key *key);
void key_add(struct key *key, struct bytes bytes);
void key_add_u64(struct key *key, uint64_t value);
void key_add_time(struct key *key, int64_t ms);
void key_add_id(struct key *key, struct id id);
void key_add_scope(struct key *key, struct scope scope);
void key_add_tag(struct key *key, struct tag tag);
struct bytes key_bytes(const struct key *key);

/* Appends `value`, of 1 to SCHEMA_KEY_MAX bytes, by ordered_put(). */
void key_add_ordered(struct key *key, struct bytes value);

/* Begins the key of an index entry: entity 0x00 field 0x00. `field` may be empty (the walk by
 * id). False when a name is too long, has a zero byte, or the entity is empty. */
bool key_begin_index(struct key *key, struct bytes entity, struct bytes field);

bool bytes_begin_with(struct bytes bytes, struct bytes prefix);

/* A sealed value is a checksum (XXH3 64 bits of key and payload, big-endian) and the payload, so
 * that a value that came to stand under another key is found out too. */
uint64_t sealed_checksum(struct bytes key, struct bytes payload);
void sealed_put(struct buffer *out, struct bytes key, struct bytes payload);
/* CORRUPT when the checksum does not fit. */
enum status sealed_open(struct bytes key, struct bytes sealed, struct bytes *payload);

#endif
