// The floor: the least that a WebSocket server can do to hand one event to many sockets. One thread, one epoll.
//
//   floor PORT bare       each event: one send() per subscriber
//   floor PORT coalesce   each tick: one send() per subscriber, of everything published in it
//   floor PORT deflate    as bare, the event deflated once (RFC 7692, no context takeover)
//   floor PORT workspaces each event: one send() per subscriber with the same ?workspace=w00000 as its publisher; those with
//                         ?workspace=* get the events of all, with the workspace's name, once in a millisecond
//   floor PORT tls CERTIFICATE KEY   each event: one SSL_write() per subscriber
//
// A client's text message "S" subscribes and is answered with "OK"; "P" and a text publishes the text.
// It checks nothing that a real server must check, and has one group of subscribers, no limits and no timeouts.
#define _GNU_SOURCE
#include "frame.h"
#include "tls.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

enum { EVENTS_MAX = 256, READ_BYTES = 65536, LOG_BYTES = 1 << 30, WORKSPACES_MAX = 100000, MEMBERS_MAX = 8 };
enum { NO_WORKSPACE = -1 };

typedef struct {
  int fd;
  SSL *tls; // null without TLS
  bool upgraded, deflates, wants_write;
  size_t position; // of the next byte of the log that this subscriber needs
  int workspace;
  buffer in;
} client;

static bool coalesces, deflates, has_workspaces;
static int poller;
static SSL_CTX *tls; // null without TLS
static client **subscribers;
static size_t subscriber_count, subscriber_capacity;
// Every frame ever published, in order. Pages are used as they are written; a benchmark never comes near the end.
static uint8_t *event_log;
static size_t log_end, log_sent;
static z_stream deflater;
static struct {
  client *members[MEMBERS_MAX];
  int count;
} workspaces[WORKSPACES_MAX];
static uint64_t rests_until; // no send to monitors before, microseconds

static void client_close(client *c) {
  for (size_t i = 0; i < subscriber_count; i++) {
    if (subscribers[i] == c) subscribers[i] = subscribers[--subscriber_count];
  }
  SSL_free(c->tls);
  close(c->fd);
  buffer_free(&c->in);
  free(c);
}

