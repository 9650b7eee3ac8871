/* The gate: openings, audiences, rights, field classes, view classes. */
#include <stdio.h>
#include <string.h>

#include "protocol/memory.h"
#include "protocol/wire.h"
#include "server/core/access/open_scopes.h"
#include "tests/unit/core/world.h"

#define KARI nid(900)
#define NILS nid(901)
#define PAPIR nid(50)
#define EVA nid(910)

static const struct id none = {{0}};

static void set_name(char out[65], const char *name)
{
    bytes_to_text(bytes_text(name), out, 65);
}

static struct principal staff(enum role role)
{
    struct principal who = {.user = KARI, .name = "kari", .role = role};
    who.tags[who.tag_count++] = (struct tag){.kind = TAG_INTERNAL};
    who.tags[who.tag_count++] = (struct tag){TAG_DEPARTMENT, nid(40)};
    who.departments[who.department_count++] = nid(40);
    set_name(who.department_names[0], "sales");
    who.subjects[who.subject_count++] = SUBJECT_DEPARTMENTS;
    who.subjects[who.subject_count++] = KARI;
    return who;
}

static struct principal partner(void)
{
    struct principal who = {.user = EVA, .name = "eva", .role = ROLE_PARTNER, .partner = true,
                            .party = PAPIR};
    who.tags[who.tag_count++] = (struct tag){.kind = TAG_PARTNERS};
    who.tags[who.tag_count++] = (struct tag){TAG_PARTNER, PAPIR};
    who.subjects[who.subject_count++] = PAPIR;
    return who;
}

static void put_row(const struct state *state, struct id subject, uint64_t granted,
                    uint64_t revoked, enum level level)
{
    const struct access_row row = {granted, revoked, (uint8_t)level, none};
    assert_int_equal(state->ops->put_access(state->self, subject, account_scope_of(nid(1)), &row),
                     STATUS_OK);
}

static struct opening open_to(const struct state *state, const struct principal *who)
{
    struct opening opening;
    assert_int_equal(access_opening(state, who, account_scope_of(nid(1)), &opening), STATUS_OK);
    return opening;
}

static void staff_see_accounts_unless_restricted(void **state)
{
    (void)state;
    struct memory_state *memory = memory_state_new();
    const struct state s = memory_state_view(memory);
    const struct principal kari = staff(ROLE_MEMBER), ada = staff(ROLE_ADMINISTRATOR);
    struct opening opening = open_to(&s, &kari);
    assert_true(opening.open);
    assert_int_equal(opening.since, 1);
    assert_int_equal(opening.level, LEVEL_EDIT);
    put_row(&s, SUBJECT_DEPARTMENTS, 0, 7, LEVEL_EDIT);
    opening = open_to(&s, &kari);
    assert_false(opening.open);
    assert_int_equal(opening.closed, 7);
    assert_false(open_to(&s, &ada).open);
    put_row(&s, KARI, 9, 0, LEVEL_EDIT);
    opening = open_to(&s, &kari);
    assert_true(opening.open);
    assert_int_equal(opening.since, 9);
    put_row(&s, SUBJECT_DEPARTMENTS, 8, 7, LEVEL_EDIT);
    assert_int_equal(open_to(&s, &kari).since, 8);
    put_row(&s, SUBJECT_DEPARTMENTS, 8, 12, LEVEL_EDIT);
    put_row(&s, KARI, 9, 15, LEVEL_EDIT);
    opening = open_to(&s, &kari);
    assert_false(opening.open);
    assert_int_equal(opening.closed, 15);
    struct principal system;
    principal_system(&system);
    assert_true(open_to(&s, &system).open);
    memory_state_free(memory);
}

