/* Just enough JSON for what the commands print with --json: one flat object. */
#ifndef TANDEM_APP_JSON_H
#define TANDEM_APP_JSON_H

#include <stdint.h>
#include <stdio.h>

struct json {
    FILE *out;
    int members;
};

void json_begin(struct json *json, FILE *out);
void json_text(struct json *json, const char *name, const char *value);
void json_number(struct json *json, const char *name, uint64_t value);
void json_end(struct json *json); /* with a line end */

#endif
