# Branches that no test took, from an lcov .info file: "path|line|missed|of" for each line that has
# some. A file built for several targets stands there several times. -v root=CHECKOUT
/^SF:/ { path = substr($0, 4); sub("^" root "/", "", path) }
/^BRDA:/ {
    split(substr($0, 6), part, ",")
    branch = path "|" part[1] "|" part[2] "|" part[3]
    place[branch] = path "|" part[1]
    if (part[4] != "-" && part[4] > 0)
        taken[branch] = 1
}
END {
    for (branch in place) {
        of[place[branch]]++
        if (!(branch in taken))
            missed[place[branch]]++
    }
    for (line in missed)
        print line "|" missed[line] "|" of[line]
}
