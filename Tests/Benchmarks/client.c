#define _GNU_SOURCE
#include "client.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

int poller;

_Noreturn void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "load: ");
  vfprintf(stderr, format, arguments);
  fprintf(stderr, "\n");
  va_end(arguments);
  exit(1);
}

void clients_begin(void) { poller = epoll_create1(EPOLL_CLOEXEC); }

static void watch(client *c, bool wants_write, int operation) {
  c->wants_write = wants_write;
  struct epoll_event event = {.events = EPOLLIN | (wants_write ? EPOLLOUT : 0), .data.ptr = c};
  if (epoll_ctl(poller, operation, c->fd, &event)) fail("epoll_ctl: %s", strerror(errno));
}

void client_connect(client *c, int port, const char *path) {
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&a, sizeof a)) fail("connect: %s", strerror(errno));
  int on = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  watch(c, false, EPOLL_CTL_ADD);
  if (path) {
    buffer_append_text(&c->out, "GET ");
    buffer_append_text(&c->out, path);
    buffer_append_text(&c->out, " HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    client_flush(c);
  } else {
    c->is_upgraded = true;
    if (c->on_open) c->on_open(c);
  }
}

void client_send_text(client *c, const void *text, size_t count) { frame_append_masked(&c->out, OP_TEXT, text, count); }

void client_flush(client *c) {
  while (c->out_sent < c->out.count) {
    ssize_t n = send(c->fd, c->out.bytes + c->out_sent, c->out.count - c->out_sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) {
      if (!c->wants_write) watch(c, true, EPOLL_CTL_MOD);
      return;
    }
    if (n < 0) fail("send: %s", strerror(errno));
    c->out_sent += (size_t)n;
  }
  c->out.count = c->out_sent = 0;
  if (c->wants_write) watch(c, false, EPOLL_CTL_MOD);
}

static size_t upgrade(client *c) {
  uint8_t *end = memmem(c->in.bytes, c->in.count, "\r\n\r\n", 4);
  if (!end) return 0;
  if (strncmp((char *)c->in.bytes, "HTTP/1.1 101", 12)) fail("not upgraded: %.200s", (char *)c->in.bytes);
  c->is_upgraded = true;
  if (c->on_open) c->on_open(c);
  return (size_t)(end - c->in.bytes) + 4;
}

static size_t take_frames(client *c, const uint8_t *p, size_t count) {
  size_t used = 0, header;
  frame_header f;
  while ((header = frame_header_read(&f, p + used, count - used)) && count - used - header >= f.payload_count) {
    const uint8_t *payload = p + used + header;
    if (f.opcode == OP_TEXT) c->on_message(c, payload, f.payload_count);
    else if (f.opcode == OP_PING) frame_append_masked(&c->out, OP_PONG, payload, f.payload_count);
    else if (f.opcode == OP_CLOSE) fail("closed: %.*s", (int)f.payload_count - 2, (const char *)payload + 2);
    used += header + f.payload_count;
  }
  return used;
}

static void take(client *c) {
  size_t used = 0;
  if (!c->is_upgraded && !(used = upgrade(c))) return;
  if (c->on_bytes) used += c->on_bytes(c, c->in.bytes + used, c->in.count - used);
  else used += take_frames(c, c->in.bytes + used, c->in.count - used);
  memmove(c->in.bytes, c->in.bytes + used, c->in.count - used);
  c->in.count -= used;
}

static void receive(client *c) {
  static uint8_t chunk[256 * 1024];
  ssize_t n = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) fail("the server ended a connection: %s", n ? strerror(errno) : "end");
  buffer_append(&c->in, chunk, (size_t)n);
  take(c);
  client_flush(c);
}

void clients_run(int milliseconds) {
  struct epoll_event events[256];
  int count = epoll_wait(poller, events, 256, milliseconds);
  for (int i = 0; i < count; i++) {
    client *c = events[i].data.ptr;
    if (events[i].events & EPOLLOUT) client_flush(c);
    if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(c);
  }
}

void sample_add(sample *s, double value) {
  if (s->count == s->capacity) {
    s->capacity = s->capacity * 2 + 1024;
    s->values = realloc(s->values, s->capacity * sizeof *s->values);
    if (!s->values) abort();
  }
  s->values[s->count++] = value;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

void sample_print(const char *name, sample *s) {
  if (!s->count) {
    printf("\"%s\":null", name);
    return;
  }
  qsort(s->values, s->count, sizeof *s->values, ascending);
  printf("\"%s\":{\"p50\":%.1f,\"p99\":%.1f,\"max\":%.1f,\"count\":%zu}", name, s->values[s->count / 2],
         s->values[s->count * 99 / 100], s->values[s->count - 1], s->count);
}
