#include "caller-message.h"

#include <stdlib.h>

static const char head[] = "{\"user_audio_chunk\":\"";
enum {
  HEAD_BYTES = sizeof head - 1,
  TAIL_BYTES = 2,
  /* The letter that tells this message from the others: the `d` of `audio`. */
  LETTER_AT = 9,
  /* The last four characters may be padding: the eight before them are six bytes, three samples or six. */
  LOOKED_AT = 12,
};

bool carries_sound(const struct frame *frame) {
  return frame->length > HEAD_BYTES + TAIL_BYTES && frame_byte(frame, LETTER_AT) == head[LETTER_AT];
}

size_t sound_bytes(const struct frame *frame) {
  size_t padding = 0;
  while (padding < 2 && frame_byte(frame, frame->length - TAIL_BYTES - 1 - padding) == '=') padding++;
  size_t bytes = (frame->length - HEAD_BYTES - TAIL_BYTES) / 4 * 3;
  return bytes > padding ? bytes - padding : 0;
}

static unsigned digit_value(uint8_t digit) {
  if (digit >= 'A' && digit <= 'Z') return digit - 'A';
  if (digit >= 'a' && digit <= 'z') return digit - 'a' + 26u;
  if (digit >= '0' && digit <= '9') return digit - '0' + 52u;
  return digit == '+' ? 62 : digit == '/' ? 63 : 0;
}

/* ITU-T G.711, table 2a: how far a mu-law octet is from zero, as a 16-bit sample. */
static int ulaw_magnitude(uint8_t octet) {
  int segment = ~octet >> 4 & 7;
  int step = ~octet & 15;
  return ((step << 3 | 0x84) << segment) - 0x84;
}

bool ends_loud(const struct frame *frame, bool companded, int peak) {
  size_t text = frame->length - HEAD_BYTES - TAIL_BYTES;
  if (text < LOOKED_AT) return false;
  size_t from = text - LOOKED_AT;
  uint8_t six[6];
  for (size_t quad = 0; quad < 2; quad++) {
    unsigned bits = 0;
    for (size_t i = 0; i < 4; i++) bits = bits << 6 | digit_value(frame_byte(frame, HEAD_BYTES + from + quad * 4 + i));
    for (size_t i = 0; i < 3; i++) six[quad * 3 + i] = (uint8_t)(bits >> (16 - 8 * i));
  }
  if (companded) {
    for (size_t i = 0; i < sizeof six; i++)
      if (ulaw_magnitude(six[i]) > peak) return true;
    return false;
  }
  /* A sample begins at an even byte of the sound. */
  for (size_t at = from / 4 * 3 & 1; at + 1 < sizeof six; at += 2)
    if (abs((int16_t)(six[at] | six[at + 1] << 8)) > peak) return true;
  return false;
}
