/* Frames of RFC 6455, section 5, as a server meets them: they are left where they lie, and looked at byte by byte. */
#ifndef FRAMES_H
#define FRAMES_H

#include <stddef.h>
#include <stdint.h>

enum opcode { TEXT = 1, CLOSE = 8, PING = 9, PONG = 10 };

/* Codes of section 7.4.1. */
enum close_code { PROTOCOL_ERROR = 1002, TOO_BIG = 1009 };

enum { LONGEST_CONTROL = 125, LONGEST_FRAME_HEAD = 10 };

struct frame {
  uint8_t opcode;
  uint8_t mask[4];
  uint8_t *payload;
  size_t length;
};

/* How long the frame at the beginning of `data` is, head and payload; 0 when not all of it is there; or a close code, negative. */
long frame_read(uint8_t *data, size_t length, struct frame *frame);

static inline uint8_t frame_byte(const struct frame *frame, size_t index) {
  return frame->payload[index] ^ frame->mask[index & 3];
}

/* Unmasks a payload where it lies. */
void frame_unmask(struct frame *frame);

/* Writes the head of a whole frame without a mask, and gives its length. */
size_t frame_head(uint8_t head[LONGEST_FRAME_HEAD], enum opcode opcode, size_t length);

#endif
