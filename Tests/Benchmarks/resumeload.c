// resumeload: clients that resume at one moment, each with the same number of events to catch up with, while others of
// the same workspace are live. Checks every offset. One JSON line comes out; anything unexpected ends it with status 1.
//   resumeload PORT WORKSPACE EVENTS CLIENTS LIVE_SUBSCRIBERS LIVE_EVENTS_PER_SECOND
#define _GNU_SOURCE
#include "client.h"
#include <inttypes.h>

typedef struct {
  client client;
  uint64_t next, end; // offsets: of the next event, and of the last that it has to catch up with
  uint64_t caught_up_at;
  bool is_answered;
} resumer;

static const uint64_t SECOND = 1000000000;
static resumer *resumers;
static client *live, publisher;
static int port, resumer_count, live_count, opened_count, answered_count, caught_up;
static uint64_t events, rate, stands, sent, live_seen, began;
static char epoch[65];
static sample calm, during, resumes;

static void opened(client *c) {
  (void)c;
  opened_count++;
}

// The number after a key; fails if there is none.
static uint64_t number_after(const uint8_t *text, size_t count, const char *key) {
  const uint8_t *at = memmem(text, count, key, strlen(key));
  if (!at) fail("no %s in %.*s", key, (int)count, text);
  return strtoull((const char *)at + strlen(key), 0, 10);
}

// ---- The publisher: knows where the workspace stands ----

static void publisher_message(client *c, const uint8_t *text, size_t count) {
  (void)c;
  if (memmem(text, count, "\"errorMessage\"", 14)) fail("%.*s", (int)count, text);
  stands = number_after(text, count, "\"offset\":");
  const char *at = memmem(text, count, "\"epoch\":\"", 9);
  snprintf(epoch, sizeof epoch, "%.*s", (int)strcspn(at + 9, "\""), at + 9);
  answered_count++;
}

static void publish(void) {
  char text[512];
  int n = snprintf(text, sizeof text,
                   "{\"event\":\"publish\",\"data\":{\"event\":\"agent\",\"data\":{\"ts\":%" PRIu64
                   ",\"pad\":\"%0200d\"}},\"referenceId\":1}",
                   nanoseconds(CLOCK_MONOTONIC), 0);
  client_send_text(&publisher, text, (size_t)n);
  client_flush(&publisher);
  sent++;
}

static void subscribe(client *c, const char *options) {
  char text[256];
  int n = snprintf(text, sizeof text, "{\"event\":\"subscribe\",\"data\":[\"agent\"],\"referenceId\":1%s}", options);
  client_send_text(c, text, (size_t)n);
  client_flush(c);
}

// ---- The live ones: how late their events are ----

static void live_message(client *c, const uint8_t *text, size_t count) {
  (void)c;
  if (memcmp(text, "{\"event\":", 9)) {
    if (memmem(text, count, "\"errorMessage\"", 14)) fail("%.*s", (int)count, text);
    answered_count++;
    return;
  }
  double late = (double)(nanoseconds(CLOCK_MONOTONIC) - number_after(text, count, "\"ts\":")) / 1e3;
  if (began && caught_up < resumer_count) sample_add(&during, late);
  else if (!began) sample_add(&calm, late);
  live_seen++;
}

// ---- Those that resume ----

static void resumer_message(client *c, const uint8_t *text, size_t count) {
  resumer *r = c->owner;
  if (!r->is_answered) {
    if (!memmem(text, count, "\"recovered\":true", 16)) fail("not recovered: %.*s", (int)count, text);
    r->is_answered = true;
    return;
  }
  const uint8_t *at = memrchr(text, ',', count);
  while (at > text && memcmp(at, ",\"offset\":", 10)) at = memrchr(text, ',', (size_t)(at - text));
  uint64_t offset = strtoull((const char *)at + 10, 0, 10);
  if (offset != r->next) fail("event %" PRIu64 ", expected %" PRIu64, offset, r->next);
  r->next++;
  if (offset != r->end) return;
  r->caught_up_at = nanoseconds(CLOCK_MONOTONIC);
  sample_add(&resumes, (double)(r->caught_up_at - began) / 1e3);
  caught_up++;
}

