/* Bytes that wait. Memory is only held while there are any. */
#ifndef BUFFER_H
#define BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
  uint8_t *data;
  size_t start;
  size_t length;
  size_t room;
};

/* Where `more` bytes can be written to behind what is there; NULL when there is no memory. */
uint8_t *buffer_reserve(struct buffer *buffer, size_t more);
bool buffer_append(struct buffer *buffer, const void *data, size_t length);
/* Takes bytes off its beginning. */
void buffer_consume(struct buffer *buffer, size_t length);
void buffer_free(struct buffer *buffer);

#endif
