#include "support.h"

#include <stdio.h>
#include <time.h>

#include "protocol/schema.h"

static int64_t days_of(const char *text)
{
    int64_t days;
    if (!schema_date_from_text(bytes_text(text), &days))
        fail_msg("%s was refused", text);
    return days;
}

static void days_are_counted_from_1970(void **state)
{
    (void)state;
    assert_int_equal(days_of("1970-01-01"), 0);
    assert_int_equal(days_of("1969-12-31"), -1);
    assert_int_equal(days_of("2000-03-01"), 11017);
    assert_int_equal(days_of("0001-01-01"), -719162);
    assert_int_equal(days_of("9999-12-31"), 2932896);
}

/* Every day of the years 1 to 9999, by stepping through the calendar. */
static void every_day_follows_the_one_before(void **state)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t wanted = -719162;
    (void)state;
    for (int year = 1; year <= 9999; year++)
        for (int month = 1; month <= 12; month++) {
            const bool leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
            const int length = lengths[month - 1] + (month == 2 && leap);
            for (int day = 1; day <= 31; day++) {
                char text[16], printed[SCHEMA_TIME_TEXT];
                int64_t days = 0;
                snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);
                const bool good = schema_date_from_text(bytes_text(text), &days);
                if (good != (day <= length) || (good && days != wanted))
                    fail_msg("%s", text);
                if (!good)
                    continue;
                schema_time_to_text(days * 86400000 + 1, printed);
                assert_memory_equal(printed, text, 10);
                wanted++;
            }
        }
}

static void other_texts_are_no_dates(void **state)
{
    static const char *const bad[] = {"", "2024", "2024-1-01", "2024-01-1", "2024-00-01", "2024-13-01",
                                      "2024-01-00", "2024-01-32", "2024-04-31", "2023-02-29",
                                      "1900-02-29", "2024/01/01", "2024-01-01 ", " 2024-01-01", "2024-0", "2024-01", "2024-01/01",
                                      "0000-01-01", "-001-01-01", "20240101", "2024-01-0a"};
    int64_t days = 77;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (schema_date_from_text(bytes_text(bad[i]), &days))
            fail_msg("\"%s\" was taken", bad[i]);
    assert_int_equal(days, 77);
    assert_true(schema_date_from_text(bytes_text("2000-02-29"), &days));
}

static void times_are_read_with_their_zone(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"1970-01-01", 0},
        {"1970-01-01T00:00Z", 0},
        {"2026-03-01T09:30:00.000Z", 1772357400000},
        {"2026-03-01T10:30:00+01:00", 1772357400000},
        {"2026-03-01T03:00:00-06:30", 1772357400000},
        {"2026-03-01T09:30:00.25Z", 1772357400250},
        {"2026-03-01T09:30:00.123456Z", 1772357400123},
        {"1969-12-31T23:59:59.999Z", -1},
        {"9999-12-31T23:59:59.999Z", 253402300799999},
        {"0001-01-01T00:00Z", -62135596800000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ms;
        assert_true(schema_time_from_text(bytes_text(cases[i].text), &ms));
        assert_true(ms == cases[i].ms);
    }
}

static void other_texts_are_no_times(void **state)
{
    static const char *const bad[] = {
        "", "T", "2026-03-01T", "2026-03-01T09", "2026-03-01T09:30", "2026-03-01 09:30Z",
        "2026-03-01T24:00Z", "2026-03-01T09:60Z", "2026-03-01T09:30:60Z", "2026-03-01T09:30:00.Z",
        "2026-03-01T09:3", "2026-03-01T09.30Z", "2026-03-01T09:30:", "2026-03-01T09:30:0Z",
        "2026-03-01T09:30+", "2026-03-01T09:30+01", "2026-03-01T09:30+01.30", "2026-03-01T09:30+01:3",
        "2026-03-01-09:30Z", "2026-03-01T09:30z", "2026-03-01T09:30+1:00", "2026-03-01T09:30+24:00",
        "2026-03-01T09:30+01:60", "2026-03-01T09:30Zx", "2026-02-29T09:30Z",
        "0001-01-01T00:00+00:01", "9999-12-31T23:59:59.999-00:01"};
    int64_t ms = 77;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (schema_time_from_text(bytes_text(bad[i]), &ms))
            fail_msg("\"%s\" was taken", bad[i]);
    assert_int_equal(ms, 77);
}

/* The C library's calendar is another implementation of the same one. */
static void random_times_agree_with_the_c_library(void **state)
{
    struct random random = random_begin("times");
    (void)state;
    for (int i = 0; i < 20000; i++) {
        const int64_t ms = (int64_t)random_below(&random, UINT64_C(315537897600000)) -
                           INT64_C(62135596800000);
        const time_t seconds = (time_t)((ms + INT64_C(62135596800000)) / 1000 - INT64_C(62135596800));
        char text[SCHEMA_TIME_TEXT], wanted[64];
        struct tm tm;
        int64_t again;
        gmtime_r(&seconds, &tm);
        snprintf(wanted, sizeof wanted, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                 (int)((ms % 1000 + 1000) % 1000));
        assert_string_equal(schema_time_to_text(ms, text), wanted);
        assert_true(schema_time_from_text(bytes_text(text), &again));
        assert_true(again == ms);
    }
}

static void times_beyond_the_calendar_are_its_ends(void **state)
{
    char text[SCHEMA_TIME_TEXT];
    (void)state;
    assert_string_equal(schema_time_to_text(INT64_MIN, text), "0001-01-01T00:00:00.000Z");
    assert_string_equal(schema_time_to_text(INT64_MAX, text), "9999-12-31T23:59:59.999Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_are_counted_from_1970),
        cmocka_unit_test(every_day_follows_the_one_before),
        cmocka_unit_test(other_texts_are_no_dates),
        cmocka_unit_test(times_are_read_with_their_zone),
        cmocka_unit_test(other_texts_are_no_times),
        cmocka_unit_test(random_times_agree_with_the_c_library),
        cmocka_unit_test(times_beyond_the_calendar_are_its_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
