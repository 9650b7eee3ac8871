#include "reader_process.h"

#include <lmdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void read_until_told(const char *folder, bool outbox, int told, int ready)
{
    MDB_env *env;
    MDB_txn *txn;
    char path[512], byte = 'r';
    snprintf(path, sizeof path, "%s%s", folder, outbox ? "/outbox.mdb" : "");
    if (mdb_env_create(&env) != 0 || mdb_env_set_maxdbs(env, 16) != 0 ||
        mdb_env_open(env, path, outbox ? MDB_NOSUBDIR : 0, 0600) != 0 ||
        mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0 || write(ready, &byte, 1) != 1 ||
        read(told, &byte, 1) != 0)
        _exit(1);
    _exit(0);
}

void start_reader(const char *folder, struct reader *reader, bool outbox)
{
    int tell[2], hear[2];
    char byte;
    assert_int_equal(pipe(tell), 0);
    assert_int_equal(pipe(hear), 0);
    reader->process = fork();
    assert_true(reader->process >= 0);
    if (reader->process == 0) {
        close(tell[1]);
        read_until_told(folder, outbox, tell[0], hear[1]);
    }
    close(tell[0]);
    close(hear[1]);
    assert_int_equal(read(hear[0], &byte, 1), 1);
    close(hear[0]);
    reader->tell = tell[1];
}

void end_reader(struct reader *reader)
{
    int status;
    close(reader->tell);
    assert_int_equal(waitpid(reader->process, &status, 0), reader->process);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
