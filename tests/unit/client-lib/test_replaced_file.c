/* Somebody puts other files into the folder of a running client, or cuts them short: it ends with
 * words that tell so, and writes nothing more to them. */
#include "client_world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PATH 600

static void path_of(const struct world *world, const char *name, char out[PATH])
{
    const int length = snprintf(out, PATH, "%s/%s", world->folder, name);
    assert_in_range(length, 1, PATH - 1);
}

static void read_file(const char *path, struct buffer *out)
{
    char bytes[4096];
    size_t got;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    buffer_clear(out);
    while ((got = fread(bytes, 1, sizeof bytes, file)) > 0)
        buffer_append(out, bytes, got);
    assert_int_equal(fclose(file), 0);
}

/* As cp writes over a file: the same one, emptied and filled. */
static void write_over(const char *path, struct bytes contents)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(contents.data, 1, contents.size, file), contents.size);
    assert_int_equal(fclose(file), 0);
}

/* A client with some entries, and a copy of its outbox from before the last of them. */
static void begin(struct world *world, struct outcome *outcomes, struct buffer *older)
{
    char path[PATH];
    open_client(world, true);
    connect_with(world, &usual);
    for (int i = 0; i < 5; i++)
        assert_ok(send_note(world, "before", &outcomes[i]));
    path_of(world, "outbox.mdb", path);
    read_file(path, older);
    for (int i = 5; i < 10; i++)
        assert_ok(send_note(world, "behind the copy", &outcomes[i]));
}

static void expect_end(struct world *world, const char *file)
{
    tandem_fault fault;
    assert_int_equal(tandem_service(world->client), STATUS_CORRUPT);
    assert_int_equal(last_told(world)->kind, TANDEM_EVENT_DISCONNECTED);
    assert_true(last_told(world)->final);
    tandem_last_fault(world->client, &fault);
    assert_memory_equal(fault.detail, file, strlen(file));
    assert_non_null(strstr(fault.detail, "was replaced or cut short"));
    assert_int_equal(tandem_service(world->client), STATUS_CORRUPT);
}

static void an_older_outbox_written_over_it_is_left_as_it_is(void **state)
{
    struct world *world = *state;
    struct buffer older = {0}, now = {0};
    char path[PATH];
    OUTCOMES(11);
    begin(world, outcomes, &older);
    path_of(world, "outbox.mdb", path);
    read_file(path, &now);
    while (older.size < now.size) /* so that its size does not tell */
        buffer_append_byte(&older, 0);
    write_over(path, buffer_bytes(&older));
    assert_int_equal(send_note(world, "into the copy", &outcomes[10]), STATUS_CORRUPT);
    expect_end(world, "outbox.mdb");
    assert_int_equal(tandem_outbox_each(world->client, 0, NULL, NULL), STATUS_CORRUPT);
    tandem_close(world->client);
    world->client = NULL;
    read_file(path, &now);
    assert_true(bytes_equal(buffer_bytes(&now), buffer_bytes(&older)));
    open_client(world, true); /* and is what there is from now on */
    assert_int_equal(tandem_outbox_count(world->client, 0), 5);
    buffer_release(&older);
    buffer_release(&now);
}

static void an_outbox_cut_short_ends_it(void **state)
{
    struct world *world = *state;
    struct buffer older = {0};
    char path[PATH];
    OUTCOMES(11);
    begin(world, outcomes, &older);
    path_of(world, "outbox.mdb", path);
    assert_int_equal(truncate(path, 4096), 0);
    expect_end(world, "outbox.mdb");
    assert_int_equal(send_note(world, "nowhere", &outcomes[10]), STATUS_CORRUPT);
    buffer_release(&older);
}

/* What is queued then would be gone with the process. */
static void nothing_is_queued_into_an_outbox_that_lost_its_name(void **state)
{
    struct world *world = *state;
    struct buffer older = {0};
    char path[PATH], beside[PATH];
    OUTCOMES(11);
    begin(world, outcomes, &older);
    path_of(world, "outbox.mdb", path);
    path_of(world, "restored", beside);
    write_over(beside, buffer_bytes(&older));
    assert_int_equal(rename(beside, path), 0);
    assert_int_equal(send_note(world, "nowhere", &outcomes[10]), STATUS_CORRUPT);
    expect_end(world, "outbox.mdb");
    buffer_release(&older);
}

static void a_replica_cut_short_ends_it_as_well(void **state)
{
    struct world *world = *state;
    char path[PATH];
    open_client(world, true);
    sign_in(world, 0);
    path_of(world, "data.mdb", path);
    assert_int_equal(truncate(path, 0), 0);
    expect_end(world, "data.mdb");
}

/* Deleting the folder of a running program leaves nothing behind, and is no mistake. */
static void an_outbox_that_was_deleted_goes_on(void **state)
{
    struct world *world = *state;
    struct buffer older = {0};
    char path[PATH];
    OUTCOMES(11);
    begin(world, outcomes, &older);
    path_of(world, "outbox.mdb", path);
    assert_int_equal(unlink(path), 0);
    assert_ok(send_note(world, "as before", &outcomes[10]));
    assert_ok(tandem_service(world->client));
    buffer_release(&older);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_older_outbox_written_over_it_is_left_as_it_is),
        TEST(an_outbox_cut_short_ends_it),
        TEST(nothing_is_queued_into_an_outbox_that_lost_its_name),
        TEST(a_replica_cut_short_ends_it_as_well),
        TEST(an_outbox_that_was_deleted_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
