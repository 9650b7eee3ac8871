/* Days and times of the proleptic Gregorian calendar. The two conversions between a date and a
 * number of days are days_from_civil and civil_from_days of Howard Hinnant, "chrono-Compatible
 * Low-Level Date Algorithms": the year is taken to begin in March, so that the leap day comes
 * last, and time is counted in eras of 400 years, which all have the same number of days. */
#include "protocol/schema_value.h"

#include <stdio.h>

#define DAYS_OF_ERA 146097
#define DAYS_BEFORE_1970 719468 /* from 0000-03-01 */
#define DAY_MS INT64_C(86400000)
#define MINUTE_MS INT64_C(60000)

struct date {
    int year;
    int month;
    int day;
};

static int64_t days_from_date(struct date date)
{
    const int year = date.month <= 2 ? date.year - 1 : date.year;
    const int era = (year >= 0 ? year : year - 399) / 400;
    const int year_of_era = year - era * 400;
    const int month = date.month > 2 ? date.month - 3 : date.month + 9;
    const int day_of_year = (153 * month + 2) / 5 + date.day - 1;
    const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int64_t)era * DAYS_OF_ERA + day_of_era - DAYS_BEFORE_1970;
}

static struct date date_from_days(int64_t days)
{
    days += DAYS_BEFORE_1970;
    const int64_t era = (days >= 0 ? days : days - (DAYS_OF_ERA - 1)) / DAYS_OF_ERA;
    const int day_of_era = (int)(days - era * DAYS_OF_ERA);
    const int year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int month = (5 * day_of_year + 2) / 153;
    struct date date;
    date.day = day_of_year - (153 * month + 2) / 5 + 1;
    date.month = month < 10 ? month + 3 : month - 9;
    date.year = (int)(year_of_era + era * 400) + (date.month <= 2);
    return date;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Takes exactly `digits` digits off the front of `text`. */
static bool take_number(struct bytes *text, size_t digits, int *out)
{
    if (text->size < digits)
        return false;
    int value = 0;
    for (size_t i = 0; i < digits; i++) {
        if (text->data[i] < '0' || text->data[i] > '9')
            return false;
        value = value * 10 + (text->data[i] - '0');
    }
    *text = bytes_of(text->data + digits, text->size - digits);
    *out = value;
    return true;
}

static bool take_char(struct bytes *text, char c)
{
    if (text->size == 0 || text->data[0] != (uint8_t)c)
        return false;
    *text = bytes_of(text->data + 1, text->size - 1);
    return true;
}

static bool take_date(struct bytes *text, int64_t *days)
{
    struct date date;
    if (!take_number(text, 4, &date.year) || !take_char(text, '-') ||
        !take_number(text, 2, &date.month) || !take_char(text, '-') ||
        !take_number(text, 2, &date.day))
        return false;
    if (date.year < 1 || date.month < 1 || date.month > 12 || date.day < 1 ||
        date.day > days_of_month(date.year, date.month))
        return false;
    *days = days_from_date(date);
    return true;
}

/* Up to three digits count, the first for 100 ms; further ones are accepted and dropped. */
static bool take_fraction(struct bytes *text, int *ms)
{
    int unit = 100, digit;
    if (!take_number(text, 1, &digit))
        return false;
    *ms = 0;
    do {
        *ms += digit * unit;
        unit /= 10;
    } while (take_number(text, 1, &digit));
    return true;
}

static bool take_clock(struct bytes *text, int64_t *ms)
{
    int hour, minute, second = 0, fraction = 0;
    if (!take_number(text, 2, &hour) || !take_char(text, ':') || !take_number(text, 2, &minute))
        return false;
    if (take_char(text, ':')) {
        if (!take_number(text, 2, &second))
            return false;
        if (take_char(text, '.') && !take_fraction(text, &fraction))
            return false;
    }
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *ms = (hour * 60 + minute) * MINUTE_MS + second * INT64_C(1000) + fraction;
    return true;
}

static bool take_zone(struct bytes *text, int64_t *offset_ms)
{
    *offset_ms = 0;
    if (take_char(text, 'Z'))
        return true;
    const bool west = take_char(text, '-');
    int hours, minutes;
    if (!west && !take_char(text, '+'))
        return false;
    if (!take_number(text, 2, &hours) || !take_char(text, ':') || !take_number(text, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    *offset_ms = (hours * 60 + minutes) * MINUTE_MS * (west ? -1 : 1);
    return true;
}

static bool read_time(struct bytes text, bool strict, int64_t *ms)
{
    int64_t days, clock = 0, offset = 0;
    if (!take_date(&text, &days))
        return false;
    if (text.size > 0) {
        if (!take_char(&text, 'T') && (strict || !take_char(&text, ' ')))
            return false;
        if (!take_clock(&text, &clock))
            return false;
        if ((strict || text.size > 0) && !take_zone(&text, &offset))
            return false;
    }
    const int64_t value = days * DAY_MS + clock - offset;
    if (text.size > 0 || value < TIME_FIRST || value > TIME_LAST)
        return false;
    *ms = value;
    return true;
}

bool schema_date_from_text(struct bytes text, int64_t *days)
{
    int64_t read;
    if (!take_date(&text, &read) || text.size > 0)
        return false;
    *days = read;
    return true;
}

bool schema_time_from_text(struct bytes text, int64_t *ms)
{
    return read_time(text, true, ms);
}

bool schema_time_as_written(struct bytes text, int64_t *ms)
{
    return read_time(text, false, ms);
}

char *schema_time_to_text(int64_t ms, char out[SCHEMA_TIME_TEXT])
{
    ms = ms < TIME_FIRST ? TIME_FIRST : ms > TIME_LAST ? TIME_LAST : ms;
    const int64_t days = (ms - TIME_FIRST) / DAY_MS + TIME_FIRST / DAY_MS;
    const unsigned clock = (unsigned)((ms - TIME_FIRST) % DAY_MS);
    const struct date date = date_from_days(days);
    /* The bounds above keep every number within its digits; the remainders say so to the
     * compiler. */
    snprintf(out, SCHEMA_TIME_TEXT, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
             (unsigned)date.year % 10000, (unsigned)date.month % 100, (unsigned)date.day % 100,
             clock / 3600000 % 24, clock / 60000 % 60, clock / 1000 % 60, clock % 1000);
    return out;
}
