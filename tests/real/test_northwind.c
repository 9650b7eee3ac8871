/* A trading company on the real programs: its customers, suppliers, products, orders and people are
 * imported as a user would, three members of departments and the users of all suppliers stay
 * connected, things happen, and after each of them everybody was told exactly what the naive model
 * says, and holds it. The model is made from the files and from what the test did (model.h).
 *
 * Since what each client was told is compared after every single action with what it was entitled
 * to at that moment, nothing that a supplier ever received was outside it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/real/northwind.h"

#define ADMIN STAGE_ADMIN
#define DAY 86400L
#define AT "2026-01-05T09:00:00.000Z"

/* Texts that no supplier may ever hold a byte of, each with this in it. */
#define SECRET "QUITE-INTERNAL"

struct company {
    struct stage stage;
    struct northwind northwind;
};

static int make_company(void **state)
{
    struct company *company = calloc(1, sizeof *company);
    *state = company;
    return company != NULL && northwind_read(&company->northwind) && stage_open(&company->stage) &&
                   northwind_import(&company->northwind, &company->stage)
               ? 0
               : -1;
}

static int end_company(void **state)
{
    struct company *company = *state;
    bool good = stage_close(&company->stage);
    northwind_release(&company->northwind);
    free(company);
    return good ? 0 : -1;
}

/* ---- Doing things, in the programs and in the model ------------------------------------------ */

#define EXOTIC "Exotic Liquids" /* supplier1 */
#define PAVLOVA "Pavlova, Ltd." /* supplier7 */
#define ALFKI "Alfreds Futterkiste"
#define ANATR "Ana Trujillo Emparedados y helados"
#define FISSA "FISSA Fabrica Inter. Salchichas S.A."
#define PARIS "Paris spécialités"
#define ANTON "Antonio Moreno Taquería"

static struct item *add_to(struct stage *stage, const char *entity, const char *title,
                           const char *account)
{
    char scope[256];
    (void)snprintf(scope, sizeof scope, "account:%s", account);
    struct item *item = model_add(&stage->model, entity, title, scope);
    item_set(item, "account", account);
    return item;
}

static void log_call(struct stage *stage, const char *user, const char *account, const char *text,
                     const char *share)
{
    assert_true(stage_do(stage, user, "log", account, text, "--channel", "call", "--direction",
                         "inbound", "--at", AT, share == NULL ? NULL : "--share", share, NULL));
    struct item *item = add_to(stage, "interaction", text, account);
    item_set(item, "channel", "Call");
    item_set(item, "direction", "Inbound");
    item_set(item, "subject", text);
    item_set(item, "body", text);
    item_set(item, "dateStart", AT);
    if (share != NULL) {
        item_tag(item, share);
    }
}

/* `tag`: as the model writes it, where `share` is as a user does. */
static void write_note(struct stage *stage, const char *user, const char *account, const char *text,
                       const char *share, const char *tag)
{
    assert_true(stage_do(stage, user, "note", account, text, share == NULL ? NULL : "--share",
                         share, NULL));
    struct item *item = add_to(stage, "note", text, account);
    item_set(item, "text", text);
    if (tag != NULL) {
        item_tag(item, tag);
    }
}

static void edit(struct stage *stage, const char *entity, const char *title, const char *field,
                 const char *text, const char *value)
{
    char assignment[256];
    (void)snprintf(assignment, sizeof assignment, "%s=%s", field, text);
    assert_true(stage_do(stage, "andrew", "edit", crowd_id(&stage->crowd, entity, title),
                         assignment, NULL));
    item_set(model_find(&stage->model, entity, title), field, value);
}

static struct member *member_of(struct stage *stage, const char *user)
{
    for (size_t i = 0; i < stage->crowd.count; i++) {
        if (strcmp(stage->crowd.members[i].user, user) == 0) {
            return &stage->crowd.members[i];
        }
    }
    abort();
}

