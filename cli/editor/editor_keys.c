#include "cli/editor/editor_keys.h"

#include <string.h>

#include "cli/cli_text.h"

#define ESCAPE 0x1B

struct feeding {
    struct editor_keys *keys;
    editor_key_fn *on_key;
    void *context;
};

/* ---- The table ------------------------------------------------------------------------------- */

/* Keys held down with Control: their byte is the letter's without its upper bits. */
static enum editor_action control_action(unsigned char byte)
{
    static const struct {
        unsigned char byte, action;
    } controls[] = {
        {'A' & 0x1F, EDITOR_LINE_START},
        {'C' & 0x1F, EDITOR_QUIT},
        {'D' & 0x1F, EDITOR_DELETE},
        {'E' & 0x1F, EDITOR_LINE_END},
        {'F' & 0x1F, EDITOR_FIND},
        {'G' & 0x1F, EDITOR_FIND_NEXT},
        {'H' & 0x1F, EDITOR_BACKSPACE},
        {'J' & 0x1F, EDITOR_ENTER},
        {'K' & 0x1F, EDITOR_DELETE_TO_END},
        {'L' & 0x1F, EDITOR_REDRAW},
        {'M' & 0x1F, EDITOR_ENTER},
        {'Q' & 0x1F, EDITOR_QUIT},
        {'R' & 0x1F, EDITOR_FIND_PREVIOUS},
        {'S' & 0x1F, EDITOR_SAVE},
        {'U' & 0x1F, EDITOR_DELETE_TO_START},
        {'W' & 0x1F, EDITOR_DELETE_WORD_LEFT},
        {'X' & 0x1F, EDITOR_QUIT},
        {'Y' & 0x1F, EDITOR_REDO},
        {'Z' & 0x1F, EDITOR_UNDO},
        {'_' & 0x1F, EDITOR_UNDO},
        {0x7F, EDITOR_BACKSPACE},
    };
    for (size_t i = 0; i < sizeof controls / sizeof controls[0]; i++) {
        if (controls[i].byte == byte) {
            return (enum editor_action)controls[i].action;
        }
    }
    return EDITOR_NOTHING;
}

/* ESC and one more byte: a key held down with Alt. */
static enum editor_action alt_action(unsigned char byte)
{
    switch (byte) {
    case 'b':
        return EDITOR_WORD_LEFT;
    case 'f':
        return EDITOR_WORD_RIGHT;
    case 'd':
        return EDITOR_DELETE_WORD_RIGHT;
    case 0x7F:
    case 0x08:
        return EDITOR_DELETE_WORD_LEFT;
    case '<':
        return EDITOR_TEXT_START;
    case '>':
        return EDITOR_TEXT_END;
    default:
        return EDITOR_NOTHING;
    }
}

/* Sequences ESC [ ... FINAL and ESC O FINAL. `number` is the first parameter, which says for
 * "~" which key it is; `plain` is the key alone, `held` with Control or Alt. */
static const struct sequence {
    char final;
    unsigned char number;
    unsigned char plain, held;
} sequences[] = {
    {'A', 0, EDITOR_UP, EDITOR_LINE_UP},
    {'B', 0, EDITOR_DOWN, EDITOR_LINE_DOWN},
    {'C', 0, EDITOR_RIGHT, EDITOR_WORD_RIGHT},
    {'D', 0, EDITOR_LEFT, EDITOR_WORD_LEFT},
    {'H', 0, EDITOR_ROW_START, EDITOR_TEXT_START},
    {'F', 0, EDITOR_ROW_END, EDITOR_TEXT_END},
    {'M', 0, EDITOR_ENTER, EDITOR_ENTER}, /* of a numeric pad */
    {'P', 0, EDITOR_HELP, EDITOR_HELP},
    {'R', 0, EDITOR_FIND_NEXT, EDITOR_FIND_PREVIOUS},
    {'a', 0, EDITOR_LINE_UP, EDITOR_LINE_UP}, /* rxvt */
    {'b', 0, EDITOR_LINE_DOWN, EDITOR_LINE_DOWN},
    {'c', 0, EDITOR_WORD_RIGHT, EDITOR_WORD_RIGHT},
    {'d', 0, EDITOR_WORD_LEFT, EDITOR_WORD_LEFT},
    {'~', 1, EDITOR_ROW_START, EDITOR_TEXT_START},
    {'~', 3, EDITOR_DELETE, EDITOR_DELETE_WORD_RIGHT},
    {'~', 4, EDITOR_ROW_END, EDITOR_TEXT_END},
    {'~', 5, EDITOR_PAGE_UP, EDITOR_TEXT_START},
    {'~', 6, EDITOR_PAGE_DOWN, EDITOR_TEXT_END},
    {'~', 7, EDITOR_ROW_START, EDITOR_TEXT_START},
    {'~', 8, EDITOR_ROW_END, EDITOR_TEXT_END},
    {'~', 11, EDITOR_HELP, EDITOR_HELP},
    {'~', 13, EDITOR_FIND_NEXT, EDITOR_FIND_PREVIOUS},
    {'~', 25, EDITOR_FIND_PREVIOUS, EDITOR_FIND_PREVIOUS}, /* Shift-F3 of some */
};

