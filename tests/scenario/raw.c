/* raw NAME ...: a client of the protocol, frame by frame. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "protocol/id.h"
#include "protocol/memory.h"
#include "protocol/wire.h"
#include "tests/scenario/convert.h"
#include "tests/scenario/scenario.h"
#include "tests/unit/net/net_client.h"

struct raw {
    char name[48];
    struct net_client client;
    json_t *last; /* the message received last */
};

static struct raw *find(struct scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->raw_count; i++) {
        if (strcmp(scenario->raws[i]->name, name) == 0)
            return scenario->raws[i];
    }
    return NULL;
}

static void release(struct raw *raw)
{
    net_client_close(&raw->client);
    json_decref(raw->last);
    memory_free(raw);
}

void raw_release_all(struct scenario *scenario)
{
    while (scenario->raw_count > 0)
        release(scenario->raws[--scenario->raw_count]);
}

static void drop(struct scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->raw_count; i++) {
        if (strcmp(scenario->raws[i]->name, name) == 0) {
            release(scenario->raws[i]);
            scenario->raws[i] = scenario->raws[--scenario->raw_count];
        }
    }
}

/* raw NAME connects [with CERTIFICATE]: the file without its ending, in certs/ or elsewhere. */
static bool connects(struct scenario *scenario, const struct words *words)
{
    char address[32], authority[SCENARIO_PATH + 16], certificate[2 * SCENARIO_PATH],
        key[2 * SCENARIO_PATH];
    struct net_client_options options = {.authority = authority};
    drop(scenario, words->word[1]);
    struct raw *raw = memory_new(sizeof *raw);
    if (!raw || scenario->raw_count == SCENARIO_RAWS)
        return scenario_fail(scenario, "too many raw clients");
    scenario->raws[scenario->raw_count++] = raw;
    raw->client.fd = -1;
    bytes_to_text(bytes_text(words->word[1]), raw->name, sizeof raw->name);
    snprintf(address, sizeof address, "127.0.0.1:%u", scenario->port);
    snprintf(authority, sizeof authority, "%s/certs/ca.pem", scenario->dir);
    if (words->count == 5) {
        snprintf(certificate, sizeof certificate, "%s/%s.pem", scenario->dir, words->word[4]);
        snprintf(key, sizeof key, "%s/%s.key", scenario->dir, words->word[4]);
        options.certificate = certificate;
        options.key = key;
    }
    return net_client_open(&raw->client, address, &options) ||
           words_is(words, 3, "refused") ||
           scenario_fail(scenario, "%s cannot connect", raw->name);
}

/* The next message; pings of the connection are passed over. */
static bool receive(struct scenario *scenario, struct raw *raw)
{
    json_decref(raw->last);
    raw->last = NULL;
    do {
        if (!net_client_receive(&raw->client))
            return scenario_fail(scenario, "nothing more comes to %s", raw->name);
    } while (raw->client.opcode == WS_PING || raw->client.opcode == WS_PONG);
    if (raw->client.opcode != WS_BINARY)
        return scenario_fail(scenario, "%s receives a frame of kind %d with code %d", raw->name,
                             raw->client.opcode,
                             raw->client.size >= 2 ? get_u16(raw->client.payload) : 0);
    raw->last = convert_from_wire(bytes_of(raw->client.payload, raw->client.size));
    return raw->last || scenario_fail(scenario, "%s receives what is no message", raw->name);
}

static bool meets(const struct raw *raw, const struct words *words, size_t first)
{
    const char *type = json_string_value(json_object_get(raw->last, "type"));
    bool same = type && words_is(words, first, type);
    for (size_t i = first + 1; same && i < words->count; i++)
        same = match_word(raw->last, words->word[i]);
    return same;
}

static bool receives(struct scenario *scenario, struct raw *raw, const struct words *words)
{
    if (!receive(scenario, raw))
        return false;
    if (meets(raw, words, 3))
        return true;
    char *text = match_text(raw->last);
    bool failed = scenario_fail(scenario, "%s receives: %s", raw->name, text ? text : "");
    memory_free(text);
    return failed;
}

