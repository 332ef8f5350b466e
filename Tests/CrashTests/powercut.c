// Preloaded into the broker (LD_PRELOAD): writes down what it writes and what it has made durable, so that a test can
// take away what a power cut would: writes that no fsync has covered (powercut.py).
//
// POWERCUT_FOLDER: the files below it are watched. POWERCUT_LOG: where the records go, one after the other:
//   kind (1 write, 2 sync, 3 truncate), offset, count, size of the file before, sequence, length of the path, path,
//   then for a write its bytes and the bytes it replaced (count and as many as there were).
// POWERCUT_FAILS: while there is a file of this name, every fsync of a watched file fails with EIO.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, TRUNCATE = 3 };

typedef struct {
  uint64_t kind, offset, count, size_before, sequence, replaced, path_length;
} record;

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_fsync)(int), (*real_fdatasync)(int), (*real_ftruncate)(int, off_t);
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t sequence;
static int log_file = -1;
static const char *folder, *fails;

__attribute__((constructor)) static void begin(void) {
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_write = dlsym(RTLD_NEXT, "write");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  folder = getenv("POWERCUT_FOLDER");
  fails = getenv("POWERCUT_FAILS");
  const char *log = getenv("POWERCUT_LOG");
  if (folder && log) log_file = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

// The path of a watched file; the shared memory of the WAL index is none: SQLite makes it anew.
static int watched(int fd, char path[PATH_MAX]) {
  char link[64];
  if (log_file < 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, PATH_MAX - 1);
  if (n < 0) return 0;
  path[n] = 0;
  return !strncmp(path, folder, strlen(folder)) && !(n > 4 && !strcmp(path + n - 4, "-shm"));
}

static void put(record r, const char *path, const void *bytes, const void *replaced) {
  r.path_length = strlen(path);
  struct iovec parts[4] = {{&r, sizeof r}, {(void *)path, r.path_length}, {(void *)bytes, bytes ? r.count : 0},
                           {(void *)replaced, r.replaced}};
  if (writev(log_file, parts, 4) < 0) abort();
}

static uint64_t size_of(int fd) {
  struct stat s;
  return fstat(fd, &s) ? 0 : (uint64_t)s.st_size;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset) {
  char path[PATH_MAX];
  if (!watched(fd, path)) return real_pwrite(fd, bytes, count, offset);
  char *before = malloc(count);
  pthread_mutex_lock(&lock);
  record r = {WRITE, (uint64_t)offset, 0, size_of(fd), ++sequence, 0, 0};
  ssize_t had = pread(fd, before, count, offset);
  ssize_t done = real_pwrite(fd, bytes, count, offset);
  int error = errno;
  if (done > 0) {
    r.count = (uint64_t)done;
    r.replaced = had < 0 ? 0 : (uint64_t)(had < done ? had : done);
    put(r, path, bytes, before);
  }
  pthread_mutex_unlock(&lock);
  free(before);
  errno = error;
  return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) { return pwrite64(fd, bytes, count, offset); }

ssize_t write(int fd, const void *bytes, size_t count) {
  char path[PATH_MAX];
  if (!watched(fd, path)) return real_write(fd, bytes, count);
  off_t at = lseek(fd, 0, SEEK_CUR);
  ssize_t done = pwrite64(fd, bytes, count, at);
  if (done > 0) lseek(fd, at + done, SEEK_SET);
  return done;
}

// Cutting off cannot be undone here: what was there before is kept as the bytes that were replaced.
int ftruncate64(int fd, off_t size) {
  char path[PATH_MAX];
  if (!watched(fd, path)) return real_ftruncate(fd, size);
  pthread_mutex_lock(&lock);
  record r = {TRUNCATE, (uint64_t)size, 0, size_of(fd), ++sequence, 0, 0};
  char *before = 0;
  if (r.size_before > (uint64_t)size && (before = malloc(r.size_before - (uint64_t)size))) {
    ssize_t had = pread(fd, before, r.size_before - (uint64_t)size, size);
    r.replaced = had < 0 ? 0 : (uint64_t)had;
  }
  int result = real_ftruncate(fd, size);
  if (!result) put(r, path, 0, before);
  pthread_mutex_unlock(&lock);
  free(before);
  return result;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int synced(int fd, int (*real)(int)) {
  char path[PATH_MAX];
  if (!watched(fd, path)) return real(fd);
  if (fails && !access(fails, F_OK)) {
    errno = EIO;
    return -1;
  }
  pthread_mutex_lock(&lock);
  uint64_t covered = sequence;
  pthread_mutex_unlock(&lock);
  int result = real(fd);
  pthread_mutex_lock(&lock);
  record r = {SYNC, 0, 0, 0, covered, 0, 0};
  if (!result) put(r, path, 0, 0);
  pthread_mutex_unlock(&lock);
  return result;
}

int fsync(int fd) { return synced(fd, real_fsync); }
int fdatasync(int fd) { return synced(fd, real_fdatasync); }
