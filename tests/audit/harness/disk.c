/* A disk between a process and its files: loaded before the C library (LD_PRELOAD), it writes down every change to the
 * files of one folder in the order in which it was made, and makes the one fail, or the process die, that it is told to.
 *
 * DISK_FOLDER   the folder
 * DISK_JOURNAL  where changes are written down: a header (struct record) and its bytes, one write each
 * DISK_CONTROL  a file of eight 32-bit integers (struct control), shared with whoever decides what fails
 *
 * A sync is written down, not carried out: what would be on the disk is what the journal says. An SQLite WAL index
 * (-shm) is memory, rebuilt after every crash; it can fail, and is not written down. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, SYNC_FOLDER = 4, TRUNCATE = 8, OPEN = 16, UNLINK = 32 };
enum { NOTHING_DONE = 0, HALF_DONE = 1, ALL_DONE = 2 };
enum { UNTRACKED = 0, TRACKED = 1, MEMORY = 2 };
enum { FDS = 65536 };

struct record {
    char op[4]; /* "open" "clos" "writ" "trun" "sync" "fail" (a sync that failed) "unli" "rena" "begi" "tell" */
    int32_t fd;
    int64_t at; /* offset, length, or whether the open made the file */
    int32_t size;
    int32_t unused;
};

struct control {
    int32_t kinds;  /* which operations are counted */
    int32_t skip;   /* how many of them go well first */
    int32_t times;  /* how many fail then; negative: all */
    int32_t error;  /* errno; negative: the process is killed by that signal before the operation */
    int32_t how;    /* what a failing write or sync does all the same */
    int32_t failed; /* how many have failed */
    int32_t seen;   /* how many have been counted */
    int32_t unused;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX];
static size_t folder_length;
static int journal = -1;
static volatile struct control *control;
static unsigned char tracked[FDS];

static void give_up(const char *why) {
    dprintf(2, "disk: %s\n", why);
    abort();
}

static void write_down(const char *op, int fd, int64_t at, const void *bytes, size_t size) {
    struct record record = {.fd = fd, .at = at, .size = (int32_t)size};
    memcpy(record.op, op, sizeof record.op);
    struct iovec parts[2] = {{&record, sizeof record}, {(void *)bytes, size}};
    /* Straight to the kernel: our own writev would look at it. One call, so that nothing comes between. */
    if (syscall(SYS_writev, journal, parts, 2) != (long)(sizeof record + size)) give_up("the journal cannot be written");
}

/* At the start of a process; and called by one that was forked, once it has set its variables. */
__attribute__((constructor)) void disk_begin(void) {
    const char *path = getenv("DISK_FOLDER"), *out = getenv("DISK_JOURNAL"), *in = getenv("DISK_CONTROL");
    if (!path || !out || !in) return;
    if (!realpath(path, folder)) give_up("no folder");
    folder_length = strlen(folder);
    int low = syscall(SYS_openat, AT_FDCWD, out, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    journal = syscall(SYS_fcntl, low, F_DUPFD_CLOEXEC, 900);
    syscall(SYS_close, low);
    low = syscall(SYS_openat, AT_FDCWD, in, O_RDWR | O_CLOEXEC, 0);
    control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, low, 0);
    syscall(SYS_close, low);
    if (journal < 0 || control == MAP_FAILED) give_up("no journal, or no control");
    write_down("begi", 0, 0, "", 0);
}

/* What the process has been told. Under the lock like all else: whoever dies before an operation, dies between records. */
void disk_tell(const char *text, size_t size) {
    pthread_mutex_lock(&lock);
    write_down("tell", 0, 0, text, size);
    pthread_mutex_unlock(&lock);
}

static int within(int dirfd, const char *path, char *full) {
    char joined[2 * PATH_MAX];
    if (journal < 0 || !path || !*path) return 0;
    if (path[0] == '/') {
        snprintf(joined, sizeof joined, "%s", path);
    } else {
        char base[PATH_MAX] = "", link[64];
        if (dirfd == AT_FDCWD) {
            if (!getcwd(base, sizeof base)) return 0;
        } else {
            snprintf(link, sizeof link, "/proc/self/fd/%d", dirfd);
            ssize_t got = readlink(link, base, sizeof base - 1);
            if (got < 0) return 0;
            base[got] = 0;
        }
        snprintf(joined, sizeof joined, "%s/%s", base, path);
    }
    /* The file may not be there yet: its folder is resolved, its name is kept. */
    if (!realpath(joined, full)) {
        char *slash = strrchr(joined, '/');
        if (!slash) return 0;
        *slash = 0;
        if (!realpath(slash == joined ? "/" : joined, full)) return 0;
        strncat(full, "/", PATH_MAX - strlen(full) - 1);
        strncat(full, slash + 1, PATH_MAX - strlen(full) - 1);
    }
    return !strncmp(full, folder, folder_length) && (full[folder_length] == '/' || !full[folder_length]);
}