static enum editor_action sequence_action(char final, unsigned number, unsigned modifiers)
{
    for (size_t i = 0; i < sizeof sequences / sizeof sequences[0]; i++) {
        const struct sequence *known = &sequences[i];
        if (known->final == final && (final != '~' || known->number == number)) {
            /* 1 and the bits: Shift 1, Alt 2, Control 4. Shift counts where a key is otherwise
             * the same, as with F3. */
            unsigned held = modifiers == 0 ? 0 : (modifiers - 1) & (final == 'R' ? 7u : 6u);
            held |= number == 13 && modifiers == 2;
            return (enum editor_action)(held != 0 ? known->held : known->plain);
        }
    }
    return EDITOR_NOTHING;
}

/* ---- What comes out -------------------------------------------------------------------------- */

static void give(const struct feeding *feeding, enum editor_key_kind kind,
                 enum editor_action action, const struct buffer *text)
{
    struct editor_key key = {.kind = kind, .action = action, .text = ""};
    if (text != NULL) {
        key.text = text->size == 0 ? "" : (const char *)text->data;
        key.size = text->size;
    }
    feeding->on_key(feeding->context, &key);
}

static void give_text(const struct feeding *feeding)
{
    struct buffer *text = &feeding->keys->text;
    if (text->size > 0 && !text->failed) {
        give(feeding, EDITOR_KEY_TEXT, EDITOR_NOTHING, text);
    }
    buffer_clear(text);
}

static void give_action(const struct feeding *feeding, enum editor_action action)
{
    give_text(feeding); /* what was typed before it comes before it */
    if (action != EDITOR_NOTHING) {
        give(feeding, EDITOR_KEY_ACTION, action, NULL);
    }
}

