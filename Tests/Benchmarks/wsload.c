// wsload: publishes events to a WebSocket server and checks every delivery. One thread, one epoll; one JSON line comes
// out. `ok` is true only if every subscriber got every event, byte for byte, in the order of publishing, and nothing
// else.
#define _GNU_SOURCE
#include "connection.h"
#include "usage.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 128, PROCESSES_MAX = 16, PROBES_MAX = 1 << 16 };
static const uint64_t MILLISECOND = 1000000, SECOND = 1000000000;

// ---- Options ----

static endpoint subscriber = {.path = "/"}, publisher, probe, monitor;
static int subscribers = 100, monitors, stopped, stopped_receive_bytes = 4096, connecting_max = 256, sample = 100;
static int settle_ms = 300;
static long event_count;
static double rate, probe_rate, timeout_seconds = 5;
static bool is_burst, has_tls, resumes_tls;
static long sent; // events
static buffer event_template, delivered_template, publish_before, publish_after, probe_message, probe_expect;
static uint8_t publish_opcode = OP_TEXT, probe_opcode = OP_TEXT;
static pid_t processes[PROCESSES_MAX];
static int process_count;

// \n \r \\ \xHH
static buffer unescape(const char *s) {
  buffer b = {0};
  for (; *s; s++) {
    char c = *s;
    if (c == '\\' && s[1]) {
      c = *++s == 'n' ? '\n' : *s == 'r' ? '\r' : *s;
      if (*s == 'x' && isxdigit((unsigned char)s[1]) && isxdigit((unsigned char)s[2])) {
        char hex[3] = {s[1], s[2], 0};
        c = (char)strtol(hex, 0, 16);
        s += 2;
      }
    }
    buffer_append(&b, &c, 1);
  }
  return b;
}

static void add_hello(endpoint *e, uint8_t opcode, const char *text) {
  if (e->hello_count == HELLOS_MAX) exit(2);
  e->hello_opcodes[e->hello_count] = opcode;
  e->hellos[e->hello_count++] = unescape(text);
}

static bool endpoint_option(const char *name, const char *value) {
  endpoint *e = &subscriber;
  if (!strncmp(name, "pub-", 4)) e = &publisher, name += 4;
  else if (!strncmp(name, "probe-", 6)) e = &probe, name += 6;
  else if (!strncmp(name, "monitor-", 8)) e = &monitor, name += 8;
  if (!strcmp(name, "path")) e->path = value;
  else if (!strcmp(name, "subprotocol")) e->subprotocol = value;
  else if (!strcmp(name, "hello")) add_hello(e, OP_TEXT, value);
  else if (!strcmp(name, "hello-binary")) add_hello(e, OP_BINARY, value);
  else if (!strcmp(name, "answers")) e->answers_awaited = atoi(value);
  else if (!strcmp(name, "answer-token")) e->answer_token = value;
  else return false;
  return true;
}

static void add_processes(char *list) {
  for (char *p = strtok(list, ","); p && process_count < PROCESSES_MAX; p = strtok(0, ","))
    processes[process_count++] = atoi(p);
}

static bool run_option(const char *name, char *value) {
  if (!strcmp(name, "port")) run.port = atoi(value);
  else if (!strcmp(name, "subscribers")) subscribers = atoi(value);
  else if (!strcmp(name, "channels")) run.channel_count = atoi(value);
  else if (!strcmp(name, "monitors")) monitors = atoi(value);
  else if (!strcmp(name, "stopped")) stopped = atoi(value);
  else if (!strcmp(name, "connecting-max")) connecting_max = atoi(value);
  else if (!strcmp(name, "sample")) sample = atoi(value);
  else if (!strcmp(name, "settle-ms")) settle_ms = atoi(value);
  else if (!strcmp(name, "events")) event_count = atol(value);
  else if (!strcmp(name, "rate")) rate = atof(value);
  else if (!strcmp(name, "timeout")) timeout_seconds = atof(value);
  else if (!strcmp(name, "server")) add_processes(value);
  else return false;
  return true;
}

