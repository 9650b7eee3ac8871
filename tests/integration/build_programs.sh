#!/bin/sh
# Installs the client library into OUT/usr, and builds the programs of its guide into OUT/bin with
# nothing but that; the header alone as C++ as well.
#
#     build_programs.sh BUILD-DIR SOURCE-DIR CMAKE CC CFLAGS OUT
set -eu
build=$1 source=$2 cmake=$3 cc=$4 cflags=$5 out=$6

"$cmake" --install "$build" --component client-lib --prefix "$out/usr" >/dev/null
pc=$(find "$out/usr" -name tandem.pc)
[ -n "$pc" ] || { echo "no tandem.pc was installed"; exit 1; }
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
flags=$(pkg-config --cflags --libs tandem)
rpath=-Wl,-rpath,$(dirname "$PKG_CONFIG_PATH")

mkdir "$out/bin"
for program in live-view bulk-writer partner-agent note-together; do
    # shellcheck disable=SC2086 # flags are words
    $cc -std=c11 -pedantic -Wall -Wextra -Werror $cflags \
        "$source/client-lib/example/$program.c" $flags "$rpath" -o "$out/bin/$program"
done

for cxx in c++ g++ clang++; do
    command -v "$cxx" >/dev/null || continue
    # shellcheck disable=SC2086
    $cxx -std=c++11 -pedantic -Wall -Wextra -Werror $cflags -x c++ -fsyntax-only \
        "-I$source/include" "$source/include/tandem/note.h" 2>"$out/cxx.log" || {
        cat "$out/cxx.log"
        exit 1
    }
    break
done
