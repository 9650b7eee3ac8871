#include "tests/oracle/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/memory.h"
#include "protocol/wire.h"

#define BLOCK_BYTES ((size_t)1 << 20)

struct block {
    struct block *next;
    size_t used, size;
    _Alignas(16) uint8_t bytes[];
};

struct model {
    const struct model_schema *schema;
    struct block *blocks;
    struct model_record **records;
    size_t count, capacity;
    uint64_t head;
};

void model_impossible(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("model: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    abort();
}

void *model_take(struct model *model, size_t size)
{
    size_t need = (size + 15) & ~(size_t)15;
    if (model->blocks == NULL || model->blocks->size - model->blocks->used < need) {
        size_t room = need > BLOCK_BYTES ? need : BLOCK_BYTES;
        struct block *block = memory_new(sizeof *block + room);
        if (block == NULL) {
            model_impossible("out of memory");
        }
        block->size = room;
        block->next = model->blocks;
        model->blocks = block;
    }
    void *at = model->blocks->bytes + model->blocks->used;
    model->blocks->used += need;
    return at;
}

struct bytes model_keep(struct model *model, struct bytes bytes)
{
    uint8_t *copy = model_take(model, bytes.size + 1);
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    return bytes_of(copy, bytes.size);
}

/* Memory of blocks is zeroed, so what is kept ends with a NUL. */
const char *model_keep_text(struct model *model, struct bytes text)
{
    return (const char *)model_keep(model, text).data;
}

struct model *model_new(const struct model_schema *schema)
{
    struct model *model = memory_new(sizeof *model);
    if (model == NULL) {
        model_impossible("out of memory");
    }
    model->schema = schema;
    return model;
}

void model_free(struct model *model)
{
    while (model->blocks != NULL) {
        struct block *block = model->blocks;
        model->blocks = block->next;
        memory_free(block);
    }
    memory_free(model->records);
    memory_free(model);
}

const struct model_schema *model_schema_of(const struct model *model)
{
    return model->schema;
}

uint64_t model_head(const struct model *model)
{
    return model->head;
}

size_t model_count(const struct model *model)
{
    return model->count;
}

const struct model_record *model_at(const struct model *model, size_t index)
{
    return model->records[index];
}

struct model_record *model_find_mutable(struct model *model, struct id id)
{
    for (size_t i = 0; i < model->count; i++) {
        if (id_equal(model->records[i]->id, id)) {
            return model->records[i];
        }
    }
    return NULL;
}

const struct model_record *model_find(const struct model *model, struct id id)
{
    for (size_t i = 0; i < model->count; i++) {
        if (id_equal(model->records[i]->id, id)) {
            return model->records[i];
        }
    }
    return NULL;
}

const struct model_version *model_version_at(const struct model_record *record, uint64_t seq)
{
    const struct model_version *version = record->newest;
    while (version != NULL && version->seq > seq) {
        version = version->before;
    }
    return version == NULL || version->deleted ? NULL : version;
}

struct model_version *model_change(struct model *model, struct model_record *record, uint64_t seq,
                                   uint64_t at_ms, const char *by)
{
    /* Only the model itself changes what it hands out as constant. */
    struct model_version *newest = (struct model_version *)(uintptr_t)record->newest;
    if (newest != NULL && newest->seq == seq) {
        return newest;
    }
    struct model_version *version = model_take(model, sizeof *version);
    if (newest != NULL) {
        *version = *newest;
    }
    version->before = newest;
    version->seq = seq;
    version->at_ms = at_ms;
    version->by = by;
    record->newest = version;
    return version;
}

struct model_record *model_add(struct model *model, struct id id, struct bytes entity, uint64_t seq,
                               uint64_t at_ms, const char *by)
{
    if (model->count == model->capacity) {
        model->capacity = model->capacity > 0 ? 2 * model->capacity : 256;
        model->records =
            memory_resize(model->records, model->capacity * sizeof(struct model_record *));
        if (model->records == NULL) {
            model_impossible("out of memory");
        }
    }
    struct model_record *record = model_take(model, sizeof *record);
    record->id = id;
    record->entity = model_keep_text(model, entity);
    record->created_ms = at_ms;
    record->created_by = by;
    model->records[model->count++] = record;
    model_change(model, record, seq, at_ms, by);
    return record;
}

static bool has_tag(const struct model_version *version, struct tag tag)
{
    for (unsigned i = 0; i < version->tag_count; i++) {
        if (tag_equal(version->tags[i], tag)) {
            return true;
        }
    }
    return false;
}

static bool same(const struct model_version *a, const struct model_version *b)
{
    if (a->deleted != b->deleted || !scope_equal(a->scope, b->scope) ||
        a->tag_count != b->tag_count || a->field_count != b->field_count) {
        return false;
    }
    for (unsigned i = 0; i < a->tag_count; i++) {
        if (!has_tag(b, a->tags[i])) {
            return false;
        }
    }
    for (unsigned i = 0; i < a->field_count; i++) {
        if (!bytes_equal(a->fields[i].value, model_value(b, a->fields[i].name))) {
            return false;
        }
    }
    return true;
}

void model_settle(struct model *model, uint64_t seq)
{
    for (size_t i = 0; i < model->count; i++) {
        struct model_record *record = model->records[i];
        const struct model_version *newest = record->newest;
        if (newest->seq == seq && newest->before != NULL && same(newest, newest->before)) {
            record->newest = newest->before;
        }
    }
    model->head = seq;
}

void model_set(struct model *model, struct model_version *version, const char *field,
               struct bytes value)
{
    struct wire_reader reader = wire_read(value);
    bool clear = wire_peek(&reader) == WIRE_NIL;
    unsigned at = 0;
    while (at < version->field_count && strcmp(version->fields[at].name, field) != 0) {
        at++;
    }
    if (clear && at < version->field_count) {
        version->fields[at] = version->fields[--version->field_count];
    }
    if (clear) {
        return;
    }
    if (at == MODEL_MAX_FIELDS) {
        model_impossible("too many fields");
    }
    if (at == version->field_count) {
        version->field_count++;
    }
    version->fields[at].name = model_keep_text(model, bytes_text(field));
    version->fields[at].value = model_keep(model, value);
}

void model_tag(struct model_version *version, struct tag tag)
{
    if (has_tag(version, tag)) {
        return;
    }
    if (version->tag_count == MODEL_MAX_TAGS) {
        model_impossible("too many tags");
    }
    version->tags[version->tag_count++] = tag;
}

void model_untag(struct model_version *version, struct tag tag)
{
    for (unsigned i = 0; i < version->tag_count; i++) {
        if (tag_equal(version->tags[i], tag)) {
            version->tags[i] = version->tags[--version->tag_count];
            return;
        }
    }
}

struct bytes model_value(const struct model_version *version, const char *field)
{
    for (unsigned i = 0; version != NULL && i < version->field_count; i++) {
        if (strcmp(version->fields[i].name, field) == 0) {
            return version->fields[i].value;
        }
    }
    return bytes_of(NULL, 0);
}

struct id model_reference(const struct model_version *version, const char *field)
{
    struct wire_reader reader = wire_read(model_value(version, field));
    struct id id = {{0}};
    wire_get_id(&reader, &id);
    return id;
}

bool model_truth(const struct model_version *version, const char *field)
{
    struct wire_reader reader = wire_read(model_value(version, field));
    bool truth = false;
    return wire_get_bool(&reader, &truth) && truth;
}

struct bytes model_text(const struct model_version *version, const char *field)
{
    struct wire_reader reader = wire_read(model_value(version, field));
    struct bytes text = {NULL, 0};
    wire_get_str(&reader, &text);
    return text;
}

bool model_refers(const struct model_version *version, const char *field, struct id id)
{
    struct wire_reader reader = wire_read(model_value(version, field));
    uint32_t count = 1;
    struct id each;
    if (wire_peek(&reader) == WIRE_ARRAY) {
        wire_get_array(&reader, &count);
    }
    while (count-- > 0 && wire_get_id(&reader, &each)) {
        if (id_equal(each, id)) {
            return true;
        }
    }
    return false;
}
