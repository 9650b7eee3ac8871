/* One signed-in user of the demo: a client without a replica that waits for each answer.
 *
 *     station_open -> station_send, station_find, station_invite ... -> station_close
 *
 * Every function that fails says why on stderr, in a sentence, and returns false.
 */
#ifndef TANDEM_DEMO_STATION_H
#define TANDEM_DEMO_STATION_H

#include "tandem/tandem.h"

/* Zero-initialised storage is a station that is not open. It stays where it is while it is. */
struct station {
    tandem_client *client;
    bool connected;
};

/* Connects and signs in; `server` need not outlive the call. */
bool station_open(struct station *station, const tandem_server *server);
void station_close(struct station *station);

/* Sends the mutation and waits until it is durable. */
bool station_send(struct station *station, const tandem_mutation *mutation);
/* The id of the record of this entity with this name. */
bool station_find(struct station *station, const char *entity, const char *name,
                  char id[TANDEM_ID_TEXT]);
#define STATION_CODE_MAX 64
/* A one-time sign-in code for a user, by an administrator. */
bool station_invite(struct station *station, const char *user, char code[STATION_CODE_MAX]);

#endif
