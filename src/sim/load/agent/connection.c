#define _GNU_SOURCE
#include "connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "limits.h"
#include "request.h"
#include "server.h"

/* Bytes read at once: of one that sent all of a message, and of one that did not. */
enum { READ_BYTES = 64 * 1024, READ_MORE_BYTES = 16 * 1024, LONGEST_ANSWER = 512 };

/* Those that are open, by their files; and those that are gone, and not yet freed. */
static struct connection *open_ones[MOST_CONNECTIONS + OTHER_FILES];
static struct connection *gone;

void connection_drop(struct connection *connection) {
  if (connection->phase == GONE) return;
  connection->phase = GONE;
  conversation_end(connection);
  open_ones[connection->wire.watched.fd] = NULL;
  close(connection->wire.watched.fd);
  server_left();
  connection->next_gone = gone;
  gone = connection;
}

void connections_reap(void) {
  while (gone != NULL) {
    struct connection *next = gone->next_gone;
    tls_free(gone->tls);
    buffer_free(&gone->held);
    buffer_free(&gone->wire.unsent);
    free(gone);
    gone = next;
  }
}

void connections_close(void) {
  for (size_t fd = 0; fd < sizeof open_ones / sizeof *open_ones; fd++)
    if (open_ones[fd] != NULL) connection_drop(open_ones[fd]);
  connections_reap();
}

void connection_end(struct connection *connection) {
  if (connection->phase == GONE) return;
  connection->phase = ENDING;
  conversation_end(connection);
  if (connection->tls != NULL) tls_end(connection->tls);
  if (!wire_waits(&connection->wire)) shutdown(connection->wire.watched.fd, SHUT_WR);
}

void connection_send(struct connection *connection, const struct iovec *parts, int count) {
  if (connection->phase == GONE) return;
  struct tls *tls = connection->tls;
  if (!(tls == NULL ? wire_send(&connection->wire, parts, count) : tls_send(tls, parts, count))) connection_drop(connection);
}

void connection_frame(struct connection *connection, enum opcode opcode, const void *payload, size_t length) {
  uint8_t head[LONGEST_FRAME_HEAD];
  const struct iovec parts[] = {{head, frame_head(head, opcode, length)}, {(void *)payload, length}};
  connection_send(connection, parts, 2);
}

static void send_waiting(struct connection *connection) {
  if (!wire_flush(&connection->wire)) connection_drop(connection);
  else if (connection->phase == ENDING && !wire_waits(&connection->wire)) shutdown(connection->wire.watched.fd, SHUT_WR);
}

static void send_text(struct connection *connection, const char *text, int length) {
  const struct iovec part = {(void *)text, (size_t)length};
  connection_send(connection, &part, 1);
}

static void refuse(struct connection *connection, int status) {
  char text[LONGEST_ANSWER];
  int length = snprintf(text, sizeof text, "HTTP/1.1 %d Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", status);
  send_text(connection, text, length);
  connection_end(connection);
}

static void upgrade(struct connection *connection, const struct request *request) {
  char text[LONGEST_ANSWER], accept[ACCEPT_LENGTH + 1];
  handshake_accept(request->key, accept);
  int length = snprintf(text, sizeof text,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: %s\r\n\r\n",
                        accept);
  connection->phase = CONVERSING;
  send_text(connection, text, length);
}

/* Everybody gets a signed URL, whatever was asked for. */
static void answer(struct connection *connection, const struct request *request) {
  char body[LONGEST_ANSWER / 2], text[LONGEST_ANSWER];
  int size = snprintf(body, sizeof body,
                      "{\"signed_url\":\"ws%s://127.0.0.1:%u/v1/convai/conversation?conversation_signature=load\"}",
                      connection->tls == NULL ? "" : "s", server_port());
  int length = snprintf(text, sizeof text,
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s",
                        request->keeps_alive ? "" : "Connection: close\r\n", size, request->head_only ? "" : body);
  send_text(connection, text, length);
  if (!request->keeps_alive) connection_end(connection);
}

