/* Keeps the arrows of docs/ARCHITECTURE.md: which layer includes what, and how long a file may be.
 *
 *     arrows ROOT     prints one line for each breach; exit status 1 when there is any
 *
 * It reads the sources themselves, so that an include that happens to compile is found as well. Of
 * the headers that belong to no layer, those of the C library are free for all but the pure layers,
 * which get the short list below; any other needs a line in the table of the layer.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_LINES 800u
#define PATH_SIZE 1024

struct layer {
    const char *folder;
    bool pure;                  /* only what asks nothing of the world */
    const char *const *layers;  /* folders it may include from, besides its own */
    const char *const *foreign; /* other libraries' headers, by prefix; "FILE:prefix" for those of
                                   the files that begin so */
};

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NONE ((const char *const[]){NULL})

static const struct layer layers[] = {
    {"include/tandem", true, NONE, NONE},
    {"protocol", true, NONE, LIST("wire_write.c:msgpack/")},
    {"server/core", true, LIST("protocol"), NONE},
    {"server/store", false, LIST("protocol", "server/core"),
     LIST("lmdb.h", "xxhash.h", "openssl/")},
    {"server/commit", false, LIST("protocol", "server/core", "server/store"), NONE},
    {"server/net", false, LIST("protocol", "server/core", "server/store", "server/commit"),
     LIST("libwebsockets.h", "uv.h", "openssl/")},
    {"server/app", false,
     LIST("protocol", "server/core", "server/store", "server/commit", "server/net", "server/app"),
     LIST("openssl/", "argon2.h", "ini.h", "jansson.h")},
    {"client-lib/base", false, LIST("protocol", "include/tandem"), LIST("port.c:openssl/")},
    {"client-lib/storage", false, LIST("protocol", "include/tandem", "client-lib/base"),
     LIST("environment:lmdb.h")},
    {"client-lib/link", false, LIST("protocol", "include/tandem", "client-lib/base"),
     LIST("transport:openssl/", "transport:wslay/", "upgrade:openssl/")},
    {"client-lib/peers", false,
     LIST("protocol", "include/tandem", "client-lib/base", "client-lib/storage"), NONE},
    {"client-lib/replica", false,
     LIST("protocol", "include/tandem", "client-lib/base", "client-lib/storage"), LIST("lmdb.h")},
    {"client-lib/outbox", false,
     LIST("protocol", "include/tandem", "client-lib/base", "client-lib/storage"),
     LIST("outbox_store:lmdb.h")},
    {"client-lib/sync", false,
     LIST("protocol", "include/tandem", "client-lib/base", "client-lib/replica"), NONE},
    {"client-lib/note", false,
     LIST("protocol", "include/tandem", "client-lib/base", "client-lib/outbox"), NONE},
    {"client-lib/client", false,
     LIST("protocol", "include/tandem", "client-lib/base", "client-lib/storage", "client-lib/link",
          "client-lib/peers", "client-lib/replica", "client-lib/outbox", "client-lib/sync",
          "client-lib/note"),
     LIST("client:openssl/")},
    {"client-lib", false, LIST("include/tandem"), NONE}, /* the examples */
    {"cli", false, LIST("protocol", "include/tandem"),
     LIST("jansson.h", "csv.h", "openssl/", "editor_screen:curses.h")},
    {"demo", false, LIST("protocol", "include/tandem"), NONE},
};

/* What the pure layers may include of the C library: no files, no sockets, no threads. The
 * library's clock and memory are in some of these; symbols.cmake looks whether they are used. */
static const char *const pure_headers[] = {
    "assert.h", "inttypes.h", "limits.h", "stdalign.h", "stdatomic.h", "stdarg.h", "stdbool.h",
    "stddef.h", "stdint.h",   "stdio.h",  "stdlib.h",   "string.h",    NULL};

/* Prefixes of headers that are no part of the C library. */
static const char *const known_foreign[] = {"lmdb.h", "xxhash.h", "openssl/", "libwebsockets.h",
                                            "uv.h",   "argon2.h", "ini.h",    "jansson.h",
                                            "csv.h",  "wslay/",   "msgpack",  "curses.h",
                                            NULL};

struct walk {
    const char *root;
    unsigned files, breaches;
};

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool begins_with_any(const char *text, const char *const *prefixes)
{
    for (; *prefixes != NULL; prefixes++)
        if (begins(text, *prefixes))
            return true;
    return false;
}

/* Whether `path` names something right in or below the folder. */
static bool is_in(const char *path, const char *folder)
{
    return begins(path, folder) && path[strlen(folder)] == '/';
}

static void breach(struct walk *walk, const char *path, unsigned line, const char *what,
                   const char *header)
{
    walk->breaches++;
    printf("%s:%u: %s %s\n", path, line, what, header);
}

