/* The caller's sound as it comes in text frames, read as far as counting needs: caller-message.ts in C. */
#ifndef CALLER_MESSAGE_H
#define CALLER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "frames.h"

/* Whether a text frame carries sound of the caller. */
bool carries_sound(const struct frame *frame);
/* Bytes of sound in a frame that carries it. */
size_t sound_bytes(const struct frame *frame);
/* Whether the last few whole samples before the end of the sound are louder than `peak`. */
bool ends_loud(const struct frame *frame, bool companded, int peak);

#endif