/* A day from now, as a date in UTC. */
static const char *date_in(int days, char out[16])
{
    time_t then = time(NULL) + days * DAY;
    struct tm parts;
    (void)gmtime_r(&then, &parts);
    (void)strftime(out, 16, "%Y-%m-%d", &parts);
    return out;
}

#define HAPPENED(stage, what) assert_true(stage_check(stage, what))

static struct stage *begin(void **state)
{
    struct company *company = *state;
    stage_begin(&company->stage);
    return &company->stage;
}

/* ---- What is there at first --------------------------------------------------------------------
 */

static void everybody_holds_what_was_imported(void **state)
{
    struct company *company = *state;
    struct stage *stage = &company->stage;
    assert_int_equal(stage->crowd.count, 3 + 29);
    for (size_t i = 0; i < stage->crowd.count; i++) {
        assert_true(crowd_join(&stage->crowd.members[i]));
    }
    assert_true(stage_check_news(stage, "the imported company"));
    assert_true(stage_check_holdings(stage, "the imported company"));
}

/* ---- Interactions and notes ---------------------------------------------------------------------
 */

static void interactions_reach_those_they_are_for(void **state)
{
    struct stage *stage = begin(state);
    log_call(stage, "nancy", ALFKI, "A call about the margin, " SECRET "-1", NULL);
    HAPPENED(stage, "an internal call");
    stage_begin(stage);
    log_call(stage, "nancy", ALFKI, "A call about delivery in March", "suppliers");
    HAPPENED(stage, "a call shared with suppliers");
    stage_begin(stage);
    log_call(stage, "andrew", FISSA, "A call nobody outside may see", "partners");
    HAPPENED(stage, "a shared call with an account without suppliers");
}

static void notes_reach_those_they_are_for(void **state)
{
    struct stage *stage = begin(state);
    write_note(stage, "andrew", ALFKI, "They hesitate, " SECRET "-2", NULL, NULL);
    HAPPENED(stage, "an internal note");
    stage_begin(stage);
    char share[64];
    (void)snprintf(share, sizeof share, "partner:%s",
                   crowd_id(&stage->crowd, "party", PAVLOVA)); /* its name has a comma */
    write_note(stage, "nancy", ALFKI, "Pallets, please", share, "partner:" PAVLOVA);
    HAPPENED(stage, "a note shared with one supplier");
    stage_begin(stage);
    write_note(stage, "supplier1", ALFKI, "We can deliver on Monday", NULL, "partner:" EXOTIC);
    HAPPENED(stage, "a supplier's own note");
}

static void department_notes_stay_in_the_department(void **state)
{
    struct stage *stage = begin(state);
    const char *text = "For the managers, " SECRET "-3";
    char set[128];
    (void)snprintf(set, sizeof set, "text=%s", text);
    assert_true(stage_do(stage, "andrew", "add", "note", set, "--account", ALFKI, "--audience",
                         "dept:Management", NULL));
    struct item *item = add_to(stage, "note", text, ALFKI);
    item_set(item, "text", text);
    item_untag(item, "internal");
    item_tag(item, "dept:Management");
    HAPPENED(stage, "a note for one department");
}

/* ---- Records change -----------------------------------------------------------------------------
 */

static void a_price_reaches_everybody(void **state)
{
    struct stage *stage = begin(state);
    edit(stage, "product", "Chai", "price", "19.5 USD", "19.50 USD");
    HAPPENED(stage, "a changed price");
}

static void internal_fields_reach_departments_only(void **state)
{
    struct stage *stage = begin(state);
    edit(stage, "account", ALFKI, "rating", "Hot", "Hot");
    HAPPENED(stage, "an internal field");
    stage_begin(stage);
    edit(stage, "account", ALFKI, "website", "https://alfki.example/", "https://alfki.example/");
    HAPPENED(stage, "a shared field");
}

