#!/usr/bin/env bash
# What: testssl.sh finds nothing wrong with a real server's TLS but that its authority is private
# Takes: about 2 minutes
# Packages: testssl.sh jq openssl
# Targets: tandemd
set -euo pipefail
. tests/soak/options.bash

usage() {
    cat <<'TEXT'
./dev soak tls

Starts a server with certificates of certs/make, has testssl.sh look at everything it knows, without
the network beyond this machine, and fails on each finding above OK and INFO that is not one of
those listed in this script with the reason why it may stand.
TEXT
}

case ${1-} in
"") ;;
--help) usage && exit 0 ;;
*) misused "There is no option $1." ;;
esac

# Findings that may stand: id and reason.
declare -A explained=(
    [cert_revocation]="a private authority publishes no list of revoked certificates; the development
        certificates of certs/make name none, and real ones bring their own (certs/README.md)"
    [engine_problem]="of testssl.sh itself: this machine's OpenSSL has no GOST ciphers to offer"
)

# What must have been looked at, or the run proves nothing.
expected=(TLS1 TLS1_1 TLS1_2 TLS1_3 heartbleed ROBOT LUCKY13 cert_chain_of_trust HSTS_time PFS scanTime)

server=
stop() { [[ -z $server ]] || kill -TERM "$server" 2>/dev/null || true; }
trap stop EXIT
die() { echo "tls: FAILED: $*"; exit 1; }

start_server() {
    local line
    certs/make "$TANDEM_SOAK_DIR/certs" >"$TANDEM_SOAK_DIR/certs.log" 2>&1 || die "certs/make"
    cd "$TANDEM_SOAK_DIR"
    TANDEM_PASSWORD=admin-for-an-hour "$TANDEM_BUILD/bin/tandemd" init --data data --admin admin \
        >init.log 2>&1 || die "tandemd init: $(tail -n 1 init.log)"
    mkfifo ready
    "$TANDEM_BUILD/bin/tandemd" run --data data --listen 127.0.0.1:0 --cert certs/server.pem \
        --key certs/server.key --ca certs/ca.pem >ready 2>server.log &
    server=$!
    read -r -t 60 line <ready || die "the server: $(tail -n 1 server.log)"
    address=$(sed -n 's/.*wss:\/\/\([0-9.:]*\).*/\1/p' <<<"$line")
    [[ $address ]] || die "the server said: $line"
}

# testssl.sh's own status counts findings; what it writes is what is judged.
look() {
    local tool ticks=0 job
    tool=$(command -v testssl || command -v testssl.sh) || die "testssl.sh is not installed"
    timeout -k 10 1800 "$tool" --quiet --color 0 --warnings off --nodns none --sneaky \
        --add-ca certs/ca.pem --jsonfile findings.json "$address" >testssl.log 2>&1 </dev/null &
    job=$!
    while kill -0 "$job" 2>/dev/null; do
        sleep 1
        ((++ticks % 20)) || echo "$(grep -c '"id"' findings.json 2>/dev/null || true) findings so far"
    done
    wait "$job" || true
    jq empty findings.json 2>/dev/null || die "testssl.sh: $(tail -n 3 testssl.log)"
}

judge() {
    local id severity finding wrong=0
    for id in "${expected[@]}"; do
        jq -e --arg id "$id" 'any(.[]; .id == $id)' findings.json >/dev/null ||
            die "testssl.sh has not looked at $id: $(tail -n 3 testssl.log)"
    done
    while IFS=$'\t' read -r id severity finding; do
        if [[ ${explained[$id]-} ]]; then
            printf '  %s (%s): %s\n    %s\n' "$id" "$severity" "$finding" \
                "$(tr -s ' \n' ' ' <<<"${explained[$id]}")"
        else
            printf '  %s (%s): %s  NOT EXPLAINED\n' "$id" "$severity" "$finding"
            wrong=$((wrong + 1))
        fi
    done < <(jq -r '.[] | select(.severity | IN("OK", "INFO") | not) | [.id, .severity, .finding] | @tsv' \
        findings.json)
    ((wrong == 0)) || die "$wrong findings of testssl.sh are not explained"
}

start_server
echo "Looking at $address"
look
judge
kill -0 "$server" 2>/dev/null || die "the server has ended meanwhile: $(tail -n 1 server.log)"
echo "tls: passed: $(jq length findings.json) findings, all OK or informative but" \
    "$(jq '[.[] | select(.severity | IN("OK", "INFO") | not)] | length' findings.json) explained"
