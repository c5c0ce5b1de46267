#include "frames.h"

#include <string.h>

#include "limits.h"

enum { FIN = 0x80, RESERVED = 0x70, MASKED = 0x80, TWO_BYTES = 126, EIGHT_BYTES = 127 };

static uint64_t big_endian(const uint8_t *data, int bytes) {
  uint64_t value = 0;
  for (int i = 0; i < bytes; i++) value = value << 8 | data[i];
  return value;
}

long frame_read(uint8_t *data, size_t length, struct frame *frame) {
  if (length < 2) return 0;
  /* Messages in fragments are not put together: nobody here sends them. Extensions were not agreed on. */
  if ((data[0] & FIN) == 0 || (data[0] & RESERVED) != 0 || (data[0] & 0x0f) == 0) return -PROTOCOL_ERROR;
  uint64_t payload = data[1] & 0x7f;
  int more = payload == TWO_BYTES ? 2 : payload == EIGHT_BYTES ? 8 : 0;
  size_t head = 2 + (size_t)more;
  if (length < head) return 0;
  if (more > 0) payload = big_endian(data + 2, more);
  if (payload > LONGEST_FRAME) return -TOO_BIG;
  frame->opcode = data[0] & 0x0f;
  if (frame->opcode >= CLOSE && payload > LONGEST_CONTROL) return -PROTOCOL_ERROR;
  memset(frame->mask, 0, sizeof frame->mask);
  if (data[1] & MASKED) {
    if (length < head + sizeof frame->mask) return 0;
    memcpy(frame->mask, data + head, sizeof frame->mask);
    head += sizeof frame->mask;
  }
  if (length < head + payload) return 0;
  frame->payload = data + head;
  frame->length = payload;
  return (long)(head + payload);
}

void frame_unmask(struct frame *frame) {
  for (size_t i = 0; i < frame->length; i++) frame->payload[i] = frame_byte(frame, i);
  memset(frame->mask, 0, sizeof frame->mask);
}

size_t frame_head(uint8_t head[LONGEST_FRAME_HEAD], enum opcode opcode, size_t length) {
  int more = length < TWO_BYTES ? 0 : length <= UINT16_MAX ? 2 : 8;
  head[0] = FIN | (uint8_t)opcode;
  head[1] = (uint8_t)(more == 0 ? length : more == 2 ? TWO_BYTES : EIGHT_BYTES);
  for (int i = 0; i < more; i++) head[2 + i] = (uint8_t)((uint64_t)length >> 8 * (more - 1 - i));
  return 2 + (size_t)more;
}