static void partners_see_what_is_assigned(void **state)
{
    (void)state;
    struct memory_state *memory = memory_state_new();
    const struct state s = memory_state_view(memory);
    const struct principal eva = partner();
    struct opening opening = open_to(&s, &eva);
    assert_false(opening.open);
    assert_int_equal(opening.closed, 0);
    put_row(&s, PAPIR, 5, 3, LEVEL_COMMENT);
    opening = open_to(&s, &eva);
    assert_true(opening.open);
    assert_int_equal(opening.since, 5);
    assert_int_equal(opening.level, LEVEL_COMMENT);
    put_row(&s, PAPIR, 5, 5, LEVEL_COMMENT);
    assert_false(open_to(&s, &eva).open);
    put_row(&s, PAPIR, 5, 6, LEVEL_COMMENT);
    opening = open_to(&s, &eva);
    assert_false(opening.open);
    assert_int_equal(opening.closed, 6);
    /* Rows of others, and of the departments, are nothing to them. */
    put_row(&s, SUBJECT_DEPARTMENTS, 9, 0, LEVEL_EDIT);
    put_row(&s, EVA, 9, 0, LEVEL_EDIT);
    assert_false(open_to(&s, &eva).open);
    memory_state_free(memory);
}

static bool is_open(const struct principal *who, enum scope_kind kind, struct id id)
{
    struct memory_state *memory = memory_state_new();
    const struct state s = memory_state_view(memory);
    struct opening opening;
    assert_int_equal(access_opening(&s, who, (struct scope){(uint8_t)kind, id}, &opening),
                     STATUS_OK);
    memory_state_free(memory);
    return opening.open;
}

static void other_scopes_are_for_their_own(void **state)
{
    (void)state;
    const struct principal kari = staff(ROLE_ADMINISTRATOR), eva = partner();
    assert_true(is_open(&kari, SCOPE_LIBRARY, none) && is_open(&eva, SCOPE_LIBRARY, none));
    assert_true(is_open(&kari, SCOPE_USER, KARI) && is_open(&eva, SCOPE_USER, EVA));
    assert_false(is_open(&kari, SCOPE_USER, EVA) || is_open(&eva, SCOPE_USER, KARI));
    assert_true(is_open(&kari, SCOPE_PARTY, nid(40)) && is_open(&eva, SCOPE_PARTY, PAPIR));
    assert_false(is_open(&kari, SCOPE_PARTY, PAPIR) || is_open(&kari, SCOPE_PARTY, nid(41)));
    assert_false(is_open(&eva, SCOPE_PARTY, nid(40)) || is_open(&eva, SCOPE_PARTY, nid(51)));
}

/* What is expected, written as people say it: letters of read, create, comment (n), edit, delete,
 * share, export (x); behind a slash those for the author alone. */
static void assert_rights(const struct principal *who, enum level level, enum scope_kind scope,
                          const char *entity, const char *expected)
{
    static const char letters[ACTION_COUNT + 1] = "rcnedsx";
    struct record *record = memory_new(sizeof *record);
    const struct opening opening = {.open = true, .since = 1, .level = level};
    const char *slash = strchr(expected, '/');
    assert_non_null(record);
    record->entity = bytes_text(entity);
    record->id = nid(3);
    record->scope = (struct scope){(uint8_t)scope, scope == SCOPE_LIBRARY ? none : nid(1)};
    record->placements[0] =
        (struct placement){record->scope, {.kind = TAG_INTERNAL}, 1, 0};
    record->placements[1] =
        (struct placement){record->scope, {.kind = TAG_PARTNERS}, 1, 0};
    record->placement_count = 2;
    for (int author = 0; author < 2; author++) {
        record->created.by = bytes_text(author ? who->name : "somebody");
        for (int action = 0; action < ACTION_COUNT; action++) {
            const char *at = strchr(expected, letters[action]);
            bool wanted = at && (author || !slash || at < slash);
            struct verdict verdict = access_judge(who, &opening, record, (enum action)action);
            if (verdict.allowed != wanted)
                print_error("%s, %s of %s, %s: %d\n", who->name, entity,
                            author ? "their own" : "others", &letters[action], verdict.allowed);
            assert_int_equal(verdict.allowed, wanted);
            if (!wanted)
                assert_int_equal(verdict_status(verdict), STATUS_DENIED);
        }
    }
    memory_free(record);
}

struct expected {
    const char *entity, *rights;
};

