/*
 * fstat for the static executable, in front of glibc's own.
 *
 * glibc 2.33 and later ask newfstatat(fd, "", AT_EMPTY_PATH), which Linux knows since 2.6.39: on CentOS 6 (2.6.32)
 * every fstat would fail with EINVAL, and with it every file that the runtime or the C library opens. The plain system
 * call has always been there. glibc's own object is not linked in when all four of its names are defined before it.
 */
#define _GNU_SOURCE
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's struct stat and glibc's are the same on this architecture. */
#if !defined(__x86_64__)
#error "check struct stat before building for another architecture"
#endif

int fstat(int fd, struct stat *status)
{
    return (int)syscall(SYS_fstat, fd, status);
}

int fstat64(int fd, struct stat64 *status) __attribute__((alias("fstat")));
int __fstat(int fd, struct stat *status) __attribute__((alias("fstat")));
int __fstat64(int fd, struct stat64 *status) __attribute__((alias("fstat")));
