/* The programs of docs/CLIENT.md do what they say, built as a reader would build them. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/integration/company.h"
#include "tests/integration/programs.h"

static int make(void **state)
{
    struct company *company = calloc(1, sizeof *company);
    (void)signal(SIGPIPE, SIG_IGN);
    *state = company;
    return company == NULL ? 1 : company_make(company);
}

static int end(void **state)
{
    company_end(*state);
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agent_keeps_a_file_for_what_is_shared),
        cmocka_unit_test(agent_finds_what_happened_while_it_was_away),
        cmocka_unit_test(writer_writes_each_line_once_however_it_ends),
        cmocka_unit_test(writer_says_what_is_no_lead_or_not_taken),
        cmocka_unit_test(view_shows_what_others_do),
        cmocka_unit_test(view_works_offline_and_settles_a_conflict),
        cmocka_unit_test(note_has_what_all_write_at_once),
        cmocka_unit_test(note_keeps_what_was_typed_offline_when_it_is_killed),
        cmocka_unit_test(note_is_written_by_processes_that_share_a_folder),
        cmocka_unit_test(note_leaves_ones_own_words_when_access_ends),
    };
    return cmocka_run_group_tests_name("programs of the guide", tests, make, end);
}
