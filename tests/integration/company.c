#include "tests/integration/company.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/child.h"

#define ADMIN_PASSWORD "admin-password"

static bool build(const struct company *company)
{
    const char *const arguments[] = {"sh",           BUILD_PROGRAMS,  BUILD_FOLDER,
                                     SOURCE_FOLDER,  CMAKE_PROGRAM,   COMPILER,
                                     COMPILER_FLAGS, company->folder, NULL};
    const struct child_streams streams = {-1, 1, 2};
    pid_t pid = child_start(arguments, NULL, &streams, CHILD_SECONDS);
    return pid >= 0 && child_wait(pid) == 0;
}

static struct tandem_output run(const struct company *company, const char *user,
                                const char *password, const char *fresh,
                                const char *const *arguments)
{
    char profile[SCRATCH_PATH + 64];
    (void)snprintf(profile, sizeof profile, "%s/profile-%s", company->folder, user);
    const struct tandem_command command = {
        .profile = profile, .password = password, .new_password = fresh};
    return tandem_command_run(&command, arguments);
}

static bool settle(const char *user, struct tandem_output *output)
{
    bool good = output->status == 0;
    if (!good) {
        (void)fprintf(stderr, "%s: exit status %d\n%s%s\n", user, output->status, output->out,
                      output->err);
    }
    tandem_output_release(output);
    return good;
}

static bool sign_in(const struct company *company, const char *user, const char *secret,
                    const char *fresh)
{
    const char *const arguments[] = {"login", company->server.url, "--user", user,
                                     "--ca",  company->server.ca,  NULL};
    struct tandem_output output = run(company, user, secret, fresh, arguments);
    return settle(user, &output);
}

struct words {
    char text[1024];
    const char *word[COMPANY_WORDS + 1];
};

static void split(const char *text, struct words *words)
{
    size_t count = 0;
    char *rest = NULL;
    (void)snprintf(words->text, sizeof words->text, "%s", text);
    for (char *word = strtok_r(words->text, "|", &rest); word != NULL && count < COMPANY_WORDS;
         word = strtok_r(NULL, "|", &rest)) {
        words->word[count++] = word;
    }
    words->word[count] = NULL;
}

static struct tandem_output run_words(const struct company *company, const char *user,
                                      const char *text)
{
    struct words words;
    split(text, &words);
    return run(company, user, NULL, NULL, words.word);
}

static bool add_user(const struct company *company, const char *user, const char *place)
{
    char code[64], text[256];
    (void)snprintf(text, sizeof text, "user|add|%s|%s|--json", user, place);
    struct tandem_output output = run_words(company, "admin", text);
    tandem_output_text(&output, "code", code, sizeof code);
    return settle(user, &output) && sign_in(company, user, code, COMPANY_PASSWORD);
}

int company_make(struct company *company)
{
    /* Programs are killed here, and say no goodbye for which the server would wait. */
    static const char *const quickly[] = {"--drain", "1", NULL};
    if (!scratch_make(company->folder) || !build(company) ||
        !server_process_make(&company->server, company->folder, "admin", ADMIN_PASSWORD) ||
        !server_process_start(&company->server, quickly, 0) ||
        !sign_in(company, "admin", ADMIN_PASSWORD, NULL)) {
        return 1;
    }
    struct tandem_output output =
        run_words(company, "admin", "party|add|Nordic Paper|--kind|supplier");
    return settle("admin", &output) && add_user(company, "kari", "--department|sales") &&
                   add_user(company, "nils", "--department|sales") &&
                   add_user(company, "vera", "--department|sales|--role|Viewer") &&
                   add_user(company, "eva", "--partner|Nordic Paper")
               ? 0
               : 1;
}

void company_end(struct company *company)
{
    if (company->server.pid != 0) {
        (void)kill(company->server.pid, SIGCONT); /* a test that failed may have stopped it */
    }
    (void)server_process_stop(&company->server);
    scratch_remove(company->folder);
}

struct tandem_output company_run(const struct company *company, const char *user, const char *words)
{
    struct tandem_output output = run_words(company, user, words);
    if (output.status != 0) {
        print_error("%s: %s\n%s%s\n", user, words, output.out, output.err);
        fail();
    }
    return output;
}

void company_do(const struct company *company, const char *user, const char *words)
{
    struct tandem_output output = company_run(company, user, words);
    tandem_output_release(&output);
}

void company_add(const struct company *company, const char *user, const char *words,
                 char id[COMPANY_ID])
{
    char all[1024];
    (void)snprintf(all, sizeof all, "%s|--json", words);
    struct tandem_output output = company_run(company, user, all);
    tandem_output_text(&output, "id", id, COMPANY_ID);
    tandem_output_release(&output);
    assert_int_equal(strlen(id), 36);
}
