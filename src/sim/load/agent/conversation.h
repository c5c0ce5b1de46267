/* Conversations that all say the same: conversation.ts in C. */
#ifndef CONVERSATION_H
#define CONVERSATION_H

#include <stdbool.h>
#include <stdint.h>

#include "frames.h"

struct connection;

struct conversation {
  bool begun;
  /* Its number, from the last digits of the variable call_id. */
  uint64_t call;
  uint64_t steps;
  uint64_t event_id;
  bool loud;
  /* Whether it was there at the mark already, and the caller's sound since then. */
  bool since_mark;
  uint64_t sound_bytes;
  /* Its neighbours in the slot of the wheel; `link` points to what points to it. */
  struct connection *next;
  struct connection **link;
};

/* Takes a frame of the client. */
void conversation_take(struct connection *connection, struct frame *frame);
/* Does what the next 100 ms ask for. */
void conversation_step(struct connection *connection);
/* Says nothing any more. */
void conversation_end(struct connection *connection);

#endif
