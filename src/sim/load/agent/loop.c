#define _GNU_SOURCE
#include "loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum { MOST_EVENTS = 256 };

/* The files that wake us, and those that do not. */
static int waking = -1, quiet = -1;

void fail(const char *what) {
  fprintf(stderr, "agent: %s%s%s\n", what, errno == 0 ? "" : ": ", errno == 0 ? "" : strerror(errno));
  exit(2);
}

static void control(int operation, struct watched *watched, uint32_t events) {
  int *epoll = watched->is_put_off ? &quiet : &waking;
  if (*epoll == -1 && (*epoll = epoll_create1(EPOLL_CLOEXEC)) == -1) fail("epoll_create1");
  struct epoll_event event = {.events = events, .data.ptr = watched};
  if (epoll_ctl(*epoll, operation, watched->fd, &event) == -1) fail("epoll_ctl");
}

void loop_watch(struct watched *watched, uint32_t events) { control(EPOLL_CTL_ADD, watched, events); }

void loop_change(struct watched *watched, uint32_t events) { control(EPOLL_CTL_MOD, watched, events); }

void loop_put_off(struct watched *watched, uint32_t events) {
  control(EPOLL_CTL_DEL, watched, 0);
  watched->is_put_off = true;
  control(EPOLL_CTL_ADD, watched, events);
}

/* Works off what is ready in a set, and tells how much that was. */
static int work_off(int epoll, int wait_ms) {
  struct epoll_event events[MOST_EVENTS];
  int count = epoll_wait(epoll, events, MOST_EVENTS, wait_ms);
  if (count == -1 && errno != EINTR) fail("epoll_wait");
  for (int i = 0; i < count; i++) {
    struct watched *watched = events[i].data.ptr;
    watched->ready(watched, events[i].events);
  }
  return count;
}

void loop_look(void) {
  if (quiet != -1) work_off(quiet, 0);
}

void loop_run(void (*after)(void)) {
  for (;;) {
    work_off(waking, -1);
    after();
  }
}