static void assert_table(const struct principal *who, enum level level, enum scope_kind scope,
                         const struct expected *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_rights(who, level, scope, rows[i].entity, rows[i].rights);
}
#define TABLE(who, level, scope, ...)                                                     \
    assert_table(who, level, scope, (const struct expected[]){__VA_ARGS__},               \
                 sizeof((const struct expected[]){__VA_ARGS__}) / sizeof(struct expected))

static void roles_have_their_rights(void **state)
{
    (void)state;
    const struct principal admin = staff(ROLE_ADMINISTRATOR), manager = staff(ROLE_MANAGER),
                           member = staff(ROLE_MEMBER), viewer = staff(ROLE_VIEWER);
    TABLE(&admin, LEVEL_EDIT, SCOPE_ACCOUNT, {"account", "rcnedsx"}, {"user", "rcnedsx"},
          {"party", "rcnedsx"}, {"customField", "rcnedsx"}, {"assignment", "rcnedsx"},
          {"ship", "rcnedsx"});
    TABLE(&manager, LEVEL_EDIT, SCOPE_ACCOUNT, {"account", "rcnedsx"}, {"user", "rnsx"},
          {"party", "rnsx"}, {"customField", "rnsx"}, {"customEntity", "rnsx"},
          {"assignment", "rcnedsx"}, {"note", "rcnedsx"}, {"ship", "rcnedsx"});
    TABLE(&member, LEVEL_EDIT, SCOPE_ACCOUNT, {"account", "rcnedsx"}, {"user", "rx"},
          {"party", "rx"}, {"customField", "rx"}, {"customEntity", "rx"},
          {"assignment", "rcnedsx"}, {"note", "rcnedsx"}, {"document", "rcnedsx"},
          {"task", "rcnedsx"}, {"contact", "rcnedsx"}, {"lead", "rcnedsx"});
    TABLE(&viewer, LEVEL_EDIT, SCOPE_ACCOUNT, {"account", "rx"}, {"user", "rx"}, {"note", "rx"},
          {"assignment", "rx"}, {"task", "rx"}, {"document", "rx"}, {"contact", "rx"},
          {"lead", "rx"}, {"customField", "rx"});
}

static void levels_have_their_rights(void **state)
{
    (void)state;
    const struct principal eva = partner();
    TABLE(&eva, LEVEL_VIEW, SCOPE_ACCOUNT, {"account", "rx"}, {"note", "rx"}, {"contact", "rx"},
          {"assignment", "rx"}, {"task", "rx"}, {"document", "rx"}, {"lead", "rx"});
    TABLE(&eva, LEVEL_COMMENT, SCOPE_ACCOUNT, {"account", "rnx"}, {"note", "rcnx/ed"},
          {"interaction", "rcnx/ed"}, {"contact", "rnx"}, {"assignment", "rx"}, {"task", "rnx"},
          {"document", "rnx"}, {"user", "rx"}, {"customField", "rx"});
    TABLE(&eva, LEVEL_EDIT, SCOPE_ACCOUNT, {"account", "rnex"}, {"opportunity", "rnex"},
          {"order", "rnex"}, {"profile", "rnex"}, {"note", "rcnx/ed"}, {"contact", "rcnex/d"},
          {"case", "rcnex/d"}, {"document", "rcnx/ed"}, {"assignment", "rx"}, {"task", "rnx"},
          {"user", "rx"}, {"party", "rx"}, {"ship", "rnx"}, {"product", "rnx"});
    TABLE(&eva, LEVEL_VIEW, SCOPE_LIBRARY, {"product", "rx"}, {"note", "rx"}, {"document", "rx"});
    TABLE(&eva, LEVEL_EDIT, SCOPE_PARTY, {"task", "rcnex/d"}, {"note", "rcnex/d"},
          {"document", "rcnex/d"}, {"interaction", "rcnex/d"}, {"contact", "rx"}, {"lead", "rx"});
}

static enum reason refused_for(enum level level, enum scope_kind kind, const char *entity,
                               enum action action)
{
    const struct principal eva = partner();
    const struct opening opening = {.open = true, .since = 1, .level = level};
    struct record *record = memory_new(sizeof *record);
    record->entity = bytes_text(entity);
    record->scope = (struct scope){.kind = kind, .id = nid(1)};
    record->created.by = bytes_text("someone");
    record->placements[0] = (struct placement){record->scope, {.kind = TAG_PARTNERS}, 1, 0};
    record->placement_count = 1;
    const struct verdict verdict = access_judge(&eva, &opening, record, action);
    memory_free(record);
    assert_false(verdict.allowed);
    return verdict.reason;
}

