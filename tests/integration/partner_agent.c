/* The partner's agent: files come with access and go with it, each once. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/integration/program.h"
#include "tests/integration/programs.h"

struct shared {
    const struct company *company;
    char account[COMPANY_ID], contact[COMPANY_ID];
    char files[SCRATCH_PATH + 32];
};

static void words(const struct shared *shared, const char *format, const char *id)
{
    char text[512];
    (void)snprintf(text, sizeof text, format, id);
    company_do(shared->company, "admin", text);
}

static void add_contact(const struct shared *shared, const char *name, char id[COMPANY_ID])
{
    char text[256];
    (void)snprintf(text, sizeof text, "add|contact|lastName=%s|--account|%s", name,
                   shared->account);
    company_add(shared->company, "admin", text, id);
}

/* An account with a contact, which Nordic Paper may see. `name` is also of the folder of files. */
static void begin(struct shared *shared, const struct company *company, const char *name)
{
    char text[256];
    *shared = (struct shared){.company = company};
    (void)snprintf(shared->files, sizeof shared->files, "%s/files-%s", company->folder, name);
    (void)snprintf(text, sizeof text, "add|account|name=%s", name);
    company_add(company, "admin", text, shared->account);
    add_contact(shared, "Berg", shared->contact);
    words(shared, "assign|Nordic Paper|%s|--level|view", shared->account);
}

static void start(struct program *agent, const struct shared *shared)
{
    program_start(agent, shared->company, "partner-agent", "eva", shared->files);
}

static void says(struct program *agent, const char *what, const char *id, const char *behind)
{
    char text[128];
    (void)snprintf(text, sizeof text, "%s %s.json%s\n", what, id, behind);
    program_says(agent, text);
}

static void path_of(const struct shared *shared, const char *id, char path[SCRATCH_PATH + 128])
{
    (void)snprintf(path, SCRATCH_PATH + 128, "%s/%s.json", shared->files, id);
}

static bool has(const struct shared *shared, const char *id, const char *text)
{
    char path[SCRATCH_PATH + 128];
    size_t size = 0;
    path_of(shared, id, path);
    char *held = access(path, F_OK) == 0 ? scratch_read(path, &size) : NULL;
    bool found = held != NULL && strstr(held, text) != NULL;
    free(held);
    return found;
}

static ino_t number_of(const struct shared *shared, const char *id)
{
    char path[SCRATCH_PATH + 128];
    struct stat about;
    path_of(shared, id, path);
    assert_int_equal(stat(path, &about), 0);
    return about.st_ino;
}

static size_t count_files(const struct shared *shared)
{
    size_t count = 0;
    DIR *folder = opendir(shared->files);
    assert_non_null(folder);
    for (const struct dirent *file; (file = readdir(folder)) != NULL;) {
        count += file->d_name[0] != '.';
    }
    (void)closedir(folder);
    return count;
}

/* How often the program has said "new". */
static size_t count_new(const struct program *agent)
{
    size_t count = 0;
    for (const char *at = agent->said; (at = strstr(at, "new ")) != NULL; at += 4) {
        count++;
    }
    return count;
}

void agent_keeps_a_file_for_what_is_shared(void **state)
{
    struct shared shared;
    struct program agent;
    char note[COMPANY_ID], dahl[COMPANY_ID], path[SCRATCH_PATH + 128], text[256];
    begin(&shared, *state, "Fjord");
    (void)snprintf(text, sizeof text, "note|%s|Only for us", shared.account);
    company_add(shared.company, "admin", text, note);

    start(&agent, &shared);
    says(&agent, "new", shared.contact, " contact");
    assert_true(has(&shared, shared.contact, "Berg"));
    add_contact(&shared, "Dahl", dahl);
    says(&agent, "new", dahl, " contact");
    assert_true(has(&shared, shared.account, "Fjord"));
    assert_int_equal(count_files(&shared), 3);

    words(&shared, "share|%s|--with|suppliers", note);
    says(&agent, "new", note, " note");
    assert_true(has(&shared, note, "Only for us"));
    words(&shared, "edit|%s|title=Buyer", shared.contact);
    says(&agent, "changed", shared.contact, " contact");
    assert_true(has(&shared, shared.contact, "Buyer"));
    words(&shared, "remove|%s", dahl);
    says(&agent, "gone", dahl, "");
    assert_int_equal(count_files(&shared), 3);

    /* A file that is still open when access ends holds nothing any more. */
    path_of(&shared, note, path);
    FILE *held = fopen(path, "re");
    assert_non_null(held);
    (void)snprintf(path, sizeof path, "%s/of-somebody-else.txt", shared.files);
    assert_true(scratch_write(path, "x", 1));
    words(&shared, "revoke|Nordic Paper|%s", shared.account);
    for (int i = 0; i < 3; i++) {
        program_says(&agent, "gone ");
        program_says(&agent, "\n");
    }
    assert_int_equal(count_files(&shared), 1);
    for (int c; (c = getc(held)) != EOF;) {
        assert_int_equal(c, 0);
    }
    (void)fclose(held);
    program_kill(&agent);
    assert_int_equal(count_new(&agent), 4);
    program_release(&agent);
}

void agent_finds_what_happened_while_it_was_away(void **state)
{
    struct shared shared;
    struct program agent;
    char lien[COMPANY_ID], unfinished[SCRATCH_PATH + 128];
    begin(&shared, *state, "Vestland");
    start(&agent, &shared);
    says(&agent, "new", shared.contact, " contact");
    program_kill(&agent);
    program_release(&agent);

    /* Of two files, one is lost between the replica's change and its own, one is half written. */
    ino_t before = number_of(&shared, shared.account);
    path_of(&shared, shared.contact, unfinished);
    assert_int_equal(unlink(unfinished), 0);
    (void)snprintf(unfinished, sizeof unfinished, "%s/%s.new", shared.files, shared.contact);
    assert_true(scratch_write(unfinished, "{", 1));
    add_contact(&shared, "Lien", lien);
    start(&agent, &shared);
    says(&agent, "new", lien, " contact");
    program_kill(&agent);
    assert_int_equal(count_new(&agent), 2);
    program_release(&agent);
    assert_true(has(&shared, shared.contact, "Berg"));
    assert_int_equal(access(unfinished, F_OK), -1);
    assert_true(number_of(&shared, shared.account) == before);

    words(&shared, "revoke|Nordic Paper|%s", shared.account);
    start(&agent, &shared);
    for (int i = 0; i < 3; i++) {
        program_says(&agent, "gone ");
    }
    program_says(&agent, "\n");
    assert_int_equal(count_files(&shared), 0);
    program_kill(&agent);
    assert_int_equal(count_new(&agent), 0);
    program_release(&agent);
}
