#include "tests/replay/store_size.h"

#include <lmdb.h>
#include <string.h>

/* More than there are tables. */
#define TABLES 64
#define TABLE_NAME 64

static bool add(MDB_txn *txn, MDB_dbi table, uint64_t *bytes)
{
    MDB_stat stat;
    bool good = mdb_stat(txn, table, &stat) == 0;
    if (good) {
        *bytes += (uint64_t)stat.ms_psize *
                  (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages);
    }
    return good;
}

static bool add_table(MDB_txn *txn, const MDB_val *name, struct store_size *out)
{
    char text[TABLE_NAME];
    MDB_dbi table;
    uint64_t bytes = 0;
    if (name->mv_size >= sizeof text) {
        return false;
    }
    memcpy(text, name->mv_data, name->mv_size);
    text[name->mv_size] = '\0';
    if (mdb_dbi_open(txn, text, 0, &table) != 0 || !add(txn, table, &bytes)) {
        return false;
    }
    out->all += bytes;
    out->notes += strncmp(text, "note_", strlen("note_")) == 0 ? bytes : 0;
    return true;
}

static bool read_tables(MDB_txn *txn, struct store_size *out)
{
    MDB_dbi names;
    MDB_cursor *cursor = NULL;
    MDB_val name, value;
    int code;
    if (mdb_dbi_open(txn, NULL, 0, &names) != 0 || !add(txn, names, &out->all) ||
        mdb_cursor_open(txn, names, &cursor) != 0) {
        return false;
    }
    bool good = true;
    while (good && (code = mdb_cursor_get(cursor, &name, &value, MDB_NEXT)) == 0) {
        good = add_table(txn, &name, out);
    }
    mdb_cursor_close(cursor);
    return good && code == MDB_NOTFOUND;
}

bool store_size_read(const char *folder, struct store_size *out)
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    *out = (struct store_size){0};
    bool good = mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, TABLES) == 0 &&
                mdb_env_open(env, folder, MDB_RDONLY | MDB_NOTLS, 0600) == 0 &&
                mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) == 0 && read_tables(txn, out);
    mdb_txn_abort(txn);
    mdb_env_close(env);
    return good;
}