static bool message_option(const char *name, const char *value) {
  if (!strcmp(name, "event")) event_template = unescape(value);
  else if (!strcmp(name, "delivered")) delivered_template = unescape(value);
  else if (!strcmp(name, "before")) publish_before = unescape(value);
  else if (!strcmp(name, "after")) publish_after = unescape(value);
  else if (!strcmp(name, "ignore")) run.ignorable = unescape(value);
  else if (!strcmp(name, "ignore-answer")) run.ignorable_answer = unescape(value);
  else if (!strcmp(name, "probe-rate")) probe_rate = atof(value);
  else if (!strcmp(name, "probe-message")) probe_message = unescape(value);
  else if (!strcmp(name, "probe-expect")) probe_expect = unescape(value);
  else if (!strcmp(name, "post")) publisher.is_http = true, publisher.path = value;
  else return false;
  return true;
}

static bool flag(const char *name) {
  if (!strcmp(name, "burst")) is_burst = true;
  else if (!strcmp(name, "tls")) has_tls = true;
  else if (!strcmp(name, "tls-resume")) has_tls = resumes_tls = true;
  else if (!strcmp(name, "deflate")) subscriber.offers_deflate = true;
  else if (!strcmp(name, "publish-binary")) publish_opcode = OP_BINARY;
  else if (!strcmp(name, "probe-binary")) probe_opcode = OP_BINARY;
  else if (!strcmp(name, "probe-ping")) probe_opcode = OP_PING;
  else return false;
  return true;
}

static void usage_error(const char *what) {
  fprintf(
      stderr,
      "wsload: %s; options:\n"
      "  --port P --subscribers N [--server PID,…] [--deflate] [--tls | --tls-resume] [--connecting-max N] [--settle-ms MS] [--timeout S]\n"
      "  --path P --subprotocol S --hello[-binary] TEXT --answers N --answer-token TEXT\n"
      "    (the same with pub-, probe- and monitor- for the other roles)\n"
      "  --event TEXT (@SEQ@ 10 digits, @TS@ 19 digits, @WS@ channel) --before TEXT --after TEXT\n"
      "    --publish-binary --post PATH\n"
      "  --delivered TEXT (what a subscriber must get; without it: the event) --ignore TEXT --ignore-answer TEXT\n"
      "  --events N --rate PER_SECOND | --burst  --sample N  --stopped N (sessions that stop reading)\n"
      "  --probe-rate PER_SECOND --probe-message TEXT (@SEQ@) --probe-expect TEXT --probe-binary | --probe-ping\n"
      "  --channels N (each with subscribers/N sessions, the first one publishing) --monitors N\n",
      what);
  exit(2);
}

static void read_options(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    if (strncmp(argv[i], "--", 2)) usage_error(argv[i]);
    const char *name = argv[i] + 2;
    if (flag(name)) continue;
    if (++i == argc) usage_error(name);
    if (!run_option(name, argv[i]) && !message_option(name, argv[i]) && !endpoint_option(name, argv[i]))
      usage_error(name);
  }
  if (!run.port || !event_template.count) usage_error("--port and --event are needed");
}

// ---- Events ----

typedef struct {
  buffer text;
  long sequence_at, timestamp_at, name_at;
} template;

static template event, delivered;

static template template_of(buffer b) {
  template t = {.sequence_at = -1, .timestamp_at = -1, .name_at = -1};
  for (size_t i = 0; i < b.count;) {
    const char *p = (const char *)b.bytes + i;
    size_t left = b.count - i;
    if (left >= 4 && !memcmp(p, "@TS@", 4))
      t.timestamp_at = (long)t.text.count, buffer_append_text(&t.text, "0000000000000000000"), i += 4;
    else if (left >= 5 && !memcmp(p, "@SEQ@", 5))
      t.sequence_at = (long)t.text.count, buffer_append_text(&t.text, "0000000000"), i += 5;
    else if (left >= 4 && !memcmp(p, "@WS@", 4))
      t.name_at = (long)t.text.count, buffer_append_text(&t.text, "w00000"), i += 4;
    else buffer_append(&t.text, p, 1), i++;
  }
  return t;
}

static void fill(template *t, uint64_t sequence, uint64_t now, const channel *ch) {
  char digits[24];
  snprintf(digits, sizeof digits, "%010llu", (unsigned long long)(1000000000 + sequence));
  if (t->sequence_at >= 0) memcpy(t->text.bytes + t->sequence_at, digits, 10);
  snprintf(digits, sizeof digits, "%019llu", (unsigned long long)now);
  if (t->timestamp_at >= 0) memcpy(t->text.bytes + t->timestamp_at, digits, 19);
  if (t->name_at >= 0) memcpy(t->text.bytes + t->name_at, ch->name, 6);
}

