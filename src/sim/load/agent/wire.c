#define _GNU_SOURCE
#include "wire.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "../measures.h"
#include "limits.h"

/* What the kernel said of the time of what was read last. */
static union {
  struct cmsghdr head;
  char bytes[CMSG_SPACE(sizeof(struct timespec))];
} stamp;
static bool stamped;

/* Keeps what did not fit into the socket, from the byte `sent` on. */
static bool keep(struct buffer *unsent, const struct iovec *parts, int count, size_t sent) {
  for (int i = 0; i < count; i++) {
    size_t skipped = sent < parts[i].iov_len ? sent : parts[i].iov_len;
    if (!buffer_append(unsent, (const uint8_t *)parts[i].iov_base + skipped, parts[i].iov_len - skipped)) return false;
    sent -= skipped;
  }
  return unsent->length <= MOST_UNSENT;
}

bool wire_send(struct wire *wire, const struct iovec *parts, int count) {
  bool waited = wire_waits(wire);
  size_t sent = 0;
  if (!waited) {
    const struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)count};
    ssize_t written = sendmsg(wire->watched.fd, &message, MSG_NOSIGNAL);
    if (written == -1 && errno != EAGAIN && errno != EINTR) return false;
    sent = written == -1 ? 0 : (size_t)written;
  }
  if (!keep(&wire->unsent, parts, count, sent)) return false;
  if (!waited && wire_waits(wire)) loop_change(&wire->watched, EPOLLIN | EPOLLOUT);
  return true;
}

bool wire_flush(struct wire *wire) {
  struct buffer *unsent = &wire->unsent;
  ssize_t written = send(wire->watched.fd, unsent->data + unsent->start, unsent->length, MSG_NOSIGNAL);
  if (written == -1) return errno == EAGAIN || errno == EINTR;
  buffer_consume(unsent, (size_t)written);
  if (!wire_waits(wire)) loop_change(&wire->watched, EPOLLIN);
  return true;
}

void wire_put_off(struct wire *wire) {
  loop_put_off(&wire->watched, wire_waits(wire) ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

ssize_t wire_read(struct wire *wire, void *to, size_t length) {
  struct iovec part = {to, length};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &stamp, .msg_controllen = sizeof stamp};
  ssize_t got = recvmsg(wire->watched.fd, &message, 0);
  stamped = got > 0 && message.msg_controllen >= sizeof stamp;
  return got;
}

double wire_arrival(void) {
  struct timespec now, then;
  double ms = monotonic_ms();
  if (!stamped || stamp.head.cmsg_type != SCM_TIMESTAMPNS) return ms;
  clock_gettime(CLOCK_REALTIME, &now);
  memcpy(&then, CMSG_DATA(&stamp.head), sizeof then);
  double age = (double)(now.tv_sec - then.tv_sec) * 1e3 + (double)(now.tv_nsec - then.tv_nsec) / 1e6;
  /* Somebody may have set the clock meanwhile. */
  return age > 0 ? ms - age : ms;
}
