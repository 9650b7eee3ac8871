/* Writing cells of CSV files, and what keeps a spreadsheet from running them (cli_csv.h). */
#include <string.h>

#include "cli/cli_csv.h"

/* Whether a spreadsheet would take the text for a formula. A sign alone does not make one: phone
 * numbers and amounts begin with it too. */
static bool is_formula(const char *text)
{
    if (text[0] == '+' || text[0] == '-') {
        return text[1 + strspn(text + 1, "0123456789 ()-./")] != '\0';
    }
    return text[0] != '\0' && strchr("=@\t\r", text[0]) != NULL;
}

/* A formula behind apostrophes gets one more, so that reading back takes off no other. */
static bool is_guarded(const char *text)
{
    return is_formula(text + strspn(text, "'"));
}

const char *csv_unguard(const char *cell)
{
    return cell[0] == '\'' && is_guarded(cell) ? cell + 1 : cell;
}

void csv_put_cell(FILE *out, const char *text)
{
    size_t size = strlen(text);
    bool plain = strpbrk(text, ",;\t\"\r\n") == NULL &&
                 (size == 0 || (text[0] != ' ' && text[size - 1] != ' '));
    const char *guard = is_guarded(text) ? "'" : "";
    if (plain) {
        (void)fprintf(out, "%s%s", guard, text);
        return;
    }
    (void)fprintf(out, "\"%s", guard);
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            (void)fputc('"', out);
        }
        (void)fputc(*text, out);
    }
    (void)fputc('"', out);
}
