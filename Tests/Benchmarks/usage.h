// What processes have used: CPU time and memory, from the kernel.
#pragma once
#include <sys/types.h>

typedef struct {
  double cpu_seconds;               // of all threads, nanosecond resolution
  double user_seconds, sys_seconds; // utime and stime of /proc/PID/stat, ticks of 10 ms
  long rss_kib, rss_peak_kib;       // VmRSS and VmHWM of /proc/PID/status
  double machine_busy_seconds;      // of all processes, /proc/stat
} usage;

usage usage_of(const pid_t *processes, int count);
