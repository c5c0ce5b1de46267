/* One telephone: what it sends, and what it counts of what it hears (stream.ts). */
#include "telephones.h"

#include <math.h>
#include <stdlib.h>

/* Last samples of a packet that are looked at: half a period of the tone, so that one of them is near its peak. */
#define LOOKED_AT 4

static void put16(uint8_t *at, uint16_t value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value) {
  put16(at, (uint16_t)(value >> 16));
  put16(at + 2, (uint16_t)value);
}

static uint16_t get16(const uint8_t *at) {
  return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at) {
  return (uint32_t)get16(at) << 16 | get16(at + 2);
}

struct stream *stream_new(uint32_t call, uint16_t port, size_t socket, bool told, const struct kind *kind) {
  struct stream *stream = calloc(1, sizeof *stream);
  if (stream == NULL)
    return NULL;
  stream->call = call;
  stream->port = port;
  stream->socket = socket;
  stream->told = told;
  stream->header[0] = 0x80;
  stream->header[1] = kind->payload_type;
  put32(stream->header + 8, 0x10000000u + call);
  /* Words of different calls come at different times. */
  stream->frames = (uint32_t)((uint64_t)call * 37 % WORD_EVERY);
  stream->sequence = 1;
  stream->timestamp = PAYLOAD_BYTES;
  stream->anchor = INFINITY;
  return stream;
}

const uint8_t *stream_next(struct stream *stream, const struct kind *kind, struct tally *tally, double now) {
  if (stream->frames == 0)
    marks_add(&tally->word, stream->call, now);
  const uint8_t *sound = stream->frames < WORD_FRAMES ? kind->word : kind->hum;
  put16(stream->header + 2, stream->sequence++);
  put32(stream->header + 4, stream->timestamp);
  stream->timestamp += PAYLOAD_BYTES;
  stream->frames = (stream->frames + 1) % WORD_EVERY;
  return sound;
}

/* Compares with the packet before; false for one that came again or out of order. */
static bool follow(struct stream *stream, uint16_t sequence, double now, struct tally *tally) {
  uint16_t step = (uint16_t)(sequence - stream->last_sequence);
  bool ahead = step > 0 && step < 0x8000;
  if (!tally->measuring)
    return ahead;
  if (!ahead) {
    tally->disordered++;
    return false;
  }
  tally->lost += step - 1u;
  double interval = now - stream->last_at;
  distribution_record(&tally->interval, interval);
  if (interval > 2 * FRAME_MS)
    tally->gaps++;
  return true;
}

static void place(struct stream *stream, uint32_t timestamp, double now, struct tally *tally) {
  double offset = now - (double)(timestamp - stream->first_timestamp) / UNITS_PER_MS;
  if (offset < stream->anchor)
    stream->anchor = offset;
  if (!tally->measuring)
    return;
  distribution_record(&tally->lateness, offset - stream->anchor);
  if (stream->since_mark)
    drift_take(&stream->drift, offset, now);
}

static bool ends_loud(const uint8_t *packet, size_t length, const struct kind *kind) {
  size_t from = length > RTP_HEADER_BYTES + LOOKED_AT ? length - LOOKED_AT : RTP_HEADER_BYTES;
  for (size_t i = from; i < length; i++)
    if (kind->loud[packet[i]])
      return true;
  return false;
}

void stream_hear(struct stream *stream, const uint8_t *packet, size_t length, double now, const struct kind *kind,
     struct tally *tally) {
  if (length < RTP_HEADER_BYTES || (packet[1] & 0x7f) != kind->payload_type)
    return;
  uint16_t sequence = get16(packet + 2);
  uint32_t timestamp = get32(packet + 4);
  if (!stream->heard) {
    stream->heard = true;
    stream->first_timestamp = timestamp;
  } else if (!follow(stream, sequence, now, tally)) {
    return;
  }
  stream->last_sequence = sequence;
  stream->last_at = now;
  place(stream, timestamp, now, tally);
  stream->received++;
  if (tally->measuring)
    tally->received++;
  if (stream->told) {
    tell_sound(stream->call, now, packet + RTP_HEADER_BYTES, length - RTP_HEADER_BYTES);
    return;
  }
  bool loud = ends_loud(packet, length, kind);
  if (loud != stream->is_loud)
    marks_add(loud ? &tally->speech : &tally->silence, stream->call, now);
  stream->is_loud = loud;
}