static bool foreign_allowed(const struct layer *layer, const char *file, const char *header)
{
    for (const char *const *rule = layer->foreign; *rule != NULL; rule++) {
        const char *colon = strchr(*rule, ':');
        if (colon == NULL
                ? begins(header, *rule)
                : strncmp(file, *rule, (size_t)(colon - *rule)) == 0 && begins(header, colon + 1))
            return true;
    }
    return false;
}

/* Of a header in quotes: the folder it is in, as the layer's own or one of those it may use. */
static bool own_allowed(const struct layer *layer, const char *header)
{
    char place[PATH_SIZE + sizeof "include/"];
    /* The public header is included as its users do: "tandem/tandem.h". */
    (void)snprintf(place, sizeof place, "%s%s", begins(header, "tandem/") ? "include/" : "",
                   header);
    if (is_in(place, layer->folder))
        return true;
    for (const char *const *other = layer->layers; *other != NULL; other++)
        if (is_in(place, *other))
            return true;
    return false;
}

static void check_include(struct walk *walk, const struct layer *layer, const char *path,
                          unsigned line, const char *header, bool quoted)
{
    const char *file = strrchr(path, '/') + 1;
    if (quoted) {
        if (!own_allowed(layer, header))
            breach(walk, path, line, "must not include", header);
    } else if (begins_with_any(header, known_foreign)) {
        if (!foreign_allowed(layer, file, header))
            breach(walk, path, line, "must not include the library", header);
    } else if (layer->pure && !begins_with_any(header, pure_headers)) {
        breach(walk, path, line, "is of a pure layer and must not include", header);
    }
}

/* The header named by an #include line, in `header`; false for any other line. */
static bool read_include(const char *text, char header[PATH_SIZE], bool *quoted)
{
    text += strspn(text, " \t");
    if (*text++ != '#')
        return false;
    text += strspn(text, " \t");
    if (!begins(text, "include"))
        return false;
    text += strlen("include");
    text += strspn(text, " \t");
    if (*text != '"' && *text != '<')
        return false;
    *quoted = *text++ == '"';
    const size_t length = strcspn(text, "\">\n");
    if (length >= PATH_SIZE)
        return false;
    memcpy(header, text, length);
    header[length] = '\0';
    return true;
}

static const struct layer *layer_of(const char *path)
{
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++)
        if (is_in(path, layers[i].folder))
            return &layers[i];
    return NULL;
}

static void check_file(struct walk *walk, const char *path)
{
    char full[2 * PATH_SIZE], text[4096], header[PATH_SIZE];
    const struct layer *layer = layer_of(path);
    (void)snprintf(full, sizeof full, "%s/%s", walk->root, path);
    FILE *file = fopen(full, "r");
    unsigned line = 0;
    if (file == NULL) {
        breach(walk, path, 0, "cannot be read:", strerror(errno));
        return;
    }
    walk->files++;
    while (fgets(text, sizeof text, file) != NULL) {
        bool quoted;
        line += strchr(text, '\n') != NULL;
        if (layer != NULL && read_include(text, header, &quoted))
            check_include(walk, layer, path, line, header, quoted);
    }
    (void)fclose(file);
    if (line > MOST_LINES)
        breach(walk, path, line, "is longer than", "800 lines");
}

static bool is_source(const char *name)
{
    const char *end = strrchr(name, '.');
    return end != NULL && (strcmp(end, ".c") == 0 || strcmp(end, ".h") == 0);
}

/* All sources below a folder, depth first; folders that begin with a dot are left out. */
static void check_folder(struct walk *walk, const char *folder)
{
    char path[PATH_SIZE], full[2 * PATH_SIZE];
    (void)snprintf(full, sizeof full, "%s/%s", walk->root, folder);
    DIR *entries = opendir(full);
    struct dirent *entry;
    if (entries == NULL)
        return; /* not there yet */
    while ((entry = readdir(entries)) != NULL) {
        struct stat what;
        if (entry->d_name[0] == '.')
            continue;
        int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        assert(length > 0 && (size_t)length < sizeof path);
        (void)snprintf(full, sizeof full, "%s/%s", walk->root, path);
        if (lstat(full, &what) != 0)
            breach(walk, path, 0, "cannot be read:", strerror(errno));
        else if (S_ISDIR(what.st_mode))
            check_folder(walk, path);
        else if (S_ISREG(what.st_mode) && is_source(entry->d_name))
            check_file(walk, path);
    }
    (void)closedir(entries);
}

int main(int count, char **values)
{
    static const char *const folders[] = {"include", "protocol", "server", "client-lib",
                                          "cli",     "demo",     "tests"};
    struct walk walk = {.root = count == 2 ? values[1] : "."};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        check_folder(&walk, folders[i]);
    printf("%u files, %u breaches\n", walk.files, walk.breaches);
    return walk.files == 0 || walk.breaches > 0;
}