static void a_contact_moves(void **state)
{
    struct stage *stage = begin(state);
    edit(stage, "contact", "Maria Anders", "account", ANATR, ANATR);
    item_move(model_find(&stage->model, "contact", "Maria Anders"), "account:" ANATR);
    HAPPENED(stage, "a contact moved to another account");
}

static void records_go(void **state)
{
    struct stage *stage = begin(state);
    assert_true(stage_do(stage, "nancy", "remove",
                         crowd_id(&stage->crowd, "contact", "Ana Trujillo"), NULL));
    model_find(&stage->model, "contact", "Ana Trujillo")->gone = true;
    HAPPENED(stage, "a contact removed");
    stage_begin(stage);
    assert_true(stage_do(stage, "nancy", "remove",
                         crowd_id(&stage->crowd, "interaction", "Order 10248"), NULL));
    model_find(&stage->model, "interaction", "Order 10248")->gone = true;
    HAPPENED(stage, "an internal interaction removed");
}

static void sharing_shows_and_hides(void **state)
{
    struct stage *stage = begin(state);
    struct item *order = model_find(&stage->model, "interaction", "Order 10643"); /* of ALFKI */
    const char *id = crowd_id(&stage->crowd, "interaction", "Order 10643");
    assert_true(stage_do(stage, "nancy", "share", id, "--with", "suppliers", NULL));
    item_tag(order, "suppliers");
    HAPPENED(stage, "an order shared");
    stage_begin(stage);
    assert_true(stage_do(stage, "nancy", "share", id, "--with", EXOTIC, NULL));
    item_tag(order, "partner:" EXOTIC);
    HAPPENED(stage, "an order shared once more with one of them");
    stage_begin(stage);
    assert_true(stage_do(stage, "nancy", "unshare", id, "--from", "suppliers", NULL));
    item_untag(order, "suppliers");
    HAPPENED(stage, "an order not shared any more, but with one");
    stage_begin(stage);
    assert_true(stage_do(stage, "nancy", "unshare", id, "--from", EXOTIC, NULL));
    item_untag(order, "partner:" EXOTIC);
    HAPPENED(stage, "an order not shared any more");
}

/* ---- Assignments
 * --------------------------------------------------------------------------------- */

static void an_assignment_opens_an_account(void **state)
{
    struct stage *stage = begin(state);
    assert_true(stage_do(stage, "andrew", "assign", EXOTIC, FISSA, "--level", "view", NULL));
    (void)stage_assign(stage, EXOTIC, FISSA, "view", NULL);
    HAPPENED(stage, "an assignment granted");
}

static void a_revocation_closes_it(void **state)
{
    struct stage *stage = begin(state);
    assert_true(stage_do(stage, "andrew", "revoke", EXOTIC, ANTON, NULL));
    stage_assignment(stage, EXOTIC, ANTON)->gone = true;
    HAPPENED(stage, "an assignment revoked");
    stage_begin(stage);
    write_note(stage, "nancy", ANTON, "After they left", "partners", "partners");
    HAPPENED(stage, "a shared note behind a revocation");
    stage_begin(stage);
    assert_true(stage_do(stage, "andrew", "assign", EXOTIC, ANTON, "--level", "edit", NULL));
    (void)stage_assign(stage, EXOTIC, ANTON, "edit", NULL);
    HAPPENED(stage, "an assignment granted again");
}

static void what_has_ended_is_closed(void **state)
{
    char yesterday[16];
    struct stage *stage = begin(state);
    (void)date_in(-1, yesterday);
    assert_true(stage_do(stage, "andrew", "assign", EXOTIC, PARIS, "--level", "view", "--until",
                         yesterday, NULL));
    item_set(stage_assign(stage, EXOTIC, PARIS, "view", yesterday), "status", "Ended");
    HAPPENED(stage, "an assignment that was over from the start");
    stage_begin(stage);
    assert_true(stage_do(stage, "andrew", "assign", PAVLOVA, ALFKI, "--level", "comment", "--until",
                         yesterday, NULL));
    struct item *ended = stage_assignment(stage, PAVLOVA, ALFKI);
    item_set(ended, "until", yesterday);
    item_set(ended, "status", "Ended");
    HAPPENED(stage, "an assignment ended by a date");
}

