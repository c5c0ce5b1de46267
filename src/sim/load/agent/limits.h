/* What the agent takes from others at the most. Who needs more loses its connection. */
#ifndef LIMITS_H
#define LIMITS_H

enum {
  /* Connections at once, and open files that are none of them. */
  MOST_CONNECTIONS = 16384,
  OTHER_FILES = 32,
  /* Of an HTTP request, bytes. */
  LONGEST_HEAD = 16 * 1024,
  LONGEST_BODY = 1024 * 1024,
  /* Payload of a frame, bytes; `longestFrame` in frames.ts. */
  LONGEST_FRAME = 128 * 1024,
  /* Bytes that wait for a client to read; `mostUnsent` in conversation.ts. */
  MOST_UNSENT = 1024 * 1024,
  /* A line of the parent, bytes: the longest one carries 100 ms of speech. */
  LONGEST_LINE = 16 * 1024,
  /* Steps of the script, each of 100 ms. */
  LONGEST_SCRIPT = 1000,
  LONGEST_FORMAT = 32,
};

#endif
