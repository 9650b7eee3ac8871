#!/bin/sh
# test_fold_table.sh SOURCE: protocol/fold.def is what fold_table.sh makes of Unicode's file, and comes
# to what Python's str.casefold() does wherever that gives a single character (more than one is full
# folding). Ends with 77, which ctest takes for skipped, when neither of the two is there.
set -eu
cd "$1/protocol"
data=/usr/share/unicode/CaseFolding.txt
looked=false

if [ ! -r "$data" ]; then
    echo "not compared with Unicode's file: the package unicode-data is not installed"
elif ! grep -q '^# CaseFolding-15\.' "$data"; then
    echo "not compared with Unicode's file: $data is of another version than 15"
else
    looked=true
    ./fold_table.sh "$data" | cmp - fold.def
fi

if command -v python3 >/dev/null; then
    looked=true
    python3 - <<'TEXT'
import re, sys, unicodedata
table, firsts = {}, []
for line in open('fold.def', encoding='ascii'):
    if line.startswith('FOLD_FIRST('):
        firsts += [int(part, 0) for part in line[11:-2].split(',')]
    found = re.match(r'FOLD\((\w+), (\w+), (\w+), (-?\w+)\)$', line)
    if found:
        first, last, step, delta = (int(part, 0) for part in found.groups())
        for code in range(first, last + 1, step):
            if code in table:
                sys.exit(f'U+{code:04X} is in the table twice')
            table[code] = code + delta
if firsts != [table.get(code, code) for code in range(len(firsts))]:
    sys.exit('the first code points fold in two ways')
compared = 0
for code in range(0x110000):
    folded = chr(code).casefold()
    # What this Python's Unicode does not know yet says nothing.
    if 0xd800 <= code < 0xe000 or len(folded) != 1 or unicodedata.category(chr(code)) == 'Cn':
        continue
    compared += folded != chr(code)
    if table.get(code, code) != ord(folded):
        sys.exit(f'U+{code:04X} folds to U+{table.get(code, code):04X}, not U+{ord(folded):04X}')
print(f'{compared} letters fold as in Python')
sys.exit(compared < 1300)
TEXT
else
    echo "not compared with Python: there is none"
fi
$looked || exit 77
