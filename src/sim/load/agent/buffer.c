#include "buffer.h"

#include <stdlib.h>
#include <string.h>

uint8_t *buffer_reserve(struct buffer *buffer, size_t more) {
  size_t needed = buffer->length + more;
  if (buffer->start + needed > buffer->room) {
    if (buffer->start > 0) {
      memmove(buffer->data, buffer->data + buffer->start, buffer->length);
      buffer->start = 0;
    }
    if (needed > buffer->room) {
      size_t room = needed > 2 * buffer->room ? needed : 2 * buffer->room;
      uint8_t *data = realloc(buffer->data, room);
      if (data == NULL) return NULL;
      buffer->data = data;
      buffer->room = room;
    }
  }
  return buffer->data + buffer->start + buffer->length;
}

bool buffer_append(struct buffer *buffer, const void *data, size_t length) {
  if (length == 0) return true;
  uint8_t *to = buffer_reserve(buffer, length);
  if (to == NULL) return false;
  memcpy(to, data, length);
  buffer->length += length;
  return true;
}

void buffer_consume(struct buffer *buffer, size_t length) {
  buffer->start += length;
  buffer->length -= length;
  if (buffer->length == 0) buffer_free(buffer);
}

void buffer_free(struct buffer *buffer) {
  free(buffer->data);
  *buffer = (struct buffer){0};
}