static void restricted_accounts_are_their_teams(void **state)
{
    char team[128];
    struct stage *stage = begin(state);
    const char *id = crowd_id(&stage->crowd, "account", "Around the Horn");
    struct item *account = model_find(&stage->model, "account", "Around the Horn");
    (void)snprintf(team, sizeof team, "team=%s", crowd_id(&stage->crowd, "user", "andrew"));
    assert_true(stage_do(stage, "andrew", "edit", id, "restricted=yes", team, NULL));
    item_set(account, "restricted", "true");
    item_set(account, "team", "andrew");
    HAPPENED(stage, "an account restricted to its team");
    stage_begin(stage);
    write_note(stage, "andrew", "Around the Horn", "For the team, " SECRET "-4", NULL, NULL);
    HAPPENED(stage, "a note in a restricted account");
    stage_begin(stage);
    assert_true(stage_do(stage, "andrew", "edit", id, "restricted=no", NULL));
    item_set(account, "restricted", "false");
    HAPPENED(stage, "an account open to all departments again");
}

static void new_accounts_are_seen_by_departments(void **state)
{
    struct stage *stage = begin(state);
    assert_true(stage_do(stage, "nancy", "add", "account", "name=Fjord Bruk AS",
                         "industry=Forestry", NULL));
    struct item *account =
        model_add(&stage->model, "account", "Fjord Bruk AS", "account:Fjord Bruk AS");
    item_tag(account, "partners");
    item_set(account, "name", "Fjord Bruk AS");
    item_set(account, "industry", "Forestry");
    HAPPENED(stage, "a new account");
    stage_begin(stage);
    assert_true(
        stage_do(stage, "nancy", "assign", PAVLOVA, "Fjord Bruk AS", "--level", "edit", NULL));
    (void)stage_assign(stage, PAVLOVA, "Fjord Bruk AS", "edit", NULL);
    HAPPENED(stage, "an assignment to the new account");
}

/* ---- People
 * ----------------------------------------------------------------------------------------- */

static void who_changes_departments_sees_what_the_new_one_does(void **state)
{
    struct stage *stage = begin(state);
    stage_starts_over(stage, "laura");
    assert_true(
        stage_do(stage, ADMIN, "user", "move", "laura", "--department", "Management", NULL));
    item_set(model_find(&stage->model, "user", "laura"), "departments", "Management");
    member_of(stage, "laura")->viewer.departments[0] = "Management";
    HAPPENED(stage, "somebody moved to another department");
}

/* What a command says, with the id it was about left out. */
static char *answer_about(const struct stage *stage, const char *command, const char *id,
                          const char *more)
{
    char *text = NULL;
    struct tandem_output output = stage_run(stage, "supplier1", command, id, more, NULL);
    assert_true(asprintf(&text, "%d\n%s%s", output.status, output.out, output.err) > 0);
    for (char *at = text; (at = strstr(at, id)) != NULL;) {
        memset(at, '*', strlen(id));
    }
    tandem_output_release(&output);
    return text;
}

/* Whether a record exists cannot be told from any answer: it is the one for ids that nothing has.
 */
