#define _GNU_SOURCE
#include "connection.h"
#include "tls.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

load run;
static uint64_t read_at; // CLOCK_REALTIME of the read that is being parsed

void connection_fail(connection *c, const char *why) {
  if (c->state == DEAD) return;
  if (!c->is_stopped) {
    if (run.errors++ < 3)
      fprintf(stderr, "wsload: a connection failed in state %d: %s (%s)\n", c->state, why, strerror(errno));
    run.dead++;
  }
  if (c->state != READY && c->role != PUBLISHER && c->role != PROBE) run.pending--;
  epoll_ctl(run.poller, EPOLL_CTL_DEL, c->fd, 0);
  SSL_free(c->tls);
  c->tls = 0;
  close(c->fd);
  c->state = DEAD;
}

static void watch(connection *c) {
  // What is to be written may have to wait for something to be read first: TLS's handshake.
  uint8_t wants = c->state == CONNECTING || (c->out.count > c->out_sent && !(c->tls && SSL_want_read(c->tls)));
  if (c->wants_write == wants || c->is_stopped) return;
  c->wants_write = wants;
  struct epoll_event event = {.events = EPOLLIN | (wants ? EPOLLOUT : 0), .data.ptr = c};
  epoll_ctl(run.poller, EPOLL_CTL_MOD, c->fd, &event);
}

void connection_stop_reading(connection *c) {
  c->is_stopped = 1;
  epoll_ctl(run.poller, EPOLL_CTL_DEL, c->fd, 0);
}

void connection_flush(connection *c) {
  while (c->out.count > c->out_sent) {
    ssize_t n = tls_send(c->tls, c->fd, c->out.bytes + c->out_sent, c->out.count - c->out_sent);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (n < 0) {
      connection_fail(c, "write");
      return;
    }
    c->out_sent += (size_t)n;
  }
  if (c->out.count == c->out_sent) {
    c->out.count = c->out_sent = 0;
    if (c->role != PUBLISHER && c->channel && c->channel->publisher != c) buffer_free(&c->out);
  }
  watch(c);
}

static void become_ready(connection *c) {
  c->state = READY;
  run.resumed += c->tls && SSL_session_reused(c->tls);
  if (c->role == PUBLISHER || c->role == PROBE) return;
  run.ready++;
  run.pending--;
}

// ---- What is delivered ----

static void add_latency(double **values, size_t *count, size_t *capacity, const uint8_t *digits) {
  uint64_t sent_at = 0;
  for (int i = 0; i < 19; i++) sent_at = sent_at * 10 + (uint64_t)(digits[i] - '0');
  if (*count == *capacity) {
    *capacity = *capacity * 2 + 65536;
    *values = realloc(*values, *capacity * sizeof **values);
  }
  (*values)[(*count)++] = (double)(int64_t)(read_at - sent_at) / 1e3;
}

static void mismatch(connection *c, const char *what, const uint8_t *p, size_t count) {
  if (run.mismatches++ < 3) {
    fprintf(stderr, "wsload: %s, after %u events, at byte %u: %.*s\n", what, c->received, c->within,
            (int)(count < 200 ? count : 200), p);
  }
}

// Passes over the text that is no event. Returns the bytes that were used.
static size_t ignore(connection *c, const uint8_t *p, size_t count) {
  size_t n = 0;
  while (n < count && c->ignored < run.ignorable.count && p[n] == run.ignorable.bytes[c->ignored]) n++, c->ignored++;
  if (c->ignored == run.ignorable.count) {
    c->ignored = 0;
    frame_append_masked(&c->out, OP_BINARY, run.ignorable_answer.bytes, run.ignorable_answer.count);
    connection_flush(c);
  }
  return n;
}

static bool may_be_ignored(const connection *c, uint8_t first) {
  return run.ignorable.count && (c->ignored || (c->within == 0 && first == run.ignorable.bytes[0]));
}

