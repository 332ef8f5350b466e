// The processor's instruction that brings memory into its cache without waiting for it; Swift has no word for it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CACHE_LINE_BYTES 64

// The memory need not be there: prefetching never faults.
static inline void prefetch_for_write(const void *memory, size_t bytes) {
  uintptr_t line = (uintptr_t)memory & ~(uintptr_t)(CACHE_LINE_BYTES - 1);
  for (uintptr_t end = (uintptr_t)memory + bytes; line < end; line += CACHE_LINE_BYTES) {
    __builtin_prefetch((const void *)line, 1);
  }
}
