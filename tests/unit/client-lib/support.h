/* What the tests of the client library share: records and frames as a server would write them, a
 * port whose time stands still until told, and folders that go away. */
#ifndef TANDEM_TESTS_CLIENT_LIB_SUPPORT_H
#define TANDEM_TESTS_CLIENT_LIB_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client-lib/base/port.h"
#include "client-lib/base/record.h"
#include "protocol/message.h"

#define assert_ok(call) assert_int_equal((call), STATUS_OK)

struct id id_of(unsigned number);
struct scope account_of(unsigned number);
/* In a buffer of four that are used in turn. */
const char *id_text(unsigned number);

/* A record to be written. Zero members get usual values. */
struct made {
    unsigned id;
    const char *entity; /* "note" */
    struct scope scope; /* account 1 */
    uint64_t seq;
    int64_t created_at;
    const char *name;    /* field "name" ("text" of a note) */
    struct bytes fields; /* instead: an encoded map */
};
void put_record(struct buffer *out, const struct made *made);

/* Lists for messages; each clears `out` first and returns its bytes. */
struct bytes records_of(struct buffer *out, const struct made *made, size_t count);
struct bytes ids_of(struct buffer *out, const unsigned *numbers, size_t count);
struct bytes scopes_of(struct buffer *out, const struct scope *scopes, size_t count);

struct fake_port {
    struct port port;
    uint64_t now;
    uint64_t seed;
};
void fake_port_init(struct fake_port *fake);

/* A new empty folder, and the removal of it with all files in it (not folders). */
char *folder_new(void);
void folder_remove(char *folder);

#endif
