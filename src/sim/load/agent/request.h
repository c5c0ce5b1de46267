/* Requests of HTTP/1.1 (RFC 9112), read as far as answering needs: everybody gets a signed URL, or a WebSocket. */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handshake.h"

struct request {
  /* What was wrong with it, or zero; nothing else holds then. */
  int status;
  bool head_only;
  bool keeps_alive;
  bool upgrades;
  char key[KEY_LENGTH];
  /* Bytes of body that follow. */
  uint64_t body;
};

/* How long the head at the beginning of `data` is; 0 when not all of it is there. */
size_t request_read(const char *data, size_t length, struct request *request);

#endif
