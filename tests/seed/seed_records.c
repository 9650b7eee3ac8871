/* The records, as the changes that create them: small, but with what a real one would have. */
#include <stdio.h>
#include <string.h>

#include "protocol/wire.h"
#include "tests/seed/seed_internal.h"

/* An account's records in the order in which they come; then from the front again. */
enum kind { CONTACT, INTERACTION, NOTE, CASE, TASK, ORDER, OPPORTUNITY };
static const enum kind kinds[] = {CONTACT,     INTERACTION, NOTE,        INTERACTION, CASE,
                                  CONTACT,     INTERACTION, ORDER,       INTERACTION, NOTE,
                                  CONTACT,     INTERACTION, OPPORTUNITY, INTERACTION, TASK,
                                  INTERACTION, CASE,        CONTACT,     NOTE};
#define KINDS (sizeof kinds / sizeof *kinds)

static const char *const entity_names[] = {"contact", "interaction", "note",       "case",
                                           "task",    "order",       "opportunity"};

static const char *const words[] = {
    "offer",  "paper",   "delivery", "price",  "pallet",  "meeting", "invoice",  "sample",
    "timber", "October", "Tallinn",  "review", "answer",  "quality", "contract", "question",
    "visit",  "weight",  "order",    "call",   "autumn",  "harbour", "discount", "catalogue",
    "lorry",  "signed",  "asked",    "sent",   "planned", "moved",   "agreed",   "waiting"};
#define WORDS (sizeof words / sizeof *words)

/* Words worth about `size` bytes; at most size, below 64 KiB. */
static void put_words(struct buffer *out, uint64_t number, size_t size)
{
    struct buffer text = {0};
    while (text.size < size && !text.failed) {
        const char *word = words[(number >> 7) % WORDS];
        buffer_append(&text, word, strlen(word));
        buffer_append_byte(&text, ' ');
        number = number * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        number ^= number >> 32;
    }
    size_t kept = text.size < size ? text.size : size;
    wire_put_str(out, bytes_of(text.data, kept));
    out->failed = out->failed || text.failed;
    buffer_release(&text);
}

static void put_text(struct buffer *out, const char *name, const char *text)
{
    wire_put_text(out, name);
    wire_put_text(out, text);
}

static void put_reference(struct buffer *out, const char *name, struct id id)
{
    wire_put_text(out, name);
    wire_put_id(out, id);
}

/* A change up to its fields; `audience` NULL: the entity's own, "" internal, else a tag besides
 * internal. */
static void begin_create(struct buffer *out, const char *entity, struct id id, const char *audience,
                         uint32_t fields)
{
    wire_put_map(out, audience == NULL ? 4 : 5);
    put_text(out, "op", "create");
    put_text(out, "entity", entity);
    put_reference(out, "id", id);
    if (audience != NULL) {
        struct tag tags[2] = {{.kind = TAG_INTERNAL}};
        bool outside =
            tag_from_text(bytes_text(audience), &tags[1]) && !tag_equal(tags[0], tags[1]);
        wire_put_text(out, "audience");
        wire_put_array(out, outside ? 2 : 1);
        for (size_t i = 0; i < (outside ? 2u : 1u); i++) {
            uint8_t octets[TAG_SIZE];
            tag_put(tags[i], octets);
            wire_put_bin(out, bytes_of(octets, sizeof octets));
        }
    }
    wire_put_text(out, "fields");
    wire_put_map(out, fields);
}

static void put_date(struct buffer *out, const char *name, uint64_t number)
{
    char text[16];
    (void)snprintf(text, sizeof text, "2025-%02u-%02u", 1 + (unsigned)(number % 12),
                   1 + (unsigned)(number / 12 % 28));
    put_text(out, name, text);
}

static void put_amount(struct buffer *out, uint64_t number)
{
    wire_put_text(out, "amount");
    wire_put_map(out, 2);
    wire_put_text(out, "amount");
    wire_put_uint(out, 10000 + number % 90000000);
    put_text(out, "currency", "NOK");
}

