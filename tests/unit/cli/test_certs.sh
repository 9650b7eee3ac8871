#!/bin/sh
# certs/make: what it writes verifies, is private, and is never overwritten unasked.
set -eu
make=$1/certs/make
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "test_certs: $1" >&2
    exit 1
}
verify() {
    openssl verify -x509_strict -purpose "$1" -CAfile "$work/d/ca.pem" "$work/d/$2.pem" \
        >/dev/null 2>&1
}

sh "$make" "$work/d" --host crm.lan --host 10.1.2.3 --client kari >/dev/null
verify sslserver server || fail "server.pem does not verify"
verify sslclient kari || fail "kari.pem does not verify"
if verify sslserver kari; then fail "a client certificate passes for a server"; fi
if verify sslclient server; then fail "the server's certificate passes for a client"; fi
for name in localhost crm.lan; do
    openssl verify -verify_hostname $name -CAfile "$work/d/ca.pem" "$work/d/server.pem" \
        >/dev/null || fail "not valid for $name"
done
for address in 127.0.0.1 ::1 10.1.2.3; do
    openssl verify -verify_ip $address -CAfile "$work/d/ca.pem" "$work/d/server.pem" \
        >/dev/null || fail "not valid for $address"
done
if openssl verify -verify_hostname evil.lan -CAfile "$work/d/ca.pem" "$work/d/server.pem" \
    >/dev/null 2>&1; then
    fail "valid for any name"
fi
for name in ca server kari; do
    [ "$(stat -c %a "$work/d/$name.key")" = 600 ] || fail "$name.key can be read by others"
    [ "$(openssl pkey -in "$work/d/$name.key" -pubout)" = \
      "$(openssl x509 -in "$work/d/$name.pem" -noout -pubkey)" ] || fail "$name: key and certificate"
    openssl x509 -in "$work/d/$name.pem" -noout -text | grep -q prime256v1 || fail "$name: no P-256"
done

before=$(cat "$work"/d/*.pem "$work"/d/*.key | openssl sha256)
sh "$make" "$work/d" --client kari >/dev/null
[ "$before" = "$(cat "$work"/d/*.pem "$work"/d/*.key | openssl sha256)" ] || fail "overwritten"
sh "$make" "$work/d" --client nils >/dev/null
verify sslclient nils || fail "a later client does not verify"
sh "$make" "$work/d" --force >/dev/null
verify sslserver server || fail "the new server.pem does not verify"
if verify sslclient kari; then fail "the new authority vouches for what it never signed"; fi

rm "$work/d/server.key"
if sh "$make" "$work/d" >/dev/null 2>&1; then fail "half a pair was overwritten"; fi
for wrong in "--client ../x" "--client ca" "--host a,DNS:b" "--days soon" "--nonsense" ""; do
    status=0
    case $wrong in
    "") sh "$make" >/dev/null 2>&1 || status=$? ;;
    *) sh "$make" "$work/e" $wrong >/dev/null 2>&1 || status=$? ;;
    esac
    [ $status = 2 ] || fail "\"$wrong\" ended with $status"
done
[ ! -e "$work/e" ] || fail "wrong use left a folder"
[ -z "$(find "$work/d" -name '.making*')" ] || fail "left its own files behind"
