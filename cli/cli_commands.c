/* The table of commands: what `tandem help`, usage errors and the check of the manual page are
 * made from. */
#include <string.h>

#include "cli/cli_arguments.h"
#include "cli/cli_list_of_commands.h"
#include "cli/cli_text.h"

#define END {NULL, NULL, NULL}
#define ENTRY_ID                                                                                   \
    "ID is the number of the entry, or the id or exact name of a record that no other entry changes.\n" \
    "Where several records have the name it asks for the id."
#define OR_NAME "For an account, its exact name will do as ID when only one has it."

static const struct option_def login_options[] = {
    {"user", "NAME", "who signs in"},
    {"ca", "FILE", "certificate of who signed the server's; default: the system's"},
    {"certificate", "FILE", "sign in with this client certificate"},
    {"key", "FILE", "its private key"},
    {"discard", NULL, "throw away what another user left in the outbox"},
    END};
static const struct option_def logout_options[] = {
    {"everywhere", NULL, "end the sign-ins on other machines too"},
    {"discard", NULL, "throw away what waits in the outbox"},
    END};
static const struct option_def resolve_options[] = {
    {"mine", NULL, "your values, against what is there now"},
    {"theirs", NULL, "theirs; what is not in conflict is sent all the same"},
    {"set", "FIELD=VALUE", "another value; may be repeated"},
    END};
static const struct option_def add_options[] = {
    {"account", "ID", "the account it belongs to, by id or exact name"},
    {"audience", "TAG,...", "who may see it; default: as the entity says"},
    {"scope", "SCOPE", "for a record without account: party:ID, user:ID, library"},
    END};
static const struct option_def edit_options[] = {
    {"overwrite", NULL, "win over what others changed meanwhile"},
    {"base", "SEQ", "the seq you saw, as tandem show prints it; default: the newest"},
    END};
static const struct option_def list_options[] = {
    {"where", "CONDITION", "field=value, != < <= > >=, field~part; several must all hold"},
    {"sort", "FIELD", "by an indexed field, or createdAt; -FIELD for descending"},
    {"limit", "N", "at most N records"},
    {"columns", "FIELD,...", "the fields to show"},
    END};
static const struct option_def remove_options[] = {
    {"all", NULL, "with everything in it: contacts, cases, notes, ..."}, END};
static const struct option_def watch_options[] = {
    {"all", NULL, "first print what is held already"},
    {"until-caught-up", NULL, "end once everything has arrived"},
    {"count", "N", "end after N changes"},
    {"fresh", NULL, "start from nothing, in a replica for this run"},
    END};

static const struct option_def log_options[] = {
    {"channel", "CHANNEL", "call, email, meeting, chat, visit, letter, ..."},
    {"direction", "DIRECTION", "inbound, outbound or internal"},
    {"status", "STATUS", "planned, held or not held"},
    {"subject", "TEXT", "default: the first line of the text"},
    {"outcome", "TEXT", "what came of it"},
    {"at", "TIME", "when; default: now. \"2026-03-01 09:30\" is local time"},
    {"share", "TAG,...", "who may see it besides the departments"},
    END};
static const struct option_def note_options[] = {
    {"type", "TEXT", "what kind of note"},
    {"share", "TAG,...", "who may see it besides the departments"},
    {"edit", NULL, "edit the note in the terminal, with whoever else does"},
    {"print", NULL, "print its text"},
    {"version", "N", "with --print and --blame: as it was then; 0: as it began"},
    {"versions", NULL, "list who changed what in it, the newest first"},
    {"all", NULL, "with --versions: each change by itself, not what was done in one go"},
    {"limit", "N", "with --versions: the newest N; default: 20, with --all 100"},
    {"blame", NULL, "print its text with who wrote what, and when"},
    {"restore", "N", "give it the text of version N again, as a new version"},
    {"yes", NULL, "with --restore: do not ask"},
    {"discard", NULL, "give up what you typed in it and the server has not"},
    END};
static const struct option_def inbox_options[] = {
    {"all", NULL, "what is read too, however long ago; default: the newest 20 of it"},
    {"read", NULL, "mark as read"},
    END};
static const struct option_def limit_options[] = {{"limit", "N", "the newest N"}, END};
static const struct option_def share_options[] = {
    {"with", "TAG,...", "suppliers, distributors, partners, internal, dept:NAME, partner:NAME, NAME"},
    END};
static const struct option_def unshare_options[] = {
    {"from", "TAG,...", "as for tandem share --with"}, END};
static const struct option_def assign_options[] = {
    {"level", "LEVEL", "view, comment or edit"},
    {"from", "DATE", "default: at once"},
    {"until", "DATE", "default: without end"},
    END};
