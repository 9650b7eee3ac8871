#include "support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct id id_of(unsigned number)
{
    struct id id = {{0x01, 0x92, 0xf0, 0xc1, 0x5a, 0x3e, 0x70, 0, 0x80}};
    id.octet[12] = (uint8_t)(number >> 24);
    id.octet[13] = (uint8_t)(number >> 16);
    id.octet[14] = (uint8_t)(number >> 8);
    id.octet[15] = (uint8_t)number;
    return id;
}

struct scope account_of(unsigned number)
{
    return (struct scope){SCOPE_ACCOUNT, id_of(number)};
}

const char *id_text(unsigned number)
{
    static char texts[4][ID_TEXT_SIZE];
    static unsigned turn;
    return id_to_text(id_of(number), texts[turn++ % 4]);
}

void put_record(struct buffer *out, const struct made *made)
{
    uint8_t scope[SCOPE_SIZE], tag[TAG_SIZE];
    const char *entity = made->entity != NULL ? made->entity : "note";
    scope_put(made->scope.kind != 0 ? made->scope : account_of(1), scope);
    tag_put((struct tag){.kind = TAG_INTERNAL}, tag);
    wire_put_map(out, 10);
    wire_put_text(out, "id");
    wire_put_id(out, id_of(made->id));
    wire_put_text(out, "entity");
    wire_put_text(out, entity);
    wire_put_text(out, "scope");
    wire_put_bin(out, bytes_of(scope, sizeof scope));
    wire_put_text(out, "audience");
    wire_put_array(out, 1);
    wire_put_bin(out, bytes_of(tag, sizeof tag));
    wire_put_text(out, "seq");
    wire_put_uint(out, made->seq);
    wire_put_text(out, "createdBy");
    wire_put_text(out, "kari");
    wire_put_text(out, "createdAt");
    wire_put_int(out, made->created_at);
    wire_put_text(out, "modifiedBy");
    wire_put_text(out, "nils");
    wire_put_text(out, "modifiedAt");
    wire_put_int(out, made->created_at + 1);
    wire_put_text(out, "fields");
    if (made->fields.size > 0) {
        wire_put_raw(out, made->fields);
        return;
    }
    wire_put_map(out, made->name != NULL ? 1 : 0);
    if (made->name != NULL) {
        wire_put_text(out, strcmp(entity, "note") == 0 ? "text" : "name");
        wire_put_text(out, made->name);
    }
}

struct bytes records_of(struct buffer *out, const struct made *made, size_t count)
{
    buffer_clear(out);
    wire_put_array(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        put_record(out, &made[i]);
    return buffer_bytes(out);
}

struct bytes ids_of(struct buffer *out, const unsigned *numbers, size_t count)
{
    buffer_clear(out);
    wire_put_array(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        wire_put_id(out, id_of(numbers[i]));
    return buffer_bytes(out);
}

struct bytes scopes_of(struct buffer *out, const struct scope *scopes, size_t count)
{
    buffer_clear(out);
    wire_put_array(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        uint8_t scope[SCOPE_SIZE];
        scope_put(scopes[i], scope);
        wire_put_bin(out, bytes_of(scope, sizeof scope));
    }
    return buffer_bytes(out);
}

static uint64_t fake_now(void *context)
{
    return ((struct fake_port *)context)->now;
}

/* xorshift64: the same sequence in every run. */
static bool fake_random(void *context, void *out, size_t size)
{
    struct fake_port *fake = context;
    uint8_t *at = out;
    for (size_t i = 0; i < size; i++) {
        fake->seed ^= fake->seed << 13;
        fake->seed ^= fake->seed >> 7;
        fake->seed ^= fake->seed << 17;
        at[i] = (uint8_t)(fake->seed >> 32);
    }
    return true;
}

void fake_port_init(struct fake_port *fake)
{
    *fake = (struct fake_port){.now = 1000000, .seed = 88172645463325252u};
    fake->port = (struct port){fake, fake_now, fake_now, fake_random};
}

char *folder_new(void)
{
    char path[] = "/tmp/tandem-test-XXXXXX";
    assert_non_null(mkdtemp(path));
    char *copy = strdup(path);
    assert_non_null(copy);
    return copy;
}

void folder_remove(char *folder)
{
    DIR *open = opendir(folder);
    struct dirent *entry;
    char path[512];
    while (open != NULL && (entry = readdir(open)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        (void)unlink(path);
    }
    if (open != NULL)
        closedir(open);
    (void)rmdir(folder);
    free(folder);
}
