#define _GNU_SOURCE
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connection.h"
#include "limits.h"
#include "loop.h"

static struct watched listener;
static unsigned port;
static rlim_t open_now, most_open;

unsigned server_port(void) { return port; }

void server_left(void) { open_now--; }

static void welcome(struct watched *watched, uint32_t events) {
  (void)events;
  for (;;) {
    int fd = accept4(watched->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd == -1) {
      /* A client that is gone already is no reason to end. */
      if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
      fail("accept4");
    }
    if (open_now == most_open || fd >= MOST_CONNECTIONS + OTHER_FILES) {
      close(fd);
      continue;
    }
    open_now++;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &(int){1}, sizeof(int));
    connection_open(fd);
  }
}

/* As many files as the system lets us have. */
static void raise_limit(void) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == -1) fail("getrlimit");
  files.rlim_cur = files.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &files) == -1) fail("setrlimit");
  most_open = files.rlim_cur < MOST_CONNECTIONS + OTHER_FILES ? files.rlim_cur - OTHER_FILES : MOST_CONNECTIONS;
}

void server_listen(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  raise_limit();
  listener = (struct watched){.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), .ready = welcome};
  if (listener.fd == -1 || bind(listener.fd, (struct sockaddr *)&address, length) == -1 ||
      listen(listener.fd, SOMAXCONN) == -1 || getsockname(listener.fd, (struct sockaddr *)&address, &length) == -1)
    fail("cannot listen on loopback");
  port = ntohs(address.sin_port);
  loop_watch(&listener, EPOLLIN);
}
