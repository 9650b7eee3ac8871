/* One random history: a world, the model beside it, and everything that is compared.
 *
 *     oracle_run()    a company is set up, then so many steps, each one thing that somebody does
 *       do_*()        ... to records, people and access (act_*.c), or with a device (act_device.c)
 *       watch         every applied command goes to the model, every message is judged (judge.c)
 *       quiet         every now and then all is delivered and each replica compared
 * (judge_replica.c)
 *
 * What happens follows from the seed alone. A difference ends the process with a sentence.
 */
#ifndef TANDEM_TESTS_ORACLE_H
#define TANDEM_TESTS_ORACLE_H

#include "tests/fixture/world.h"
#include "tests/oracle/judge_view.h"
#include "tests/oracle/model.h"

#define ORACLE_MAX_DEVICES 40u
#define ORACLE_MAX_USERS 32u

struct oracle_device {
    struct world_client *client;
    uint64_t connected_seq; /* head when it connected last */
    bool told;              /* caught-up came, and nothing entered since */
};

/* Where a run is, kept where the parent process can read it. */
struct oracle_progress {
    uint64_t seed;
    unsigned step, steps;
    uint64_t messages, records, mutations, refused, compared;
};

struct oracle {
    const struct model_schema *schema;
    struct world *world;
    struct model *model;
    struct oracle_progress *progress;
    uint64_t random;
    bool trace;
    uint64_t frames_since; /* frames made from the state at this seq on may still be given out */
    uint64_t pruned;       /* head when tombstones were last forgotten */
    struct oracle_device devices[ORACLE_MAX_DEVICES];
    size_t device_count;
    struct id users[ORACLE_MAX_USERS];
    size_t user_count;
    struct buffer answer; /* of the command applied last */
    unsigned names;       /* given so far */
    uint64_t checks;      /* asked for so far */
    char doing[512];      /* what the step does, for people */
};

void oracle_run(const struct model_schema *schema, uint64_t seed, unsigned steps, bool trace,
                struct oracle_progress *progress);

/* Ends the process: `seed`, step, what was done last, and the sentence. */
void oracle_differ(const struct oracle *oracle, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));
/* What is being done, for the sentence of a difference and for TRACE. */
void oracle_doing(struct oracle *oracle, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

uint64_t oracle_random(struct oracle *oracle, uint64_t below);
bool oracle_chance(struct oracle *oracle, unsigned percent);
/* Some user; an administrator more often than not when `able`. */
struct id oracle_user(struct oracle *oracle, bool able);
/* Some live record of the entity (NULL: any); NULL when there is none. */
const struct model_record *oracle_pick(struct oracle *oracle, const char *entity);
/* "contact 0192..f3", for people. Valid until called four more times. */
const char *oracle_name(struct oracle *oracle, struct id id);
const char *oracle_user_name(struct oracle *oracle, struct id user);

/* judge.c: the functions that look on. */
void judge_applied(void *context, const struct world_applied *applied);
void judge_received(void *context, const struct world_client *client, struct bytes message);
/* judge_history.c: an answer's entries about the record. */
void judge_history(struct oracle *oracle, const struct model_person *who,
                   const struct model_record *record, struct bytes entries);
/* judge_replica.c: everything delivered, everything compared. */
void judge_quiet(struct oracle *oracle);

/* NULL for a client that is none of the devices. */
struct oracle_device *oracle_device_of(struct oracle *oracle, const struct world_client *client);

/* act_value.c: an encoded value of the kind, such as "reference to account". */
void act_value(struct oracle *oracle, const char *kind, const char *values, struct buffer *out);

/* act_record.c, act_access.c, act_people.c: one step each. */
void act_create(struct oracle *oracle);
void act_update(struct oracle *oracle);
void act_move(struct oracle *oracle);
void act_share(struct oracle *oracle);
void act_remove(struct oracle *oracle);
void act_several(struct oracle *oracle);
void act_assign(struct oracle *oracle);
void act_restrict(struct oracle *oracle);
void act_time(struct oracle *oracle);
void act_prune(struct oracle *oracle);
void act_user(struct oracle *oracle);
void act_party(struct oracle *oracle);
void act_schema(struct oracle *oracle);
void act_set_up(struct oracle *oracle);
/* act_mention.c */
void act_mention(struct oracle *oracle);
void act_inbox(struct oracle *oracle);
/* act_device.c */
void act_device_new(struct oracle *oracle);
void act_device_connect(struct oracle *oracle);
void act_device_disconnect(struct oracle *oracle);
void act_device_pump(struct oracle *oracle);
void act_device_prefer(struct oracle *oracle);
void act_device_check(struct oracle *oracle);
void act_deliver(struct oracle *oracle);
/* act_ask.c */
void act_ask(struct oracle *oracle);

#endif
