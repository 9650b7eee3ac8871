#!/bin/sh
# Writes protocol/fold.def to standard output, from Unicode's CaseFolding.txt:
#
#     protocol/fold_table.sh [FILE] > protocol/fold.def
#
# Debian's package unicode-data has the file. Its lines are "0041; C; 0061; # LATIN CAPITAL LETTER A".
# Those of status C and S are the simple folding; they come in order of their codes. Neighbours that
# fold by the same distance become one line of the table: all from the first to the last, or every
# second of them, as where capitals and small letters take turns. The first 1,424 code points, which are
# those of Latin, Greek, Cyrillic and Armenian letters, stand there one by one as well.
set -eu
file=${1:-/usr/share/unicode/CaseFolding.txt}

exec awk '
function number(hex,    i, value) {
    value = 0
    for (i = 1; i <= length(hex); i++)
        value = value * 16 + index("0123456789ABCDEF", substr(hex, i, 1)) - 1
    return value
}
function finish() {
    if (count > 0)
        printf("FOLD(0x%04x, 0x%04x, %d, %d)\n", first, last, (count > 1 ? step : 1), delta)
    count = 0
}
BEGIN {
    FS = "; *"
}
NR == 1 {
    version = $0
    sub(/^# CaseFolding-/, "", version)
    sub(/\.txt.*/, "", version)
    print "/* Simple case folding of Unicode " version ", made by fold_table.sh: do not edit."
    print " *"
    print " *     FOLD(first, last, step, delta)    every step-th code point folds to itself + delta"
    print " *     FOLD_FIRST(a, b, ...)             what the next code points fold to, from 0 on"
    print " */"
}
$2 == "C" || $2 == "S" {
    code = number($1)
    distance = number($3) - code
    to[code] = code + distance
    fits = count > 0 && distance == delta && code - last <= 2 && (count == 1 || code - last == step)
    if (!fits) {
        finish()
        first = code
        delta = distance
    } else {
        step = code - last
    }
    last = code
    count++
}
END {
    finish()
    for (code = 0; code < 1424; code++)
        printf("%s0x%x%s", code % 16 == 0 ? "FOLD_FIRST(" : " ", code in to ? to[code] : code,
               code % 16 == 15 ? ")\n" : ",")
}' "$file"