static void give_paste(const struct feeding *feeding)
{
    struct editor_keys *keys = feeding->keys;
    if (keys->paste_failed || keys->paste.failed) {
        give(feeding, EDITOR_KEY_PASTE_TOO_LONG, EDITOR_NOTHING, NULL);
    } else if (keys->paste.size > 0) {
        give(feeding, EDITOR_KEY_PASTE, EDITOR_NOTHING, &keys->paste);
    }
    buffer_release(&keys->paste);
    keys->pasting = keys->paste_failed = keys->paste_return = false;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* Whole characters only; of the rest, what is missing may still come. */
static void take_character(struct editor_keys *keys, struct buffer *into)
{
    uint32_t code = 0;
    const char *pending = (const char *)keys->pending;
    unsigned char first = keys->pending[0];
    size_t need = first < 0xC2 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 1;
    if (keys->pending_size < need) {
        return;
    }
    if (text_decode(pending, keys->pending_size, &code) == need && (code < 0x80 || code >= 0xA0)) {
        buffer_append(into, pending, need);
    }
    keys->pending_size = 0;
}

static void add_to_paste(struct editor_keys *keys, unsigned char byte)
{
    bool after_return = keys->paste_return;
    keys->paste_return = byte == '\r';
    if (keys->paste.size >= EDITOR_PASTE) {
        keys->paste_failed = true;
    } else if (byte == '\r' || (byte == '\n' && !after_return)) {
        buffer_append_byte(&keys->paste, '\n');
    } else if (byte == '\t' || (byte >= 0x20 && byte < 0x7F)) {
        buffer_append_byte(&keys->paste, byte);
    }
}

/* Whether the byte belongs to the sequence that ends the paste, or to one that only began like it.
 */
static bool paste_ends(const struct feeding *feeding, unsigned char byte)
{
    static const char end[] = "\033[201~";
    struct editor_keys *keys = feeding->keys;
    if (byte == (unsigned char)end[keys->pending_size]) {
        keys->pending[keys->pending_size++] = byte;
        if (keys->pending_size == sizeof end - 1) {
            keys->pending_size = 0;
            give_paste(feeding);
        }
        return true;
    }
    for (size_t i = 1; i < keys->pending_size;
         i++) { /* behind the ESC, which is none of the text */
        add_to_paste(keys, keys->pending[i]);
    }
    keys->pending_size = 0;
    return false;
}

static void paste_byte(const struct feeding *feeding, unsigned char byte)
{
    struct editor_keys *keys = feeding->keys;
    if (keys->pending_size > 0 && keys->pending[0] == ESCAPE && paste_ends(feeding, byte)) {
        return;
    }
    if (keys->pending_size > 0 && (byte & 0xC0) != 0x80) {
        keys->pending_size = 0; /* a character that was broken off */
    }
    if (byte == ESCAPE) {
        keys->pending[keys->pending_size++] = byte;
    } else if (byte < 0x80) {
        add_to_paste(keys, byte);
    } else {
        keys->paste_failed = keys->paste_failed || keys->paste.size >= EDITOR_PASTE;
        keys->paste_return = false;
        keys->pending[keys->pending_size++] = byte;
        take_character(keys, &keys->paste);
    }
}

/* A whole "ESC [ parameters final". */
static void take_sequence(const struct feeding *feeding)
{
    struct editor_keys *keys = feeding->keys;
    unsigned numbers[2] = {0, 0};
    size_t index = 0;
    for (size_t i = 2; i + 1 < keys->pending_size; i++) {
        unsigned char byte = keys->pending[i];
        index += byte == ';';
        if (byte >= '0' && byte <= '9' && index < 2 && numbers[index] < 1000) {
            numbers[index] = numbers[index] * 10 + (byte - '0');
        }
    }
    char final = (char)keys->pending[keys->pending_size - 1];
    bool answer = keys->pending_size > 3 && keys->pending[2] >= '<' && keys->pending[2] <= '?';
    keys->pending_size = 0;
    if (answer) { /* the terminal tells of itself */
        return;
    }
    if (final == '~' && numbers[0] == 200) {
        give_text(feeding);
        keys->pasting = true;
        return;
    }
    give_action(feeding, sequence_action(final, numbers[0], numbers[1]));
}

static void escape_byte(const struct feeding *feeding, unsigned char byte)
{
    struct editor_keys *keys = feeding->keys;
    size_t size = keys->pending_size;
    unsigned char kind = size > 1 ? keys->pending[1] : 0;
    if (keys->pending_size == EDITOR_SEQUENCE) {
        keys->pending_size = 3;
        keys->skipping = true; /* to its end, all the same */
    }
    if (byte == ESCAPE) { /* the key that had begun ends with nothing */
        keys->pending_size = 1;
        keys->skipping = false;
        return;
    }
    keys->pending[keys->pending_size++] = byte;
    if (size == 1 && (byte == '[' || byte == 'O')) {
        return;
    }
    if (size == 1) {
        keys->pending_size = 0;
        if (byte < 0x20 && alt_action(byte) == EDITOR_NOTHING) { /* two keys, quickly pressed */
            give_action(feeding, EDITOR_CANCEL);
            give_action(feeding, control_action(byte));
            return;
        }
        give_action(feeding, alt_action(byte));
    } else if (kind == '[' && size == 2 && byte == '[') {
        return; /* ESC [ [ A: function keys of the Linux console */
    } else if (kind == '[' && keys->pending[2] == '[') {
        keys->pending_size = 0;
        give_action(feeding, byte == 'A'   ? EDITOR_HELP
                             : byte == 'C' ? EDITOR_FIND_NEXT
                                           : EDITOR_NOTHING);
    } else if (kind == '[' && byte >= 0x20 && byte < 0x40) {
        return; /* a parameter */
    } else if (keys->skipping) {
        keys->pending_size = 0;
        keys->skipping = false;
    } else if (kind == 'O' && byte >= '0' && byte <= '9' && size < 8) {
        return; /* ESC O 5 A: a modifier, of some old terminals */
    } else {
        take_sequence(feeding);
    }
}

static void plain_byte(const struct feeding *feeding, unsigned char byte)
{
    struct editor_keys *keys = feeding->keys;
    if (keys->pending_size > 0 && (byte & 0xC0) != 0x80) {
        keys->pending_size = 0; /* a character that was broken off */
    }
    if (byte == ESCAPE) {
        give_text(feeding);
        keys->pending[keys->pending_size++] = byte;
    } else if (byte == '\t') {
        buffer_append_byte(&keys->text, byte);
    } else if (byte < 0x20 || byte == 0x7F) {
        give_action(feeding, control_action(byte));
    } else {
        keys->pending[keys->pending_size++] = byte;
        take_character(keys, &keys->text);
    }
}

void editor_keys_feed(struct editor_keys *keys, const char *bytes, size_t size,
                      editor_key_fn *on_key, void *context)
{
    const struct feeding feeding = {keys, on_key, context};
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (keys->pasting) {
            paste_byte(&feeding, byte);
        } else if (keys->pending_size > 0 && keys->pending[0] == ESCAPE) {
            escape_byte(&feeding, byte);
        } else {
            plain_byte(&feeding, byte);
        }
    }
    if (!keys->pasting) {
        give_text(&feeding);
    }
}

bool editor_keys_waits(const struct editor_keys *keys)
{
    return !keys->pasting && keys->pending_size > 0;
}

void editor_keys_flush(struct editor_keys *keys, editor_key_fn *on_key, void *context)
{
    const struct feeding feeding = {keys, on_key, context};
    bool escape = keys->pending_size == 1 && keys->pending[0] == ESCAPE;
    if (!keys->pasting) {
        keys->pending_size = 0;
        keys->skipping = false;
    }
    if (escape && !keys->pasting) {
        give_action(&feeding, EDITOR_CANCEL);
    }
}

void editor_keys_release(struct editor_keys *keys)
{
    buffer_release(&keys->paste);
    buffer_release(&keys->text);
    *keys = (struct editor_keys){.pending_size = 0};
}
