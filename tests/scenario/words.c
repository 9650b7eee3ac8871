#include <stdlib.h>
#include <string.h>

#include "protocol/memory.h"
#include "tests/scenario/scenario.h"

const char *variable_get(const struct scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->variable_count; i++) {
        if (strcmp(scenario->variables[i].name, name) == 0)
            return scenario->variables[i].value;
    }
    return NULL;
}

bool variable_set(struct scenario *scenario, const char *name, const char *value)
{
    size_t at = 0;
    while (at < scenario->variable_count && strcmp(scenario->variables[at].name, name) != 0)
        at++;
    struct variable *variable = &scenario->variables[at];
    if (at == SCENARIO_VARIABLES || strlen(name) >= sizeof variable->name)
        return scenario_fail(scenario, "no room for the variable %s", name);
    if (at == scenario->variable_count) {
        *variable = (struct variable){.value = NULL};
        bytes_to_text(bytes_text(name), variable->name, sizeof variable->name);
        scenario->variable_count++;
    }
    memory_free(variable->value);
    variable->value = memory_copy(value, strlen(value));
    return variable->value || scenario_fail(scenario, "out of memory");
}

static bool is_name(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Appends the value of the variable at `at` (behind its dollar) and returns the place behind it. */
static const char *put_variable(struct scenario *scenario, const char *at, struct buffer *out)
{
    char name[48];
    size_t length = 0;
    while (is_name(at[length]))
        length++;
    const char *value =
        variable_get(scenario, bytes_to_text(bytes_of(at, length), name, sizeof name));
    if (!value) {
        scenario_fail(scenario, "there is no variable $%s", name);
        return NULL;
    }
    buffer_append(out, value, strlen(value));
    return at + length;
}

/* A colon in front of a blank is a word of its own, as in "as eva: list account". */
static bool is_colon(const char *at)
{
    return at[0] == ':' && (at[1] == ' ' || at[1] == '\0');
}

/* One word from `at` into `out`; the place behind it, or NULL after telling. */
static const char *cut_word(struct scenario *scenario, const char *at, struct buffer *out)
{
    char quote = '\0';
    if (is_colon(at))
        buffer_append_byte(out, (uint8_t)*at++);
    while (*at && (quote || (*at != ' ' && *at != '\t' && !is_colon(at)))) {
        if (*at == quote) {
            quote = '\0';
            at++;
        } else if (!quote && (*at == '"' || *at == '\'')) {
            quote = *at++;
        } else if (*at == '$' && quote != '\'' && is_name(at[1])) {
            at = put_variable(scenario, at + 1, out);
            if (!at)
                return NULL;
        } else {
            at += *at == '\\' && quote != '\'' && at[1] != '\0';
            buffer_append_byte(out, (uint8_t)*at++);
        }
    }
    if (quote) {
        scenario_fail(scenario, "a quote is not closed");
        return NULL;
    }
    buffer_append_byte(out, '\0');
    return at;
}

/* The same text with variables replaced and nothing else touched. */
static bool expand(struct scenario *scenario, const char *at, struct buffer *out)
{
    while (at && *at) {
        if (*at == '$' && is_name(at[1]))
            at = put_variable(scenario, at + 1, out);
        else
            buffer_append_byte(out, (uint8_t)*at++);
    }
    buffer_append_byte(out, '\0');
    return at != NULL;
}

bool words_cut(struct scenario *scenario, const char *line, struct words *words)
{
    size_t word_at[SCENARIO_WORDS], rest_at[SCENARIO_WORDS];
    *words = (struct words){.count = 0};
    const char *at = line + strspn(line, " \t");
    while (*at) {
        if (words->count == SCENARIO_WORDS)
            return scenario_fail(scenario, "more than %d words", SCENARIO_WORDS);
        word_at[words->count] = words->text.size;
        rest_at[words->count] = words->raw.size;
        words->count++;
        if (!expand(scenario, at, &words->raw))
            return false;
        at = cut_word(scenario, at, &words->text);
        if (!at)
            return false;
        at += strspn(at, " \t");
    }
    if (words->text.failed || words->raw.failed)
        return scenario_fail(scenario, "out of memory");
    for (size_t i = 0; i < words->count; i++) {
        words->word[i] = (const char *)words->text.data + word_at[i];
        words->rest[i] = (const char *)words->raw.data + rest_at[i];
    }
    return true;
}

void words_release(struct words *words)
{
    buffer_release(&words->text);
    buffer_release(&words->raw);
}

bool words_is(const struct words *words, size_t at, const char *text)
{
    return at < words->count && strcmp(words->word[at], text) == 0;
}