static void put_account(struct buffer *out, struct id id, uint64_t index, uint64_t number)
{
    static const char *const towns[] = {"Oslo", "Bergen", "Riga", "Gdansk", "Turku", "Kiel"};
    char text[64];
    begin_create(out, "account", id, NULL, 5);
    (void)snprintf(text, sizeof text, "%s %s %06llu AS", towns[number % 6],
                   words[number / 6 % WORDS], (unsigned long long)index);
    put_text(out, "name", text);
    put_text(out, "type", number % 3 ? "Customer" : "Prospect");
    put_text(out, "industry", words[number / 192 % WORDS]);
    (void)snprintf(text, sizeof text, "+47 22 %06llu", (unsigned long long)(number % 1000000));
    put_text(out, "phoneNumber", text);
    wire_put_text(out, "numberOfEmployees");
    wire_put_uint(out, 1 + number % 5000);
}

static void put_contact(struct buffer *out, uint64_t index, uint64_t number)
{
    static const char *const first[] = {"Kari", "Nils", "Ingrid", "Ole", "Sigrid", "Jonas"};
    static const char *const last[] = {"Berg", "Dahl", "Hansen", "Lie", "Moen", "Strand", "Vik"};
    char text[96];
    put_text(out, "firstName", first[number % 6]);
    put_text(out, "lastName", last[number / 6 % 7]);
    (void)snprintf(text, sizeof text, "%s.%s%llu@example.com", first[number % 6],
                   last[number / 6 % 7], (unsigned long long)index);
    put_text(out, "emailAddress", text);
    (void)snprintf(text, sizeof text, "+47 9%07llu", (unsigned long long)(number % 10000000));
    put_text(out, "phoneNumber", text);
}

static void put_interaction(struct buffer *out, uint64_t number, unsigned text_bytes,
                            uint64_t at_ms)
{
    static const char *const directions[] = {"Inbound", "Outbound"};
    put_text(out, "channel", number % 4 ? "Email" : "Call");
    put_text(out, "direction", directions[number / 4 % 2]);
    wire_put_text(out, "subject");
    put_words(out, number, 32);
    wire_put_text(out, "body");
    put_words(out, number ^ 1, text_bytes);
    wire_put_text(out, "dateStart");
    wire_put_uint(out, at_ms);
}

static void put_numbered(struct buffer *out, const char *letter, uint64_t index)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%s%07llu", letter, (unsigned long long)index);
    put_text(out, "number", text);
}

static void put_named(struct buffer *out, uint64_t number)
{
    wire_put_text(out, "name");
    put_words(out, number, 28);
}

static void put_fields(struct buffer *out, enum kind kind, uint64_t index, uint64_t number)
{
    static const char *const stages[] = {"Prospecting", "Proposal", "Closed Won"};
    static const char *const open[] = {"New", "Assigned", "Closed"};
    switch (kind) {
    case CONTACT:
        put_contact(out, index, number);
        break;
    case INTERACTION:
        put_interaction(out, number, 120, SEED_START_MS + index * SEED_STEP_MS);
        break;
    case NOTE:
        wire_put_text(out, "text");
        put_words(out, number, 150);
        break;
    case CASE:
        put_numbered(out, "C", index);
        put_named(out, number);
        put_text(out, "status", open[number % 3]);
        break;
    case TASK:
        put_named(out, number);
        put_text(out, "status", "In Progress");
        break;
    case ORDER:
        put_numbered(out, "O", index);
        put_date(out, "date", number);
        put_amount(out, number);
        break;
    case OPPORTUNITY:
        put_named(out, number);
        put_amount(out, number);
        put_text(out, "stage", stages[number % 3]);
        put_date(out, "closeDate", number);
        break;
    }
}

static enum kind kind_of(uint64_t slot)
{
    return kinds[slot % KINDS];
}

/* Spreads the shared ones evenly: `percent` of the first hundred, and so on. */
static bool is_shared(uint64_t slot, unsigned percent)
{
    return (slot + 1) * percent / 100 > slot * percent / 100;
}