static void publish(channel *ch) {
  static buffer message;
  uint64_t now = nanoseconds(CLOCK_REALTIME);
  fill(&delivered, ch->sent, now, ch);
  buffer_append(&ch->expected, delivered.text.bytes, delivered.text.count);
  fill(&event, ch->sent++, now, ch);
  message.count = 0;
  buffer_append(&message, publish_before.bytes, publish_before.count);
  buffer_append(&message, event.text.bytes, event.text.count);
  buffer_append(&message, publish_after.bytes, publish_after.count);
  connection *c = ch->publisher;
  if (!publisher.is_http) {
    frame_append_masked(&c->out, publish_opcode, message.bytes, message.count);
    return;
  }
  char head[256];
  int n =
      snprintf(head, sizeof head,
               "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
               publisher.path, message.count);
  buffer_append(&c->out, head, (size_t)n);
  buffer_append(&c->out, message.bytes, message.count);
}

// ---- Probes: requests on a connection of their own ----

static connection prober;
static uint64_t probe_sent_at[PROBES_MAX], probe_next_at;
static uint32_t probes_sent, probes_answered;
static double probe_latencies[PROBES_MAX];

static bool answer_is_due(const uint8_t *p, size_t count) {
  template expected = template_of(probe_expect);
  fill(&expected, probes_answered, 0, 0);
  bool is_due = count >= expected.text.count && !memcmp(p, expected.text.bytes, expected.text.count);
  buffer_free(&expected.text);
  return is_due;
}

void probe_answered(connection *c) {
  const buffer *answer = &c->partial, *ignorable = &run.ignorable;
  if (ignorable->count && answer->count == ignorable->count && !memcmp(answer->bytes, ignorable->bytes, answer->count)) {
    frame_append_masked(&c->out, OP_BINARY, run.ignorable_answer.bytes, run.ignorable_answer.count);
    connection_flush(c);
    return;
  }
  // One frame may hold several answers, where the server's protocol is a stream of its own.
  size_t at = 0;
  while (probes_answered < probes_sent && answer_is_due(answer->bytes + at, answer->count - at)) {
    probe_latencies[probes_answered] = (double)(nanoseconds(CLOCK_MONOTONIC) - probe_sent_at[probes_answered]) / 1e3;
    probes_answered++;
    at += probe_expect.count;
  }
  if (at == 0 && run.mismatches++ < 3) {
    fprintf(stderr, "wsload: not the answer that is due: %.*s\n", (int)answer->count, (const char *)answer->bytes);
  }
}

static void probe_tick(void) {
  if (!probe_next_at) return;
  if (probes_answered < probes_sent) connection_read(&prober);
  uint64_t now = nanoseconds(CLOCK_MONOTONIC);
  if (now < probe_next_at || probes_sent == PROBES_MAX || prober.state != READY) return;
  template message = template_of(probe_message);
  fill(&message, probes_sent, 0, 0);
  frame_append_masked(&prober.out, probe_opcode, message.text.bytes, message.text.count);
  buffer_free(&message.text);
  probe_sent_at[probes_sent++] = nanoseconds(CLOCK_MONOTONIC);
  connection_flush(&prober);
  probe_next_at = now + (uint64_t)(1e9 / probe_rate);
}

// ---- The loop ----

static void pump(int64_t wait) {
  static struct epoll_event events[BATCH];
  if (probe_next_at) {
    int64_t until_probe = (int64_t)(probe_next_at - nanoseconds(CLOCK_MONOTONIC));
    if (until_probe < wait) wait = until_probe < 0 ? 0 : until_probe;
  }
  struct timespec timeout = {wait / (int64_t)SECOND, wait % (int64_t)SECOND};
  int n = epoll_pwait2(run.poller, events, BATCH, &timeout, 0);
  for (int i = 0; i < n; i++) {
    // A probe measures the server, not this program's own queue: it is looked after between any few others.
    if (i % 16 == 0) probe_tick();
    connection_event(events[i].data.ptr, events[i].events);
  }
  if (n <= 0) probe_tick();
}