static void resume_all(void) {
  char options[160];
  uint64_t after = stands - events;
  snprintf(options, sizeof options, ",\"since\":{\"epoch\":\"%s\",\"offset\":%" PRIu64 "}", epoch, after);
  began = nanoseconds(CLOCK_MONOTONIC);
  for (int i = 0; i < resumer_count; i++) {
    resumers[i].next = after + 1;
    resumers[i].end = stands;
    subscribe(&resumers[i].client, options);
  }
}

// ---- The run ----

static void connect_one(client *c, const char *path, void (*on_message)(client *, const uint8_t *, size_t), void *owner) {
  *c = (client){.on_open = opened, .on_message = on_message, .owner = owner};
  client_connect(c, port, path);
}

static void connect_all(const char *workspace) {
  char path[128];
  snprintf(path, sizeof path, "/v2?workspace=%s", workspace);
  connect_one(&publisher, path, publisher_message, 0);
  for (int i = 0; i < live_count; i++) connect_one(&live[i], path, live_message, 0);
  for (int i = 0; i < resumer_count; i++) connect_one(&resumers[i].client, path, resumer_message, &resumers[i]);
  while (opened_count < 1 + live_count + resumer_count) clients_run(1000);
  static const char ask[] = "{\"event\":\"subscribe\",\"data\":\"messenger:none\",\"positions\":true}";
  client_send_text(&publisher, ask, sizeof ask - 1);
  client_flush(&publisher);
  for (int i = 0; i < live_count; i++) subscribe(&live[i], "");
  while (answered_count < 1 + live_count) clients_run(1000);
}

// Publishes at the rate until the time is over, or (until = 0) until all have caught up.
static void run(uint64_t until) {
  uint64_t next = nanoseconds(CLOCK_MONOTONIC), give_up = next + 60 * SECOND;
  for (;;) {
    uint64_t now = nanoseconds(CLOCK_MONOTONIC);
    if (until ? now >= until : caught_up == resumer_count) return;
    if (now > give_up) fail("%d of %d have caught up after 60 s", caught_up, resumer_count);
    while (rate && next <= now) {
      publish();
      next += SECOND / rate;
    }
    clients_run(1);
  }
}

int main(int count, char **words) {
  if (count != 7) fail("PORT WORKSPACE EVENTS CLIENTS LIVE_SUBSCRIBERS LIVE_EVENTS_PER_SECOND");
  port = atoi(words[1]);
  events = strtoull(words[3], 0, 10);
  resumer_count = atoi(words[4]);
  live_count = atoi(words[5]);
  rate = strtoull(words[6], 0, 10);
  resumers = calloc((size_t)resumer_count, sizeof *resumers);
  live = calloc((size_t)live_count + 1, sizeof *live);
  clients_begin();
  connect_all(words[2]);
  if (rate) run(nanoseconds(CLOCK_MONOTONIC) + 2 * SECOND);
  if (stands < events) fail("the workspace stands at %" PRIu64, stands);
  resume_all();
  run(0);
  uint64_t until = nanoseconds(CLOCK_MONOTONIC) + SECOND / 2;
  rate = 0;
  run(until);
  // What was published meanwhile has come to everybody, too.
  for (int i = 0; i < resumer_count; i++)
    if (resumers[i].next != stands + 1) fail("a client is at %" PRIu64 " of %" PRIu64, resumers[i].next - 1, stands);
  if (live_seen != sent * (uint64_t)live_count) fail("live clients got %" PRIu64 " events", live_seen);
  printf("{\"ok\":true,\"events\":%" PRIu64 ",", events * (uint64_t)resumer_count);
  sample_print("resume_us", &resumes);
  printf(",");
  sample_print("calm_us", &calm);
  printf(",");
  sample_print("live_us", &during);
  printf("}\n");
  return 0;
}