static void client_want_write(client *c, bool wants) {
  if (c->wants_write == wants) return;
  c->wants_write = wants;
  struct epoll_event event = {.events = EPOLLIN | (wants ? EPOLLOUT : 0), .data.ptr = c};
  epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

static void client_send_log(client *c) {
  while (c->position < log_end) {
    ssize_t n = tls_send(c->tls, c->fd, event_log + c->position, log_end - c->position);
    if (n < 0) break; // full: goes on when it is writable; gone: the read side learns of it
    c->position += (size_t)n;
  }
  client_want_write(c, c->position < log_end);
}

static uint64_t microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void fan_out(void) {
  if (log_sent == log_end) return;
  if (has_workspaces) {
    uint64_t now = microseconds();
    if (now < rests_until) return;
    rests_until = now + 1000;
  }
  for (size_t i = 0; i < subscriber_count; i++) {
    if (!subscribers[i]->wants_write) client_send_log(subscribers[i]);
  }
  log_sent = log_end;
}

static void log_append(const uint8_t *bytes, size_t count) {
  if (log_end + count > LOG_BYTES) abort();
  memcpy(event_log + log_end, bytes, count);
  log_end += count;
}

static size_t deflate_once(const uint8_t *text, size_t count, uint8_t *out, size_t capacity) {
  deflateReset(&deflater);
  deflater.next_in = (uint8_t *)text;
  deflater.avail_in = (unsigned)count;
  deflater.next_out = out;
  deflater.avail_out = (unsigned)capacity;
  deflate(&deflater, Z_SYNC_FLUSH);
  return capacity - deflater.avail_out - 4; // RFC 7692 §7.2.1: without the last four octets
}

// To the sessions of a workspace at once, to monitors with its name in place of the closing brace.
static void publish_in_workspace(int workspace, const uint8_t *text, size_t count) {
  static buffer frame, monitored;
  frame.count = monitored.count = 0;
  frame_append(&frame, 0x80 | OP_TEXT, text, count);
  for (int i = 0; i < workspaces[workspace].count; i++) {
    ssize_t n = send(workspaces[workspace].members[i]->fd, frame.bytes, frame.count, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0 && (size_t)n < frame.count) abort(); // nothing is kept here for those who do not read
  }
  char name[64];
  int n = snprintf(name, sizeof name, ",\"workspaceId\":\"w%05d\"}", workspace);
  buffer_append(&monitored, text, count - 1);
  buffer_append(&monitored, name, (size_t)n);
  frame.count = 0;
  frame_append(&frame, 0x80 | OP_TEXT, monitored.bytes, monitored.count);
  log_append(frame.bytes, frame.count);
}

static void publish(const uint8_t *text, size_t count) {
  static uint8_t deflated[READ_BYTES * 2];
  static buffer frame;
  frame.count = 0;
  if (deflates) {
    frame_append(&frame, 0xC0 | OP_TEXT, deflated, deflate_once(text, count, deflated, sizeof deflated));
  } else {
    frame_append(&frame, 0x80 | OP_TEXT, text, count);
  }
  log_append(frame.bytes, frame.count);
  if (!coalesces) fan_out();
}

static void subscribe(client *c) {
  if (c->workspace != NO_WORKSPACE) {
    if (workspaces[c->workspace].count == MEMBERS_MAX) abort();
    workspaces[c->workspace].members[workspaces[c->workspace].count++] = c;
    return;
  }
  if (subscriber_count == subscriber_capacity) {
    subscriber_capacity = subscriber_capacity * 2 + 1024;
    subscribers = realloc(subscribers, subscriber_capacity * sizeof *subscribers);
  }
  subscribers[subscriber_count++] = c;
  c->position = log_end;
}

static void answer(client *c, uint8_t opcode, const void *payload, size_t count) {
  buffer out = {0};
  frame_append(&out, 0x80 | opcode, payload, count);
  tls_send(c->tls, c->fd, out.bytes, out.count);
  buffer_free(&out);
}

static bool handle_frame(client *c, const frame_header *f, uint8_t *payload) {
  for (size_t i = 0; i < f->payload_count; i++) payload[i] ^= f->mask[i & 3];
  if (f->opcode == OP_CLOSE) return false;
  if (f->opcode == OP_PING) answer(c, OP_PONG, payload, f->payload_count);
  if (f->opcode != OP_TEXT || f->payload_count == 0) return true;
  if (payload[0] == 'P' && c->workspace != NO_WORKSPACE) {
    publish_in_workspace(c->workspace, payload + 1, f->payload_count - 1);
  } else if (payload[0] == 'P') {
    publish(payload + 1, f->payload_count - 1);
  }
  if (payload[0] == 'S') {
    subscribe(c);
    answer(c, OP_TEXT, "OK", 2);
  }
  return true;
}

static bool upgrade(client *c, char *head) {
  static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455 §1.3
  char *key = strcasestr(head, "Sec-WebSocket-Key:");
  if (!key) return false;
  key += strlen("Sec-WebSocket-Key:");
  key += strspn(key, " ");
  char joined[128], accept[64], out[512];
  uint8_t digest[EVP_MAX_MD_SIZE];
  int joined_count = snprintf(joined, sizeof joined, "%.*s%s", (int)strcspn(key, " \r\n") & 63, key, guid);
  EVP_Digest(joined, (size_t)joined_count, digest, 0, EVP_sha1(), 0);
  EVP_EncodeBlock((uint8_t *)accept, digest, 20);
  c->deflates = deflates && strcasestr(head, "permessage-deflate");
  int n = snprintf(
      out, sizeof out,
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: %s\r\n%s\r\n",
      accept, c->deflates ? "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n" : "");
  const char *workspace = has_workspaces ? strstr(head, "workspace=w") : 0;
  c->workspace = workspace ? atoi(workspace + strlen("workspace=w")) % WORKSPACES_MAX : NO_WORKSPACE;
  tls_send(c->tls, c->fd, out, (size_t)n);
  return c->upgraded = true;
}

// Returns the number of bytes that were used, or -1 when the client is to be closed.
static ssize_t handle_bytes(client *c, uint8_t *p, size_t count) {
  size_t used = 0;
  if (!c->upgraded) {
    uint8_t *end = memmem(p, count, "\r\n\r\n", 4);
    if (!end) return 0;
    *end = 0;
    if (!upgrade(c, (char *)p)) return -1;
    used = (size_t)(end - p) + 4;
  }
  for (;;) {
    frame_header f;
    size_t length = frame_header_read(&f, p + used, count - used);
    if (!length || count - used - length < f.payload_count) return (ssize_t)used;
    if (!f.is_masked || !handle_frame(c, &f, p + used + length)) return -1;
    used += length + f.payload_count;
  }
}

static bool client_read_once(client *c, bool *is_empty) {
  static uint8_t chunk[READ_BYTES];
  ssize_t n = tls_receive(c->tls, c->fd, chunk, sizeof chunk);
  *is_empty = n < 0 && (errno == EAGAIN || errno == EINTR);
  if (n <= 0) return *is_empty;
  if (c->in.count == 0) { // mostly nothing is left over: no copy, and no buffer kept
    ssize_t used = handle_bytes(c, chunk, (size_t)n);
    if (used >= 0 && used < n) buffer_append(&c->in, chunk + used, (size_t)(n - used));
    return used >= 0;
  }
  buffer_append(&c->in, chunk, (size_t)n);
  ssize_t used = handle_bytes(c, c->in.bytes, c->in.count);
  if (used < 0) return false;
  c->in.count -= (size_t)used;
  memmove(c->in.bytes, c->in.bytes + used, c->in.count);
  if (c->in.count == 0) buffer_free(&c->in);
  return true;
}

// TLS keeps what it has read and not given out, of which the poller knows nothing.
static bool client_read(client *c) {
  for (bool is_empty = false; !is_empty;) {
    if (!client_read_once(c, &is_empty)) return false;
    if (!c->tls) return true;
  }
  return true;
}

static void accept_all(int listener) {
  for (int fd; (fd = accept4(listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    client *c = calloc(1, sizeof *c);
    c->fd = fd;
    if (tls) SSL_set_accept_state(c->tls = tls_on(tls, fd));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  }
}

static int listen_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 4096)) {
    perror("floor");
    exit(1);
  }
  return fd;
}

