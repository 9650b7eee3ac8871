#include "server/app/json.h"

static void quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at == '"' || *at == '\\')
            fprintf(out, "\\%c", *at);
        else if (*at < 0x20)
            fprintf(out, "\\u%04x", *at);
        else
            fputc(*at, out);
    }
    fputc('"', out);
}

static void begin_member(struct json *json, const char *name)
{
    if (json->members++ > 0)
        fputc(',', json->out);
    quoted(json->out, name);
    fputc(':', json->out);
}

void json_begin(struct json *json, FILE *out)
{
    *json = (struct json){.out = out};
    fputc('{', out);
}

void json_text(struct json *json, const char *name, const char *value)
{
    begin_member(json, name);
    quoted(json->out, value);
}

void json_number(struct json *json, const char *name, uint64_t value)
{
    begin_member(json, name);
    fprintf(json->out, "%llu", (unsigned long long)value);
}

void json_end(struct json *json)
{
    fputs("}\n", json->out);
}
