// The load generator's side of a WebSocket, and what it expects to be told on it.
#pragma once
#include "frame.h"
#include <openssl/ssl.h>
#include <stdbool.h>
#include <zlib.h>

enum state { CONNECTING, UPGRADING, SUBSCRIBING, READY, DEAD };
enum role { SUBSCRIBER, PUBLISHER, PROBE, MONITOR };
enum { HELLOS_MAX = 4, HEAD_BYTES = 125 };

// How to connect in one role.
typedef struct {
  const char *path, *subprotocol; // @WS@ in the path: the name of the channel
  buffer hellos[HELLOS_MAX];      // sent after the upgrade
  uint8_t hello_opcodes[HELLOS_MAX];
  int hello_count;
  int answers_awaited;      // messages to be awaited before it is ready
  const char *answer_token; // only messages that contain it count
  bool is_http;             // a publisher that posts; no upgrade
  bool offers_deflate;
} endpoint;

// One stream of events: everything that was published on it, as it must be delivered, in order.
typedef struct {
  char name[16];
  buffer expected;
  uint32_t sent;
  struct connection *publisher;
} channel;

typedef struct connection {
  int fd;
  SSL *tls; // null without TLS
  uint8_t state, role, wants_write, is_sampled, is_stopped, deflates;
  uint8_t header[14], header_count;
  bool in_payload;
  frame_header frame;
  uint8_t message_is_deflated;
  uint64_t remaining;        // bytes of the payload still to come
  uint32_t received, within; // events received; bytes of the next one
  uint32_t ignored;          // bytes of the text to be ignored
  int answers;
  const endpoint *endpoint;
  channel *channel;
  uint32_t *monitor_received; // a monitor's events, by channel
  buffer out, partial;        // to be sent; a handshake, an answer, or a message that came in pieces and is needed whole
  size_t out_sent;
  uint8_t head_count, head[HEAD_BYTES]; // a control frame's payload
} connection;

// What is the same for all connections of a run.
typedef struct {
  int poller, port;
  SSL_CTX *tls;         // null without TLS
  bool resumes;         // all connections but the first resume its TLS session,
  SSL_SESSION *session; // this one, once it is there
  int resumed;
  int ready, dead, pending, deflating;
  uint64_t delivered, frames, bytes, mismatches, errors;
  uint64_t last_delivery;  // CLOCK_MONOTONIC
  size_t event_bytes;      // each delivered event has the same length,
  size_t timestamp_at;     // with the time of publishing (19 digits, nanoseconds) here
  size_t channel_name_at;  // and its channel's name here, when there are monitors
  buffer ignorable;        // text between events that is not an event (a ping of the server's own protocol) …
  buffer ignorable_answer; // … and what it is answered with
  const char *monitor_suffix_before, *monitor_suffix_after;
  channel *channels;
  int channel_count;
  double *latencies; // microseconds
  size_t latency_count, latency_capacity;
  double *monitor_latencies;
  size_t monitor_latency_count, monitor_latency_capacity;
} load;

extern load run;

void connection_start(connection *c, int receive_buffer_bytes);
void connection_event(connection *c, uint32_t events);
void connection_read(connection *c);
void connection_flush(connection *c);
void connection_stop_reading(connection *c);
void connection_fail(connection *c, const char *why);

// From now on connections speak TLS. Certificates are not looked at: the server is the benchmark's own.
void connections_use_tls(bool resuming);

// Called at the end of each frame on a probe, with its payload in `partial`. Defined by the program.
void probe_answered(connection *c);
