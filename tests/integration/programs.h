/* The tests of each program; their state is the company. */
#ifndef TANDEM_TESTS_INTEGRATION_PROGRAMS_H
#define TANDEM_TESTS_INTEGRATION_PROGRAMS_H

void agent_keeps_a_file_for_what_is_shared(void **state);
void agent_finds_what_happened_while_it_was_away(void **state);
void writer_writes_each_line_once_however_it_ends(void **state);
void writer_says_what_is_no_lead_or_not_taken(void **state);
void view_shows_what_others_do(void **state);
void view_works_offline_and_settles_a_conflict(void **state);
void note_has_what_all_write_at_once(void **state);
void note_keeps_what_was_typed_offline_when_it_is_killed(void **state);
void note_is_written_by_processes_that_share_a_folder(void **state);
void note_leaves_ones_own_words_when_access_ends(void **state);

#endif