static void use_tls(const char *certificate, const char *key) {
  tls = tls_context(TLS_server_method());
  SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
  if (SSL_CTX_use_certificate_chain_file(tls, certificate) == 1 &&
      SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) == 1)
    return;
  ERR_print_errors_fp(stderr);
  exit(1);
}

int main(int argc, char **argv) {
  if (argc != 3 && !(argc == 5 && !strcmp(argv[2], "tls"))) {
    fprintf(stderr, "usage: floor PORT bare|coalesce|deflate|workspaces|tls [CERTIFICATE KEY]\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  has_workspaces = !strcmp(argv[2], "workspaces");
  coalesces = !strcmp(argv[2], "coalesce") || has_workspaces;
  if (argc == 5) use_tls(argv[3], argv[4]);
  deflates = !strcmp(argv[2], "deflate");
  deflateInit2(&deflater, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
  event_log = mmap(0, LOG_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (event_log == MAP_FAILED) return 1;
  poller = epoll_create1(EPOLL_CLOEXEC);
  int listener = listen_on(atoi(argv[1]));
  struct epoll_event event = {.events = EPOLLIN}, events[EVENTS_MAX];
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int n = epoll_wait(poller, events, EVENTS_MAX, log_sent < log_end ? 1 : -1);
    for (int i = 0; i < n; i++) {
      client *c = events[i].data.ptr;
      if (!c) {
        accept_all(listener);
        continue;
      }
      if (events[i].events & EPOLLOUT) client_send_log(c);
      if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !client_read(c)) client_close(c);
    }
    fan_out();
  }
}