// Every byte is compared: with the events in the order in which they were published. Nothing missing, doubled or
// exchanged passes.
static void check_events(connection *c, const uint8_t *p, size_t count) {
  const buffer *expected = &c->channel->expected;
  while (count) {
    if (may_be_ignored(c, *p)) {
      size_t n = ignore(c, p, count);
      p += n, count -= n;
      if (n) continue;
    }
    size_t at = c->received * run.event_bytes + c->within, n = run.event_bytes - c->within;
    if (n > count) n = count;
    if (at + n > expected->count || memcmp(expected->bytes + at, p, n)) {
      mismatch(c, "not the event that is due", p, count);
      return;
    }
    p += n, count -= n;
    if ((c->within += (uint32_t)n) < run.event_bytes) return;
    c->within = 0;
    c->received++;
    run.delivered++;
    if (c->is_sampled) {
      const uint8_t *event = expected->bytes + at + n - run.event_bytes;
      add_latency(&run.latencies, &run.latency_count, &run.latency_capacity, event + run.timestamp_at);
    }
  }
}

// A monitor gets the events of all channels, each with its channel's name at the end, in order within the channel.
static void check_monitored(connection *c, const uint8_t *p, size_t count) {
  size_t shared = run.event_bytes - 1; // all but the closing brace
  int index = count > shared ? atoi((const char *)p + run.channel_name_at + 1) : -1;
  if (index < 0 || index >= run.channel_count) {
    mismatch(c, "not an event of a channel", p, count);
    return;
  }
  channel *ch = &run.channels[index];
  char suffix[128];
  int n = snprintf(suffix, sizeof suffix, "%s%s%s", run.monitor_suffix_before, ch->name, run.monitor_suffix_after);
  size_t at = c->monitor_received[index] * run.event_bytes;
  if (at + shared > ch->expected.count || count != shared + (size_t)n || memcmp(p, ch->expected.bytes + at, shared) ||
      memcmp(p + shared, suffix, (size_t)n)) {
    mismatch(c, "not the event that is due to a monitor", p, count);
    return;
  }
  c->monitor_received[index]++;
  run.delivered++;
  add_latency(&run.monitor_latencies, &run.monitor_latency_count, &run.monitor_latency_capacity, p + run.timestamp_at);
}

static void check_deflated(connection *c, const uint8_t *p, size_t count) {
  static z_stream inflater;
  static bool is_ready;
  static uint8_t text[1 << 20];
  static const uint8_t tail[4] = {0, 0, 0xff, 0xff}; // RFC 7692 §7.2.2
  if (!is_ready) is_ready = inflateInit2(&inflater, -15) == Z_OK;
  inflateReset(&inflater);
  inflater.next_out = text;
  inflater.avail_out = sizeof text;
  const uint8_t *parts[2] = {p, tail};
  const size_t counts[2] = {count, 4};
  for (int i = 0; i < 2; i++) {
    inflater.next_in = (uint8_t *)parts[i];
    inflater.avail_in = (unsigned)counts[i];
    int result = inflate(&inflater, Z_SYNC_FLUSH);
    if (result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END) {
      mismatch(c, "cannot be inflated", p, 0);
      return;
    }
  }
  check_events(c, text, sizeof text - inflater.avail_out);
}

static void check_whole(connection *c, const uint8_t *p, size_t count) {
  if (c->role == MONITOR) check_monitored(c, p, count);
  else check_deflated(c, p, count);
}

static bool needs_whole(const connection *c) { return c->role == MONITOR || c->message_is_deflated; }

// ---- Frames ----

static void payload(connection *c, const uint8_t *p, size_t count) {
  if (c->role == PROBE && c->state == READY) buffer_append(&c->partial, p, count);
  if (c->frame.opcode >= OP_CLOSE) {
    size_t n = count < (size_t)(HEAD_BYTES - c->head_count) ? count : (size_t)(HEAD_BYTES - c->head_count);
    memcpy(c->head + c->head_count, p, n);
    c->head_count += (uint8_t)n;
  }
  if (c->frame.opcode >= OP_CLOSE) return;
  if (c->state == SUBSCRIBING) {
    const char *token = c->endpoint->answer_token;
    if (token && memmem(p, count, token, strlen(token))) c->answers++;
    return;
  }
  if (c->role == PUBLISHER || c->role == PROBE) return;
  if (!needs_whole(c)) {
    check_events(c, p, count);
  } else if (c->partial.count == 0 && count == c->frame.payload_count && c->frame.is_final) {
    check_whole(c, p, count);
  } else {
    buffer_append(&c->partial, p, count);
  }
}