static bool waits(struct scenario *scenario, struct raw *raw, const struct words *words)
{
    do {
        if (!receive(scenario, raw))
            return false;
    } while (!meets(raw, words, 4));
    return true;
}

/* TYPE [{...}] as a message. */
static bool encode(struct scenario *scenario, const struct words *words, size_t at,
                   struct buffer *out)
{
    const char *body = at + 1 < words->count ? words->rest[at + 1] : "{}";
    json_error_t error;
    json_t *message = json_loads(body, 0, &error);
    if (!json_is_object(message))
        return scenario_fail(scenario, "not a JSON object: %s (%s)", body, error.text);
    bool fine = at < words->count &&
                json_object_set_new(message, "type", json_string(words->word[at])) == 0 &&
                convert_to_wire(message, out) && !out->failed;
    json_decref(message);
    return fine || scenario_fail(scenario, "cannot be written as MessagePack: %s", body);
}

/* A message filled up with a key nobody knows until it has exactly this size. */
static bool pad(struct scenario *scenario, struct buffer *message, size_t size)
{
    static const char key[] = "\xa3pad";
    size_t head = message->size + sizeof key - 1 + 5;
    if (message->size == 0 || (message->data[0] & 0xf0) != 0x80 || size < head + 65536)
        return scenario_fail(scenario, "this message cannot be padded to %zu bytes", size);
    message->data[0]++;
    buffer_append(message, key, sizeof key - 1);
    buffer_append_byte(message, 0xc6);
    uint8_t *length = buffer_extend(message, 4);
    uint8_t *zeros = buffer_extend(message, size - head);
    if (!length || !zeros)
        return scenario_fail(scenario, "out of memory");
    put_u32(message->data + head - 4, (uint32_t)(size - head));
    memset(zeros, 0, size - head);
    return true;
}

/* {type: "ping", deep: [[...]]}, the whole nested so deep. */
static void nest(struct buffer *out, unsigned long depth)
{
    wire_put_map(out, 2);
    wire_put_text(out, "type");
    wire_put_text(out, "ping");
    wire_put_text(out, "deep");
    for (unsigned long i = 1; i < depth; i++)
        wire_put_array(out, i + 1 < depth);
}

/* What follows "sends", as the bytes of one frame; *first is its first byte. */
static bool compose(struct scenario *scenario, const struct words *words, struct buffer *out,
                    uint8_t *first)
{
    const char *kind = words->count > 3 ? words->word[3] : "";
    const char *value = words->count > 4 ? words->word[4] : "";
    if (strcmp(kind, "hex") == 0)
        return convert_hex(value, out) || scenario_fail(scenario, "not hexadecimal");
    if (strcmp(kind, "text") == 0) {
        *first = 0x80 | WS_TEXT;
        buffer_append(out, value, strlen(value));
        return true;
    }
    if (strcmp(kind, "frame") == 0) {
        *first = (uint8_t)strtoul(value, NULL, 16);
        return words->count < 6 || convert_hex(words->word[5], out) ||
               scenario_fail(scenario, "not hexadecimal");
    }
    if (strcmp(kind, "nested") == 0) {
        nest(out, strtoul(value, NULL, 10));
        return true;
    }
    if (strcmp(kind, "padded") == 0)
        return encode(scenario, words, 5, out) &&
               pad(scenario, out, strtoul(value, NULL, 10));
    if (strcmp(kind, "truncated") == 0) {
        bool fine = encode(scenario, words, 4, out);
        out->size -= fine;
        return fine;
    }
    return encode(scenario, words, 3, out);
}