static const struct option_def party_options[] = {
    {"kind", "KIND", "department, supplier, distributor, reseller, agency or other"},
    {"email-domain", "DOMAIN", "where their mail comes from"},
    {"external-id", "TEXT", "what another system calls them"},
    END};
static const struct option_def user_add_options[] = {
    {"department", "NAME,...", "of the company"},
    {"partner", "NAME", "outside it"},
    {"role", "ROLE", "Administrator, Manager, Member, Viewer; Partner for partners"},
    {"full-name", "TEXT", "what people call them"},
    {"email", "ADDRESS", "their mail address"},
    {"external-id", "TEXT", "what another system calls them"},
    END};
static const struct option_def user_move_options[] = {
    {"department", "NAME,...", "of the company"},
    {"partner", "NAME", "outside it"},
    {"role", "ROLE", "a new role"},
    END};
static const struct option_def field_options[] = {
    {"kind", "KIND", "text, longText, integer, decimal, boolean, enum, date, time, money, ..."},
    {"label", "TEXT", "what people call it"},
    {"class", "CLASS", "shared, internal or restricted"},
    {"values", "V,...", "of an enum"},
    {"target", "ENTITY", "of a reference"},
    {"departments", "NAME,...", "of a restricted field"},
    {"required", NULL, "a record cannot be without it"},
    END};
static const struct option_def entity_options[] = {
    {"home", "HOME", "account or library (default)"},
    {"audience", "AUDIENCE", "internal (default) or partners"},
    {"label", "TEXT", "what people call it"},
    {"title", "FIELD", "the field that names a record of it"},
    END};
static const struct option_def export_options[] = {
    {"csv", NULL, "comma-separated values, UTF-8 (default)"},
    {"where", "CONDITION", "as for tandem list"},
    {"columns", "FIELD,...", "default: all fields"},
    END};
static const struct option_def schema_options[] = {
    {"markdown", NULL, "everything, as docs/SCHEMA.md has it"}, END};
static const struct option_def import_options[] = {
    {"as", "ENTITY", "what the rows are"},
    {"map", "FIELD=COLUMN,...", "default: columns that are named like fields"},
    {"key", "FIELD[=COLUMN]", "rows whose key is known are updated"},
    {"set", "FIELD=VALUE", "the same for every row"},
    {"account-by", "FIELD=COLUMN", "the account whose FIELD has the column's value"},
    {"lookup", "REF.FIELD=COLUMN", "the same for any reference, as supplier.name=Vendor"},
    {"audience", "TAG,...", "who may see new records"},
    {"dry-run", NULL, "check everything, change nothing"},
    {"delimiter", "CHAR", "between cells; default: a comma. tab for a tab"},
    {"encoding", "NAME", "utf-8 (default) or latin1"},
    {"date-format", "FORMAT", "iso (default), us (12/31/2026) or eu (31.12.2026)"},
    {"currency", "CODE", "for amounts without one"},
    {"clear-empty", NULL, "an empty cell clears the field"},
    {"progress", NULL, "tell every 1,000 rows"},
    {"report", "FILE", "write all refused rows there, as CSV (commas, UTF-8), to correct and import"},
    END};

