# A table of lines and branches by layer, from an lcov .info file. A file built for several targets
# stands there several times. -v root=CHECKOUT
function share(hit, of) { return of ? sprintf("%5.1f %% of %6d", 100 * hit / of, of) : "-" }
function row(name, which) {
    printf "  %-14s %-19s  %s\n", name, share(hit["line " which], of["line " which]),
        share(hit["branch " which], of["branch " which])
}
function note(kind, key, count) {
    if (!((kind, key) in best)) {
        best[kind, key] = 0
        of[kind " " layer]++
        of[kind " all"]++
    }
    if (count > 0 && !best[kind, key]) {
        best[kind, key] = 1
        hit[kind " " layer]++
        hit[kind " all"]++
    }
}
/^SF:/ {
    path = substr($0, 4)
    sub("^" root "/", "", path)
    split(path, part, "/")
    layer = part[1] == "server" ? part[1] "/" part[2] : part[1]
    if (!(layer in seen)) { seen[layer] = 1; order[++layers] = layer }
}
/^DA:/ { split(substr($0, 4), part, ","); note("line", path part[1], part[2]) }
/^BRDA:/ {
    split(substr($0, 6), part, ",")
    note("branch", path part[1] "," part[2] "," part[3], part[4] == "-" ? 0 : part[4])
}
END {
    printf "  %-14s %-19s  %s\n", "layer", "lines", "branches"
    for (i = 1; i <= layers; i++)
        row(order[i], order[i])
    row("all", "all")
}
