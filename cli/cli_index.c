#include "cli/cli_index.h"

#include <stdint.h>
#include <string.h>

#include "cli/cli_text.h"
#include "protocol/fold.h"
#include "protocol/memory.h"

#define FIRST_SIZE 256u

/* FNV-1a of Fowler, Noll and Vo, of the key in one case. The keys are the user's own file: nobody
 * is attacking. */
static uint64_t hash(const char *key)
{
    struct bytes text = bytes_text(key);
    uint8_t folded[256];
    uint64_t value = 14695981039346656037ull;
    for (size_t size; (size = fold_next(&text, folded, sizeof folded)) > 0;) {
        for (size_t i = 0; i < size; i++) {
            value = (value ^ folded[i]) * 1099511628211ull;
        }
    }
    return value;
}

void index_init(struct index *index)
{
    *index = (struct index){.size = 0};
}

static void free_entry(struct index_entry *entry)
{
    for (size_t i = 0; i < entry->value_count; i++) {
        memory_free(entry->values[i]);
    }
    memory_free(entry->values);
    memory_free(entry->key);
    memory_free(entry);
}

void index_release(struct index *index)
{
    for (size_t i = 0; i < index->size; i++) {
        if (index->slots[i] != NULL) {
            free_entry(index->slots[i]);
        }
    }
    memory_free(index->slots);
    index_init(index);
}

/* The slot of the key, or the empty one where it would stand. */
static size_t place(struct index_entry *const *slots, size_t size, const char *key)
{
    size_t at = (size_t)hash(key) & (size - 1);
    while (slots[at] != NULL && !text_alike(slots[at]->key, key)) {
        at = (at + 1) & (size - 1);
    }
    return at;
}

struct index_entry *index_find(const struct index *index, const char *key)
{
    return index->size == 0 ? NULL : index->slots[place(index->slots, index->size, key)];
}

/* Keeps at least a quarter of the slots empty. */
static bool grow(struct index *index)
{
    size_t size = index->size == 0 ? FIRST_SIZE : index->size * 2;
    if (index->count * 4 < index->size * 3) {
        return true;
    }
    struct index_entry **slots = memory_new(size * sizeof(struct index_entry *));
    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < index->size; i++) {
        if (index->slots[i] != NULL) {
            slots[place(slots, size, index->slots[i]->key)] = index->slots[i];
        }
    }
    memory_free(index->slots);
    index->slots = slots;
    index->size = size;
    return true;
}

struct index_entry *index_add(struct index *index, const char *key, bool *fresh)
{
    *fresh = false;
    if (!grow(index)) {
        return NULL;
    }
    size_t at = place(index->slots, index->size, key);
    if (index->slots[at] != NULL) {
        return index->slots[at];
    }
    struct index_entry *entry = memory_new(sizeof *entry);
    char *copy = text_copy(key);
    if (entry == NULL || copy == NULL) {
        memory_free(entry);
        memory_free(copy);
        return NULL;
    }
    entry->key = copy;
    index->slots[at] = entry;
    index->count++;
    *fresh = true;
    return entry;
}

bool index_make_values(struct index_entry *entry, size_t count)
{
    entry->values = memory_new(count * sizeof *entry->values);
    entry->value_count = entry->values == NULL ? 0 : count;
    return entry->values != NULL;
}