static const struct command commands[] = {
    {"login", "URL --user NAME", "Sign in, and stay signed in on this machine",
     "Asks for the password; TANDEM_PASSWORD gives it without asking. A one-time code is given in\n"
     "place of the password, and then a new password is chosen (TANDEM_NEW_PASSWORD). What another user\n"
     "left in the outbox is kept, or thrown away, as by tandem logout.",
     login_options, 1, 1, command_login},
    {"logout", "", "Sign out on this machine",
     "While something waits in the outbox it is listed; a terminal is asked whether to throw it away,\n"
     "and without one only --discard does.",
     logout_options, 0, 0, command_logout},
    {"passwd", "", "Change your password",
     "Asks for both; TANDEM_PASSWORD and TANDEM_NEW_PASSWORD give them without asking.", NULL, 0, 0,
     command_passwd},
    {"whoami", "", "Say who is signed in", NULL, NULL, 0, 0, command_whoami},
    {"status", "", "Say how the server is doing", NULL, NULL, 0, 0, command_status},
    {"add", "ENTITY FIELD=VALUE...", "Add a record",
     "Fields are those of tandem schema ENTITY. A reference takes an id; one to an account, a party\n"
     "or a user also takes its name. A record of your own entity needs no name where another field is\n"
     "its title.",
     add_options, 2, ARGUMENTS_ANY, command_add},
    {"list", "ENTITY", "List records", NULL, list_options, 1, 1, command_list},
    {"show", "ID", "Show everything about a record",
     OR_NAME "\n"
     "A record that you removed while offline is shown until the removal is sent.",
     NULL, 1, 1, command_show},
    {"edit", "ID FIELD=VALUE...", "Change fields of a record",
     OR_NAME "\n"
     "FIELD= clears a field. --base SEQ, with the seq that tandem show prints, protects what someone\n"
     "else changed after you looked: then the edit is refused. Without it only what changes while\n"
     "the edit is under way is protected. --overwrite says whose values it replaced, and from when.",
     edit_options, 2, ARGUMENTS_ANY, command_edit},
    {"remove", "ID", "Delete a record",
     OR_NAME "\n"
     "An account with something in it, or a party with access to accounts, is refused without\n"
     "--all. People are moved out of a party first.",
     remove_options, 1, 1, command_remove},
    {"watch", "[ID...]", "Print every change as it arrives",
     "Without ids everything you may see is watched, starting where the last watch ended. With the\n"
     "id or exact name of an account, all that belongs to the account is. What is older than the lines\n"
     "before it is marked \"earlier\".",
     watch_options, 0, ARGUMENTS_ANY, command_watch},
    {"offline", "", "Work without the network, until tandem online",
     "Fetches what is new first, so that all you may see is on this machine. From then on what you\n"
     "ask is answered from there, and what you change shows at once, marked pending, and waits in\n"
     "the outbox. Without the server the copy is as old as it says.",
     NULL, 0, 0, command_offline},
    {"online", "", "Connect again and settle what waits",
     "Sends what waits in the outbox, in its order, and says of each change what became of it:\n"
     "accepted, refused, or in conflict with what somebody else changed meanwhile, then with both\n"
     "values. Exit status 1 when something is left to decide, 3 when the server cannot be reached:\n"
     "then the profile stays offline, and what waits is kept.",
     NULL, 0, 0, command_online},
    {"outbox", "[show ID | retry [ID] | drop ID...]",
     "List what waits for the server, since when and why",
     "Of a single entry: tandem outbox show, tandem outbox retry, tandem outbox drop. What was typed in\n"
     "notes is listed behind the entries; see tandem note.",
     NULL, 0, 0, command_outbox},
    {"outbox show", "ID", "Show everything about an entry of the outbox", ENTRY_ID, NULL, 1, 1,
     command_outbox_show},
    {"outbox retry", "[ID]", "Queue what was refused again, and send what waits",
     ENTRY_ID "\n"
     "Without ID everything that was refused is. Exit status 1 when something is left to decide.",
     NULL, 0, 1, command_outbox_retry},
    {"outbox drop", "ID...", "Forget entries of the outbox",
     ENTRY_ID "\n"
     "What it would have changed stays as it is. An entry that is under way cannot be dropped. Of a\n"
     "record that it would have added, what waits about it is listed: that is kept, and to be dropped\n"
     "too.",
     NULL, 1, ARGUMENTS_ANY, command_outbox_drop},
    {"conflicts", "", "List your changes that are in conflict with others'",
     "Of each field: base, the value you saw; mine, yours; theirs, with who and when.", NULL, 0, 0,
     command_conflicts},
    {"resolve", "ID --mine | --theirs | --set FIELD=VALUE", "Settle a conflict",
     ENTRY_ID "\n"
     "Without a choice all values are shown, whole.",
     resolve_options, 1, 1, command_resolve},
    {"log", "ID [TEXT]", "Log a call, a mail, a meeting with an account",
     "ID is an account (its exact name will do), or a contact, case or other record of one. Without\n"
     "TEXT it is read from the pipe.",
     log_options, 1, 2, command_log},
    {"note", "ID [TEXT]", "Write a note about a record, or in one",
     "With the id of a note, TEXT is added to it, on a line of its own; with that of any other record, or\n"
     "the exact name of an account, it is a new note, which only departments see unless it is shared.\n"
     "Without TEXT it is read from the pipe.\n"
     "--edit, --print, --versions, --blame and --restore need the id or the first line of a note, or\n"
     "the exact name of an account that has just one. In --edit all is saved as it is typed, and what\n"
     "others type shows at once; F1 lists the keys, Ctrl-Q leaves. It works offline, and so do --print\n"
     "and adding a text: what was typed is sent when the server can be reached.\n"
     "--versions shows what one person did in one go as one line, with its newest version; every version\n"
     "in between can be printed and restored too, and --all lists them.",
     note_options, 1, 2, command_note},
    {"inbox", "[--read [ID...]]", "Show where others mentioned you",
     "What is unread comes first, then the newest: who named you, in which account and note, when, and the\n"
     "line. --read marks those with these ids as read, without ids all of them; tandem remove ID takes one\n"
     "out. It works offline.",
     inbox_options, 0, ARGUMENTS_ANY, command_inbox},
    {"mention", "ID NAME...", "Tell people that they are named in a note",
     "ID is the id or the first line of a note, or the exact name of an account that has just one. Writing\n"
     "@NAME in a note (@\"A NAME\" with spaces in it) does the same; this is for names that could not be\n"
     "told then, once the note is shared with them.",
     NULL, 2, ARGUMENTS_ANY, command_mention},
    {"timeline", "ID", "Show what happened with an account", NULL, limit_options, 1, 1,
     command_timeline},
    {"history", "ID", "Show who changed what in a record, and when", OR_NAME, limit_options, 1, 1,
     command_history},
    {"share", "ID --with TAG", "Let others see a record",
     OR_NAME "\n"
     "A comma in a name needs a backslash in front of it, unless the name stands alone:\n"
     "--with \"Pavlova, Ltd.\", but --with \"suppliers,Pavlova\\, Ltd.\"",
     share_options, 1, 1, command_share},
    {"unshare", "ID --from TAG", "Take that back", OR_NAME, unshare_options, 1, 1, command_unshare},
    {"party add", "NAME --kind KIND", "Add a department or a partner", NULL, party_options, 1, 1,
     command_party_add},
    {"party list", "", "List departments and partners", NULL, NULL, 0, 0, command_party_list},
    {"assign", "PARTY ID --level LEVEL", "Give a partner access to an account",
     "Assigning again changes the terms: what is not given stays as it was.", assign_options, 2, 2,
     command_assign},
    {"revoke", "PARTY ID", "End a partner's access to an account", NULL, NULL, 2, 2, command_revoke},
    {"user add", "NAME --department D | --partner P", "Add a user and print their one-time code",
     NULL, user_add_options, 1, 1, command_user_add},
    {"user list", "", "List users", NULL, NULL, 0, 0, command_user_list},
    {"user move", "NAME --department D | --partner P", "Change where a user belongs", NULL,
     user_move_options, 1, 1, command_user_move},
    {"user disable", "NAME", "Lock a user out, at once", NULL, NULL, 1, 1, command_user_disable},
    {"user enable", "NAME", "Let a user in again", NULL, NULL, 1, 1, command_user_enable},
    {"user invite", "NAME", "Make a new one-time code for a user", NULL, NULL, 1, 1,
     command_user_invite},
    {"user certificate", "NAME FILE", "Let a user sign in with a client certificate", NULL, NULL, 2,
     2, command_user_certificate},
    {"import", "FILE --as ENTITY", "Add or update records from a CSV file",
     "The file is checked before anything is sent. Then every row stands for itself: refused rows\n"
     "are listed with their line, the column and the reason, and the others are in. An empty cell\n"
     "leaves a field as it is. Parts of an address are mapped as billingAddress.city=City; a column\n"
     "may be a template, as name=\"{First} {Last}\". FILE - is standard input.",
     import_options, 1, 1, command_import},
    {"export", "ENTITY", "Write all records of an entity as CSV or JSON",
     "A cell that a spreadsheet would run as a formula gets an apostrophe in front, which import\n"
     "takes off again.",
     export_options, 1, 1, command_export},
    {"schema", "[ENTITY]", "Say which entities and fields there are",
     "While you are signed in, the company's own entities and fields are among them.",
     schema_options, 0, 1, command_schema},
    {"field add", "ENTITY NAME --kind KIND", "Add a field of your own to an entity", NULL,
     field_options, 2, 2, command_field_add},
    {"entity add", "NAME", "Add an entity of your own", NULL, entity_options, 1, 1,
     command_entity_add},
    {"version", "", "Say which version this is", NULL, NULL, 0, 0, command_version},
    {"help", "[COMMAND]", "Say what there is, or how a command is used", NULL, NULL, 0, 2,
     command_help},
};

size_t commands_count(void)
{
    return sizeof commands / sizeof commands[0];
}

const struct command *commands_at(size_t index)
{
    return &commands[index];
}

const struct command *commands_find(int argc, char *const *argv, int *words)
{
    const struct command *found = NULL;
    for (size_t i = 0; argc > 0 && i < commands_count(); i++) {
        const char *name = commands[i].name;
        size_t first = strcspn(name, " ");
        if (strlen(argv[0]) != first || strncmp(name, argv[0], first) != 0) {
            continue;
        }
        if (name[first] == '\0') {
            found = &commands[i];
            *words = 1;
        } else if (argc > 1 && strcmp(name + first + 1, argv[1]) == 0) {
            *words = 2;
            return &commands[i];
        }
    }
    return found;
}

const struct command *commands_near(const char *word)
{
    const struct command *nearest = NULL;
    size_t least = strlen(word) < 4 ? 2 : 3;
    for (size_t i = 0; i < commands_count(); i++) {
        size_t first = strcspn(commands[i].name, " ");
        size_t away = text_distance(word, commands[i].name, first);
        if (away < least) {
            least = away;
            nearest = &commands[i];
        }
    }
    return nearest;
}