static void pump_for(uint64_t duration) {
  for (uint64_t start = nanoseconds(CLOCK_MONOTONIC); nanoseconds(CLOCK_MONOTONIC) - start < duration;)
    pump(20 * (int64_t)MILLISECOND);
}

// No further probes; the answers to those that are on their way are awaited.
static void await_probes(void) {
  probe_next_at = 0;
  uint64_t start = nanoseconds(CLOCK_MONOTONIC);
  while (probes_answered < probes_sent && nanoseconds(CLOCK_MONOTONIC) - start < 2 * SECOND)
    pump(20 * (int64_t)MILLISECOND);
}

static connection *sessions; // the subscribers, then the monitors

static void prepare(connection *c, int index) {
  int per_channel = subscribers / run.channel_count;
  c->role = index < subscribers ? SUBSCRIBER : MONITOR;
  c->endpoint = index < subscribers ? &subscriber : &monitor;
  c->channel = index < subscribers ? &run.channels[index / per_channel] : 0;
  if (c->role == MONITOR) c->monitor_received = calloc((size_t)run.channel_count, sizeof *c->monitor_received);
  if (run.channel_count > 1 && c->channel && index % per_channel == 0) c->channel->publisher = c;
  c->is_sampled = (long)index * sample / subscribers != (long)(index + 1) * sample / subscribers;
}

static bool connect_all(void) {
  int count = subscribers + monitors, started = 0, ready = -1;
  uint64_t progress_at = 0;
  while (run.ready + run.dead < count) {
    int together = run.resumes && !run.session ? 1 : connecting_max;
    for (; started < count && run.pending < together; started++) {
      prepare(&sessions[started], started);
      // The last of the subscribers are the ones that will stop reading.
      bool stops = started < subscribers && started >= subscribers - stopped;
      connection_start(&sessions[started], stops ? stopped_receive_bytes : 0);
    }
    pump(100 * (int64_t)MILLISECOND);
    uint64_t now = nanoseconds(CLOCK_MONOTONIC);
    if (run.ready != ready) ready = run.ready, progress_at = now;
    if (now - progress_at > 10 * SECOND) break;
  }
  if (run.ready < count) fprintf(stderr, "wsload: %d of %d are ready, %d failed\n", run.ready, count, run.dead);
  return run.ready == count;
}

static bool connect_one(connection *c, const endpoint *e, enum role role) {
  c->role = role;
  c->endpoint = e;
  connection_start(c, 0);
  for (uint64_t start = nanoseconds(CLOCK_MONOTONIC); c->state != READY && c->state != DEAD;) {
    pump(50 * (int64_t)MILLISECOND);
    if (nanoseconds(CLOCK_MONOTONIC) - start > 10 * SECOND) break;
  }
  return c->state == READY;
}

// Publishes what is due. Returns how long to wait for the next, nanoseconds.
static int64_t publish_due(uint64_t start) {
  if (sent == event_count) return 50 * (int64_t)MILLISECOND;
  channel *ch = &run.channels[sent % run.channel_count];
  if (is_burst) {
    connection *c = ch->publisher;
    if (c->out.count > c->out_sent) return 50 * (int64_t)MILLISECOND;
    while (sent < event_count && c->out.count < 65536) publish(ch), sent++;
    connection_flush(c);
    return 0;
  }
  uint64_t now = nanoseconds(CLOCK_MONOTONIC);
  while (sent < event_count) {
    uint64_t due = start + (uint64_t)((double)sent * 1e9 / rate);
    if (due > now) return (int64_t)(due - now);
    ch = &run.channels[sent++ % run.channel_count];
    publish(ch);
    connection_flush(ch->publisher);
  }
  return 0;
}

// Returns whether everything arrived.
static bool publish_all(uint64_t start, uint64_t expected) {
  for (;;) {
    pump(publish_due(start));
    if (sent == event_count && run.delivered >= expected) return true;
    uint64_t now = nanoseconds(CLOCK_MONOTONIC), last = run.last_delivery > start ? run.last_delivery : start;
    if (sent == event_count && (double)(now - last) > timeout_seconds * 1e9) return false;
  }
}

// ---- The result ----

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static double percentile(const double *sorted, size_t count, double share) {
  if (!count) return 0;
  size_t i = (size_t)ceil(share * (double)count);
  return sorted[i ? i - 1 : 0];
}