/* Who hears of a level asks for a higher one, which must be of use. */
static void a_level_is_blamed_where_another_would_do(void **state)
{
    (void)state;
    assert_int_equal(refused_for(LEVEL_VIEW, SCOPE_ACCOUNT, "note", ACTION_CREATE), REASON_LEVEL);
    assert_int_equal(refused_for(LEVEL_COMMENT, SCOPE_ACCOUNT, "account", ACTION_EDIT),
                     REASON_LEVEL);
    assert_int_equal(refused_for(LEVEL_COMMENT, SCOPE_ACCOUNT, "note", ACTION_EDIT),
                     REASON_NOT_AUTHOR);
    assert_int_equal(refused_for(LEVEL_VIEW, SCOPE_ACCOUNT, "note", ACTION_SHARE),
                     REASON_OUTSIDER);
    assert_int_equal(refused_for(LEVEL_VIEW, SCOPE_ACCOUNT, "account", ACTION_DELETE),
                     REASON_OUTSIDER);
    assert_int_equal(refused_for(LEVEL_COMMENT, SCOPE_ACCOUNT, "assignment", ACTION_CREATE),
                     REASON_OUTSIDER);
    assert_int_equal(refused_for(LEVEL_VIEW, SCOPE_LIBRARY, "contact", ACTION_CREATE),
                     REASON_OUTSIDER);
}

static void what_may_not_be_read_is_not_found(void **state)
{
    (void)state;
    struct record *record = memory_new(sizeof *record);
    const struct principal eva = partner();
    const struct opening open = {.open = true, .since = 1, .level = LEVEL_EDIT}, shut = {0};
    struct scope scope = account_scope_of(nid(1));
    record->entity = bytes_text("note");
    record->scope = scope;
    record->created.by = bytes_text("eva");
    record->placements[0] = (struct placement){scope, {.kind = TAG_INTERNAL}, 1, 0};
    record->placements[1] = (struct placement){scope, {.kind = TAG_PARTNERS}, 1, 5};
    record->placements[2] =
        (struct placement){account_scope_of(nid(2)), {.kind = TAG_PARTNERS}, 1, 0};
    record->placement_count = 3;
    for (int action = 0; action < ACTION_COUNT; action++) {
        struct verdict verdict = access_judge(&eva, &open, record, (enum action)action);
        assert_false(verdict.allowed);
        assert_int_equal(verdict.reason, REASON_AUDIENCE);
        assert_int_equal(verdict_status(verdict), STATUS_NOT_FOUND);
        verdict = access_judge(&eva, &shut, record, (enum action)action);
        assert_int_equal(verdict.reason, REASON_SCOPE_CLOSED);
        assert_int_equal(verdict_status(verdict), STATUS_NOT_FOUND);
        assert_string_equal(verdict_text(verdict), status_text(STATUS_NOT_FOUND));
    }
    assert_true(access_audience_left(&eva, record, 4));
    assert_false(access_audience_left(&eva, record, 5));
    assert_int_equal(access_audience_since(&eva, record), 0);
    record->placements[1].removed = 0;
    record->placements[1].added = 8;
    assert_true(access_audience_meets(&eva, record));
    assert_int_equal(access_audience_since(&eva, record), 8);
    memory_free(record);
}