static int is_memory(const char *path) {
    size_t length = strlen(path);
    return length > 4 && !strcmp(path + length - 4, "-shm");
}

static int state_of(int fd) { return journal >= 0 && fd >= 0 && fd < FDS ? tracked[fd] : UNTRACKED; }

/* The fault that is due at this operation: 0 for none, else its errno. Called with the lock held. */
static int due(int kind) {
    if (!(control->kinds & kind)) return 0;
    control->seen++;
    if (control->skip > 0) {
        control->skip--;
        return 0;
    }
    if (control->times == 0) return 0;
    if (control->error < 0) {
        kill(getpid(), -control->error);
        for (;;) pause();
    }
    if (control->times > 0) control->times--;
    control->failed++;
    return control->error;
}

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) give_up(name);
    return found;
}

/* -- opening and closing ------------------------------------------------------------------------------------------ */

static int opened(int dirfd, const char *path, int flags, mode_t mode) {
    char full[2 * PATH_MAX];
    if (!within(dirfd, path, full)) return syscall(SYS_openat, dirfd, path, flags, mode);
    int kind = is_memory(full) ? MEMORY : TRACKED, writes = (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) != 0;
    pthread_mutex_lock(&lock);
    struct stat before;
    int existed = syscall(SYS_newfstatat, AT_FDCWD, full, &before, 0) == 0;
    int fault = writes ? due(OPEN) : 0, fd = -1;
    if (fault) {
        errno = fault;
    } else {
        fd = syscall(SYS_openat, dirfd, path, flags, mode);
    }
    if (fd >= FDS) give_up("too many open files");
    if (fd >= 0) {
        tracked[fd] = kind;
        if (kind == TRACKED) {
            write_down("open", fd, !existed, full + folder_length, strlen(full + folder_length));
            if (existed && (flags & O_TRUNC)) write_down("trun", fd, 0, "", 0);
        }
    }
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

#define OPENS(name, with_dirfd)                                                                                        \
    int name(with_dirfd const char *path, int flags, ...) {                                                            \
        mode_t mode = 0;                                                                                               \
        if (flags & (O_CREAT | O_TMPFILE)) {                                                                           \
            va_list rest;                                                                                              \
            va_start(rest, flags);                                                                                     \
            mode = va_arg(rest, mode_t);                                                                               \
            va_end(rest);                                                                                              \
        }                                                                                                              \
        return opened(DIRFD, path, flags, mode);                                                                       \
    }
#define NO_DIRFD
#define DIRFD AT_FDCWD
OPENS(open, NO_DIRFD)
OPENS(open64, NO_DIRFD)
int __open_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }
#undef DIRFD
#define DIRFD dirfd
#define A_DIRFD int dirfd,
OPENS(openat, A_DIRFD)
OPENS(openat64, A_DIRFD)

