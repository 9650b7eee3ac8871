#include "tests/real/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Clients are not run while the test waits for the server's end, and say no goodbye. */
const char *const stage_arguments[] = {"--drain", "1", NULL};

bool stage_has_data(const char *file)
{
    if (access(file, R_OK) == 0) {
        return true;
    }
    (void)fprintf(stderr,
                  "SKIPPED: there is no %s. Nothing was tested; configure with "
                  "-DTANDEM_SHARED_DATA=FOLDER to say where the data is.\n",
                  file);
    return false;
}

static struct tandem_output run(const struct stage *stage, const char *user, const char *password,
                                const char *fresh, const char *const *arguments)
{
    char profile[SCRATCH_PATH + 64];
    (void)snprintf(profile, sizeof profile, "%s/profile-%s", stage->folder, user);
    const struct tandem_command command = {
        .profile = profile, .password = password, .new_password = fresh};
    return tandem_command_run(&command, arguments);
}

/* Says what a command said unless it succeeded. */
static bool settle(const char *user, const char *const *arguments, struct tandem_output *output)
{
    bool good = output->status == 0;
    if (!good) {
        (void)fprintf(stderr, "%s: tandem %s %s: exit status %d\n%s%s\n", user, arguments[0],
                      arguments[1] == NULL ? "" : arguments[1], output->status, output->out,
                      output->err);
    }
    tandem_output_release(output);
    return good;
}

struct tandem_output stage_run_list(const struct stage *stage, const char *user,
                                    const char *const *arguments)
{
    return run(stage, user, NULL, NULL, arguments);
}

bool stage_do_list(const struct stage *stage, const char *user, const char *const *arguments)
{
    struct tandem_output output = run(stage, user, NULL, NULL, arguments);
    return settle(user, arguments, &output);
}

bool stage_sign_in(const struct stage *stage, const char *user, const char *code,
                   const char *password)
{
    const char *const arguments[] = {"login", stage->server.url, "--user", user,
                                     "--ca",  stage->server.ca,  NULL};
    struct tandem_output output = run(stage, user, code, password, arguments);
    return settle(user, arguments, &output);
}

bool stage_open(struct stage *stage)
{
    *stage = (struct stage){.beacon = 0};
    stage->crowd.server = &stage->server;
    return scratch_make(stage->folder) &&
           server_process_make(&stage->server, stage->folder, STAGE_ADMIN, STAGE_ADMIN_PASSWORD) &&
           server_process_start(&stage->server, stage_arguments, 0) &&
           stage_sign_in(stage, STAGE_ADMIN, STAGE_ADMIN_PASSWORD, NULL);
}

bool stage_close(struct stage *stage)
{
    for (size_t i = 0; i < CROWD_MOST; i++) {
        sight_release(&stage->before[i]);
    }
    crowd_release(&stage->crowd);
    model_release(&stage->model);
    bool good = server_process_stop(&stage->server);
    scratch_remove(stage->folder);
    return good;
}

int64_t stage_seq(const struct stage *stage)
{
    struct tandem_output output = stage_run(stage, STAGE_ADMIN, "status", "--json", NULL);
    int64_t seq = tandem_output_number(&output, "seq");
    if (seq < 0) {
        (void)fprintf(stderr, "tandem status: %s%s\n", output.out, output.err);
    }
    tandem_output_release(&output);
    return seq;
}

struct item *stage_assign(struct stage *stage, const char *supplier, const char *account,
                          const char *level, const char *until)
{
    char text[256];
    (void)snprintf(text, sizeof text, "account:%s", account);
    struct item *item = model_add(&stage->model, "assignment", supplier, text);
    (void)snprintf(text, sizeof text, "partner:%s", supplier);
    item_tag(item, text);
    item_set(item, "party", supplier);
    item_set(item, "account", account);
    item_set(item, "level", level);
    item_set(item, "until", until);
    item_set(item, "status", "Active");
    return item;
}

