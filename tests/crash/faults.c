/* Faults of a disk, for one directory of one process: preloaded before the C library.

   HAAR_FAULTS names a file of four 32-bit numbers, shared with the test that arms them:
   the operations that fail (bits below), errno (0 makes writes short), how many calls to let pass
   first, and how many were made to fail. HAAR_FAULTS_DIRECTORY is where they fail. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, READ = 4 };

struct faults {
  volatile uint32_t operations;
  volatile int32_t error;
  volatile int32_t skip;
  volatile uint32_t hits;
};

static struct faults *faults;
static const char *directory;

__attribute__((constructor)) static void begin(void) {
  const char *name = getenv("HAAR_FAULTS");
  directory = getenv("HAAR_FAULTS_DIRECTORY");
  int file = name && directory ? open(name, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *shared = mmap(NULL, sizeof *faults, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (shared != MAP_FAILED) faults = shared;
}

static int fails(int file, uint32_t operation) {
  char link[64], path[4096];
  if (!faults || !(faults->operations & operation)) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  if (strncmp(path, directory, strlen(directory)) != 0) return 0;
  if (__sync_fetch_and_sub(&faults->skip, 1) > 0) return 0;
  __sync_fetch_and_add(&faults->hits, 1);
  errno = faults->error;
  return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define SHORT(count) ((count) > 1 ? (count) / 2 : (count))

ssize_t write(int file, const void *bytes, size_t count) {
  if (fails(file, WRITE)) {
    if (faults->error) return -1;
    count = SHORT(count);
  }
  return REAL(write)(file, bytes, count);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
  if (fails(file, WRITE)) {
    if (faults->error) return -1;
    count = SHORT(count);
  }
  return REAL(pwrite)(file, bytes, count, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
  if (fails(file, WRITE)) {
    if (faults->error) return -1;
    count = SHORT(count);
  }
  return REAL(pwrite64)(file, bytes, count, at);
}

ssize_t pread(int file, void *bytes, size_t count, off_t at) {
  return fails(file, READ) ? -1 : REAL(pread)(file, bytes, count, at);
}

ssize_t pread64(int file, void *bytes, size_t count, off64_t at) {
  return fails(file, READ) ? -1 : REAL(pread64)(file, bytes, count, at);
}

ssize_t read(int file, void *bytes, size_t count) {
  return fails(file, READ) ? -1 : REAL(read)(file, bytes, count);
}

int fsync(int file) { return fails(file, SYNC) ? -1 : REAL(fsync)(file); }

int fdatasync(int file) { return fails(file, SYNC) ? -1 : REAL(fdatasync)(file); }

int sync_file_range(int file, off64_t from, off64_t count, unsigned flags) {
  return fails(file, SYNC) ? -1 : REAL(sync_file_range)(file, from, count, flags);
}
