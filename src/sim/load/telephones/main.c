/*
 * telephones <sockets> <payload type> <longest seconds> <hum> <word> <loud>
 *
 * Sounds in hexadecimal; <loud> is 256 times 0 or 1. Writes its ports, then listens to lines on standard input:
 *
 *   add <call> <socket> <port>        begins to send to a port of loopback from a socket, and to hear it
 *   add <call> <socket> <port> told   the same, and the sound that comes is told, because its codec is not known here
 *   remove <call>
 *   mark                              the window of measurement begins
 *   report                            it ends
 *
 * and answers with lines of JSON.
 *
 * It ends when standard input does, or when its longest time is over.
 */
#define _GNU_SOURCE
#include "telephones.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#define MOST_SOCKETS 512
#define MOST_PER_SLOT 512
#define MOST_CALL 1000000000u
#define MOST_SECONDS 1000000u
#define LONGEST_LINE 4096
#define EVENTS 64
#define COMMANDS UINT64_MAX

struct slot {
  /* By socket: what leaves by the same one leaves in one system call. */
  struct stream *lines[MOST_PER_SLOT];
  size_t count;
};

static struct kind kind;
static struct tally tally;
static struct slot slots[SLOTS];
static struct stream *by_port[UINT16_MAX + 1];
static int sockets[MOST_SOCKETS];
static size_t socket_count;
void fail(const char *what) {
  fprintf(stderr, "telephones: %s%s%s\n", what, errno == 0 ? "" : ": ", errno == 0 ? "" : strerror(errno));
  exit(1);
}

static void reject(const char *what) {
  errno = 0;
  fail(what);
}

/* A number of digits alone, up to the end of the word. */
static uint32_t number(const char *word, uint32_t most) {
  uint64_t value = 0;
  if (word == NULL || *word == '\0')
    reject("a number is missing");
  for (; *word != '\0'; word++) {
    if (*word < '0' || *word > '9')
      reject("a number has something else in it");
    value = value * 10 + (uint64_t)(*word - '0');
    if (value > most)
      reject("a number is too large");
  }
  return (uint32_t)value;
}

static void read_sound(const char *text, uint8_t *sound) {
  static const char digits[] = "0123456789abcdef";
  if (strlen(text) != 2 * PAYLOAD_BYTES)
    reject("a sound has the wrong length");
  for (size_t i = 0; i < 2 * PAYLOAD_BYTES; i++) {
    const char *digit = strchr(digits, text[i]);
    if (digit == NULL)
      reject("a sound is not hexadecimal");
    sound[i / 2] = (uint8_t)(sound[i / 2] << 4 | (digit - digits));
  }
}

static void read_loud(const char *text, bool *loud) {
  if (strlen(text) != 256 || strspn(text, "01") != 256)
    reject("what is loud is not 256 times 0 or 1");
  for (size_t i = 0; i < 256; i++)
    loud[i] = text[i] == '1';
}

static void tell_ports(const uint16_t *ports) {
  FILE *out = answer_line();
  fputs("{\"type\":\"open\",\"ports\":[", out);
  for (size_t i = 0; i < socket_count; i++)
    fprintf(out, "%s%" PRIu16, i == 0 ? "" : ",", ports[i]);
  fputs("]}\n", out);
  answer_write();
}

static void report(double now) {
  FILE *out = answer_line();
  fprintf(out, "{\"type\":\"report\",\"ms\":%.4f,\"streams\":[", now - tally.marked_at);
  const char *comma = "";
  for (size_t slot = 0; slot < SLOTS; slot++) {
    for (size_t i = 0; i < slots[slot].count; i++) {
      if (!slots[slot].lines[i]->since_mark)
        continue;
      fputs(comma, out);
      stream_print(out, slots[slot].lines[i]);
      comma = ",";
    }
  }
  fputs("],", out);
  tally_print(out, &tally);
  fputs("}\n", out);
  tally.measuring = false;
  answer_write();
}

static void mark(double now) {
  tally_mark(&tally, now);
  for (size_t slot = 0; slot < SLOTS; slot++)
    for (size_t i = 0; i < slots[slot].count; i++)
      stream_mark(slots[slot].lines[i], now);
}

static void add(uint32_t call, uint32_t socket, uint32_t port, bool told) {
  struct slot *slot = &slots[call % SLOTS];
  if (socket >= socket_count)
    reject("there is no such socket");
  if (slot->count == MOST_PER_SLOT)
    reject("too many streams");
  struct stream *stream = stream_new(call, (uint16_t)port, socket, told, &kind);
  if (stream == NULL)
    fail("no memory for a stream");
  size_t at = slot->count++;
  for (; at > 0 && slot->lines[at - 1]->socket > socket; at--)
    slot->lines[at] = slot->lines[at - 1];
  slot->lines[at] = stream;
  by_port[port] = stream;
}

