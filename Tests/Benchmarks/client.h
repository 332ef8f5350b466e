// Non-blocking connections of the journal's benchmark: one thread, one epoll.
#pragma once
#include "frame.h"
#include <stdbool.h>

typedef struct client {
  int fd;
  bool is_upgraded, wants_write;
  buffer in, out;
  size_t out_sent;
  // Called with the payload of each WebSocket message …
  void (*on_message)(struct client *, const uint8_t *text, size_t count);
  // … or, on a plain connection, with all that came and is not used yet; gives how much of it is.
  size_t (*on_bytes)(struct client *, const uint8_t *bytes, size_t count);
  void (*on_open)(struct client *);
  void *owner;
} client;

extern int poller;

void clients_begin(void);
// Connects at once (loopback) and, where there is a path, begins the WebSocket handshake.
void client_connect(client *c, int port, const char *path);
void client_send_text(client *c, const void *text, size_t count); // queued until client_flush
void client_flush(client *c);
// Handles what happened; waits at most so long.
void clients_run(int milliseconds);

_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

// A sample of durations, and what it says.
typedef struct {
  double *values; // microseconds
  size_t count, capacity;
} sample;

void sample_add(sample *s, double value);
void sample_print(const char *name, sample *s); // "name":{"p50":…,"p99":…,"max":…,"count":…}
