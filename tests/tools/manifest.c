/*
 * manifest: prints everything that a copy of a tree must keep, one line per entry, so that two trees can be compared
 * by comparing two texts. A judge of its own: it shares no code with NativeSync and is compiled by the tests.
 *
 *     manifest [-c] [-i] DIRECTORY
 *
 * -c  also reads regular files: sha256=
 * -i  also prints what identifies an inode, for "was this left alone?": ino= ctime= nlink= blocks=
 *
 * A line is the path below DIRECTORY ("." is DIRECTORY itself) and then key=value fields, separated by tabs, in the
 * order of a walk that sorts each directory by bytes:
 *     type mode uid gid size mtime link rdev group sparse xattr:NAME sha256
 * "group" is the first path of a hard-link group of two or more entries inside the tree. Bytes that are not printable
 * ASCII, the backslash and the tab are written \ooo. Any error ends the program with 1 and a message: a judge that
 * could not read something has no opinion.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

struct text { char *data; size_t length, room; };

struct entry {
    char *path, *head, *tail;   /* head and tail: the fields in front of and behind "group" */
    dev_t device;
    ino_t inode;
    int linked;                 /* not a directory and more than one name somewhere */
    size_t leader;              /* index of the first entry of the same inode, or its own */
    size_t members;             /* counted at the leader */
};

static struct entry *entries;
static size_t count, room;
static int with_content, with_identity;

static void die(const char *what, const char *path)
{
    fprintf(stderr, "manifest: %s: %s: %s\n", what, path, strerror(errno));
    exit(1);
}

static void *must(void *p)
{
    if (!p) { fputs("manifest: out of memory\n", stderr); exit(1); }
    return p;
}

static void append(struct text *t, const char *bytes, size_t n)
{
    if (t->length + n + 1 > t->room) {
        t->room = (t->length + n + 1) * 2;
        t->data = must(realloc(t->data, t->room));
    }
    memcpy(t->data + t->length, bytes, n);
    t->length += n;
    t->data[t->length] = 0;
}

static void field(struct text *t, const char *format, ...)
{
    char buffer[512];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(buffer, sizeof buffer, format, arguments);
    va_end(arguments);
    append(t, buffer, (size_t)n);
}

static void escaped(struct text *t, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c < 0x20 || c >= 0x7f || c == '\\') field(t, "\\%03o", c);
        else append(t, bytes + i, 1);
    }
}

static void hex(struct text *t, const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) field(t, "%02x", bytes[i]);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Attributes are read through /proc/self/fd/DIR/NAME: the l… calls do not follow NAME, and no path can be too long. */
static void attributes(struct text *t, const char *via, const char *path)
{
    static char list[65536];
    static unsigned char value[65536];
    ssize_t n = llistxattr(via, list, sizeof list);
    if (n < 0) {
        if (errno == ENOTSUP) return;
        die("llistxattr", path);
    }
    char *names[4096];
    size_t found = 0;
    for (char *p = list; p < list + n && found < 4096; p += strlen(p) + 1) names[found++] = p;
    qsort(names, found, sizeof *names, by_bytes);
    for (size_t i = 0; i < found; i++) {
        ssize_t length = lgetxattr(via, names[i], value, sizeof value);
        if (length < 0) die("lgetxattr", path);
        append(t, "\txattr:", 7);
        escaped(t, names[i], strlen(names[i]));
        append(t, "=", 1);
        hex(t, value, (size_t)length);
    }
}

static void content(struct text *t, int directory, const char *name, const char *path)
{
    static unsigned char buffer[1 << 18], digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOATIME);
    if (fd < 0) fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) die("open", path);
    EVP_MD_CTX *hash = must(EVP_MD_CTX_new());
    EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
    for (;;) {
        ssize_t n = read(fd, buffer, sizeof buffer);
        if (n < 0) die("read", path);
        if (n == 0) break;
        EVP_DigestUpdate(hash, buffer, (size_t)n);
    }
    EVP_DigestFinal_ex(hash, digest, &length);
    EVP_MD_CTX_free(hash);
    close(fd);
    field(t, "\tsha256=");
    hex(t, digest, length);
}

static char type_letter(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG: return 'f';
    case S_IFDIR: return 'd';
    case S_IFLNK: return 'l';
    case S_IFCHR: return 'c';
    case S_IFBLK: return 'b';
    case S_IFIFO: return 'p';
    case S_IFSOCK: return 's';
    default: return '?';
    }
}

