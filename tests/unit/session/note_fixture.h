/* What the tests of live notes do again and again, over the company of feed_fixture.h. */
#ifndef TANDEM_TESTS_NOTE_FIXTURE_H
#define TANDEM_TESTS_NOTE_FIXTURE_H

#include "tests/fixture/world_note.h"
#include "tests/unit/session/feed_fixture.h"

/* An assignment of this level. */
struct id assign_at(struct fixture *f, struct id party, struct id account, const char *level);
/* A client of the user that is caught up and has the note open. */
struct world_client *opener(struct fixture *f, struct id user, struct id note);
/* Appends to what the client has of the note, which must be taken, and settles everybody. */
void type_at_end(struct fixture *f, struct world_client *client, struct id note, const char *words);
/* Delivers everything to everybody who is connected, until nothing moves. */
void settle_all(struct fixture *f);
/* Name of the newest error, "" before the first. */
const char *error_name(const struct world_client *client);

#endif
