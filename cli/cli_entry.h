/* Entries of the outbox, for people and for programs.
 *
 * The library hands an entry over for the time of a call; here it becomes a JSON object, which is
 * what `--json` prints and what the sentences for people are made from:
 *
 *     {"entry":12, "state":"waiting", "since":"2026-03-01T09:30:00.000Z",
 *      "code":"conflict", "reason":"...", "behind":11, "accessEnded":true,
 *      "overwrite":true, "base":7,
 *      "inTheWay":[{"entity":"note", "id":"...", "title":"...", "by":"nils"}],
 *      "changes":[{"op":"update", "entity":"account", "id":"...", "title":"Fjord Bruk AS",
 *                  "field":"phoneNumber", "base":"...", "mine":"...",
 *                  "conflict":true, "theirs":"...", "by":"nils", "at":"...", "seq":7,
 *                  "gone":true, "with":["suppliers"], "without":["partner:ID"],
 *                  "names":{"ID":"Nordic Paper"}}]}
 *
 * A value that is not set, or not known, is null. What does not apply is left out. `title` is what
 * the record is called, or was when it was last held: then it is `gone`. `with` and `without` are
 * whom it is shared with, and no longer; `names` those of the ids among values and tags. Of a record
 * whose access has ended there is neither title nor names. `inTheWay` is what still belongs to an
 * account whose removal was refused for that. The record that the entry is mainly about
 * comes first: of an account that is removed with all in it, the account.
 */
#ifndef TANDEM_CLI_ENTRY_H
#define TANDEM_CLI_ENTRY_H

#include <jansson.h>

#include "cli/cli.h"

#define ENTRY_BIT(state) (1u << (state))
/* Not answered yet; answered, and for a person to decide; both. */
#define ENTRY_OPEN (ENTRY_BIT(TANDEM_ENTRY_WAITING) | ENTRY_BIT(TANDEM_ENTRY_SENT))
#define ENTRY_ASIDE (ENTRY_BIT(TANDEM_ENTRY_CONFLICT) | ENTRY_BIT(TANDEM_ENTRY_REFUSED))
#define ENTRY_UNSETTLED (ENTRY_OPEN | ENTRY_ASIDE)

/* "pending" and the like, "" for a record that is as the server has it. */
const char *entry_record_mark(const tandem_record *record);
/* "waiting", ... */
const char *entry_state_name(tandem_entry_state state);

/* ---- Reading; the copy is open ---- */

/* The entry as an object to json_decref(); NULL when out of memory. */
json_t *entry_object(const tandem_entry *entry);
/* Entries in these states, oldest first, as an array to json_decref(), with the titles of the
 * records they change where the copy has them. NULL after telling. */
json_t *entry_read_all(struct cli *cli, unsigned states);
/* One entry; NULL when there is none (any more), or out of memory. */
json_t *entry_read(struct cli *cli, uint64_t number);
/* Names for what entries of entry_object() have ids of: `entries` is an array of them. */
void entry_add_names(struct cli *cli, json_t *entries);

/* Finds what is in the way of a removal that was refused for it (cli_entry_way.c). */
void entry_add_in_the_way(struct cli *cli, json_t *entry);

/* ---- Finding (cli_entry_find.c); the copy is open ---- */

/* Beside states: of several values of one's own for the same field the newest is meant. */
#define ENTRY_NEWEST (1u << 16)
/* The entry a person means: its number, or the id or the exact name of a record that one entry in
 * these states changes. Tells when there is not exactly one. */
enum tandem_failure entry_find(struct cli *cli, const char *text, unsigned states, json_t **out);
/* The entry that removes the record of this id or exact name and waits; *change is its line about
 * that record. NULL when there is none, which is not told. */
json_t *entry_removal(struct cli *cli, const char *text, const json_t **change);

/* ---- Wording ---- */

uint64_t entry_number(const json_t *entry);
bool entry_is(const json_t *entry, tandem_entry_state state);
/* Whether it changes the record. */
bool entry_changes(const json_t *entry, const char *id);
/* "edit account Fjord Bruk AS", of its first record, and how many more it changes. */
void entry_add_what(const json_t *entry, struct buffer *out);
/* "phoneNumber=+4711111111, account=Fjord Bruk AS", "with suppliers". Of a text as much as a line
 * shows, and how much more there is. */
void entry_add_values(const json_t *entry, struct buffer *out);
/* Both: "edit account Fjord Bruk AS: phoneNumber=+4711111111" */
void entry_add_line(const json_t *entry, struct buffer *out);
/* Why it is not with the server, in a few words. `paused`: the profile is offline. */
void entry_add_why(const json_t *entry, bool paused, struct buffer *out);
/* The values, whole, that a line does not show whole; as a rule there are none. */
void entry_print_long_values(const json_t *entry, FILE *out);
/* What is in conflict, a paragraph for each field: before, mine, theirs, who and when. */
void entry_print_conflicts(const json_t *entry, FILE *out);
/* All its fields, with what they were before. */
void entry_print_changes(const json_t *entry, FILE *out);
/* What a person can do about a conflict or a refusal; nothing for other states. */
void entry_print_next_step(const json_t *entry, FILE *out);
/* The object in one line. */
void entry_print_json(const json_t *entry, FILE *out);

#endif