static void record(int directory, const char *name, const char *path, const struct stat *s)
{
    struct text head = {0}, tail = {0}, shown = {0};
    field(&head, "\ttype=%c\tmode=%04o\tuid=%u\tgid=%u", type_letter(s->st_mode), s->st_mode & 07777, s->st_uid, s->st_gid);
    /* The size of a directory says how it was filled, not what is in it. */
    if (!S_ISDIR(s->st_mode)) field(&head, "\tsize=%lld", (long long)s->st_size);
    field(&head, "\tmtime=%lld.%09ld", (long long)s->st_mtim.tv_sec, s->st_mtim.tv_nsec);
    if (S_ISLNK(s->st_mode)) {
        static char target[8192];
        ssize_t n = readlinkat(directory, name, target, sizeof target);
        if (n < 0) die("readlink", path);
        field(&head, "\tlink=");
        escaped(&head, target, (size_t)n);
    }
    if (S_ISCHR(s->st_mode) || S_ISBLK(s->st_mode)) field(&head, "\trdev=%u:%u", major(s->st_rdev), minor(s->st_rdev));

    append(&tail, "", 0);
    if (S_ISREG(s->st_mode)) field(&tail, "\tsparse=%d", (long long)s->st_blocks * 512 < (long long)s->st_size);
    char via[512];
    snprintf(via, sizeof via, "/proc/self/fd/%d/%s", directory, name);
    attributes(&tail, via, path);
    if (with_content && S_ISREG(s->st_mode)) content(&tail, directory, name, path);
    if (with_identity) {
        field(&tail, "\tino=%llu\tctime=%lld.%09ld\tnlink=%lu\tblocks=%lld", (unsigned long long)s->st_ino,
              (long long)s->st_ctim.tv_sec, s->st_ctim.tv_nsec, (unsigned long)s->st_nlink, (long long)s->st_blocks);
    }

    escaped(&shown, path, strlen(path));
    if (count == room) {
        room = room ? room * 2 : 4096;
        entries = must(realloc(entries, room * sizeof *entries));
    }
    entries[count] = (struct entry){ shown.data, head.data, tail.data, s->st_dev, s->st_ino,
                                     !S_ISDIR(s->st_mode) && s->st_nlink > 1, count, 1 };
    count++;
}

static void walk(int directory, const char *path)
{
    int again = dup(directory);
    DIR *stream = again < 0 ? NULL : fdopendir(again);
    if (!stream) die("opendir", path);
    char **names = NULL;
    size_t n = 0, capacity = 0;
    errno = 0;
    for (struct dirent *d; (d = readdir(stream)); errno = 0) {
        if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, "..")) continue;
        if (n == capacity) {
            capacity = capacity ? capacity * 2 : 64;
            names = must(realloc(names, capacity * sizeof *names));
        }
        names[n++] = must(strdup(d->d_name));
    }
    if (errno) die("readdir", path);
    closedir(stream);
    qsort(names, n, sizeof *names, by_bytes);

    for (size_t i = 0; i < n; i++) {
        struct stat s;
        char *below = NULL;
        if (asprintf(&below, "%s%s%s", path, *path ? "/" : "", names[i]) < 0) must(NULL);
        if (fstatat(directory, names[i], &s, AT_SYMLINK_NOFOLLOW)) die("stat", below);
        record(directory, names[i], below, &s);
        if (S_ISDIR(s.st_mode)) {
            int child = openat(directory, names[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (child < 0) die("open", below);
            walk(child, below);
            close(child);
        }
        free(below);
        free(names[i]);
    }
    free(names);
}

static int by_inode(const void *a, const void *b)
{
    const struct entry *x = &entries[*(const size_t *)a], *y = &entries[*(const size_t *)b];
    if (x->device != y->device) return x->device < y->device ? -1 : 1;
    if (x->inode != y->inode) return x->inode < y->inode ? -1 : 1;
    return x < y ? -1 : 1;
}

static void find_groups(void)
{
    size_t *linked = must(malloc((count + 1) * sizeof *linked)), n = 0;
    for (size_t i = 0; i < count; i++) if (entries[i].linked) linked[n++] = i;
    qsort(linked, n, sizeof *linked, by_inode);
    for (size_t i = 1; i < n; i++) {
        struct entry *previous = &entries[linked[i - 1]], *e = &entries[linked[i]];
        if (previous->device == e->device && previous->inode == e->inode) {
            e->leader = previous->leader;
            entries[e->leader].members++;
        }
    }
    free(linked);
}

int main(int argc, char **argv)
{
    int option;
    while ((option = getopt(argc, argv, "ci")) != -1) {
        if (option == 'c') with_content = 1;
        else if (option == 'i') with_identity = 1;
        else return 2;
    }
    if (optind + 1 != argc) { fputs("usage: manifest [-c] [-i] DIRECTORY\n", stderr); return 2; }

    struct rlimit files;
    if (!getrlimit(RLIMIT_NOFILE, &files)) { files.rlim_cur = files.rlim_max; setrlimit(RLIMIT_NOFILE, &files); }
    int root = open(argv[optind], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat s;
    if (root < 0 || fstat(root, &s)) die("open", argv[optind]);
    record(root, ".", ".", &s);
    walk(root, "");
    find_groups();
    for (size_t i = 0; i < count; i++) {
        const struct entry *leader = &entries[entries[i].leader];
        printf("%s%s", entries[i].path, entries[i].head);
        if (leader->members > 1) printf("\tgroup=%s", leader->path);
        puts(entries[i].tail);
    }
    if (fflush(stdout) || ferror(stdout)) die("write", "standard output");
    return 0;
}
