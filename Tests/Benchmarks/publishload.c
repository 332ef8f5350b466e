// publishload: sources that publish and await an acknowledgement, each with so many in flight. Speaks to Casebus, NATS
// JetStream and Redis Streams. One JSON line comes out; anything unexpected ends it with status 1.
//   publishload PROTOCOL PORT SOURCES WORKSPACES EVENTS WINDOW PAYLOAD_BYTES [agent|interaction] [messageId]
#define _GNU_SOURCE
#include "client.h"
#include <inttypes.h>

enum { WINDOW_MAX = 4096 };

typedef struct {
  client client;
  int number, workspace;
  long sent, answered, quota;
  bool is_ready;
  uint64_t sent_at[WINDOW_MAX];
} source;

typedef struct {
  const char *name;
  void (*open)(source *);
  void (*publish)(source *, const char *payload, size_t count);
  size_t (*on_bytes)(client *, const uint8_t *, size_t);
} protocol;

static const protocol *spoken;
static source *sources;
static int source_count, ready_count;
static long window, events, answered, payload_bytes, message_ids;
static const char *event_name = "agent";
static sample latencies;

// ---- What is the same for all ----

static void publish_next(source *s) {
  char payload[8192];
  int n = snprintf(payload, sizeof payload, "{\"eventType\":\"STATUS\",\"source\":%d,\"seq\":1%09ld,\"pad\":\"",
                   s->number, s->sent + 1);
  if (event_name[0] == 'i')
    n = snprintf(payload, sizeof payload,
                 "{\"eventType\":\"RINGING\",\"interaction\":{\"interactionId\":\"%d\",\"userData\":{\"seq\":1%09ld,"
                 "\"pad\":\"",
                 s->number, s->sent + 1);
  const char *end = event_name[0] == 'i' ? "\"}}}" : "\"}";
  while (n + (long)strlen(end) < payload_bytes) payload[n++] = 'x';
  n += snprintf(payload + n, sizeof payload - (size_t)n, "%s", end);
  s->sent_at[s->sent % WINDOW_MAX] = nanoseconds(CLOCK_MONOTONIC);
  s->sent++;
  spoken->publish(s, payload, (size_t)n);
}

static void fill(source *s) {
  while (s->sent < s->quota && s->sent - s->answered < window) publish_next(s);
  client_flush(&s->client);
}

// The answers of a source come in the order of its messages.
static void acknowledged(source *s) {
  if (s->answered >= s->sent) fail("an acknowledgement that nobody asked for");
  sample_add(&latencies, (double)(nanoseconds(CLOCK_MONOTONIC) - s->sent_at[s->answered % WINDOW_MAX]) / 1e3);
  s->answered++;
  answered++;
}

static void became_ready(source *s) {
  s->is_ready = true;
  ready_count++;
}

// ---- Casebus ----

static void casebus_message(client *c, const uint8_t *text, size_t count) {
  source *s = c->owner;
  char start[64];
  int n = snprintf(start, sizeof start, "{\"referenceId\":%ld,\"data\":null,", s->answered + 1);
  if (count < (size_t)n || memcmp(text, start, (size_t)n)) fail("expected %s, not %.*s", start, (int)count, text);
  acknowledged(s);
}

static void casebus_open(source *s) { became_ready(s); }

static void casebus_publish(source *s, const char *payload, size_t count) {
  char text[9216], id[64] = "";
  if (message_ids) snprintf(id, sizeof id, ",\"messageId\":\"%d-%ld\"", s->number, s->sent);
  int n = snprintf(text, sizeof text,
                   "{\"event\":\"publish\",\"data\":{\"event\":\"%s\",\"data\":%.*s},\"referenceId\":%ld%s}", event_name,
                   (int)count, payload, s->sent, id);
  client_send_text(&s->client, text, (size_t)n);
}

// ---- NATS: the answers are messages to an inbox ----

static void nats_open(source *s) {
  char text[256];
  int n = snprintf(text, sizeof text, "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB _INBOX.%d 1\r\nPING\r\n",
                   s->number);
  buffer_append(&s->client.out, text, (size_t)n);
}

static void nats_publish(source *s, const char *payload, size_t count) {
  char head[128];
  int n = snprintf(head, sizeof head, "PUB bench.%d _INBOX.%d %zu\r\n", s->workspace, s->number, count);
  buffer_append(&s->client.out, head, (size_t)n);
  buffer_append(&s->client.out, payload, count);
  buffer_append(&s->client.out, "\r\n", 2);
}

