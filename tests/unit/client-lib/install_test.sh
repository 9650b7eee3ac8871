#!/bin/sh
# Installs the client library into a folder of its own and builds what only knows that folder: the
# example through pkg-config, the header as C11 and as C++, and a project through CMake's package.
#
#     install_test.sh BUILD-DIR SOURCE-DIR CMAKE CC "CFLAGS"
set -eu
build=$1 source=$2 cmake=$3 cc=$4 cflags=${5-}
here=$source/tests/unit/client-lib
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

"$cmake" --install "$build" --component client-lib --prefix "$root/usr" >/dev/null
pc=$(find "$root/usr" -name tandem.pc)
[ -n "$pc" ] || { echo "no tandem.pc was installed"; exit 1; }
lib=$(dirname "$(dirname "$pc")")

# The tree was not configured for this place: what it says must hold wherever it is put.
flags() {
    PKG_CONFIG_PATH=$lib/pkgconfig pkg-config "$@" tandem
}
export LD_LIBRARY_PATH=$lib

strict="-Wall -Wextra -Werror"
# shellcheck disable=SC2046,SC2086 # flags are words
{
    $cc -std=c11 -pedantic $strict $cflags "$source/client-lib/example/tandem-watch.c" \
        $(flags --cflags --libs) -o "$root/tandem-watch"
    $cc -std=c11 -pedantic $strict $cflags "$here/header_c11.c" $(flags --cflags --libs) -o "$root/c11"
}
"$root/c11"
status=0
"$root/tandem-watch" 2>/dev/null || status=$?
[ "$status" = 2 ] || { echo "the example without arguments ended with $status"; exit 1; }
status=0
TANDEM_PASSWORD=x "$root/tandem-watch" ftp://nowhere ca.pem kari "$root/replica" 2>/dev/null || status=$?
[ "$status" = 2 ] || { echo "the example with a wrong address ended with $status"; exit 1; }

for cxx in c++ g++ clang++; do
    command -v "$cxx" >/dev/null || continue
    # shellcheck disable=SC2046,SC2086
    $cxx -std=c++11 -pedantic $strict $cflags "$here/header_cxx.cpp" $(flags --cflags --libs) \
        -o "$root/cxx"
    "$root/cxx"
    break
done

mkdir "$root/project"
cat >"$root/project/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.20)
project(consumer LANGUAGES C)
find_package(tandem 0.1 REQUIRED)
add_executable(consumer ${MAIN})
target_link_libraries(consumer PRIVATE tandem::tandem)
END
"$cmake" -G Ninja -S "$root/project" -B "$root/project/build" -DCMAKE_PREFIX_PATH="$root/usr" \
    -DCMAKE_C_COMPILER="$cc" -DCMAKE_C_FLAGS="$cflags" -DMAIN="$here/header_c11.c" >/dev/null
"$cmake" --build "$root/project/build" >/dev/null
"$root/project/build/consumer"

# Only the names of the headers can be seen, and all of them.
nm -D --defined-only "$lib/libtandem.so" | awk '$2 == "T" { print $3 }' | sed 's/@.*//' |
    grep -v -e '^__' -e '^_init$' -e '^_fini$' | sort -u >"$root/seen"
"$cc" -E -P "-I$source/include" "$source/include/tandem/note.h" | grep -o 'tandem_[a-z_0-9]*(' | tr -d '(' |
    grep -v '_fn$' | sort -u >"$root/named"
if ! cmp -s "$root/seen" "$root/named"; then
    echo "names in the library (<) and in its headers (>) differ:"
    diff "$root/seen" "$root/named"
    exit 1
fi