static void a_supplier_who_reaches_for_more_learns_nothing(void **state)
{
    static const char *const commands[][2] = {{"show", NULL},
                                              {"history", NULL},
                                              {"timeline", NULL},
                                              {"edit", "description=x"},
                                              {"remove", NULL},
                                              {"note", "x"},
                                              {"share", "--with=suppliers"}};
    struct stage *stage = begin(state);
    const char *const hidden[] = {crowd_id(&stage->crowd, "account", PARIS),
                                  crowd_id(&stage->crowd, "interaction", "Order 10249"),
                                  crowd_id(&stage->crowd, "party", PAVLOVA),
                                  crowd_id(&stage->crowd, "user", "nancy")};
    const char *nothing = "0198c5a0-0000-7000-8000-000000000000";
    for (size_t c = 0; c < sizeof commands / sizeof commands[0]; c++) {
        char *expected = answer_about(stage, commands[c][0], nothing, commands[c][1]);
        assert_int_equal(expected[0], '1');
        for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
            char *actual = answer_about(stage, commands[c][0], hidden[i], commands[c][1]);
            if (strcmp(expected, actual) != 0) {
                fail_msg("%s: \"%s\" instead of \"%s\"", commands[c][0], actual, expected);
            }
            free(actual);
        }
        free(expected);
    }
    HAPPENED(stage, "a supplier reached for more");
}

/* ---- Imports while everybody watches ------------------------------------------------------------
 */

static void a_changed_file_updates_what_changed(void **state)
{
    struct stage *stage = begin(state);
    char path[SCRATCH_PATH + 32];
    (void)snprintf(path, sizeof path, "%s/customers.csv", stage->folder);
    static const char file[] = "CustomerID,Phone,CompanyName\r\n"
                               "ALFKI,+49 30 999 000,Alfreds Futterkiste\r\n"
                               "ANATR,(5) 555-4729,\"Ana Trujillo Emparedados y helados\"\r\n";
    assert_true(scratch_write(path, file, sizeof file - 1));
    struct tandem_output output =
        stage_run(stage, ADMIN, "import", path, "--as", "account", "--key", "externalId=CustomerID",
                  "--map", "name=CompanyName,phoneNumber=Phone", "--json", NULL);
    assert_int_equal(output.status, 0);
    assert_int_equal(tandem_output_number(&output, "created"), 0);
    assert_int_equal(tandem_output_number(&output, "updated"), 1);
    assert_int_equal(tandem_output_number(&output, "unchanged"), 1);
    tandem_output_release(&output);
    item_set(model_find(&stage->model, "account", ALFKI), "phoneNumber", "+49 30 999 000");
    HAPPENED(stage, "a file imported again with one row changed");
}

/* ---- Away
 * ----------------------------------------------------------------------------------------- */

/* What happened while they were away is told to those who return just as to those who stayed. */
static void who_was_away_gets_the_same(void **state)
{
    struct stage *stage = begin(state);
    struct member *supplier = member_of(stage, "supplier1");
    struct member *staff = member_of(stage, "laura");
    crowd_leave(supplier);
    crowd_leave(staff);
    assert_true(stage_do(stage, "andrew", "revoke", EXOTIC, FISSA, NULL));
    stage_assignment(stage, EXOTIC, FISSA)->gone = true;
    HAPPENED(stage, "a revocation while they were away");
    stage_begin(stage);
    write_note(stage, "nancy", ANTON, "While you were away", "partners", "partners");
    HAPPENED(stage, "a note while they were away");
    stage_begin(stage);
    assert_true(
        stage_do(stage, "andrew", "assign", EXOTIC, "Fjord Bruk AS", "--level", "view", NULL));
    (void)stage_assign(stage, EXOTIC, "Fjord Bruk AS", "view", NULL);
    assert_true(stage_do(stage, "nancy", "remove",
                         crowd_id(&stage->crowd, "contact", "Thomas Hardy"), NULL));
    model_find(&stage->model, "contact", "Thomas Hardy")->gone = true;
    HAPPENED(stage, "an assignment and a removal while they were away");
    stage_begin(
        stage); /* nothing more for those who stayed; the others are told what they missed */
    assert_true(crowd_join(supplier));
    assert_true(crowd_join(staff));
    assert_true(stage_check_news(stage, "those who returned"));
    assert_true(stage_check_holdings(stage, "those who returned"));
}

/* ---- Time passes
 * ---------------------------------------------------------------------------------- */