/* Bytes taken of a request and its body. */
static size_t take_request(struct connection *connection, const uint8_t *data, size_t length) {
  if (connection->body_left > 0) {
    size_t taken = connection->body_left < length ? (size_t)connection->body_left : length;
    connection->body_left -= taken;
    return taken;
  }
  struct request request;
  size_t taken = request_read((const char *)data, length, &request);
  if (taken == 0) return 0;
  connection->body_left = request.body;
  if (request.status != 0) refuse(connection, request.status);
  else if (request.upgrades) upgrade(connection, &request);
  else answer(connection, &request);
  return taken;
}

/* Bytes taken of a frame. */
static size_t take_frame(struct connection *connection, uint8_t *data, size_t length) {
  struct frame frame;
  long taken = frame_read(data, length, &frame);
  if (taken >= 0) {
    if (taken > 0) conversation_take(connection, &frame);
    return (size_t)taken;
  }
  /* RFC 6455, section 7.1.7: fail the connection, with the reason. */
  const uint8_t code[] = {(uint8_t)(-taken >> 8), (uint8_t)-taken};
  connection_frame(connection, CLOSE, code, sizeof code);
  connection_end(connection);
  return length;
}

/* Works off what came, and tells how much of it was whole. */
static size_t take(struct connection *connection, uint8_t *data, size_t length) {
  size_t used = 0;
  while (used < length) {
    size_t taken = length - used;
    if (connection->phase == REQUESTING) taken = take_request(connection, data + used, taken);
    else if (connection->phase == CONVERSING) taken = take_frame(connection, data + used, taken);
    if (taken == 0) break;
    used += taken;
  }
  return used;
}

static ssize_t read_some(struct connection *connection, void *to, size_t length) {
  return connection->tls == NULL ? wire_read(&connection->wire, to, length) : tls_read(connection->tls, to, length);
}

/* Whether there was something. */
static bool receive(struct connection *connection) {
  static uint8_t shared[READ_BYTES];
  struct buffer *held = &connection->held;
  size_t had = held->length;
  uint8_t *to = had == 0 ? shared : buffer_reserve(held, READ_MORE_BYTES);
  ssize_t got = to == NULL ? 0 : read_some(connection, to, had == 0 ? READ_BYTES : READ_MORE_BYTES);
  if (got == -1 && (errno == EAGAIN || errno == EINTR)) return false;
  if (got <= 0) {
    connection_drop(connection);
    return false;
  }
  size_t length = had + (size_t)got;
  size_t used = take(connection, had == 0 ? shared : held->data + held->start, length);
  if (had > 0) {
    held->length = length;
    buffer_consume(held, used);
  } else if (!buffer_append(held, shared + used, length - used)) {
    connection_drop(connection);
  }
  return true;
}

/* Of what TLS has read ahead the kernel does not tell: all of it is taken at once. */
static void receive_all(struct connection *connection) {
  tls_feed(connection->tls);
  while (receive(connection) && connection->phase != GONE) continue;
}

/* It may have been dropped while others of the same turn were worked off. */
static void ready(struct watched *watched, uint32_t events) {
  /* `watched` is the first member of its first member. */
  struct connection *connection = (struct connection *)watched;
  if (connection->phase == GONE) return;
  if (events & EPOLLOUT) send_waiting(connection);
  if (connection->phase == GONE || !(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
  if (connection->tls == NULL) receive(connection);
  else receive_all(connection);
}

void connection_open(int fd) {
  struct connection *connection = calloc(1, sizeof *connection);
  if (connection == NULL) fail("no memory for a connection");
  connection->wire.watched = (struct watched){.fd = fd, .ready = ready};
  connection->tls = tls_open(&connection->wire);
  open_ones[fd] = connection;
  loop_watch(&connection->wire.watched, EPOLLIN);
}
