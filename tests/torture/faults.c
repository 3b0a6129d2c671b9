/* Lets calls of the system fail, in the process whose name is FAULT_PROGRAM: of the kind FAULT_KIND, on a path that
 * contains FAULT_PATH, from the FAULT_CALL-th on, as FAULT_HOW says:
 *
 *   once     that call fails with the error number FAULT_ERROR, and nothing does any more
 *   lasting  that call and all after it fail so
 *   short    that write and all after it write one half of what they are given, which is no error
 *
 * The first call that it happens to writes its path to FAULT_MARK. For LD_PRELOAD.
 *
 * A filter of the kernel (seccomp) sends each call that changes a disk here, those too that go past the C library. Calls from
 * here have a sixth argument that the kernel does not look at and the filter lets pass. Only calls that read are taken from
 * the C library (`open64`): the loader of programs makes them before anybody could answer the filter. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#if !defined(__linux__) || !defined(__x86_64__)
#error "written for Linux on x86-64"
#endif

#define OURS 0x46504c21
#define PATH_BYTES 4096

static atomic_int calls;
static atomic_int marked;

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

/* A call that the filter lets pass; like the kernel, it answers with a negative error number. */
static long pass(long number, long a, long b, long c, long d, long e)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = OURS;
    long result;
    /* The sixth argument goes again, or the next call would pass too. */
    __asm__ volatile("syscall\n\txor %%r9d, %%r9d"
                     : "=a"(result), "+r"(r9)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory", "cc");
    return result;
}

/* The path of an open file or folder; empty if it has none. */
static void of_descriptor(long descriptor, char *path)
{
    char link[64] = "/proc/self/cwd";
    if (descriptor != AT_FDCWD)
        snprintf(link, sizeof link, "/proc/self/fd/%ld", descriptor);
    long length = pass(SYS_readlinkat, AT_FDCWD, (long)link, (long)path, PATH_BYTES - 1, 0);
    path[length < 0 ? 0 : length] = 0;
}

/* The whole path of a name in an open folder. */
static void of_name(long folder, const char *name, char *path)
{
    path[0] = 0;
    if (name[0] != '/') {
        of_descriptor((int)folder, path);
        strncat(path, "/", PATH_BYTES - 1 - strlen(path));
    }
    strncat(path, name, PATH_BYTES - 1 - strlen(path));
}

/* Which kind a call is of, and what it changes. */
static const char *kind_of(long number, const long *argument, char *path)
{
    switch (number) {
    case SYS_write: case SYS_writev: case SYS_pwrite64:
        return of_descriptor((int)argument[0], path), "write";
    case SYS_fsync: case SYS_fdatasync:
        return of_descriptor((int)argument[0], path), "fsync";
    case SYS_ftruncate:
        return of_descriptor((int)argument[0], path), "change";
    case SYS_open:
        return of_name(AT_FDCWD, (char *)argument[0], path), argument[1] & O_CREAT ? "create" : "change";
    case SYS_openat:
        return of_name(argument[0], (char *)argument[1], path), argument[2] & O_CREAT ? "create" : "change";
    case SYS_mkdir:
        return of_name(AT_FDCWD, (char *)argument[0], path), "create";
    case SYS_mkdirat:
        return of_name(argument[0], (char *)argument[1], path), "create";
    case SYS_rename: case SYS_link:
        return of_name(AT_FDCWD, (char *)argument[1], path), "rename";
    case SYS_renameat: case SYS_renameat2: case SYS_linkat:
        return of_name(argument[2], (char *)argument[3], path), "rename";
    case SYS_unlink: case SYS_rmdir:
        return of_name(AT_FDCWD, (char *)argument[0], path), "remove";
    case SYS_unlinkat:
        return of_name(argument[0], (char *)argument[1], path), "remove";
    case SYS_utimensat:
        return argument[1] ? of_name(argument[0], (char *)argument[1], path) : of_descriptor((int)argument[0], path), "change";
    }
    return "";
}

