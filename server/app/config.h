/* The settings of `tandemd run`: one table says each one's name, kind, default and range, and what
 * it is for. The configuration file, the command line's flags, --check-config and the check of
 * values all go by it.
 */
#ifndef TANDEM_APP_CONFIG_H
#define TANDEM_APP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "protocol/status.h"

#define CONFIG_TEXT_MAX 1024

/* X(member, name, kind, default, least, most, unit, about). For texts the range is of the length. */
#define CONFIG_SETTINGS(X)                                                                         \
    X(data, "data", TEXT, "", 0, 1023, "path", "folder of the store")                              \
    X(listen, "listen", TEXT, "127.0.0.1:7443", 1, 300, "address:port", "where to serve")          \
    X(cert, "cert", TEXT, "", 0, 1023, "path", "certificate with its chain, PEM")                  \
    X(key, "key", TEXT, "", 0, 1023, "path", "the certificate's key, PEM")                         \
    X(ca, "ca", TEXT, "", 0, 1023, "path", "authority of client certificates, PEM; none: no use of them") \
    X(origins, "origins", TEXT, "", 0, 1023, "list", "browser origins let in besides our own")     \
    X(threads, "threads", NUMBER, "0", 0, 16, "", "I/O threads; 0: one a core")                    \
    X(connections, "connections", NUMBER, "10000", 1, 1000000, "", "most connections in all")      \
    X(connections_per_address, "connections-per-address", NUMBER, "1000", 1, 1000000, "",          \
      "most connections from one address")                                                         \
    X(unauthenticated_per_address, "unauthenticated-per-address", NUMBER, "100", 1, 100000, "",    \
      "most of these that have not signed in")                                                     \
    X(sign_in_failures, "sign-in-failures", NUMBER, "10", 1, 1000, "a minute",                     \
      "failures to sign in, for a name and for an address")                                        \
    X(user_errors, "user-errors", NUMBER, "50", 1, 1000000, "a second",                            \
      "errors of one user's clients, before they are not read for a while")                        \
    X(user_work, "user-work", NUMBER, "10000", 100, 10000000, "a second",                          \
      "units of work on live notes and presence of one user's clients, likewise")                  \
    X(failed_connections, "failed-connections", NUMBER, "30", 1, 100000, "a minute",               \
      "that came to nothing, of an address before its newcomers wait")                             \
    X(suspects, "suspects", NUMBER, "50", 1, 100000, "a second",                                   \
      "newcomers taken up of all such addresses")                                                  \
    X(handshake, "handshake", NUMBER, "10", 1, 300, "seconds", "time for TLS and the upgrade")     \
    X(sign_in, "sign-in", NUMBER, "10", 1, 300, "seconds", "time to sign in after that")           \
    X(idle, "idle", NUMBER, "60", 30, 86400, "seconds", "silence before a connection is closed")   \
    X(stall, "stall", NUMBER, "60", 1, 3600, "seconds", "a client that takes no bytes is cut off") \
    X(message_rate, "message-rate", NUMBER, "500", 1, 1000000, "a second",                         \
      "messages of one client, sustained")                                                         \
    X(drain, "drain", NUMBER, "10", 0, 300, "seconds", "for saying goodbye when stopping")         \
    X(hash_queue, "hash-queue", NUMBER, "64", 1, 10000, "", "passwords waiting to be checked")     \
    X(queue_commands, "queue-commands", NUMBER, "4096", 16, 1000000, "", "changes waiting to be written") \
    X(batch_commands, "batch-commands", NUMBER, "512", 1, 100000, "", "most changes in one flush") \
    X(retention, "retention", NUMBER, "90", 1, 36500, "days", "how long deletions are remembered") \
    X(map_size, "map-size", NUMBER, "0", 0, 1048576, "MiB", "address space for the store; 0: 1 TiB") \
    X(reserve, "reserve", NUMBER, "64", 1, 1048576, "MiB", "free disk below which nothing is written")

#define CONFIG_C_TEXT(member) char member[CONFIG_TEXT_MAX];
#define CONFIG_C_NUMBER(member) uint32_t member;
#define CONFIG_MEMBER(member, name, kind, initial, least, most, unit, about) CONFIG_C_##kind(member)
struct config {
    CONFIG_SETTINGS(CONFIG_MEMBER)
};
#undef CONFIG_MEMBER

/* All defaults. */
void config_init(struct config *config);
/* Sets one by name. UNKNOWN_FIELD for no such setting, INVALID_VALUE for a value that is no number
 * or out of range; `fault` says it for a person. The setting is unchanged then. */
enum status config_set(struct config *config, const char *name, const char *value,
                       struct fault *fault);
/* Reads a file of "name = value" lines. Relative paths in it are taken from the file's own folder.
 * On failure `fault` names the line; what stood before it has been set. */
enum status config_read(struct config *config, const char *path, struct fault *fault);
/* Whether all that is needed to run is there. */
enum status config_complete(const struct config *config, struct fault *fault);

/* Calls `visit` for each setting, with its value as text. */
typedef void config_visit_fn(void *context, const char *name, const char *value, bool is_number,
                             const char *unit, const char *about);
void config_each(const struct config *config, config_visit_fn *visit, void *context);

#endif