struct item *stage_assignment(const struct stage *stage, const char *supplier, const char *account)
{
    for (size_t i = 0; i < stage->model.count; i++) {
        struct item *item = stage->model.items[i];
        if (!item->gone && strcmp(item->entity, "assignment") == 0 &&
            strcmp(item_get(item, "party"), supplier) == 0 &&
            strcmp(item_get(item, "account"), account) == 0) {
            return item;
        }
    }
    (void)fprintf(stderr, "the model has no assignment of %s to %s\n", supplier, account);
    abort();
}

void stage_begin(struct stage *stage)
{
    stage->starts_over = NULL;
    for (size_t i = 0; i < stage->crowd.count; i++) {
        struct member *member = &stage->crowd.members[i];
        if (member->client != NULL) {
            crowd_forget(member);
            sight_release(&stage->before[i]);
            sight_take(&stage->before[i], &stage->model, &member->viewer);
        }
    }
}

void stage_starts_over(struct stage *stage, const char *user)
{
    stage->starts_over = user;
    for (size_t i = 0; i < stage->crowd.count; i++) {
        if (strcmp(stage->crowd.members[i].user, user) == 0) {
            sight_release(&stage->before[i]);
        }
    }
}

static bool move_beacon(struct stage *stage)
{
    char unit[32];
    (void)snprintf(unit, sizeof unit, "unit=%lu", ++stage->beacon);
    item_set(model_find(&stage->model, "product", BEACON), "unit", unit + strlen("unit="));
    return stage_do(stage, STAGE_ADMIN, "edit", crowd_id(&stage->crowd, "product", BEACON), unit,
                    NULL);
}

/* Which scopes leave and enter says nothing where the replica starts from nothing. */
static void drop_scopes(struct text_list *told)
{
    for (size_t i = told->count; i-- > 0;) {
        const char *text = told->items[i];
        if (strncmp(text, "entered ", 8) == 0 || strncmp(text, "purged ", 7) == 0) {
            text_list_drop(told, i);
        }
    }
}

static bool check_news(const struct stage *stage, size_t index, const char *what)
{
    const struct member *member = &stage->crowd.members[index];
    struct text_list expected = {.count = 0}, actual = {.count = 0};
    struct sight after;
    char whom[256];
    sight_take(&after, &stage->model, &member->viewer);
    sight_news(&stage->before[index], &after, &expected);
    crowd_heard(member, &actual);
    if (stage->starts_over != NULL && strcmp(stage->starts_over, member->user) == 0) {
        text_list_add(&expected, "reset access");
    }
    if (stage->before[index].lines.count == 0) {
        drop_scopes(&actual);
    }
    (void)snprintf(whom, sizeof whom, "%s: told to %s", what, member->viewer.user);
    bool good = text_list_agrees(&expected, &actual, whom);
    text_list_release(&expected);
    text_list_release(&actual);
    sight_release(&after);
    return good;
}

bool stage_check(struct stage *stage, const char *what)
{
    return move_beacon(stage) && stage_check_news(stage, what);
}

bool stage_check_news(struct stage *stage, const char *what)
{
    bool good = crowd_settle(&stage->crowd, stage->beacon);
    if (!good) {
        (void)fprintf(stderr, "%s: not everybody heard of it\n", what);
        return false;
    }
    for (size_t i = 0; i < stage->crowd.count; i++) {
        if (stage->crowd.members[i].client != NULL) {
            good = check_news(stage, i, what) && good;
        }
    }
    return good;
}

bool stage_check_holdings(struct stage *stage, const char *what)
{
    bool good = true;
    for (size_t i = 0; i < stage->crowd.count; i++) {
        const struct member *member = &stage->crowd.members[i];
        struct text_list actual = {.count = 0};
        struct sight sight;
        char whom[256];
        if (member->client == NULL) {
            continue;
        }
        sight_take(&sight, &stage->model, &member->viewer);
        crowd_holds(member, &actual);
        (void)snprintf(whom, sizeof whom, "%s: held by %s", what, member->viewer.user);
        good = text_list_agrees(&sight.lines, &actual, whom) && good;
        text_list_release(&actual);
        sight_release(&sight);
    }
    return good;
}
