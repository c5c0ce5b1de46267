/* Sockets, many packets in one system call, and the clock. */
#define _GNU_SOURCE
#include "telephones.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 64
/* Rounds of a socket before the others are looked at. */
#define MOST_ROUNDS 32
#define LONGEST_PACKET 2048
#define RECEIVE_BUFFER_BYTES (4 * 1024 * 1024)
/* Two readings of a clock that are farther apart had something between them. */
#define CLOSE_MS 0.01
/* A packet that seems to have waited longer came while somebody set the clock of the day. */
#define LONGEST_WAIT_MS 10000.0

static double in_ms(struct timespec time) {
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

void clock_sleep_until(double ms) {
  struct timespec until;
  until.tv_sec = (time_t)(ms / 1e3);
  until.tv_nsec = (long)((ms - (double)until.tv_sec * 1e3) * 1e6);
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
    continue;
}

/* From the clock of the day, by which the kernel stamps packets, to the monotonic one. */
static double shift_of_day(void) {
  static double shift = NAN;
  struct timespec day;
  double before = monotonic_ms();
  clock_gettime(CLOCK_REALTIME, &day);
  double after = monotonic_ms();
  /* This process may be put off in between: then what was found the last time is nearer. */
  if (isnan(shift) || after - before < CLOSE_MS)
    shift = (before + after) / 2 - in_ms(day);
  return shift;
}

int wire_open(int poll, size_t number, uint16_t *port) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  socklen_t length = sizeof address;
  int bytes = RECEIVE_BUFFER_BYTES;
  int on = 1;
  struct epoll_event event = { .events = EPOLLIN, .data.u64 = number };
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
      getsockname(fd, (struct sockaddr *)&address, &length) < 0 ||
      setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) < 0 ||
      setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0 ||
      epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) < 0)
    fail("a socket could not be opened");
  *port = ntohs(address.sin_port);
  return fd;
}

static struct {
  int socket;
  unsigned count;
  struct mmsghdr messages[BATCH];
  struct iovec parts[BATCH][2];
  struct sockaddr_in to[BATCH];
} out;

size_t wire_flush(void) {
  size_t sent = 0;
  unsigned done = 0;
  while (done < out.count) {
    int taken = sendmmsg(out.socket, out.messages + done, out.count - done, MSG_DONTWAIT);
    if (taken < 0 && errno == EINTR)
      continue;
    /* Of what cannot be sent the first one is left out. */
    sent += taken < 0 ? 0 : (unsigned)taken;
    done += taken < 0 ? 1 : (unsigned)taken;
  }
  out.count = 0;
  return sent;
}

size_t wire_send(int socket, const struct stream *stream, const uint8_t *sound) {
  size_t sent = out.count == BATCH || (out.count > 0 && out.socket != socket) ? wire_flush() : 0;
  unsigned at = out.count++;
  out.socket = socket;
  out.parts[at][0] = (struct iovec){ (void *)stream->header, RTP_HEADER_BYTES };
  out.parts[at][1] = (struct iovec){ (void *)sound, PAYLOAD_BYTES };
  out.to[at] = (struct sockaddr_in){
    .sin_family = AF_INET,
    .sin_port = htons(stream->port),
    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
  };
  out.messages[at].msg_hdr = (struct msghdr){
    .msg_name = &out.to[at],
    .msg_namelen = sizeof out.to[at],
    .msg_iov = out.parts[at],
    .msg_iovlen = 2,
  };
  return sent;
}

static struct {
  struct mmsghdr messages[BATCH];
  struct iovec parts[BATCH];
  struct sockaddr_in from[BATCH];
  uint8_t packets[BATCH][LONGEST_PACKET];
  union {
    struct cmsghdr aligned;
    char bytes[CMSG_SPACE(sizeof(struct timespec))];
  } stamps[BATCH];
} in;

/* When the kernel got a packet: however late it is read, this is when it was sent. */
static double arrival_of(struct msghdr *message, double shift, double now) {
  struct timespec stamp;
  struct cmsghdr *header = CMSG_FIRSTHDR(message);
  if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SO_TIMESTAMPNS)
    return now;
  memcpy(&stamp, CMSG_DATA(header), sizeof stamp);
  double at = in_ms(stamp) + shift;
  return at > now || at < now - LONGEST_WAIT_MS ? now : at;
}

static int receive_batch(int socket) {
  for (unsigned i = 0; i < BATCH; i++) {
    in.parts[i] = (struct iovec){ in.packets[i], LONGEST_PACKET };
    in.messages[i].msg_hdr = (struct msghdr){
      .msg_name = &in.from[i],
      .msg_namelen = sizeof in.from[i],
      .msg_iov = &in.parts[i],
      .msg_iovlen = 1,
      .msg_control = &in.stamps[i],
      .msg_controllen = sizeof in.stamps[i],
    };
  }
  return recvmmsg(socket, in.messages, BATCH, MSG_DONTWAIT, NULL);
}

void wire_receive(int socket, hear_packet hear) {
  for (int round = 0; round < MOST_ROUNDS; round++) {
    int count = receive_batch(socket);
    double shift = shift_of_day();
    double now = monotonic_ms();
    for (int i = 0; i < count; i++) {
      struct msghdr *message = &in.messages[i].msg_hdr;
      if ((message->msg_flags & MSG_TRUNC) != 0)
        continue;
      hear(ntohs(in.from[i].sin_port), in.packets[i], in.messages[i].msg_len,
           arrival_of(message, shift, now));
    }
    if (count < BATCH)
      return;
  }
}