/* The server is started again with a clock three days ahead: what had tomorrow as its last day is
 * over, and the clients, who have connected again by themselves, are told. */
static void assignments_expire(void **state)
{
    char tomorrow[16];
    struct stage *stage = begin(state);
    (void)date_in(1, tomorrow);
    assert_true(stage_do(stage, "andrew", "assign", EXOTIC, "Blauer See Delikatessen", "--level",
                         "comment", "--until", tomorrow, NULL));
    struct item *assignment =
        stage_assign(stage, EXOTIC, "Blauer See Delikatessen", "comment", tomorrow);
    HAPPENED(stage, "an assignment until tomorrow");
    stage_begin(stage);
    assert_true(server_process_stop(&stage->server));
    assert_true(server_process_start(&stage->server, stage_arguments, 3 * DAY));
    item_set(assignment, "status", "Ended");
    HAPPENED(stage, "an assignment that expired");
}

/* ---- At the end
 * ----------------------------------------------------------------------------------- */

static void everybody_holds_what_the_model_says(void **state)
{
    struct company *company = *state;
    assert_true(stage_check_holdings(&company->stage, "at the end"));
}

/* How many files in the folder hold the text. */
static unsigned files_with(const char *folder, const char *text)
{
    unsigned found = 0;
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char path[SCRATCH_PATH + 400];
        size_t size = 0;
        if (entry->d_name[0] == '.') {
            continue;
        }
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        char *data = scratch_read(path, &size);
        assert_non_null(data);
        found += memmem(data, size, text, strlen(text)) != NULL;
        free(data);
    }
    assert_int_equal(closedir(directory), 0);
    return found;
}

static void no_byte_of_internal_texts_is_on_a_suppliers_disk(void **state)
{
    struct company *company = *state;
    const struct crowd *crowd = &company->stage.crowd;
    for (size_t i = 0; i < crowd->count; i++) {
        const struct member *member = &crowd->members[i];
        unsigned found = files_with(member->replica, SECRET);
        if (member->viewer.supplier == NULL) {
            assert_true(found > 0); /* the search does find what is there */
        } else if (found > 0) {
            fail_msg("%s holds an internal text", member->user);
        }
    }
    const char *replica = member_of(&company->stage, "supplier1")->replica;
    assert_true(files_with(replica, "We can deliver on Monday") > 0); /* their own note */
}

int main(void)
{
    if (!stage_has_data(SHARED_DATA "/northwind/Customers.csv")) {
        return STAGE_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_holds_what_was_imported),
        cmocka_unit_test(interactions_reach_those_they_are_for),
        cmocka_unit_test(notes_reach_those_they_are_for),
        cmocka_unit_test(department_notes_stay_in_the_department),
        cmocka_unit_test(a_price_reaches_everybody),
        cmocka_unit_test(internal_fields_reach_departments_only),
        cmocka_unit_test(an_assignment_opens_an_account),
        cmocka_unit_test(a_revocation_closes_it),
        cmocka_unit_test(what_has_ended_is_closed),
        cmocka_unit_test(a_contact_moves),
        cmocka_unit_test(records_go),
        cmocka_unit_test(sharing_shows_and_hides),
        cmocka_unit_test(restricted_accounts_are_their_teams),
        cmocka_unit_test(new_accounts_are_seen_by_departments),
        cmocka_unit_test(who_changes_departments_sees_what_the_new_one_does),
        cmocka_unit_test(a_supplier_who_reaches_for_more_learns_nothing),
        cmocka_unit_test(a_changed_file_updates_what_changed),
        cmocka_unit_test(who_was_away_gets_the_same),
        cmocka_unit_test(assignments_expire),
        cmocka_unit_test(everybody_holds_what_the_model_says),
        cmocka_unit_test(no_byte_of_internal_texts_is_on_a_suppliers_disk),
    };
    return cmocka_run_group_tests(tests, make_company, end_company);
}
