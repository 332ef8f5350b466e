#define _GNU_SOURCE
#include "usage.h"
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void add_cpu_clock(usage *u, pid_t process) {
  clockid_t clock;
  struct timespec t;
  if (!clock_getcpuclockid(process, &clock) && !clock_gettime(clock, &t)) u->cpu_seconds += t.tv_sec + t.tv_nsec / 1e9;
}

static void add_stat(usage *u, pid_t process) {
  char path[64], line[2048];
  snprintf(path, sizeof path, "/proc/%d/stat", process);
  FILE *file = fopen(path, "r");
  if (!file) return;
  // The name may contain spaces and parentheses; what follows the last parenthesis does not.
  char *rest = fgets(line, sizeof line, file) ? strrchr(line, ')') : 0;
  unsigned long user, sys;
  if (rest && sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys) == 2) {
    double ticks = sysconf(_SC_CLK_TCK);
    u->user_seconds += user / ticks;
    u->sys_seconds += sys / ticks;
  }
  fclose(file);
}

static void add_status(usage *u, pid_t process) {
  char path[64], line[256];
  long value;
  snprintf(path, sizeof path, "/proc/%d/status", process);
  FILE *file = fopen(path, "r");
  if (!file) return;
  while (fgets(line, sizeof line, file)) {
    if (sscanf(line, "VmRSS: %ld", &value) == 1) u->rss_kib += value;
    if (sscanf(line, "VmHWM: %ld", &value) == 1) u->rss_peak_kib += value;
  }
  fclose(file);
}

static double machine_busy_seconds(void) {
  double user = 0, nice = 0, sys = 0, idle, wait, irq = 0, soft = 0;
  FILE *file = fopen("/proc/stat", "r");
  if (!file) return 0;
  int read = fscanf(file, "cpu %lf %lf %lf %lf %lf %lf %lf", &user, &nice, &sys, &idle, &wait, &irq, &soft);
  fclose(file);
  return read == 7 ? (user + nice + sys + irq + soft) / sysconf(_SC_CLK_TCK) : 0;
}

usage usage_of(const pid_t *processes, int count) {
  usage u = {.machine_busy_seconds = machine_busy_seconds()};
  for (int i = 0; i < count; i++) {
    add_cpu_clock(&u, processes[i]);
    add_stat(&u, processes[i]);
    add_status(&u, processes[i]);
  }
  return u;
}