static void remove_stream(uint32_t call) {
  struct slot *slot = &slots[call % SLOTS];
  for (size_t i = 0; i < slot->count; i++) {
    struct stream *stream = slot->lines[i];
    if (stream->call != call)
      continue;
    if (by_port[stream->port] == stream)
      by_port[stream->port] = NULL;
    free(stream);
    slot->count--;
    memmove(slot->lines + i, slot->lines + i + 1, (slot->count - i) * sizeof *slot->lines);
    return;
  }
}

static void obey(char *line) {
  char *rest = NULL;
  const char *words[5];
  size_t count = 0;
  for (char *word = strtok_r(line, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
    if (count == 5)
      reject("a line has too many words");
    words[count++] = word;
  }
  bool told = count == 5 && strcmp(words[4], "told") == 0;
  if ((count == 4 || told) && strcmp(words[0], "add") == 0)
    add(number(words[1], MOST_CALL), number(words[2], MOST_SOCKETS), number(words[3], UINT16_MAX), told);
  else if (count == 2 && strcmp(words[0], "remove") == 0)
    remove_stream(number(words[1], MOST_CALL));
  else if (count == 1 && strcmp(words[0], "mark") == 0)
    mark(monotonic_ms());
  else if (count == 1 && strcmp(words[0], "report") == 0)
    report(monotonic_ms());
  else
    reject("a line that means nothing");
}

/* Carries out the lines that have come; false when there will be no more. */
static bool read_commands(void) {
  static char buffer[LONGEST_LINE];
  static size_t kept;
  ssize_t count = read(STDIN_FILENO, buffer + kept, sizeof buffer - kept);
  if (count < 0 && (errno == EAGAIN || errno == EINTR))
    return true;
  if (count <= 0)
    return false;
  kept += (size_t)count;
  char *line = buffer;
  char *end;
  while ((end = memchr(line, '\n', kept - (size_t)(line - buffer))) != NULL) {
    *end = '\0';
    obey(line);
    line = end + 1;
  }
  kept -= (size_t)(line - buffer);
  if (kept == sizeof buffer)
    reject("a line is too long");
  memmove(buffer, line, kept);
  return true;
}

static void hear(uint16_t from, const uint8_t *packet, size_t length, double at) {
  if (by_port[from] != NULL)
    stream_hear(by_port[from], packet, length, at, &kind, &tally);
}

static void send_slot(const struct slot *slot) {
  double now = monotonic_ms();
  size_t sent = 0;
  for (size_t i = 0; i < slot->count; i++) {
    struct stream *stream = slot->lines[i];
    const uint8_t *sound = stream_next(stream, &kind, &tally, now);
    sent += wire_send(sockets[stream->socket], stream, sound);
  }
  sent += wire_flush();
  if (tally.measuring)
    tally.sent += sent;
}

/*
 * A wheel of slots on absolute deadlines, as in wheel.ts. Between two of them nothing wakes the program: packets wait in
 * the kernel, which stamps them, so that reading them in time changes nothing.
 */
static void run(int poll, double longest_ms) {
  const double slot_ms = (double)FRAME_MS / SLOTS;
  const double origin = monotonic_ms();
  uint64_t next = 0;
  struct epoll_event events[EVENTS];
  for (double now = origin; now - origin < longest_ms; now = monotonic_ms()) {
    for (double due; (due = origin + (double)next * slot_ms) <= now; next++) {
      distribution_record(&tally.own, now - due);
      send_slot(&slots[next % SLOTS]);
    }
    int count = epoll_wait(poll, events, EVENTS, 0);
    for (int i = 0; i < count; i++)
      if (events[i].data.u64 != COMMANDS)
        wire_receive(sockets[events[i].data.u64], hear);
      else if (!read_commands())
        return;
    /* The reader is woken as seldom as can be. */
    if (next % SLOTS == 0)
      answer_write();
    clock_sleep_until(origin + (double)next * slot_ms);
  }
}

int main(int count, char **words) {
  if (count != 7)
    reject("wrong number of arguments");
  uint16_t ports[MOST_SOCKETS];
  struct epoll_event commands = { .events = EPOLLIN, .data.u64 = COMMANDS };
  int poll = epoll_create1(EPOLL_CLOEXEC);
  socket_count = number(words[1], MOST_SOCKETS);
  kind.payload_type = (uint8_t)number(words[2], 127);
  double longest_ms = 1e3 * number(words[3], MOST_SECONDS);
  read_sound(words[4], kind.hum);
  read_sound(words[5], kind.word);
  read_loud(words[6], kind.loud);
  /* Sleeping is to end when it should: the kernel may add 50 us otherwise. */
  prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
  if (fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK) < 0 || fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK) < 0)
    fail("standard input and output");
  for (size_t i = 0; i < socket_count; i++)
    sockets[i] = wire_open(poll, i, &ports[i]);
  if (poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, STDIN_FILENO, &commands) < 0)
    fail("standard input cannot be waited for");
  tell_ports(ports);
  run(poll, longest_ms);
  return 0;
}
