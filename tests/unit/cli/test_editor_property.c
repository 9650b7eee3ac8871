/* After any keys of ours and changes of others: the cursor is at the beginning of a character and
 * in sight, and what is shown is what a renderer shows that is written the other way: over arrays
 * of characters, from the beginning of the text. */
#include "prelude.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "editor_fixture.h"

#define MOST 4096u

/* ---- The naive renderer ---------------------------------------------------------------------- */

static const struct glyph {
    const char *bytes, *shown;
    unsigned width; /* 0: a mark; 9: a tab; 8: a newline */
} glyphs[] = {
    {"a", "a", 1},
    {"b", "b", 1},
    {"Z", "Z", 1},
    {".", ".", 1},
    {" ", " ", 1},
    {" ", " ", 1},
    {"\n", "", 8},
    {"\t", " ", 9},
    {"\xC3\xA6", "\xC3\xA6", 1},
    {"\xE6\xBC\xA2", "\xE6\xBC\xA2", 2},
    {"\xF0\x9F\x91\x8D", "\xF0\x9F\x91\x8D", 2},
    {"\xCC\x81", "\xCC\x81", 0},
    {"\xE2\x80\x8D", "", 0},
    {"\033", "^[", 2},
    {"\xC2\x9B", "<9B>", 4},
};
#define GLYPHS (sizeof glyphs / sizeof glyphs[0])

struct naive {
    size_t at[MOST + 1]; /* where each character begins; the last: the end */
    char shown[MOST][EDITOR_SHOWN];
    unsigned width[MOST];
    size_t count;
    size_t row_from[MOST + 1], row_to[MOST + 1]; /* characters */
    size_t rows;
};

static const struct glyph *glyph_at(const char *text, size_t *size)
{
    for (size_t i = 0; i < GLYPHS; i++) {
        *size = strlen(glyphs[i].bytes);
        if (strncmp(text, glyphs[i].bytes, *size) == 0) {
            return &glyphs[i];
        }
    }
    fail_msg("not one of the characters used here");
    return NULL;
}

static void split(struct naive *naive, const char *text, size_t size)
{
    size_t marks = 0;
    naive->count = 0;
    bool takes_marks = false;
    for (size_t at = 0; at < size;) {
        size_t length = 0;
        const struct glyph *glyph = glyph_at(text + at, &length);
        if (glyph->width == 0 && takes_marks) {
            if (marks < 4 && glyph->shown[0] != '\0') {
                (void)strcat(naive->shown[naive->count - 1], glyph->shown);
                marks++;
            }
        } else {
            bool bare = glyph->width == 0;
            naive->at[naive->count] = at;
            naive->width[naive->count] = bare ? 1 : glyph->width;
            (void)snprintf(naive->shown[naive->count], EDITOR_SHOWN, "%s%s",
                           bare ? "\xE2\x97\x8C" : "", glyph->shown);
            marks = bare && glyph->shown[0] != '\0';
            naive->count++;
            takes_marks = glyph->width < 8 && (unsigned char)glyph->bytes[0] >= 0x20 &&
                          strcmp(glyph->bytes, "\xC2\x9B") != 0;
        }
        at += length;
    }
    naive->at[naive->count] = size;
}

static unsigned width_in(const struct naive *naive, size_t index, size_t column)
{
    unsigned width = naive->width[index];
    return width == 9 ? 8 - (unsigned)(column % 8) : width == 8 ? 0 : width;
}

static bool is_blank(const struct naive *naive, size_t index)
{
    bool alone = naive->at[index + 1] - naive->at[index] == 1; /* without marks */
    return naive->width[index] == 9 || (alone && strcmp(naive->shown[index], " ") == 0);
}

static bool is_wide(const struct naive *naive, size_t index)
{
    return naive->width[index] == 2 && naive->shown[index][0] != '^';
}

/* Whether a line may be broken in front of this character, which is not its first. */
static bool may_break(const struct naive *naive, size_t index)
{
    return (is_blank(naive, index - 1) && !is_blank(naive, index)) || is_wide(naive, index) ||
           (is_wide(naive, index - 1) && !is_blank(naive, index));
}

/* Columns of [from, to) without the blanks at its end. */
static size_t columns_of(const struct naive *naive, size_t from, size_t to)
{
    size_t column = 0;
    while (to > from && is_blank(naive, to - 1)) {
        to--;
    }
    for (size_t i = from; i < to; i++) {
        column += width_in(naive, i, column);
    }
    return column;
}

/* The longest row that fits, by trying each end. */
static size_t row_end(const struct naive *naive, size_t from, size_t line_end, size_t columns)
{
    size_t best = 0;
    if (columns_of(naive, from, line_end) <= columns) {
        return line_end;
    }
    for (size_t to = from + 1; to < line_end; to++) {
        if (may_break(naive, to) && columns_of(naive, from, to) <= columns) {
            best = to;
        }
    }
    for (size_t to = from + 1; best == 0 && to <= line_end; to++) {
        if (columns_of(naive, from, to) > columns) {
            return to > from + 1 ? to - 1 : to;
        }
    }
    return best;
}

static void break_rows(struct naive *naive, size_t columns)
{
    size_t from = 0;
    naive->rows = 0;
    for (;;) {
        size_t line_end = from;
        while (line_end < naive->count && naive->width[line_end] != 8) {
            line_end++;
        }
        do {
            size_t to = row_end(naive, from, line_end, columns);
            naive->row_from[naive->rows] = from;
            naive->row_to[naive->rows++] = to;
            from = to;
        } while (from < line_end);
        if (from == naive->count) {
            return;
        }
        from++;
    }
}

