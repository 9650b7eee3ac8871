/* as, user: the command line in the hands of a user. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scenario/scenario.h"

bool command_tandem(struct scenario *scenario, const char *user, const char *const *words,
                    size_t count, const char *const *settings, size_t setting_count)
{
    char program[SCENARIO_PATH + 16], profile[SCENARIO_PATH + 80];
    char *argv[SCENARIO_WORDS + 3] = {program};
    const char *environment[SCENARIO_WORDS + 1] = {profile};
    snprintf(program, sizeof program, "%s/tandem", scenario->bin);
    snprintf(profile, sizeof profile, "TANDEM_PROFILE=%s/profile-%s", scenario->dir, user);
    size_t at = 1;
    bool plainly = count > 0 && strcmp(words[0], "plainly") == 0;
    for (size_t i = plainly; i < count; i++)
        argv[at++] = (char *)(uintptr_t)words[i];
    if (!plainly)
        argv[at++] = (char *)(uintptr_t) "--json";
    for (size_t i = 0; i < setting_count; i++)
        environment[i + 1] = settings[i];
    return process_run(scenario, argv, environment, setting_count + 1);
}

static bool keep_id(struct scenario *scenario, const char *name)
{
    json_t *said = json_loads((char *)scenario->last.out.data, JSON_DISABLE_EOF_CHECK, NULL);
    const char *id = json_string_value(json_object_get(said, "id"));
    bool kept = id ? variable_set(scenario, name, id)
                   : scenario_fail(scenario, "there is no id in the answer: %s",
                                   (char *)scenario->last.out.data);
    json_decref(said);
    return kept;
}

static bool check_status(struct scenario *scenario, int wanted)
{
    return scenario->last.status == wanted ||
           scenario_fail(scenario, "the exit status is %d instead of %d\n%s%s",
                         scenario->last.status, wanted, (char *)scenario->last.out.data,
                         (char *)scenario->last.err.data);
}

/* as USER [fails N] [with NAME=VALUE...]: COMMAND... [-> VARIABLE] */
bool step_as(struct scenario *scenario, const struct words *words)
{
    size_t at = 2, with = 0, settings = 0, end = words->count;
    int status = 0;
    const char *keep = NULL;
    if (words_is(words, at, "fails") && at + 1 < end) {
        status = (int)strtol(words->word[at + 1], NULL, 10);
        at += 2;
    }
    if (words_is(words, at, "with")) {
        with = ++at;
        while (at < end && !words_is(words, at, ":"))
            at++;
        settings = at - with;
    }
    if (!words_is(words, at, ":"))
        return scenario_fail(scenario, "as USER [fails N] [with NAME=VALUE...]: COMMAND...");
    if (end > at + 3 && words_is(words, end - 2, "->")) {
        keep = words->word[end - 1];
        end -= 2;
    }
    return command_tandem(scenario, words->word[1], words->word + at + 1, end - at - 1,
                          words->word + with, settings) &&
           check_status(scenario, status) && (!keep || keep_id(scenario, keep));
}

/* user NAME FLAGS...: adds the user and signs them in with their code. */
bool step_user(struct scenario *scenario, const struct words *words)
{
    const char *add[SCENARIO_WORDS] = {"user", "add"};
    for (size_t i = 1; i < words->count; i++)
        add[i + 1] = words->word[i];
    const char *name = words->count > 1 ? words->word[1] : "";
    if (!command_tandem(scenario, "admin", add, words->count + 1, NULL, 0) ||
        !check_status(scenario, 0))
        return false;
    json_t *said = json_loads((char *)scenario->last.out.data, JSON_DISABLE_EOF_CHECK, NULL);
    const char *code = json_string_value(json_object_get(said, "code"));
    char once[128], fresh[128];
    const char *settings[] = {once, fresh};
    const char *login[] = {"login", variable_get(scenario, "URL"), "--user", name, "--ca",
                           "certs/ca.pem"};
    snprintf(once, sizeof once, "TANDEM_PASSWORD=%s", code ? code : "");
    snprintf(fresh, sizeof fresh, "TANDEM_NEW_PASSWORD=%s-password-1", name);
    json_decref(said);
    return command_tandem(scenario, name, login, 6, settings, 2) && check_status(scenario, 0);
}
