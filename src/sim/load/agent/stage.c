#define _GNU_SOURCE
#include "stage.h"

#include <inttypes.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "connection.h"
#include "conversation.h"
#include "loop.h"

struct stage stage;

static const double slot_ms = (double)PERIOD_MS / SLOTS;

static struct watched timer;
static double origin;

struct connection **stage_resting_slot(void) { return &stage.slots[(stage.next_slot + SLOTS - 1) % SLOTS]; }

/* Works off every slot that is due by now: deadlines are counted from the origin, and none is left out. */
static void turn(void) {
  double now = monotonic_ms();
  for (;;) {
    double due = origin + (double)stage.next_slot * slot_ms;
    if (due > now) return;
    distribution_record(&stage.lateness, now - due);
    struct connection *next, *connection = stage.slots[stage.next_slot++ % SLOTS];
    /* One that is dropped leaves the slot. */
    for (; connection != NULL; connection = next) {
      next = connection->conversation.next;
      conversation_step(connection);
    }
  }
}

/* Once a slot: what conversations have sent meanwhile is read as well, see `wire_arrival`. */
static void tick(struct watched *watched, uint32_t events) {
  (void)events;
  uint64_t expirations;
  if (read(watched->fd, &expirations, sizeof expirations) == -1) return;
  turn();
  loop_look();
}

void stage_start(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  const struct itimerspec slots = {.it_interval.tv_nsec = (long)(slot_ms * 1e6), .it_value = now};
  origin = (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
  timer = (struct watched){.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), .ready = tick};
  if (timer.fd == -1 || timerfd_settime(timer.fd, TFD_TIMER_ABSTIME, &slots, NULL) == -1) fail("timerfd");
  loop_watch(&timer, EPOLLIN);
}

void stage_mark(void) {
  stage.marked_at = monotonic_ms();
  stage.received = stage.sent = stage.others = 0;
  distribution_clear(&stage.lateness);
  for (int slot = 0; slot < SLOTS; slot++)
    for (struct connection *each = stage.slots[slot]; each != NULL; each = each->conversation.next) {
      each->conversation.since_mark = true;
      each->conversation.sound_bytes = 0;
    }
}

static void print_marks(FILE *to) {
  const struct {
    const char *name;
    const struct marks *marks;
  } lists[] = {{"ready", &stage.ready}, {"greeting", &stage.greeting}, {"turn", &stage.turn}, {"cut", &stage.cut},
               {"heard", &stage.heard}};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    fprintf(to, "%c\"%s\":", i == 0 ? '{' : ',', lists[i].name);
    marks_print(lists[i].marks, to);
  }
  fputc('}', to);
}

void stage_report(FILE *to) {
  double whole = (monotonic_ms() - stage.marked_at) * stage.bytes_per_ms;
  uint64_t count = 0, least = 0, most = 0;
  for (int slot = 0; slot < SLOTS; slot++)
    for (struct connection *each = stage.slots[slot]; each != NULL; each = each->conversation.next) {
      const struct conversation *conversation = &each->conversation;
      if (!conversation->since_mark) continue;
      if (count++ == 0 || conversation->sound_bytes < least) least = conversation->sound_bytes;
      if (conversation->sound_bytes > most) most = conversation->sound_bytes;
    }
  fprintf(to, "{\"conversations\":%" PRIu64 ",\"messagesReceived\":%" PRIu64 ",\"messagesSent\":%" PRIu64, count,
          stage.received, stage.sent);
  if (count == 0) whole = 1;
  fprintf(to, ",\"pace\":{\"least\":%.4f,\"most\":%.4f},\"own\":", (double)least / whole, (double)most / whole);
  distribution_print(&stage.lateness, to);
  fprintf(to, ",\"others\":%" PRIu64 ",\"marks\":", stage.others);
  print_marks(to);
  fputc('}', to);
}