void seed_put_record(struct buffer *out, const struct seed_options *complete, uint64_t index)
{
    static const uint32_t field_counts[] = {4, 5, 1, 3, 2, 3, 4};
    uint64_t number = seed_number(complete->seed, SEED_WORDS, index);
    struct id id = seed_record_id(complete, index);
    if (index < complete->accounts) {
        put_account(out, id, index, number);
        return;
    }
    uint64_t slot = (index - complete->accounts) / complete->accounts;
    enum kind kind = kind_of(slot);
    begin_create(out, entity_names[kind], id,
                 is_shared(slot, complete->shared_percent) ? "partners" : "",
                 field_counts[kind] + 1);
    put_reference(out, "account",
                  seed_record_id(complete, (index - complete->accounts) % complete->accounts));
    put_fields(out, kind, index, number);
}

const char *seed_record_entity(const struct seed_options *options, uint64_t index)
{
    struct seed_options complete;
    if (!seed_complete(options, &complete) || index < complete.accounts) {
        return "account";
    }
    return entity_names[kind_of((index - complete.accounts) / complete.accounts)];
}

void seed_put_party(struct buffer *out, const struct seeded *seeded, size_t partner)
{
    char name[48];
    const struct seed_user *user = &seeded->users[seeded->staff + partner];
    (void)snprintf(name, sizeof name, "Supplier %s", user->name);
    begin_create(out, "party", user->party, NULL, 2);
    put_text(out, "name", name);
    put_text(out, "kind", "supplier");
}

void seed_put_user(struct buffer *out, const struct seeded *seeded, size_t n, struct id sales)
{
    const struct seed_user *user = &seeded->users[n];
    begin_create(out, "user", user->id, NULL, 3);
    put_text(out, "name", user->name);
    if (n < seeded->staff) {
        put_text(out, "role", "Member");
        wire_put_text(out, "departments");
        wire_put_array(out, 1);
        wire_put_id(out, sales);
    } else {
        put_text(out, "role", "Partner");
        put_reference(out, "partner", user->party);
    }
}

void seed_put_assignment(struct buffer *out, const struct seed_options *complete,
                         const struct seeded *seeded, size_t partner, size_t n)
{
    const struct seed_user *user = &seeded->users[seeded->staff + partner];
    uint64_t number = (uint64_t)partner * complete->accounts_a_partner + n;
    begin_create(out, "assignment",
                 seed_id(complete->seed, SEED_ASSIGNMENT, number, SEED_START_MS + number), NULL, 3);
    put_reference(out, "party", user->party);
    put_reference(out, "account", user->assigned[n]);
    put_text(out, "level", "edit");
}

static uint64_t time_of(struct id id)
{
    return get_u64(id.octet) >> 16;
}

void seed_create_interaction(struct buffer *out, struct id id, struct id account,
                             unsigned text_bytes, const char *audience)
{
    wire_put_array(out, 1);
    begin_create(out, "interaction", id, audience == NULL ? "" : audience, 6);
    put_reference(out, "account", account);
    put_interaction(out, get_u64(id.octet + 8), text_bytes, time_of(id));
}

void seed_update_interaction(struct buffer *out, struct id id, unsigned text_bytes, uint64_t nonce)
{
    char head[24];
    struct buffer text = {0};
    wire_put_array(out, 1);
    wire_put_map(out, 4);
    put_text(out, "op", "update");
    put_text(out, "entity", "interaction");
    put_reference(out, "id", id);
    wire_put_text(out, "fields");
    wire_put_map(out, 1);
    wire_put_text(out, "subject");
    /* The nonce in front, so that each update changes something. */
    int size = snprintf(head, sizeof head, "%016llx ", (unsigned long long)nonce);
    buffer_append(&text, head, (size_t)size);
    for (size_t i = text.size; i < text_bytes; i++) {
        buffer_append_byte(&text, (uint8_t)('a' + (nonce + i) % 26));
    }
    wire_put_str(out, buffer_bytes(&text));
    out->failed = out->failed || text.failed;
    buffer_release(&text);
}
