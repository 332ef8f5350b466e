// Frames of RFC 6455 §5.2, for the benchmark's programs.
#pragma once
#include "buffer.h"

enum { OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

typedef struct {
  uint8_t opcode, is_final, is_deflated, is_masked, mask[4];
  uint64_t payload_count;
} frame_header;

// Reads a header. Returns its length, or 0 if `count` bytes are not enough.
static inline size_t frame_header_read(frame_header *f, const uint8_t *p, size_t count) {
  if (count < 2) return 0;
  uint8_t short_count = p[1] & 127;
  size_t extended = short_count == 126 ? 2 : short_count == 127 ? 8 : 0;
  f->is_masked = p[1] >> 7;
  size_t length = 2 + extended + (f->is_masked ? 4 : 0);
  if (count < length) return 0;
  f->opcode = p[0] & 15;
  f->is_final = p[0] >> 7;
  f->is_deflated = (p[0] >> 6) & 1;
  f->payload_count = extended ? 0 : short_count;
  for (size_t i = 0; i < extended; i++) f->payload_count = f->payload_count << 8 | p[2 + i];
  if (f->is_masked) memcpy(f->mask, p + 2 + extended, 4);
  return length;
}

static inline void frame_header_append(buffer *out, uint8_t first, uint8_t mask_bit, size_t count) {
  uint8_t h[10] = {first};
  size_t n = 2;
  if (count < 126) {
    h[1] = mask_bit | (uint8_t)count;
  } else if (count < 65536) {
    h[1] = mask_bit | 126;
    h[2] = (uint8_t)(count >> 8);
    h[3] = (uint8_t)count;
    n = 4;
  } else {
    h[1] = mask_bit | 127;
    for (int i = 0; i < 8; i++) h[2 + i] = (uint8_t)((uint64_t)count >> (56 - 8 * i));
    n = 10;
  }
  buffer_append(out, h, n);
}

// A server's frame: not masked.
static inline void frame_append(buffer *out, uint8_t first, const void *payload, size_t count) {
  frame_header_append(out, first, 0, count);
  buffer_append(out, payload, count);
}

// A client's frame: masked. A constant mask is enough here.
static inline void frame_append_masked(buffer *out, uint8_t opcode, const void *payload, size_t count) {
  static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
  frame_header_append(out, 0x80 | opcode, 0x80, count);
  buffer_append(out, mask, 4);
  buffer_append(out, payload, count);
  uint8_t *p = out->bytes + out->count - count;
  for (size_t i = 0; i < count; i++) p[i] ^= mask[i & 3];
}