static void one_may_edit_oneself(void **state)
{
    (void)state;
    struct record *record = memory_new(sizeof *record);
    struct principal kari = staff(ROLE_MEMBER);
    const struct opening open = {.open = true, .since = 1, .level = LEVEL_EDIT};
    record->entity = bytes_text("user");
    record->id = KARI;
    record->scope = (struct scope){.kind = SCOPE_LIBRARY};
    record->placements[0] = (struct placement){record->scope, {.kind = TAG_INTERNAL}, 1, 0};
    record->placement_count = 1;
    assert_true(access_judge(&kari, &open, record, ACTION_EDIT).allowed);
    assert_false(access_judge(&kari, &open, record, ACTION_DELETE).allowed);
    record->id = NILS;
    assert_false(access_judge(&kari, &open, record, ACTION_EDIT).allowed);
    record->id = KARI;
    record->entity = bytes_text("party");
    assert_false(access_judge(&kari, &open, record, ACTION_EDIT).allowed);
    kari = staff(ROLE_VIEWER);
    record->entity = bytes_text("user");
    assert_false(access_judge(&kari, &open, record, ACTION_EDIT).allowed);
    assert_true(access_own_field(bytes_text("fullName")));
    assert_false(access_own_field(bytes_text("role")) || access_own_field(bytes_text("disabled")));
    memory_free(record);
}

static void field_classes_are_for_whom_they_say(void **state)
{
    (void)state;
    const struct principal kari = staff(ROLE_MEMBER), ada = staff(ROLE_ADMINISTRATOR),
                           eva = partner();
    struct principal system;
    const struct bytes nobody = {NULL, 0};
    struct buffer sales = {0}, support = {0};
    principal_system(&system);
    wire_put_array(&sales, 2);
    wire_put_text(&sales, "support");
    wire_put_text(&sales, "sales");
    wire_put_array(&support, 1);
    wire_put_text(&support, "support");
    assert_true(access_field(&eva, CLASS_SHARED, nobody, ACTION_READ).allowed);
    assert_false(access_field(&eva, CLASS_INTERNAL, nobody, ACTION_READ).allowed);
    assert_false(access_field(&eva, CLASS_RESTRICTED, buffer_bytes(&sales), ACTION_READ).allowed);
    assert_true(access_field(&kari, CLASS_INTERNAL, nobody, ACTION_EDIT).allowed);
    assert_true(access_field(&kari, CLASS_RESTRICTED, buffer_bytes(&sales), ACTION_READ).allowed);
    assert_false(
        access_field(&kari, CLASS_RESTRICTED, buffer_bytes(&support), ACTION_READ).allowed);
    assert_true(access_field(&ada, CLASS_RESTRICTED, buffer_bytes(&support), ACTION_READ).allowed);
    assert_true(access_field(&system, CLASS_RESTRICTED, nobody, ACTION_READ).allowed);
    assert_int_equal(access_field(&eva, CLASS_INTERNAL, nobody, ACTION_READ).reason,
                     REASON_FIELD_CLASS);
    buffer_release(&sales);
    buffer_release(&support);
}

static void view_classes_are_equal_only_for_equal_views(void **state)
{
    (void)state;
    struct principal a = staff(ROLE_MEMBER), b = staff(ROLE_MEMBER);
    b.user = NILS;
    set_name(b.name, "nils");
    b.role = ROLE_VIEWER;
    assert_true(access_view_class(&a) == access_view_class(&b));
    b.role = ROLE_ADMINISTRATOR;
    assert_true(access_view_class(&a) != access_view_class(&b));
    b = a;
    set_name(b.department_names[0], "support");
    assert_true(access_view_class(&a) != access_view_class(&b));
    b = a;
    b.departments[1] = nid(41);
    set_name(b.department_names[1], "support");
    b.tags[b.tag_count++] = (struct tag){TAG_DEPARTMENT, nid(41)};
    b.department_count = 2;
    assert_true(access_view_class(&a) != access_view_class(&b));
    /* The order of departments says nothing. */
    struct principal c = b;
    c.departments[0] = b.departments[1];
    c.departments[1] = b.departments[0];
    set_name(c.department_names[0], "support");
    set_name(c.department_names[1], "sales");
    c.tags[1] = b.tags[2];
    c.tags[2] = b.tags[1];
    assert_true(access_view_class(&c) == access_view_class(&b));
    struct principal eva = partner(), erik = partner();
    erik.user = nid(911);
    assert_true(access_view_class(&eva) == access_view_class(&erik));
    erik.tags[1].id = nid(51);
    assert_true(access_view_class(&eva) != access_view_class(&erik));
    assert_true(access_view_class(&eva) != access_view_class(&a));
}