static void frame_ended(connection *c) {
  if (c->frame.opcode == OP_CLOSE) {
    char why[64];
    int code = c->head_count >= 2 ? c->head[0] << 8 | c->head[1] : 1005,
        count = c->head_count > 2 ? c->head_count - 2 : 0;
    snprintf(why, sizeof why, "closed with %d %.*s", code, count > 40 ? 40 : count, (const char *)c->head + 2);
    errno = 0;
    connection_fail(c, why);
  } else if (c->frame.opcode == OP_PING) {
    frame_append_masked(&c->out, OP_PONG, c->head, c->head_count);
    connection_flush(c);
  } else if (c->state == SUBSCRIBING) {
    if (!c->endpoint->answer_token) c->answers += c->frame.is_final;
    if (c->answers >= c->endpoint->answers_awaited) become_ready(c);
  } else if (c->role == PROBE) {
    probe_answered(c);
    c->partial.count = 0;
  } else if (c->frame.opcode < OP_CLOSE) {
    run.frames++;
    if (c->partial.count && c->frame.is_final) {
      check_whole(c, c->partial.bytes, c->partial.count);
      c->partial.count = 0;
    }
  }
}

static void frame_began(connection *c) {
  c->head_count = 0;
  c->remaining = c->frame.payload_count;
  c->in_payload = c->remaining > 0;
  if (c->frame.opcode == OP_TEXT || c->frame.opcode == OP_BINARY) c->message_is_deflated = c->frame.is_deflated;
  if (!c->in_payload) frame_ended(c);
}

static void parse(connection *c, const uint8_t *p, size_t count) {
  const uint8_t *end = p + count;
  while (p < end && c->state != DEAD) {
    if (c->in_payload) {
      size_t n = (uint64_t)(end - p) < c->remaining ? (size_t)(end - p) : (size_t)c->remaining;
      payload(c, p, n);
      p += n;
      c->remaining -= n;
      if (c->remaining == 0) {
        c->in_payload = false;
        frame_ended(c);
      }
    } else if (c->header_count == 0 && end - p >= 14) {
      p += frame_header_read(&c->frame, p, 14);
      frame_began(c);
    } else {
      c->header[c->header_count++] = *p++;
      if (!frame_header_read(&c->frame, c->header, c->header_count)) continue;
      c->header_count = 0;
      frame_began(c);
    }
  }
}

// ---- The opening handshake ----

static void send_hellos(connection *c) {
  const endpoint *e = c->endpoint;
  for (int i = 0; i < e->hello_count; i++)
    frame_append_masked(&c->out, e->hello_opcodes[i], e->hellos[i].bytes, e->hellos[i].count);
  connection_flush(c);
  if (c->state == DEAD) return;
  c->state = SUBSCRIBING;
  if (e->answers_awaited == 0) become_ready(c);
}

static void append_path(buffer *out, const char *path, const channel *ch) {
  const char *name_at = strstr(path, "@WS@");
  if (!name_at || !ch) {
    buffer_append_text(out, path);
    return;
  }
  buffer_append(out, path, (size_t)(name_at - path));
  buffer_append_text(out, ch->name);
  buffer_append_text(out, name_at + 4);
}

static void send_upgrade(connection *c) {
  const endpoint *e = c->endpoint;
  c->state = UPGRADING;
  if (e->is_http) {
    become_ready(c);
    watch(c);
    return;
  }
  buffer_append_text(&c->out, "GET ");
  append_path(&c->out, e->path, c->channel);
  buffer_append_text(&c->out, " HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n");
  if (e->subprotocol) {
    buffer_append_text(&c->out, "Sec-WebSocket-Protocol: ");
    buffer_append_text(&c->out, e->subprotocol);
    buffer_append_text(&c->out, "\r\n");
  }
  if (e->offers_deflate) {
    buffer_append_text(&c->out, "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
                                "client_no_context_takeover\r\n");
  }
  buffer_append_text(&c->out, "\r\n");
  connection_flush(c);
}

