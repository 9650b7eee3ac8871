# shellcheck shell=bash
# How the long runs read their options. To be sourced from the root of the checkout by a script whose
# `usage` prints what its options are.

# misused WORDS...: says what is wrong, and what the options are. Ends the script with status 2.
misused() {
    printf '%s\n\n' "$*" >&2
    usage >&2
    exit 2
}

# Each takes what is left of the command line: an option, and the value it must have.
need_value() {
    [[ -n ${2-} ]] || misused "$1 needs a value."
}
need_number() {
    need_value "$@"
    [[ $2 =~ ^(0|[1-9][0-9]{0,17})$ ]] || misused "$1 needs a number, and not $2."
}
need_count() {
    need_number "$@"
    (($2 > 0)) || misused "$1 needs at least 1."
}
