/* One client: its socket, and what it sent in part. */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <stdbool.h>

#include "buffer.h"
#include "conversation.h"
#include "tls.h"
#include "wire.h"

enum phase {
  REQUESTING,
  CONVERSING,
  /* What waits is sent, then our side is closed; whatever still comes is thrown away. */
  ENDING,
  GONE,
};

struct connection {
  struct wire wire;
  /* NULL in the clear. */
  struct tls *tls;
  enum phase phase;
  struct buffer held;
  uint64_t body_left;
  struct conversation conversation;
  struct connection *next_gone;
};

/* Takes over an accepted socket. */
void connection_open(int fd);
/* Sends parts as one, at once or when there is room for them. */
void connection_send(struct connection *connection, const struct iovec *parts, int count);
/* Sends a frame that is no piece of speech. */
void connection_frame(struct connection *connection, enum opcode opcode, const void *payload, size_t length);
/* Closes our side as soon as everything was sent. */
void connection_end(struct connection *connection);
/* Ends it without a word. Its memory stays until `connections_reap`. */
void connection_drop(struct connection *connection);
/* Frees all that are open, at the end. */
void connections_close(void);
/* Frees those that are gone: nothing that the kernel told in one turn may point to them any more. */
void connections_reap(void);

#endif
