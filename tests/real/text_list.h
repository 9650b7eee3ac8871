/* Lists of texts, and how two of them differ. Out of memory ends the test. */
#ifndef TANDEM_TESTS_REAL_TEXT_LIST_H
#define TANDEM_TESTS_REAL_TEXT_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialised storage is an empty list. */
struct text_list {
    char **items;
    size_t count, capacity;
};

void text_list_release(struct text_list *list);
void text_list_clear(struct text_list *list);
void text_list_add(struct text_list *list, const char *text);
void text_list_addf(struct text_list *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* By strcmp. */
void text_list_sort(struct text_list *list);
/* Whether a sorted list has the text. */
bool text_list_finds(const struct text_list *sorted, const char *text);
/* Deletes one; the last takes its place. */
void text_list_drop(struct text_list *list, size_t index);

/* Whether both hold the same texts equally often. Sorts both, and prints what is missing from or
 * too much in `actual`, for `whom`. */
bool text_list_agrees(struct text_list *expected, struct text_list *actual, const char *whom);

/* A copy that is the caller's to free. */
char *text_copied(const char *text);

#endif