static bool sends(struct scenario *scenario, struct raw *raw, const struct words *words)
{
    struct buffer frame = {.data = NULL};
    uint8_t first = 0x80 | WS_BINARY;
    bool composed = compose(scenario, words, &frame, &first);
    /* What cannot be written any more is answered by a close, which the next step finds. */
    if (composed)
        (void)net_client_send_frame(&raw->client, first, frame.data, frame.size);
    buffer_release(&frame);
    return composed;
}

/* raw NAME signs in as USER [client ID] */
static bool signs_in(struct scenario *scenario, struct raw *raw, const struct words *words)
{
    char body[512], fresh[ID_TEXT_SIZE];
    uint8_t random[10];
    if (words->count < 6 || getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return scenario_fail(scenario, "raw NAME signs in as USER [client ID]");
    id_to_text(id_make((uint64_t)time(NULL) * 1000, random), fresh);
    snprintf(body, sizeof body,
             "{\"versions\":[1],\"client\":\"id:%s\",\"method\":\"password\","
             "\"user\":\"%s\",\"secret\":\"%s-password-1\"}",
             words->count == 8 ? words->word[7] : fresh, words->word[5], words->word[5]);
    const struct words hello = {
        .count = 5, .word = {"", "", "", "hello", ""}, .rest = {"", "", "", "", body}};
    const struct words welcome = {.count = 4, .word = {"", "", "", "welcome"}};
    return sends(scenario, raw, &hello) && receives(scenario, raw, &welcome);
}

static bool is_closed(struct scenario *scenario, struct raw *raw, const struct words *words)
{
    bool any = words->count == 4;
    int wanted = any ? 0 : (int)strtol(words->word[4], NULL, 10);
    int code = net_client_close_code(&raw->client);
    return any || code == wanted || scenario_fail(scenario, "%s is closed with %d instead of %d",
                                           raw->name, code, wanted);
}

/* raw NAME keeps PATH as VARIABLE; the path `frame` stands for all its bytes. */
static bool keeps(struct scenario *scenario, struct raw *raw, const struct words *words)
{
    struct buffer hex = {.data = NULL};
    if (words->count != 6)
        return scenario_fail(scenario, "raw NAME keeps PATH as VARIABLE");
    if (words_is(words, 3, "frame")) {
        for (size_t i = 0; i < raw->client.size; i++) {
            char pair[3];
            snprintf(pair, sizeof pair, "%02x", raw->client.payload[i]);
            buffer_append(&hex, pair, 2);
        }
        buffer_append_byte(&hex, '\0');
        bool kept = !hex.failed && variable_set(scenario, words->word[5], (char *)hex.data);
        buffer_release(&hex);
        return kept;
    }
    json_t *found = match_find(raw->last, words->word[3]);
    char *text = found ? match_text(found) : NULL;
    bool kept = text ? variable_set(scenario, words->word[5], text)
                     : scenario_fail(scenario, "there is no %s in what %s received last",
                                     words->word[3], raw->name);
    memory_free(text);
    return kept;
}

bool step_raw(struct scenario *scenario, const struct words *words)
{
    if (words->count < 3)
        return scenario_fail(scenario, "raw NAME connects, sends, receives, ...");
    if (words_is(words, 2, "connects"))
        return connects(scenario, words);
    struct raw *raw = find(scenario, words->word[1]);
    if (!raw)
        return scenario_fail(scenario, "there is no raw client %s", words->word[1]);
    if (words_is(words, 2, "signs"))
        return signs_in(scenario, raw, words);
    if (words_is(words, 2, "sends"))
        return sends(scenario, raw, words);
    if (words_is(words, 2, "receives"))
        return receives(scenario, raw, words);
    if (words_is(words, 2, "waits"))
        return waits(scenario, raw, words);
    if (words_is(words, 2, "keeps"))
        return keeps(scenario, raw, words);
    if (words_is(words, 2, "is"))
        return is_closed(scenario, raw, words);
    if (words_is(words, 2, "leaves")) {
        drop(scenario, words->word[1]);
        return true;
    }
    return scenario_fail(scenario, "raw NAME cannot do %s", words->word[2]);
}