static void upgraded(connection *c, char *head) {
  if (strncmp(head, "HTTP/1.1 101", 12)) {
    if (run.errors < 2) fprintf(stderr, "wsload: not upgraded: %.300s\n", head);
    connection_fail(c, "not upgraded");
    return;
  }
  if (strcasestr(head, "permessage-deflate")) {
    c->deflates = 1;
    if (c->role == SUBSCRIBER) run.deflating++;
    if (!strcasestr(head, "server_no_context_takeover")) {
      connection_fail(c, "deflates with context takeover, which this program cannot check");
      return;
    }
  }
  send_hellos(c);
}

static void handshake(connection *c, const uint8_t *p, size_t count) {
  buffer_append(&c->partial, p, count);
  uint8_t *end = memmem(c->partial.bytes, c->partial.count, "\r\n\r\n", 4);
  if (!end) {
    if (c->partial.count > 16384) connection_fail(c, "no end of the handshake");
    return;
  }
  *end = 0;
  buffer head = c->partial;
  c->partial = (buffer){0};
  upgraded(c, (char *)head.bytes);
  size_t used = (size_t)(end - head.bytes) + 4;
  if (c->state != DEAD && head.count > used) parse(c, head.bytes + used, head.count - used);
  buffer_free(&head);
}

// ---- Sockets ----

// Returns whether there may be more.
static bool read_once(connection *c) {
  static uint8_t chunk[256 * 1024];
  ssize_t n = tls_receive(c->tls, c->fd, chunk, sizeof chunk);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (n <= 0) {
    if (n == 0) errno = 0;
    connection_fail(c, n == 0 ? "ended by the server" : "read");
    return false;
  }
  run.bytes += (uint64_t)n;
  if (c->endpoint->is_http) return true;
  if (c->is_sampled || c->role == MONITOR) read_at = nanoseconds(CLOCK_REALTIME);
  uint64_t before = run.delivered;
  if (c->state == UPGRADING) handshake(c, chunk, (size_t)n);
  else parse(c, chunk, (size_t)n);
  if (run.delivered != before) run.last_delivery = nanoseconds(CLOCK_MONOTONIC);
  return c->state != DEAD;
}

// TLS keeps what it has read and not given out, of which the poller knows nothing.
void connection_read(connection *c) {
  while (read_once(c) && c->tls) continue;
}

static int keep_session(SSL *tls, SSL_SESSION *session) {
  (void)tls;
  if (run.session || !run.resumes) return 0;
  run.session = session;
  return 1;
}

void connections_use_tls(bool resuming) {
  run.tls = tls_context(TLS_client_method());
  run.resumes = resuming;
  SSL_CTX_set_read_ahead(run.tls, 1); // or each record costs two reads
  SSL_CTX_set_session_cache_mode(run.tls, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(run.tls, keep_session);
}

static void start_tls(connection *c) {
  if (!run.tls) return;
  c->tls = tls_on(run.tls, c->fd);
  SSL_set_connect_state(c->tls);
  if (!run.session) return;
  SSL_SESSION *copy = SSL_SESSION_dup(run.session); // one that was used may not be used again
  SSL_set_session(c->tls, copy);
  SSL_SESSION_free(copy);
}

static void connected(connection *c) {
  int error = 0, on = 1;
  socklen_t length = sizeof error;
  getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error) {
    errno = error;
    connection_fail(c, "connect");
    return;
  }
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  start_tls(c);
  send_upgrade(c);
}

void connection_event(connection *c, uint32_t events) {
  if (c->state == DEAD || c->is_stopped) return;
  if (c->state == CONNECTING) {
    if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) connected(c);
    return;
  }
  if ((events & EPOLLOUT) || c->tls) connection_flush(c);
  if (c->state != DEAD && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) connection_read(c);
}

void connection_start(connection *c, int receive_buffer_bytes) {
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c->fd < 0) {
    perror("wsload: socket");
    exit(2);
  }
  if (receive_buffer_bytes)
    setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)run.port)};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  c->state = CONNECTING;
  c->wants_write = 1;
  if (c->role != PUBLISHER && c->role != PROBE) run.pending++;
  int result = connect(c->fd, (struct sockaddr *)&a, sizeof a);
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
  epoll_ctl(run.poller, EPOLL_CTL_ADD, c->fd, &event);
  if (result && errno != EINPROGRESS) connection_fail(c, "connect");
}
