#include "tests/real/text_list.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SHOWN 4

char *text_copied(const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL) {
        abort();
    }
    return copy;
}

static void take(struct text_list *list, char *text)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        list->items = reallocarray(list->items, list->capacity, sizeof *list->items);
        if (list->items == NULL) {
            abort();
        }
    }
    list->items[list->count++] = text;
}

void text_list_clear(struct text_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    list->count = 0;
}

void text_list_release(struct text_list *list)
{
    text_list_clear(list);
    free(list->items);
    *list = (struct text_list){.count = 0};
}

void text_list_add(struct text_list *list, const char *text)
{
    take(list, text_copied(text));
}

void text_list_addf(struct text_list *list, const char *format, ...)
{
    char *text = NULL;
    va_list values;
    va_start(values, format);
    int size = vasprintf(&text, format, values);
    va_end(values);
    if (size < 0) {
        abort();
    }
    take(list, text);
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

void text_list_sort(struct text_list *list)
{
    if (list->count > 1) {
        qsort(list->items, list->count, sizeof *list->items, compare);
    }
}

bool text_list_finds(const struct text_list *sorted, const char *text)
{
    return sorted->count > 0 &&
           bsearch(&text, sorted->items, sorted->count, sizeof *sorted->items, compare) != NULL;
}

void text_list_drop(struct text_list *list, size_t index)
{
    free(list->items[index]);
    list->items[index] = list->items[--list->count];
}

static void tell(size_t *told, const char *whom, const char *what, const char *text)
{
    if ((*told)++ < MOST_SHOWN) {
        (void)fprintf(stderr, "%s: %s: %s\n", whom, what, text);
    }
}

bool text_list_agrees(struct text_list *expected, struct text_list *actual, const char *whom)
{
    size_t missing = 0, extra = 0, e = 0, a = 0;
    text_list_sort(expected);
    text_list_sort(actual);
    while (e < expected->count || a < actual->count) {
        int order = e == expected->count ? 1
                    : a == actual->count ? -1
                                         : strcmp(expected->items[e], actual->items[a]);
        if (order < 0) {
            tell(&missing, whom, "missing", expected->items[e]);
        } else if (order > 0) {
            tell(&extra, whom, "too much", actual->items[a]);
        }
        e += order <= 0;
        a += order >= 0;
    }
    if (missing + extra > 0) {
        (void)fprintf(stderr, "%s: %zu missing, %zu too much, of %zu\n", whom, missing, extra,
                      expected->count);
    }
    return missing + extra == 0;
}
