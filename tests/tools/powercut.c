/* A disk that loses what was not flushed when the power goes.
 *
 *     powercut IMAGE MOUNTPOINT
 *
 * Mounts (as root) a directory with one file, "disk", whose content is IMAGE, for a loop device to stand on. Writes change IMAGE at
 * once and a copy of it, IMAGE.stable, only when the file is flushed (fsync, which is what a flush request of the loop device
 * becomes). A disk may have taken any part of what was written since; so a line on standard input
 *
 *     cut FILE SEED
 *
 * makes FILE what the disk has when the power goes now: the stable copy, and of every 4 KiB written since either the new content or
 * the old one, as the seed decides (0: the old one, always). It answers with one line, "cut WRITES": how many writes were not
 * flushed. Ends with the end of standard input, when it unmounts.
 *
 * The protocol is that of <linux/fuse.h>; the kernel speaks to /dev/fuse, no library is needed. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { DISK = 2, MAX_WRITE = 1 << 20, CHUNK = 4096 };

struct pending {
    struct pending *next;
    uint64_t offset;
    uint32_t length;
    char data[];
};

static int fuse, image, stable;
static uint64_t size;
static struct pending *first, **last = &first;
static char buffer[MAX_WRITE + 65536];

static void die(const char *what) {
    fprintf(stderr, "powercut: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void write_all(int fd, const void *data, size_t length, uint64_t offset) {
    if (pwrite(fd, data, length, (off_t)offset) != (ssize_t)length)
        die("write");
}

static void copy(int from, int to) {
    static char piece[1 << 20];
    off_t at = 0;
    if (ftruncate(to, (off_t)size))
        die("ftruncate");
    while ((at = lseek(from, at, SEEK_DATA)) >= 0 && at < (off_t)size) {
        ssize_t length = pread(from, piece, sizeof piece, at);
        if (length <= 0)
            die("read");
        write_all(to, piece, (size_t)length, (uint64_t)at);
        at += length;
    }
}

static void flush(void) {
    while (first) {
        struct pending *next = first->next;
        write_all(stable, first->data, first->length, first->offset);
        free(first);
        first = next;
    }
    last = &first;
}

/* splitmix64: the same seed, the same disk. */
static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void cut(const char *file, uint64_t seed) {
    uint64_t state = seed;
    int writes = 0, to = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (to < 0)
        die(file);
    copy(stable, to);
    for (struct pending *p = first; p; p = p->next, writes++)
        for (uint32_t done = 0; seed && done < p->length; done += CHUNK)
            if (next_random(&state) & 1)
                write_all(to, p->data + done, p->length - done < CHUNK ? p->length - done : CHUNK, p->offset + done);
    close(to);
    printf("cut %d\n", writes);
    fflush(stdout);
}

static void answer(uint64_t unique, int error, const void *body, size_t length) {
    struct fuse_out_header head = { .len = (uint32_t)(sizeof head + length), .error = -error, .unique = unique };
    struct iovec parts[] = { { &head, sizeof head }, { (void *)body, length } };
    if (writev(fuse, parts, 2) < 0 && errno != ENOENT)
        die("/dev/fuse");
}

static struct fuse_attr attributes(uint64_t node) {
    struct fuse_attr a = { .ino = node, .nlink = 1, .blksize = CHUNK };
    a.mode = node == DISK ? S_IFREG | 0600 : S_IFDIR | 0700;
    a.size = node == DISK ? size : 0;
    a.blocks = a.size / 512;
    return a;
}

