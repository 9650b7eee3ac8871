/* Values of each kind of field, as they travel. */
#include <stdio.h>
#include <string.h>

#include "protocol/wire.h"
#include "tests/oracle/act.h"

#define LONG_TEXT 8000u

static void put_text(struct oracle *oracle, bool longer, struct buffer *out)
{
    char text[LONG_TEXT + 1];
    unsigned number = (unsigned)oracle_random(oracle, 1000);
    if (longer && oracle->names > 0 && oracle_chance(oracle, 25)) {
        snprintf(text, sizeof text, "words %u\nask @%s%u about it", number,
                 oracle_chance(oracle, 50) ? "Guest" : "staff",
                 (unsigned)oracle_random(oracle, oracle->names) + 1);
    } else if (!longer || oracle_chance(oracle, 60)) {
        snprintf(text, sizeof text, "words %u", number);
    } else {
        memset(text, 'a' + (char)(number % 26), LONG_TEXT);
        text[LONG_TEXT] = '\0';
    }
    wire_put_text(out, text);
}

/* One of "A, B, C". */
static void put_choice(struct oracle *oracle, const char *values, struct buffer *out)
{
    unsigned count = 1;
    for (const char *at = values; (at = strchr(at, ',')) != NULL; at++) {
        count++;
    }
    uint64_t index = oracle_random(oracle, count);
    while (index-- > 0) {
        values = strchr(values, ',') + 2;
    }
    wire_put_str(out, bytes_of(values, strcspn(values, ",")));
}

static struct id some_target(struct oracle *oracle, const char *kind)
{
    const char *target = strstr(kind, " to ");
    const struct model_record *record = oracle_pick(oracle, target != NULL ? target + 4 : NULL);
    return record != NULL ? record->id : world_id(oracle->world);
}

static void put_structured(struct oracle *oracle, const char *kind, struct buffer *out)
{
    if (strcmp(kind, "money") == 0) {
        wire_put_map(out, 2);
        wire_put_text(out, "amount");
        wire_put_uint(out, oracle_random(oracle, 100000));
        wire_put_text(out, "currency");
        wire_put_text(out, "NOK");
    } else if (strcmp(kind, "address") == 0) {
        wire_put_map(out, 1);
        wire_put_text(out, "city");
        wire_put_text(out, oracle_chance(oracle, 50) ? "Bergen" : "Oslo");
    } else if (strcmp(kind, "tags") == 0) {
        wire_put_array(out, 1);
        put_text(oracle, false, out);
    } else {
        static const uint8_t zeros[32];
        wire_put_map(out, 3);
        wire_put_text(out, "sha256");
        wire_put_bin(out, bytes_of(zeros, sizeof zeros));
        wire_put_text(out, "size");
        wire_put_uint(out, oracle_random(oracle, 1000));
        wire_put_text(out, "name");
        wire_put_text(out, "price.pdf");
    }
}

void act_value(struct oracle *oracle, const char *kind, const char *values, struct buffer *out)
{
    static const struct {
        const char *kind, *example;
    } examples[] = {{"email", "post@fjord.example"},
                    {"phone", "+47 22334455"},
                    {"url", "https://fjord.example"},
                    {"date", "2026-03-01"},
                    {"decimal", "12.5"}};
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        if (strcmp(kind, examples[i].kind) == 0) {
            wire_put_text(out, examples[i].example);
            return;
        }
    }
    if (strcmp(kind, "text") == 0 || strcmp(kind, "longText") == 0) {
        put_text(oracle, kind[0] == 'l', out);
    } else if (strcmp(kind, "enum") == 0) {
        put_choice(oracle, values, out);
    } else if (strcmp(kind, "integer") == 0 || strcmp(kind, "time") == 0) {
        wire_put_uint(out, oracle_random(oracle, 100000));
    } else if (strcmp(kind, "boolean") == 0) {
        wire_put_bool(out, oracle_chance(oracle, 50));
    } else if (strncmp(kind, "references", 10) == 0) {
        struct id id = some_target(oracle, kind);
        wire_put_array(out, 1);
        wire_put_id(out, id);
    } else if (strncmp(kind, "reference", 9) == 0) {
        wire_put_id(out, some_target(oracle, kind));
    } else {
        put_structured(oracle, kind, out);
    }
}
