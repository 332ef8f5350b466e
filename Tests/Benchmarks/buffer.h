// A growing array of bytes, for the benchmark's programs.
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
  uint8_t *bytes;
  size_t count, capacity;
} buffer;

static inline void buffer_append(buffer *b, const void *bytes, size_t count) {
  if (b->count + count > b->capacity) {
    b->capacity = (b->count + count) * 2 + 64;
    b->bytes = realloc(b->bytes, b->capacity);
    if (!b->bytes) abort();
  }
  memcpy(b->bytes + b->count, bytes, count);
  b->count += count;
}

static inline void buffer_append_text(buffer *b, const char *text) { buffer_append(b, text, strlen(text)); }

static inline void buffer_free(buffer *b) {
  free(b->bytes);
  *b = (buffer){0};
}

static inline uint64_t nanoseconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
