// resumeload: clients that resume at one moment, each with the same number of events to catch up with, while others of
// the same workspace are live. Checks every offset. One JSON line comes out; anything unexpected ends it with status 1.
//   resumeload PORT WORKSPACE EVENTS CLIENTS LIVE_SUBSCRIBERS LIVE_EVENTS_PER_SECOND
//
// Two processes, so that those that are live are not measured behind those that resume: the child resumes, the parent
// publishes and is live.
#define _GNU_SOURCE
#include "client.h"
#include <inttypes.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
  client client;
  uint64_t next, end; // offsets: of the next event, and of the last that it has to catch up with
  bool is_answered;
} resumer;

// Where the workspace stands, from the parent to the child: when to resume, and at the end.
typedef struct {
  uint64_t stands;
  char epoch[65];
} standing;

static const uint64_t SECOND = 1000000000;
static resumer *resumers;
static client *live, publisher;
static standing now_at;
static int port, resumer_count, live_count, opened_count, answered_count, caught_up, other_process;
static uint64_t events, rate, sent, live_seen, began;
static uint64_t resumed_from, resumed_until;
static bool is_resuming;
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
  now_at.stands = number_after(text, count, "\"offset\":");
  const char *at = memmem(text, count, "\"epoch\":\"", 9);
  snprintf(now_at.epoch, sizeof now_at.epoch, "%.*s", (int)strcspn(at + 9, "\""), at + 9);
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
  uint64_t published = number_after(text, count, "\"ts\":");
  double late = (double)(nanoseconds(CLOCK_MONOTONIC) - published) / 1e3;
  // By when it was published: those that come late belong to it, too.
  if (!is_resuming) sample_add(&calm, late);
  else if (published >= resumed_from && (!resumed_until || published <= resumed_until)) sample_add(&during, late);
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
  sample_add(&resumes, (double)(nanoseconds(CLOCK_MONOTONIC) - began) / 1e3);
  caught_up++;
}

static void resume_all(void) {
  char options[160];
  uint64_t after = now_at.stands - events;
  snprintf(options, sizeof options, ",\"since\":{\"epoch\":\"%s\",\"offset\":%" PRIu64 "}", now_at.epoch, after);
  began = nanoseconds(CLOCK_MONOTONIC);
  for (int i = 0; i < resumer_count; i++) {
    resumers[i].next = after + 1;
    resumers[i].end = now_at.stands;
    subscribe(&resumers[i].client, options);
  }
}

static void connect_one(client *c, const char *path, void (*on_message)(client *, const uint8_t *, size_t), void *owner) {
  *c = (client){.on_open = opened, .on_message = on_message, .owner = owner};
  client_connect(c, port, path);
}

static bool all_have(uint64_t offset) {
  for (int i = 0; i < resumer_count; i++)
    if (resumers[i].next != offset + 1) return false;
  return true;
}

static bool other_said(void *what, size_t size) { return recv(other_process, what, size, MSG_DONTWAIT) == (ssize_t)size; }

// The child: connects, resumes when it is told to, says when all have caught up, and gets the rest like everybody.
static void resume(const char *path) {
  for (int i = 0; i < resumer_count; i++) connect_one(&resumers[i].client, path, resumer_message, &resumers[i]);
  while (opened_count < resumer_count) clients_run(1000);
  if (send(other_process, "r", 1, 0) != 1 || recv(other_process, &now_at, sizeof now_at, 0) != sizeof now_at) exit(1);
  resume_all();
  uint64_t give_up = began + 60 * SECOND;
  while (caught_up < resumer_count && nanoseconds(CLOCK_MONOTONIC) < give_up) clients_run(100);
  if (caught_up < resumer_count) fail("%d of %d have caught up after 60 s", caught_up, resumer_count);
  if (send(other_process, "d", 1, 0) != 1) exit(1);
  while (!other_said(&now_at, sizeof now_at)) clients_run(1);
  while (!all_have(now_at.stands) && nanoseconds(CLOCK_MONOTONIC) < give_up) clients_run(100);
  if (!all_have(now_at.stands)) fail("not all have the events that came meanwhile, up to %" PRIu64, now_at.stands);
  printf("{\"ok\":true,\"events\":%" PRIu64 ",", events * (uint64_t)resumer_count);
  sample_print("resume_us", &resumes);
  fflush(stdout);
  _exit(0);
}

// ---- The parent ----

// Publishes at the rate until the time is over, or (until = 0) until the child says so.
static void run(uint64_t until) {
  uint64_t next = nanoseconds(CLOCK_MONOTONIC), give_up = next + 70 * SECOND;
  char word;
  for (;;) {
    uint64_t now = nanoseconds(CLOCK_MONOTONIC);
    if (until ? now >= until : other_said(&word, 1)) return;
    if (now > give_up) fail("the others have not resumed");
    while (rate && next <= now) {
      publish();
      next += SECOND / rate;
    }
    clients_run(1);
  }
}

static void be_live(const char *path) {
  char ready;
  // It measures: it should not wait for a processor that those who resume keep busy. Only root may ask for that.
  setpriority(PRIO_PROCESS, 0, -15);
  connect_one(&publisher, path, publisher_message, 0);
  for (int i = 0; i < live_count; i++) connect_one(&live[i], path, live_message, 0);
  while (opened_count < 1 + live_count) clients_run(1000);
  static const char ask[] = "{\"event\":\"subscribe\",\"data\":\"messenger:none\",\"positions\":true}";
  client_send_text(&publisher, ask, sizeof ask - 1);
  client_flush(&publisher);
  for (int i = 0; i < live_count; i++) subscribe(&live[i], "");
  while (answered_count < 1 + live_count) clients_run(1000);
  if (recv(other_process, &ready, 1, 0) != 1) exit(1);
  if (rate) run(nanoseconds(CLOCK_MONOTONIC) + 2 * SECOND);
  if (now_at.stands < events) fail("the workspace stands at %" PRIu64, now_at.stands);
  is_resuming = true;
  resumed_from = nanoseconds(CLOCK_MONOTONIC);
  if (send(other_process, &now_at, sizeof now_at, 0) < 0) exit(1);
  run(0);
  resumed_until = nanoseconds(CLOCK_MONOTONIC);
  rate = 0;
  run(nanoseconds(CLOCK_MONOTONIC) + SECOND / 2);
  if (send(other_process, &now_at, sizeof now_at, 0) < 0) exit(1);
  if (live_seen != sent * (uint64_t)live_count) fail("live clients got %" PRIu64 " events", live_seen);
}

int main(int count, char **words) {
  if (count != 7) fail("PORT WORKSPACE EVENTS CLIENTS LIVE_SUBSCRIBERS LIVE_EVENTS_PER_SECOND");
  char path[128];
  int pair[2], status;
  snprintf(path, sizeof path, "/v2?workspace=%s", words[2]);
  port = atoi(words[1]);
  events = strtoull(words[3], 0, 10);
  resumer_count = atoi(words[4]);
  live_count = atoi(words[5]);
  rate = strtoull(words[6], 0, 10);
  resumers = calloc((size_t)resumer_count, sizeof *resumers);
  live = calloc((size_t)live_count + 1, sizeof *live);
  if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair)) fail("socketpair");
  pid_t child = fork();
  other_process = pair[child == 0];
  clients_begin();
  if (child == 0) resume(path);
  be_live(path);
  if (waitpid(child, &status, 0) != child || status != 0) return 1;
  printf(",");
  sample_print("calm_us", &calm);
  printf(",");
  sample_print("live_us", &during);
  printf("}\n");
  return 0;
}
