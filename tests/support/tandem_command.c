#include "tests/support/tandem_command.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/child.h"

#define MOST_ARGUMENTS 64

/* What was written to a file without a name. */
static char *whole(FILE *file)
{
    long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : 0;
    char *text = calloc((size_t)size + 1, 1);
    rewind(file);
    if (text == NULL || fread(text, 1, (size_t)size, file) != (size_t)size) {
        perror("the output of a command");
        abort();
    }
    return text;
}

static int start(const struct tandem_command *command, const char *const *arguments,
                 const struct child_streams *streams)
{
    char profile[600], password[256], fresh[256];
    const char *all[MOST_ARGUMENTS] = {TANDEM_PROGRAM};
    const char *environment[4] = {profile};
    size_t count = 1, named = 1;
    (void)snprintf(profile, sizeof profile, "TANDEM_PROFILE=%s", command->profile);
    (void)snprintf(password, sizeof password, "TANDEM_PASSWORD=%s",
                   command->password == NULL ? "" : command->password);
    (void)snprintf(fresh, sizeof fresh, "TANDEM_NEW_PASSWORD=%s",
                   command->new_password == NULL ? "" : command->new_password);
    if (command->password != NULL) {
        environment[named++] = password;
    }
    if (command->new_password != NULL) {
        environment[named++] = fresh;
    }
    for (size_t i = 0; arguments[i] != NULL; i++) {
        if (count + 1 == MOST_ARGUMENTS) {
            return 127;
        }
        all[count++] = arguments[i];
    }
    pid_t pid = child_start(all, environment, streams, CHILD_SECONDS);
    return pid < 0 ? 127 : child_wait(pid);
}

struct tandem_output tandem_command_run(const struct tandem_command *command,
                                        const char *const *arguments)
{
    FILE *out = tmpfile(), *err = tmpfile();
    int in = command->input == NULL ? -1 : open(command->input, O_RDONLY | O_CLOEXEC);
    if (out == NULL || err == NULL || (command->input != NULL && in < 0)) {
        perror("files for a command");
        abort();
    }
    const struct child_streams streams = {in, fileno(out), fileno(err)};
    struct tandem_output output = {.status = start(command, arguments, &streams)};
    output.out = whole(out);
    output.err = whole(err);
    (void)fclose(out);
    (void)fclose(err);
    if (in >= 0) {
        (void)close(in);
    }
    return output;
}

void tandem_output_release(struct tandem_output *output)
{
    free(output->out);
    free(output->err);
    *output = (struct tandem_output){.status = 0};
}

/* Behind the colon of a member; good enough for what tandem itself prints without spaces. */
static const char *find(const struct tandem_output *output, const char *member)
{
    char name[64];
    int size = snprintf(name, sizeof name, "\"%s\":", member);
    const char *at = strstr(output->out, name);
    return at == NULL ? NULL : at + size;
}

void tandem_output_text(const struct tandem_output *output, const char *member, char *out,
                        size_t size)
{
    const char *at = find(output, member);
    bool text = at != NULL && *at == '"';
    (void)snprintf(out, size, "%.*s", text ? (int)strcspn(at + 1, "\"") : 0, text ? at + 1 : "");
}

int64_t tandem_output_number(const struct tandem_output *output, const char *member)
{
    const char *at = find(output, member);
    char *end = NULL;
    long long number = at == NULL ? -1 : strtoll(at, &end, 10);
    return at == NULL || end == at ? -1 : (int64_t)number;
}