static void serve(void) {
    ssize_t length = read(fuse, buffer, sizeof buffer);
    if (length < 0 && errno == ENODEV)
        exit(0);
    if (length < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT))
        return;
    if (length < (ssize_t)sizeof(struct fuse_in_header))
        die("/dev/fuse");
    struct fuse_in_header *in = (void *)buffer;
    void *body = in + 1;
    switch (in->opcode) {
    case FUSE_INIT: {
        struct fuse_init_in *asked = body;
        struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION, .minor = asked->minor < 31 ? asked->minor : 31 };
        out.max_readahead = asked->max_readahead;
        out.flags = asked->flags & (FUSE_BIG_WRITES | FUSE_MAX_PAGES);
        out.max_write = MAX_WRITE;
        out.max_pages = MAX_WRITE / CHUNK;
        answer(in->unique, 0, &out, sizeof out);
        break;
    }
    case FUSE_LOOKUP: {
        struct fuse_entry_out out = { .nodeid = DISK, .attr_valid = 3600, .entry_valid = 3600, .attr = attributes(DISK) };
        int known = in->nodeid == FUSE_ROOT_ID && !strcmp(body, "disk");
        answer(in->unique, known ? 0 : ENOENT, &out, known ? sizeof out : 0);
        break;
    }
    case FUSE_GETATTR: {
        struct fuse_attr_out out = { .attr_valid = 3600, .attr = attributes(in->nodeid) };
        answer(in->unique, 0, &out, sizeof out);
        break;
    }
    case FUSE_OPEN: {
        struct fuse_open_out out = { .open_flags = FOPEN_DIRECT_IO };
        answer(in->unique, 0, &out, sizeof out);
        break;
    }
    case FUSE_READ: {
        static char data[MAX_WRITE];
        struct fuse_read_in *r = body;
        ssize_t got = pread(image, data, r->size < sizeof data ? r->size : sizeof data, (off_t)r->offset);
        answer(in->unique, got < 0 ? EIO : 0, data, got < 0 ? 0 : (size_t)got);
        break;
    }
    case FUSE_WRITE: {
        struct fuse_write_in *w = body;
        struct fuse_write_out out = { .size = w->size };
        struct pending *p = malloc(sizeof *p + w->size);
        if (!p || w->offset + w->size > size) {
            free(p);
            answer(in->unique, ENOSPC, 0, 0);
            break;
        }
        p->next = 0;
        p->offset = w->offset;
        p->length = w->size;
        memcpy(p->data, w + 1, w->size);
        write_all(image, p->data, p->length, p->offset);
        *last = p;
        last = &p->next;
        answer(in->unique, 0, &out, sizeof out);
        break;
    }
    case FUSE_FSYNC:
        flush();
        answer(in->unique, 0, 0, 0);
        break;
    case FUSE_FLUSH: /* closing a file flushes no disk */
    case FUSE_RELEASE:
        answer(in->unique, 0, 0, 0);
        break;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
        break;
    default:
        answer(in->unique, ENOSYS, 0, 0);
    }
}

int main(int count, char **arguments) {
    char line[4096], file[4000], options[100], name[4096];
    unsigned long long seed;
    struct stat status;
    if (count != 3) {
        fprintf(stderr, "usage: powercut IMAGE MOUNTPOINT\n");
        return 2;
    }
    snprintf(name, sizeof name, "%s.stable", arguments[1]);
    if ((image = open(arguments[1], O_RDWR)) < 0 || fstat(image, &status))
        die(arguments[1]);
    size = (uint64_t)status.st_size;
    if ((stable = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600)) < 0)
        die(name);
    copy(image, stable);
    if ((fuse = open("/dev/fuse", O_RDWR)) < 0)
        die("/dev/fuse");
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
    if (mount("powercut", arguments[2], "fuse", MS_NOSUID | MS_NODEV, options))
        die("mount");
    printf("ready\n");
    fflush(stdout);
    setvbuf(stdin, 0, _IONBF, 0);
    struct pollfd both[] = { { fuse, POLLIN, 0 }, { 0, POLLIN, 0 } };
    while (poll(both, 2, -1) >= 0 || errno == EINTR) {
        if (both[0].revents)
            serve();
        if (both[1].revents) {
            if (!fgets(line, sizeof line, stdin))
                break;
            if (sscanf(line, "cut %3999s %llu", file, &seed) == 2)
                cut(file, seed);
        }
    }
    umount2(arguments[2], MNT_DETACH);
    return 0;
}
