/* Lets one call of the C library fail: the FAULT_CALL-th call of FAULT_FUNCTION, in the process whose name begins with
 * FAULT_PROGRAM, on a file whose path contains FAULT_PATH, with the error number FAULT_ERROR. Then FAULT_MARK is made, and
 * nothing fails any more. For LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int calls;

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

/* Whether this call is the one that fails; then errno is set. */
static int fails(const char *function, const char *path)
{
    extern char *program_invocation_short_name;
    const char *program = setting("FAULT_PROGRAM");
    if (strcmp(function, setting("FAULT_FUNCTION")) != 0 || !strstr(path, setting("FAULT_PATH"))
        || strcmp(program_invocation_short_name, program) != 0)
        return 0;
    if (atomic_fetch_add(&calls, 1) + 1 != atoi(setting("FAULT_CALL")))
        return 0;
    int mark = syscall(SYS_openat, AT_FDCWD, setting("FAULT_MARK"), O_CREAT | O_EXCL | O_WRONLY, 0666);
    if (mark < 0)
        return 0;
    syscall(SYS_write, mark, path, strlen(path));
    close(mark);
    errno = atoi(setting("FAULT_ERROR"));
    return 1;
}

static int descriptor_fails(const char *function, int descriptor)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return fails(function, path);
}

#define NEXT(name) __typeof__(name) *next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

ssize_t write(int descriptor, const void *bytes, size_t count)
{
    NEXT(write);
    return descriptor_fails("write", descriptor) ? -1 : next(descriptor, bytes, count);
}

int fsync(int descriptor)
{
    NEXT(fsync);
    return descriptor_fails("fsync", descriptor) ? -1 : next(descriptor);
}

int rename(const char *from, const char *to)
{
    NEXT(rename);
    return fails("rename", to) ? -1 : next(from, to);
}

int open64(const char *path, int flags, ...)
{
    NEXT(open64);
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return fails(flags & O_CREAT ? "create" : "open", path) ? -1 : next(path, flags, mode);
}