static size_t nats_bytes(client *c, const uint8_t *p, size_t count) {
  source *s = c->owner;
  size_t used = 0;
  const uint8_t *end;
  while ((end = memmem(p + used, count - used, "\r\n", 2))) {
    const char *line = (const char *)p + used;
    size_t length = (size_t)(end - p) - used + 2;
    if (!memcmp(line, "MSG ", 4)) {
      size_t body = strtoul((const char *)memrchr(line, ' ', length - 2) + 1, 0, 10);
      if (count - used < length + body + 2) break;
      if (!memmem(line + length, body, "\"seq\":", 6)) fail("NATS said %.*s", (int)body, line + length);
      length += body + 2;
      acknowledged(s);
    } else if (!memcmp(line, "PONG", 4)) became_ready(s);
    else if (!memcmp(line, "PING", 4)) buffer_append_text(&c->out, "PONG\r\n");
    else if (memcmp(line, "INFO", 4)) fail("NATS said %.*s", (int)length, line);
    used += length;
  }
  return used;
}

// ---- Redis ----

static void redis_open(source *s) { became_ready(s); }

static void redis_publish(source *s, const char *payload, size_t count) {
  char head[128], key[32];
  int k = snprintf(key, sizeof key, "w%d", s->workspace);
  int n = snprintf(head, sizeof head, "*5\r\n$4\r\nXADD\r\n$%d\r\n%s\r\n$1\r\n*\r\n$1\r\nd\r\n$%zu\r\n", k, key, count);
  buffer_append(&s->client.out, head, (size_t)n);
  buffer_append(&s->client.out, payload, count);
  buffer_append(&s->client.out, "\r\n", 2);
}

static size_t redis_bytes(client *c, const uint8_t *p, size_t count) {
  size_t used = 0;
  const uint8_t *end;
  while ((end = memmem(p + used, count - used, "\r\n", 2))) {
    if (p[used] != '$') fail("Redis said %.*s", (int)(end - p - used), p + used);
    size_t length = (size_t)(end - p) - used + 2 + strtoul((const char *)p + used + 1, 0, 10) + 2;
    if (count - used < length) break;
    acknowledged(c->owner);
    used += length;
  }
  return used;
}

static const protocol protocols[] = {
    {"casebus", casebus_open, casebus_publish, 0},
    {"nats", nats_open, nats_publish, nats_bytes},
    {"redis", redis_open, redis_publish, redis_bytes},
};

// ---- The run ----

static void opened(client *c) { spoken->open(c->owner); }

static void connect_all(int port, int workspaces) {
  for (int i = 0; i < source_count; i++) {
    source *s = &sources[i];
    char path[64];
    s->number = i;
    s->workspace = i % workspaces;
    s->quota = events / source_count;
    s->client = (client){.owner = s, .on_open = opened, .on_bytes = spoken->on_bytes, .on_message = casebus_message};
    snprintf(path, sizeof path, "/v2?workspace=bench-%d", s->workspace);
    client_connect(&s->client, port, spoken->on_bytes ? 0 : path);
    client_flush(&s->client);
  }
  while (ready_count < source_count) clients_run(1000);
}

int main(int count, char **words) {
  if (count < 8) fail("PROTOCOL PORT SOURCES WORKSPACES EVENTS WINDOW PAYLOAD_BYTES [agent|interaction] [messageId]");
  for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
    if (!strcmp(words[1], protocols[i].name)) spoken = &protocols[i];
  if (!spoken) fail("no protocol %s", words[1]);
  source_count = atoi(words[3]);
  events = atol(words[5]) / source_count * source_count;
  window = atol(words[6]);
  payload_bytes = atol(words[7]);
  if (count > 8) event_name = words[8];
  message_ids = count > 9;
  if (window > WINDOW_MAX || payload_bytes > 4096) fail("at most %d in flight, 4096 bytes", WINDOW_MAX);
  sources = calloc((size_t)source_count, sizeof *sources);
  clients_begin();
  connect_all(atoi(words[2]), atoi(words[4]));
  uint64_t began = nanoseconds(CLOCK_MONOTONIC), cpu_began = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
  for (int i = 0; i < source_count; i++) fill(&sources[i]);
  while (answered < events) {
    clients_run(30000);
    for (int i = 0; i < source_count; i++) fill(&sources[i]);
  }
  double seconds = (double)(nanoseconds(CLOCK_MONOTONIC) - began) / 1e9;
  double cpu = (double)(nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_began) / 1e9;
  printf("{\"ok\":true,\"acknowledged\":%ld,\"seconds\":%.4f,\"per_second\":%.0f,\"load_cpu_seconds\":%.3f,", answered,
         seconds, (double)answered / seconds, cpu);
  sample_print("latency_us", &latencies);
  printf("}\n");
  return 0;
}