static void the_oldest_grant_and_the_newest_revocation_count(void **state)
{
    (void)state;
    struct memory_state *memory = memory_state_new();
    const struct state s = memory_state_view(memory);
    const struct principal kari = staff(ROLE_MEMBER);
    put_row(&s, SUBJECT_DEPARTMENTS, 9, 0, LEVEL_EDIT);
    put_row(&s, KARI, 5, 0, LEVEL_EDIT);
    assert_int_equal(open_to(&s, &kari).since, 5);
    put_row(&s, SUBJECT_DEPARTMENTS, 3, 0, LEVEL_EDIT);
    assert_int_equal(open_to(&s, &kari).since, 3);
    put_row(&s, SUBJECT_DEPARTMENTS, 3, 20, LEVEL_EDIT);
    put_row(&s, KARI, 5, 11, LEVEL_EDIT);
    assert_int_equal(open_to(&s, &kari).closed, 20);
    memory_state_free(memory);
}

/* What no encoder writes: a scope, a level, a role or a reason from elsewhere opens nothing. */
static void what_is_unknown_is_allowed_nothing(void **state)
{
    (void)state;
    const struct principal kari = staff(ROLE_ADMINISTRATOR), eva = partner();
    const struct principal odd = staff((enum role)77);
    struct record *record = memory_new(sizeof *record);
    struct opening open = {.open = true, .since = 1, .level = (enum level)9};
    assert_false(is_open(&kari, (enum scope_kind)9, none) || is_open(&eva, (enum scope_kind)9, none));
    record->entity = bytes_text("account");
    record->scope = account_scope_of(nid(1));
    record->created.by = bytes_text("someone");
    record->placements[0] = (struct placement){record->scope, {.kind = TAG_PARTNERS}, 1, 0};
    record->placements[1] = (struct placement){record->scope, {.kind = TAG_INTERNAL}, 1, 0};
    record->placement_count = 2;
    assert_false(access_judge(&eva, &open, record, ACTION_READ).allowed);
    open.level = LEVEL_EDIT;
    assert_true(access_judge(&eva, &open, record, ACTION_READ).allowed);
    assert_false(access_judge(&odd, &open, record, ACTION_READ).allowed);
    const struct verdict verdict = {.reason = (enum reason)99};
    assert_int_equal(verdict_status(verdict), STATUS_DENIED);
    assert_string_equal(verdict_text(verdict), "not allowed");
    assert_string_equal(role_name((enum role)77), "");
    memory_free(record);
}

static void every_refusal_has_its_words(void **state)
{
    static const enum reason denied[] = {REASON_ROLE,        REASON_LEVEL,        REASON_OUTSIDER,
                                         REASON_FIELD_CLASS, REASON_SYSTEM_FIELD, REASON_NOT_AUTHOR};
    (void)state;
    const struct verdict allowed = {true, REASON_ALLOWED};
    assert_int_equal(verdict_status(allowed), STATUS_OK);
    assert_string_equal(verdict_text(allowed), "allowed");
    for (size_t i = 0; i < sizeof denied / sizeof *denied; i++) {
        const struct verdict verdict = {false, denied[i]};
        assert_int_equal(verdict_status(verdict), STATUS_DENIED);
        assert_true(strlen(verdict_text(verdict)) > 10);
        for (size_t j = 0; j < i; j++) {
            const struct verdict other = {false, denied[j]};
            assert_string_not_equal(verdict_text(verdict), verdict_text(other));
        }
    }
}

static void the_newest_of_several_placements_counts(void **state)
{
    (void)state;
    struct record *record = memory_new(sizeof *record);
    const struct principal kari = staff(ROLE_MEMBER), eva = partner();
    struct principal system;
    principal_system(&system);
    record->scope = account_scope_of(nid(1));
    record->placements[0] = (struct placement){record->scope, {.kind = TAG_INTERNAL}, 8, 0};
    record->placements[1] = (struct placement){record->scope, {TAG_DEPARTMENT, nid(40)}, 3, 0};
    record->placements[2] = (struct placement){record->scope, {.kind = TAG_SUPPLIERS}, 3, 12};
    record->placement_count = 3;
    assert_int_equal(access_audience_since(&kari, record), 8);
    assert_true(access_audience_left(&system, record, 11));
    assert_false(access_audience_left(&system, record, 12));
    assert_false(access_audience_left(&eva, record, 11));
    assert_true(access_audience_meets(&system, record));
    record->deleted = true;
    assert_false(access_audience_meets(&system, record));
    memory_free(record);
}

