#include "tests/survival/faults/meta_of.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/store/store.h"

struct meta meta_of(const char *path)
{
    const struct store_options options = {.path = path, .reserve_bytes = 1, .map_bytes = 1u << 28};
    struct store *store;
    struct store_reader *reader;
    struct state state;
    struct meta meta;
    assert_int_equal(store_open(&options, &store, NULL), STATUS_OK);
    assert_int_equal(store_reader_new(store, &reader), STATUS_OK);
    assert_int_equal(store_read_begin(reader, &state), STATUS_OK);
    assert_int_equal(state.ops->meta(state.self, &meta), STATUS_OK);
    store_read_end(reader);
    store_reader_free(reader);
    store_close(store);
    return meta;
}