/* Makes FAULT_MARK, unless it is there: another process was first. */
static int mark(const char *path)
{
    long file = pass(SYS_openat, AT_FDCWD, (long)setting("FAULT_MARK"), O_CREAT | O_EXCL | O_WRONLY, 0666, 0);
    if (file < 0)
        return 0;
    pass(SYS_write, file, (long)path, strlen(path), 0, 0);
    pass(SYS_close, file, 0, 0, 0, 0);
    return 1;
}

/* Whether something happens to this call. Every call that changes something is one of the kind "any". */
static int is_met(const char *kind, const char *path)
{
    extern char *program_invocation_short_name;
    const char *wanted = setting("FAULT_KIND"), *how = setting("FAULT_HOW");
    int of_kind = !strcmp(kind, wanted) || (!strcmp(wanted, "any") && strcmp(kind, "open"));
    if (!of_kind || !strstr(path, setting("FAULT_PATH")) || strcmp(program_invocation_short_name, setting("FAULT_PROGRAM")))
        return 0;
    int call = atomic_fetch_add(&calls, 1) + 1, first = atoi(setting("FAULT_CALL"));
    if (!strcmp(how, "once"))
        return call == first && mark(path);
    if (call >= first && !atomic_exchange(&marked, 1))
        mark(path);
    return call >= first;
}

/* The first half of what is to be written: of bytes, or of pieces. */
static long half(long number, const long *argument)
{
    if (number == SYS_writev)
        return pass(number, argument[0], argument[1], argument[2] - argument[2] / 2, 0, 0);
    return pass(number, argument[0], argument[1], argument[2] - argument[2] / 2, argument[3], 0);
}

static void trapped(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    long argument[5] = {registers[REG_RDI], registers[REG_RSI], registers[REG_RDX], registers[REG_R10], registers[REG_R8]};
    long number = info->si_syscall, result;
    char path[PATH_BYTES] = "";
    int before = errno;
    if (!is_met(kind_of(number, argument, path), path))
        result = pass(number, argument[0], argument[1], argument[2], argument[3], argument[4]);
    else if (!strcmp(setting("FAULT_HOW"), "short"))
        result = half(number, argument);
    else
        result = -atoi(setting("FAULT_ERROR"));
    errno = before;
    registers[REG_RAX] = result;
}

int open64(const char *path, int flags, ...)
{
    __typeof__(open64) *next = (__typeof__(open64) *)dlsym(RTLD_NEXT, "open64");
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    char whole[PATH_BYTES];
    of_name(AT_FDCWD, path, whole);
    if (!(flags & (O_ACCMODE | O_CREAT)) && is_met("open", whole)) {
        errno = atoi(setting("FAULT_ERROR"));
        return -1;
    }
    return next(path, flags, mode);
}

/* The low half of an argument, of which there are six from zero. */
#define ARGUMENT(index) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * (index))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define TRAP BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP)
#define CALL(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), TRAP
/* Of opening, what may change something. */
#define OPENING(name, flags) \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 4), ARGUMENT(flags), \
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_ACCMODE | O_CREAT, 0, 1), TRAP, ALLOW

__attribute__((constructor)) static void begin(void)
{
    struct sigaction answer = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGSYS, &answer, NULL);
    struct sock_filter filter[] = {
        ARGUMENT(5),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OURS, 0, 1),
        ALLOW,
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        OPENING(open, 1),
        OPENING(openat, 2),
        CALL(write), CALL(writev), CALL(pwrite64), CALL(fsync), CALL(fdatasync), CALL(ftruncate),
        CALL(mkdir), CALL(mkdirat), CALL(rename), CALL(renameat), CALL(renameat2), CALL(link), CALL(linkat),
        CALL(unlink), CALL(unlinkat), CALL(rmdir), CALL(utimensat),
        ALLOW,
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    /* A program that was started by one with the filter has it already. */
    if (prctl(PR_GET_SECCOMP) == 0
        && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))) {
        fputs("faults.c: no filter of the kernel's\n", stderr);
        _exit(99);
    }
}
