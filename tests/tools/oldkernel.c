/*
 * oldkernel [-e] COMMAND [ARGUMENT]...
 *
 * Runs COMMAND as on Linux 2.6.32: every system call that is newer (x86_64 number 299, recvmmsg, and up) answers
 * ENOSYS, in COMMAND and in every process that it starts. Numbers from 299 on were given out after 2.6.32, in order.
 *
 * uname says 2.6.x, too (personality UNAME26): OpenSSL reads /dev/urandom only where the kernel says that it is old.
 *
 * With -e first, newfstatat with AT_EMPTY_PATH (Linux 2.6.39) answers EINVAL, too. Programs that use a recent C library
 * as it comes cannot live with that, so it is for executables that are said to.
 *
 * Ends with the status of COMMAND; 120 when the filter cannot be installed, 127 when COMMAND cannot be run.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIRST_NEWER_THAN_2_6_32 299 /* recvmmsg, Linux 2.6.33 */
#define EMPTY_PATH 0x1000           /* AT_EMPTY_PATH */
#define OLD_UNAME 0x0020000         /* UNAME26, which glibc's header does not name */

int main(int argc, char **argv)
{
    int strict = argc > 1 && strcmp(argv[1], "-e") == 0;
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW), /* 32-bit programs have numbers of their own */
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FIRST_NEWER_THAN_2_6_32, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, strict ? SYS_newfstatat : 0xFFFFFFFF, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[3])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, EMPTY_PATH, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = { sizeof program / sizeof program[0], program };

    argv += 1 + strict;
    if (*argv == NULL) {
        fprintf(stderr, "usage: oldkernel [-e] COMMAND [ARGUMENT]...\n");
        return 120;
    }
    /* no_new_privs only where it is needed (not for root): it would take the set-user-ID bits of children away. */
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0 &&
        (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)) {
        fprintf(stderr, "oldkernel: no seccomp filter: %s\n", strerror(errno));
        return 120;
    }
    if (personality((unsigned long)personality(0xFFFFFFFF) | OLD_UNAME) == -1) {
        fprintf(stderr, "oldkernel: no personality UNAME26: %s\n", strerror(errno));
        return 120;
    }
    /* The filter must be seen to work, or a test would pass for nothing. */
    if (syscall(SYS_getrandom, NULL, 0, 0) != -1 || errno != ENOSYS) {
        fprintf(stderr, "oldkernel: the filter has no effect\n");
        return 120;
    }
    execvp(argv[0], argv);
    fprintf(stderr, "oldkernel: %s: %s\n", argv[0], strerror(errno));
    return 127;
}
