/* A client handle and the server at the other end of a link without a network: the server is the
 * script of each test, and time stands still until the test moves it. */
#ifndef TANDEM_TESTS_CLIENT_LIB_CLIENT_WORLD_H
#define TANDEM_TESTS_CLIENT_LIB_CLIENT_WORLD_H

#include "support.h"

#include <string.h>

#include "client-lib/client/client.h"

#define SENT_MAX 256
#define TOLD_MAX 2048

struct sent {
    struct buffer frame;
    struct message message;
};

struct server {
    struct link *link; /* the open one */
    unsigned opened, freed;
    bool refuse; /* connections cannot be opened */
    bool slow;   /* and those begun are not open yet */
    int fd;      /* of the link: -1 unless a test has one to wait for */
    int want;
    struct sent sent[SENT_MAX];
    size_t sent_count, sent_seen;
    struct buffer inbox[64]; /* frames for the client */
    size_t inbox_count, inbox_used;
    bool closing;
    unsigned close_code, client_close;
};

extern struct server server;
extern const tandem_server usual; /* to connect to */

/* What an event said. */
struct told {
    tandem_event_kind kind;
    tandem_code code;
    bool final;
    uint64_t seq, entry;
    char id[ID_TEXT_SIZE];
    char scope[SCOPE_TEXT_SIZE];
    char detail[256];
    char title[64];
};

struct world {
    struct fake_port port;
    /* Looks at an event before it is noted; NULL: nobody does. */
    void (*watch)(struct world *world, const tandem_event *event);
    tandem_client *client;
    char *folder;
    struct told told[TOLD_MAX];
    size_t told_count;
};

int set_up(void **state);
/* Closes the client, and sees that every link was freed. */
int tear_down(void **state);
void open_client(struct world *world, bool with_replica);

/* The next message the client sent, which must be of this type. */
const struct message *expect_sent(enum message_type type);
void expect_nothing_sent(void);

/* Puts a message into the client's inbox; it arrives with the next service call. */
void say(const struct message *message);
void say_welcome(uint64_t last_number, const char *token);
void say_error(const char *name, uint64_t request, uint64_t retry_after);
void say_result(uint64_t number, const char *status, uint64_t seq);
/* Tells of one record, which has this number. */
void say_changes(uint64_t from, uint64_t to, unsigned id);
void hang_up(unsigned close_code);

void connect_with(struct world *world, const tandem_server *to);
void sign_in(struct world *world, uint64_t last_number);
/* Waits as long as the client says and lets it connect again. */
void reconnect(struct world *world, uint64_t last_number);
const struct told *last_told(const struct world *world);

/* ---- Mutations ---- */

struct outcome {
    unsigned calls;
    tandem_code code;
    uint64_t seq;
    tandem_fault fault;
    size_t conflicts;
    char theirs[64];
};

/* A tandem_result_fn that notes what it is told in a struct outcome. */
void take_result(void *context, const tandem_result *result);
tandem_code send_note(struct world *world, const char *text, struct outcome *outcome);

/* Outcomes outlive their test: closing the client in tear_down answers what is left. */
#define OUTCOMES(count)                                                                            \
    static struct outcome outcomes[count];                                                         \
    memset(outcomes, 0, sizeof outcomes)

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
