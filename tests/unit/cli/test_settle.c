/* What is told of entries that another process took out of the outbox. */
#include "prelude.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_settle.h"
#include "run.h"

static char folder[64];

static struct cli open_cli(void)
{
    char path[PROFILE_PATH];
    char problem[256];
    struct cli cli = {.out = NULL};
    assert_true(profile_load(&cli.profile, problem));
    assert_true(profile_make_folder(profile_replica(&cli.profile, path), problem));
    assert_int_equal(cli_open(&cli, path), TANDEM_DONE);
    return cli;
}

/* An entry as it is noted before the connection is made, and marked when its end is heard of. */
static json_t *entry(int number, const char *ended)
{
    json_t *object = json_pack("{s:i, s:s, s:[{s:s, s:s, s:s, s:s}]}", "entry", number, "state",
                               "waiting", "changes", "op", "update", "entity", "account", "id", "",
                               "field", "rating");
    assert_non_null(object);
    if (ended != NULL) {
        assert_int_equal(json_object_set_new(object, "ended", json_string(ended)), 0);
    }
    return object;
}

static char *tell(struct cli *cli, struct settled *settled)
{
    char *said = NULL;
    size_t size = 0;
    json_t *noted = json_array();
    (void)json_array_append_new(noted, entry(7, "dropped"));
    (void)json_array_append_new(noted, entry(8, "accepted"));
    (void)json_array_append_new(noted, entry(9, "dropped"));
    (void)json_array_append_new(noted, entry(10, NULL));
    cli->out = open_memstream(&said, &size);
    assert_non_null(cli->out);
    settling_tell(cli, noted, settled);
    (void)fclose(cli->out);
    json_decref(noted);
    return said;
}

/* What is gone without a word was answered before; only what was said to be dropped is. */
static void what_is_dropped_elsewhere_is_not_counted_as_accepted(void **state)
{
    struct settled settled;
    struct cli cli = open_cli();
    (void)state;
    char *said = tell(&cli, &settled);
    assert_int_equal(settled.dropped, 2);
    assert_int_equal(settled.accepted, 2);
    assert_int_equal(settled.conflicts + settled.refused + settled.waiting, 0);
    assert_non_null(strstr(said, "dropped      entry 7 "));
    assert_non_null(strstr(said, "accepted     entry 8 "));
    assert_non_null(strstr(said, "dropped      entry 9 "));
    assert_int_equal(settling_status(&settled), TANDEM_DONE);
    free(said);
    cli_close(&cli);
}

static void programs_get_it_as_the_outcome(void **state)
{
    struct settled settled;
    struct cli cli = open_cli();
    (void)state;
    cli.json = true;
    char *said = tell(&cli, &settled);
    json_t *first = json_loads(said, JSON_DISABLE_EOF_CHECK, NULL);
    assert_int_equal(settled.dropped, 2);
    assert_int_equal(json_integer_value(json_object_get(first, "entry")), 7);
    assert_string_equal(json_string_value(json_object_get(first, "outcome")), "dropped");
    assert_string_equal(json_string_value(json_object_get(first, "state")), "dropped");
    assert_null(json_object_get(first, "ended"));
    json_decref(first);
    free(said);
    cli_close(&cli);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_dropped_elsewhere_is_not_counted_as_accepted),
        cmocka_unit_test(programs_get_it_as_the_outcome),
    };
    (void)run_folder(folder);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    run_delete(folder);
    return failed;
}