static void render_row(const struct naive *naive, size_t row, size_t columns, char *out)
{
    size_t column = 0;
    size_t used = 0;
    size_t kept = 0;
    for (size_t i = naive->row_from[row]; i < naive->row_to[row]; i++) {
        unsigned width = width_in(naive, i, column);
        if (naive->width[i] == 9) {
            for (unsigned k = 0; k < width; k++) {
                out[used++] = ' ';
            }
        } else if (column + width <= columns) { /* else a blank that hangs */
            memcpy(out + used, naive->shown[i], strlen(naive->shown[i]));
            used += strlen(naive->shown[i]);
        }
        bool seen = naive->width[i] != 9 && strcmp(naive->shown[i], " ") != 0;
        kept = seen ? used : kept;
        column += width;
    }
    out[kept] = '\0';
}

/* ---- The run --------------------------------------------------------------------------------- */

static struct fixture f;
static struct naive naive;

static size_t index_of(size_t at)
{
    for (size_t i = 0; i <= naive.count; i++) {
        if (naive.at[i] == at) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* `y_before`: the row of the screen that the cursor was in when somebody else changed the text, or
 * SIZE_MAX.
 */
static void check(size_t rows, size_t columns, size_t y_before)
{
    char expected[1024];
    split(&naive, f.text, f.size);
    break_rows(&naive, columns - 1);
    (void)fixture_row(&f, 0); /* draws */
    assert_true(index_of(f.editor.cursor) != SIZE_MAX);
    size_t top = 0;
    while (top < naive.rows && naive.at[naive.row_from[top]] != f.editor.top) {
        top++;
    }
    if (top == naive.rows) {
        fail_msg("no row begins at %zu of %s", f.editor.top, f.text);
    }
    for (size_t y = 0; y + 2 < rows; y++) {
        expected[0] = '\0';
        if (top + y < naive.rows) {
            render_row(&naive, top + y, columns - 1, expected);
        }
        fixture_shows(&f, y, expected);
    }
    size_t row = top + f.frame.cursor_row;
    size_t cursor = index_of(f.editor.cursor);
    assert_true(f.frame.cursor_row + 2 < rows && row < naive.rows);
    if (naive.rows + 2 <= rows) {
        assert_int_equal(top, 0); /* nothing is out of sight without need */
    } else if (y_before != SIZE_MAX) {
        assert_int_equal(f.frame.cursor_row, y_before < row ? y_before : row);
    }
    assert_true(cursor >= naive.row_from[row] && cursor <= naive.row_to[row]);
    assert_true(cursor < naive.row_to[row] || row + 1 == naive.rows ||
                naive.row_from[row + 1] > cursor);
    size_t column = 0;
    for (size_t i = naive.row_from[row]; i < cursor; i++) {
        column += width_in(&naive, i, column);
    }
    assert_int_equal(f.frame.cursor_column, column < columns - 1 ? column : columns - 1);
}

static void some_text(unsigned *seed, char out[64])
{
    size_t count = 1 + (size_t)rand_r(seed) % 9;
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        (void)strcat(out, glyphs[(size_t)rand_r(seed) % GLYPHS].bytes);
    }
}

/* A place where a code point begins, as those of others are. */
static size_t some_place(unsigned *seed, size_t from)
{
    size_t at = from + (size_t)rand_r(seed) % (f.size - from + 1);
    while (at < f.size && ((unsigned char)f.text[at] & 0xC0) == 0x80) {
        at++;
    }
    return at;
}

static void others_change(unsigned *seed)
{
    char text[64];
    size_t from = some_place(seed, 0);
    size_t to = rand_r(seed) % 2 == 0 ? from : some_place(seed, from);
    to = to - from > 12 ? from : to;
    some_text(seed, text);
    fixture_other(&f, from, to - from, rand_r(seed) % 4 == 0 || f.size > 900 ? "" : text);
}

static void we_act(unsigned *seed)
{
    char text[64];
    int what = rand_r(seed) % 3;
    if (what == 0 && f.size < 900) {
        some_text(seed, text);
        fixture_type(&f, text);
        return;
    }
    enum editor_action action =
        (enum editor_action)(1 + rand_r(seed) % (f.size > 900 ? EDITOR_REDO : EDITOR_DELETE));
    fixture_act(&f, action);
}

static void any_edits_of_anybody(void **state)
{
    (void)state;
    const char *given = getenv("TANDEM_SEED");
    unsigned seed = given == NULL ? 20261122u : (unsigned)strtoul(given, NULL, 10);
    print_message("seed %u\n", seed);
    for (unsigned round = 0; round < 40; round++) {
        size_t rows = 4 + (size_t)rand_r(&seed) % 12;
        size_t columns = 6 + (size_t)rand_r(&seed) % 40;
        fixture_begin(&f, "", rows, columns);
        for (unsigned step = 0; step < 150; step++) {
            bool others = rand_r(&seed) % 3 == 0;
            size_t y = f.frame.cursor_row;
            if (others) {
                others_change(&seed);
            } else {
                we_act(&seed);
            }
            check(rows, columns, others ? y : SIZE_MAX);
        }
        fixture_end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_edits_of_anybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
