/*
 * The sound of all telephones of the benchmark in one small program: what telephones.ts and stream.ts do in Node, for a
 * few per cent of what it costs there. Names and meanings are those of these files. Constants that both must agree on
 * come from there, by -D.
 */
#ifndef TELEPHONES_H
#define TELEPHONES_H

#include "../measures.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define RTP_HEADER_BYTES 12

/* What all streams write into; times in ms of CLOCK_MONOTONIC. */
struct tally {
  bool measuring;
  double marked_at;
  uint64_t sent;
  uint64_t received;
  uint64_t lost;
  uint64_t disordered;
  uint64_t gaps;
  struct distribution lateness;
  struct distribution interval;
  /* How late slots were begun. */
  struct distribution own;
  struct marks speech;
  struct marks silence;
  struct marks word;
};

/* The earliest packet of each piece of the window (drift.ts). */
struct drift {
  double begun;
  size_t pieces;
  double least[MOST_PIECES];
  double at[MOST_PIECES];
};

/* What is the same for every telephone. */
struct kind {
  uint8_t payload_type;
  uint8_t hum[PAYLOAD_BYTES];
  uint8_t word[PAYLOAD_BYTES];
  /* Whether a byte of the codec is a loud sample. */
  bool loud[256];
};

struct stream {
  uint32_t call;
  uint16_t port;
  size_t socket;
  /* The packet that is sent next, without its sound. */
  uint8_t header[RTP_HEADER_BYTES];
  uint32_t frames;
  uint16_t sequence;
  uint32_t timestamp;
  /* What came last. */
  bool heard;
  uint16_t last_sequence;
  double last_at;
  uint32_t first_timestamp;
  /* The earliest arrival against the grid that the timestamps give. */
  double anchor;
  bool is_loud;
  /* Whether its sound is told, for somebody else to say what is loud. */
  bool told;
  /* Since the window opened. */
  bool since_mark;
  uint64_t received;
  struct drift drift;
};

/* stream.c */
struct stream *stream_new(uint32_t call, uint16_t port, size_t socket, bool told, const struct kind *kind);
/* The sound of the next packet, whose header is then in the stream. */
const uint8_t *stream_next(struct stream *stream, const struct kind *kind, struct tally *tally, double now);
void stream_hear(struct stream *stream, const uint8_t *packet, size_t length, double now, const struct kind *kind,
     struct tally *tally);

/* tally.c */
void tally_mark(struct tally *tally, double now);
void stream_mark(struct stream *stream, double now);
void drift_take(struct drift *drift, double offset, double now);
/* The tally as JSON, without the braces. */
void tally_print(FILE *out, const struct tally *tally);
/* What came of a stream in the window, as JSON: packets, and drift in parts of a million or null. */
void stream_print(FILE *out, const struct stream *stream);

/* wire.c */

void clock_sleep_until(double ms);
/* A socket on a port of loopback that can be read when `poll` says its number; its port is written to `port`. */
int wire_open(int poll, size_t number, uint16_t *port);
/* Queues a packet; what is queued leaves with `wire_flush`, which tells how many the kernel took. */
size_t wire_send(int socket, const struct stream *stream, const uint8_t *sound);
size_t wire_flush(void);
typedef void (*hear_packet)(uint16_t from, const uint8_t *packet, size_t length, double at);
/* Everything that has come, each with the time at which the kernel got it. */
void wire_receive(int socket, hear_packet hear);

/* answer.c */

/* Where a line is to be printed to; it leaves with `answer_write`, as far as the reader takes it. */
FILE *answer_line(void);
void answer_write(void);
/* Tells of a packet that came in order. */
void tell_sound(uint32_t call, double at, const uint8_t *sound, size_t length);

/* main.c */

/* Ends the program with a message: whoever started it tells it. */
_Noreturn void fail(const char *what);

#endif