int close(int fd) {
    if (state_of(fd) == UNTRACKED) return syscall(SYS_close, fd);
    pthread_mutex_lock(&lock);
    if (tracked[fd] == TRACKED) write_down("clos", fd, 0, "", 0);
    tracked[fd] = UNTRACKED;
    int result = syscall(SYS_close, fd), error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

/* -- writing ------------------------------------------------------------------------------------------------------ */

static ssize_t written(int fd, const void *bytes, size_t size, off_t at, int moves) {
    pthread_mutex_lock(&lock);
    if (moves) {
        struct stat now;
        int appends = syscall(SYS_fcntl, fd, F_GETFL) & O_APPEND;
        at = appends && !fstat(fd, &now) ? now.st_size : lseek(fd, 0, SEEK_CUR);
    }
    int fault = due(WRITE);
    int half = control->how == HALF_DONE && control->failed == 1; /* what is left of it then fails, and does nothing */
    size_t part = !fault || control->how == ALL_DONE ? size : half ? size / 2 : 0;
    ssize_t result = 0;
    if (part) {
        result = moves ? syscall(SYS_write, fd, bytes, part) : syscall(SYS_pwrite64, fd, bytes, part, at);
        if (result > 0 && tracked[fd] == TRACKED) write_down("writ", fd, at, bytes, result);
    }
    int error = errno;
    if (fault && !(part && part < size)) result = -1, error = fault;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

ssize_t write(int fd, const void *bytes, size_t size) {
    return state_of(fd) ? written(fd, bytes, size, 0, 1) : syscall(SYS_write, fd, bytes, size);
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) {
    return state_of(fd) ? written(fd, bytes, size, at, 0) : syscall(SYS_pwrite64, fd, bytes, size, at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) { return pwrite(fd, bytes, size, at); }

static ssize_t written_parts(int fd, const struct iovec *parts, int count, off_t at, int moves) {
    ssize_t total = 0;
    for (int n = 0; n < count; n++) {
        ssize_t done = written(fd, parts[n].iov_base, parts[n].iov_len, at + total, moves);
        if (done < 0) return total ? total : done;
        total += done;
        if ((size_t)done < parts[n].iov_len) break;
    }
    return total;
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    return state_of(fd) ? written_parts(fd, parts, count, 0, 1) : syscall(SYS_writev, fd, parts, count);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    return state_of(fd) ? written_parts(fd, parts, count, at, 0) : REAL(pwritev)(fd, parts, count, at);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) { return pwritev(fd, parts, count, at); }

int ftruncate(int fd, off_t length) {
    if (!state_of(fd)) return syscall(SYS_ftruncate, fd, length);
    pthread_mutex_lock(&lock);
    int error = due(TRUNCATE), result = error ? -1 : syscall(SYS_ftruncate, fd, length);
    if (!error) error = errno;
    if (!result && tracked[fd] == TRACKED) write_down("trun", fd, length, "", 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int ftruncate64(int fd, off64_t length) { return ftruncate(fd, length); }

static int synced(int fd) {
    struct stat about;
    pthread_mutex_lock(&lock);
    int is_folder = !fstat(fd, &about) && S_ISDIR(about.st_mode);
    int error = due(is_folder ? SYNC_FOLDER : SYNC);
    if (tracked[fd] == TRACKED) write_down(!error || control->how == ALL_DONE ? "sync" : "fail", fd, 0, "", 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return error ? -1 : 0;
}
int fsync(int fd) { return state_of(fd) ? synced(fd) : syscall(SYS_fsync, fd); }
int fdatasync(int fd) { return state_of(fd) ? synced(fd) : syscall(SYS_fdatasync, fd); }

/* -- names -------------------------------------------------------------------------------------------------------- */

static int unlinked(int dirfd, const char *path, int flags) {
    char full[2 * PATH_MAX];
    if (!within(dirfd, path, full)) return syscall(SYS_unlinkat, dirfd, path, flags);
    pthread_mutex_lock(&lock);
    int error = due(UNLINK), result = error ? -1 : syscall(SYS_unlinkat, dirfd, path, flags);
    if (!error) error = errno;
    if (!result && !is_memory(full)) write_down("unli", 0, 0, full + folder_length, strlen(full + folder_length));
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int unlink(const char *path) { return unlinked(AT_FDCWD, path, 0); }
int unlinkat(int dirfd, const char *path, int flags) { return unlinked(dirfd, path, flags); }

static int renamed(int from_dirfd, const char *from, int to_dirfd, const char *to) {
    char both[4 * PATH_MAX], target[2 * PATH_MAX];
    int inside = within(from_dirfd, from, both), also = within(to_dirfd, to, target);
    if (!inside && !also) return syscall(SYS_renameat2, from_dirfd, from, to_dirfd, to, 0);
    if (!inside || !also) give_up("a file was moved over the folder's edge");
    pthread_mutex_lock(&lock);
    int result = syscall(SYS_renameat2, from_dirfd, from, to_dirfd, to, 0), error = errno;
    if (!result) {
        char names[4 * PATH_MAX];
        int size = snprintf(names, sizeof names, "%s\n%s", both + folder_length, target + folder_length);
        write_down("rena", 0, 0, names, size);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int rename(const char *from, const char *to) { return renamed(AT_FDCWD, from, AT_FDCWD, to); }
int renameat(int from_dirfd, const char *from, int to_dirfd, const char *to) {
    return renamed(from_dirfd, from, to_dirfd, to);
}

/* -- ways around us, which nobody here takes ----------------------------------------------------------------------- */

void *mmap64(void *where, size_t length, int protection, int flags, int fd, off64_t at) {
    if (state_of(fd) == TRACKED && (flags & MAP_SHARED) && (protection & PROT_WRITE)) give_up("a file is written by mmap");
    return (void *)syscall(SYS_mmap, where, length, protection, flags, fd, at);
}
void *mmap(void *where, size_t length, int protection, int flags, int fd, off_t at) {
    return mmap64(where, length, protection, flags, fd, at);
}
int posix_fallocate(int fd, off_t at, off_t length) {
    if (state_of(fd)) give_up("posix_fallocate");
    return REAL(posix_fallocate)(fd, at, length);
}
int posix_fallocate64(int fd, off64_t at, off64_t length) { return posix_fallocate(fd, at, length); }
