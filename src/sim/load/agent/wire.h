/* A socket of a client, and what waits until it takes more. */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "buffer.h"
#include "loop.h"

struct wire {
  struct watched watched;
  struct buffer unsent;
};

static inline bool wire_waits(const struct wire *wire) { return wire->unsent.length > 0; }

/* Sends parts as one, at once or when there is room for them; false when the client is gone, or does not read. */
bool wire_send(struct wire *wire, const struct iovec *parts, int count);
/* Sends what waits, now that there is room; false when the client is gone. */
bool wire_flush(struct wire *wire);
/* From now on what comes is only looked at once a slot. */
void wire_put_off(struct wire *wire);
/* As `recv`, and keeps the time at which the kernel got it. */
ssize_t wire_read(struct wire *wire, void *to, size_t length);
/* When the last of what was read last came, however much later that is, in ms of the monotonic clock. */
double wire_arrival(void);

#endif