static void print_latencies(const char *name, double *values, size_t count) {
  qsort(values, count, sizeof *values, by_value);
  printf("\"%s\":{\"count\":%zu,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f},", name, count,
         percentile(values, count, 0.5), percentile(values, count, 0.9), percentile(values, count, 0.99),
         percentile(values, count, 0.999), count ? values[count - 1] : 0);
}

// Reads on a session that had stopped. Returns whether there was anything to read; -1: the server has closed it, with a
// close frame (code 4001: slow consumer, an octet that no event contains) or without.
static int read_again(const connection *c) {
  static uint8_t chunk[262144];
  static const uint8_t slow_consumer[2] = {4001 >> 8, 4001 & 255};
  ssize_t n = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);
  if (n <= 0) return n < 0 && errno == EAGAIN ? 0 : -1;
  return memmem(chunk, (size_t)n, slow_consumer, 2) ? -1 : 1;
}

// Of the sessions that stopped reading: how many the server has closed. What the kernel still holds for them comes
// first.
static int stopped_closed(void) {
  int closed = 0, bytes = 1 << 20;
  connection *first = &sessions[subscribers - stopped];
  for (int i = 0; i < stopped; i++) setsockopt(first[i].fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  uint64_t progress_at = nanoseconds(CLOCK_MONOTONIC);
  while (closed < stopped && nanoseconds(CLOCK_MONOTONIC) - progress_at < SECOND) {
    for (int i = 0; i < stopped; i++) {
      int result = first[i].state == DEAD ? 0 : read_again(&first[i]);
      if (result) progress_at = nanoseconds(CLOCK_MONOTONIC);
      if (result < 0) closed++, close(first[i].fd), first[i].state = DEAD;
    }
  }
  return closed;
}

static double self_cpu(void) { return (double)nanoseconds(CLOCK_PROCESS_CPUTIME_ID) / 1e9; }

// ---- The phases ----

typedef struct {
  bool ok;
  usage before_connecting, connected, idle, from, to, after;
  double connecting_seconds, seconds, own_cpu_seconds;
  uint64_t expected;
} measurement;

static usage server_usage(void) { return usage_of(processes, process_count); }

static void prepare_run(void) {
  event = template_of(event_template);
  delivered = template_of(delivered_template.count ? delivered_template : event_template);
  run.event_bytes = delivered.text.count;
  run.timestamp_at = (size_t)delivered.timestamp_at;
  run.channel_name_at = (size_t)delivered.name_at;
  run.channels = calloc((size_t)run.channel_count, sizeof *run.channels);
  for (int i = 0; i < run.channel_count; i++) {
    snprintf(run.channels[i].name, sizeof run.channels[i].name, "w%05d", i % 100000);
  }
  sessions = calloc((size_t)(subscribers + monitors), sizeof *sessions);
  run.poller = epoll_create1(EPOLL_CLOEXEC);
}

static bool connect_publisher(void) {
  static connection external;
  if (event_count == 0 || run.channel_count > 1) return true;
  run.channels[0].publisher = &external;
  external.channel = &run.channels[0];
  if (!publisher.path) publisher.path = subscriber.path;
  return connect_one(&external, &publisher, PUBLISHER);
}

static bool connect_phase(measurement *m) {
  m->before_connecting = server_usage();
  uint64_t since = nanoseconds(CLOCK_MONOTONIC);
  if (!connect_all()) return false;
  m->connecting_seconds = (double)(nanoseconds(CLOCK_MONOTONIC) - since) / 1e9;
  m->connected = server_usage();
  if (!connect_publisher()) return false;
  if (probe_rate > 0 && !connect_one(&prober, &probe, PROBE)) return false;
  pump_for((uint64_t)settle_ms * MILLISECOND);
  m->idle = server_usage();
  for (int i = subscribers - stopped; i < subscribers; i++) connection_stop_reading(&sessions[i]);
  return true;
}

static void publish_phase(measurement *m) {
  uint64_t reading = (uint64_t)(subscribers - stopped) / (uint64_t)run.channel_count;
  m->expected = (uint64_t)event_count * (reading + (uint64_t)monitors);
  run.frames = run.bytes = run.delivered = 0;
  double own_cpu = self_cpu();
  m->from = server_usage();
  uint64_t start = nanoseconds(CLOCK_MONOTONIC);
  if (probe_rate > 0) probe_next_at = start + (uint64_t)(1e9 / probe_rate / 2);
  bool arrived = event_count == 0 || publish_all(start, m->expected);
  m->to = server_usage();
  m->own_cpu_seconds = self_cpu() - own_cpu;
  m->seconds = run.last_delivery > start ? (double)(run.last_delivery - start) / 1e9 : 0;
  await_probes();
  pump_for(200 * MILLISECOND); // what comes now is too much
  m->after = server_usage();
  m->ok = arrived && run.delivered == m->expected && !run.mismatches && !run.dead && probes_answered == probes_sent;
}

static void print_deliveries(const measurement *m) {
  printf("{\"ok\":%s,\"subscribers\":%d,\"events\":%ld,\"event_bytes\":%zu,\"expected\":%" PRIu64
         ",\"delivered\":%" PRIu64 ",\"mismatches\":%" PRIu64 ",\"frames\":%" PRIu64 ",\"received_bytes\":%" PRIu64
         ",\"seconds\":%.4f,",
         m->ok ? "true" : "false", subscribers, sent, run.event_bytes, m->expected, run.delivered, run.mismatches,
         run.frames, run.bytes, m->seconds);
  printf("\"deliveries_per_second\":%.0f,", m->seconds > 0 ? (double)run.delivered / m->seconds : 0);
  print_latencies("latency_us", run.latencies, run.latency_count);
  if (monitors) print_latencies("monitor_latency_us", run.monitor_latencies, run.monitor_latency_count);
  if (probe_rate > 0) print_latencies("probe_us", probe_latencies, probes_answered);
}

static void print_cpu(const measurement *m) {
  double cpu = m->to.cpu_seconds - m->from.cpu_seconds, deliveries = run.delivered ? (double)run.delivered : 1;
  double others = m->to.machine_busy_seconds - m->from.machine_busy_seconds - cpu - m->own_cpu_seconds;
  printf("\"server_cpu_seconds\":%.4f,\"server_user_seconds\":%.2f,\"server_sys_seconds\":%.2f,", cpu,
         m->to.user_seconds - m->from.user_seconds, m->to.sys_seconds - m->from.sys_seconds);
  printf("\"cpu_us_per_delivery\":%.4f,\"generator_cpu_us_per_delivery\":%.4f,\"other_cpu_share\":%.3f,",
         cpu * 1e6 / deliveries, m->own_cpu_seconds * 1e6 / deliveries,
         m->seconds > 0 ? fmax(0, others / m->seconds) : 0);
}

static void print_connections(const measurement *m) {
  int count = subscribers + monitors;
  printf("\"rss_start_kib\":%ld,\"rss_idle_kib\":%ld,\"rss_after_kib\":%ld,\"rss_peak_kib\":%ld,",
         m->before_connecting.rss_kib, m->idle.rss_kib, m->after.rss_kib, m->after.rss_peak_kib);
  printf("\"rss_kib_per_connection\":%.2f,\"connecting_seconds\":%.3f,\"connections_per_second\":%.0f,",
         (double)(m->idle.rss_kib - m->before_connecting.rss_kib) / count, m->connecting_seconds,
         count / m->connecting_seconds);
  printf("\"cpu_us_per_connection\":%.1f,\"deflating\":%d,\"resumed\":%d",
         (m->connected.cpu_seconds - m->before_connecting.cpu_seconds) * 1e6 / count, run.deflating,
         run.resumed);
  if (stopped) printf(",\"stopped\":%d,\"stopped_closed\":%d", stopped, stopped_closed());
  printf("}\n");
  fflush(stdout);
}

// Reset, not closed: no socket of the next run has to wait for one of this run.
static void reset_all(void) {
  struct linger now = {1, 0};
  for (int i = 0; i < subscribers + monitors; i++) {
    if (sessions[i].state != DEAD) setsockopt(sessions[i].fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  run.channel_count = 1;
  run.monitor_suffix_before = ",\"workspaceId\":\"";
  run.monitor_suffix_after = "\"}";
  read_options(argc, argv);
  if (has_tls) connections_use_tls(resumes_tls);
  prepare_run();
  measurement m = {0};
  if (!connect_phase(&m)) return 2;
  publish_phase(&m);
  print_deliveries(&m);
  print_cpu(&m);
  print_connections(&m);
  reset_all();
  return m.ok ? 0 : 3;
}