static void a_damaged_restriction_shows_nothing(void **state)
{
    (void)state;
    struct record *record = memory_new(sizeof *record);
    struct principal kari = staff(ROLE_MEMBER);
    struct record_field field = {.name = bytes_text("x"), .class = CLASS_RESTRICTED, .restricted = 1};
    record->restrictions[0] = bytes_of("\x92\x07\xa5sales", 8); /* a number, then the name */
    record->restriction_count = 1;
    assert_false(access_sees_field(&kari, record, &field));
    record->restrictions[0] = bytes_of("\x91\xa5sales", 7);
    assert_true(access_sees_field(&kari, record, &field));
    field.restricted = 2;
    assert_false(access_sees_field(&kari, record, &field));
    field.restricted = 0;
    assert_false(access_sees_field(&kari, record, &field));
    /* A department without a name is none that could be named. */
    set_name(kari.department_names[0], "");
    record->restrictions[0] = bytes_of("\x91\xa0", 2);
    field.restricted = 1;
    assert_false(access_sees_field(&kari, record, &field));
    memory_free(record);
}

struct walk {
    unsigned seen, most;
};

static bool walk_on(void *context, struct scope scope)
{
    struct walk *walk = context;
    (void)scope;
    return ++walk->seen <= walk->most;
}

static void open_scopes_are_told_until_somebody_stops(void **state)
{
    (void)state;
    struct memory_state *memory = memory_state_new();
    const struct state s = memory_state_view(memory);
    const struct principal eva = partner();
    put_row(&s, PAPIR, 5, 3, LEVEL_VIEW);
    const struct access_row ended = {5, 6, LEVEL_VIEW, none};
    assert_int_equal(s.ops->put_access(s.self, PAPIR, account_scope_of(nid(2)), &ended), STATUS_OK);
    for (unsigned most = 0; most <= 4; most++) {
        struct walk walk = {.most = most};
        assert_int_equal(open_scopes_each(&s, &eva, walk_on, &walk),
                         most < 4 ? STATUS_NO_MEMORY : STATUS_OK);
        assert_int_equal(walk.seen, most < 4 ? most + 1 : 4);
    }
    struct walk walk = {.most = 9};
    memory_state_fail(memory, 2, STATUS_IO);
    assert_int_equal(open_scopes_each(&s, &eva, walk_on, &walk), STATUS_IO);
    struct opening opening;
    memory_state_fail(memory, 1, STATUS_IO);
    assert_int_equal(access_opening(&s, &eva, account_scope_of(nid(1)), &opening), STATUS_IO);
    memory_state_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(staff_see_accounts_unless_restricted),
        cmocka_unit_test(partners_see_what_is_assigned),
        cmocka_unit_test(other_scopes_are_for_their_own),
        cmocka_unit_test(roles_have_their_rights),
        cmocka_unit_test(levels_have_their_rights),
        cmocka_unit_test(a_level_is_blamed_where_another_would_do),
        cmocka_unit_test(what_may_not_be_read_is_not_found),
        cmocka_unit_test(one_may_edit_oneself),
        cmocka_unit_test(field_classes_are_for_whom_they_say),
        cmocka_unit_test(view_classes_are_equal_only_for_equal_views),
        cmocka_unit_test(the_oldest_grant_and_the_newest_revocation_count),
        cmocka_unit_test(what_is_unknown_is_allowed_nothing),
        cmocka_unit_test(every_refusal_has_its_words),
        cmocka_unit_test(the_newest_of_several_placements_counts),
        cmocka_unit_test(a_damaged_restriction_shows_nothing),
        cmocka_unit_test(open_scopes_are_told_until_somebody_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
