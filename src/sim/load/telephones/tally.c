/* What telephones count, and how it is told (telephones.ts, drift.ts). */
#include "telephones.h"

#include <inttypes.h>

void tally_mark(struct tally *tally, double now) {
  tally->measuring = true;
  tally->marked_at = now;
  tally->sent = tally->received = tally->lost = tally->disordered = tally->gaps = 0;
  distribution_clear(&tally->lateness);
  distribution_clear(&tally->interval);
  distribution_clear(&tally->own);
}

void stream_mark(struct stream *stream, double now) {
  stream->received = 0;
  stream->since_mark = true;
  stream->drift.begun = now;
  stream->drift.pieces = 0;
}

void drift_take(struct drift *drift, double offset, double now) {
  /* What came just before the window opened may be read just after that. */
  double since = now > drift->begun ? now - drift->begun : 0;
  if (since >= (double)PIECE_MS * MOST_PIECES)
    return;
  size_t piece = (size_t)(since / PIECE_MS);
  bool known = piece < drift->pieces;
  if (known && offset >= drift->least[piece])
    return;
  /* A piece in which nothing came repeats the one before. */
  for (size_t missing = drift->pieces; missing < piece; missing++) {
    drift->least[missing] = missing == 0 ? offset : drift->least[missing - 1];
    drift->at[missing] = missing == 0 ? now : drift->at[missing - 1];
  }
  drift->least[piece] = offset;
  drift->at[piece] = now;
  if (!known)
    drift->pieces = piece + 1;
}

static double mean(const double *values, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += values[i];
  return sum / (double)count;
}

/* The slope of the earliest arrivals, in parts of a million. */
static double slope(const struct drift *drift) {
  double at = mean(drift->at, drift->pieces);
  double least = mean(drift->least, drift->pieces);
  double together = 0;
  double spread = 0;
  for (size_t i = 0; i < drift->pieces; i++) {
    double away = drift->at[i] - at;
    together += away * (drift->least[i] - least);
    spread += away * away;
  }
  return 1e6 * together / spread;
}

void stream_print(FILE *out, const struct stream *stream) {
  fprintf(out, "[%" PRIu64 ",", stream->received);
  if (stream->drift.pieces < LEAST_PIECES)
    fputs("null]", out);
  else
    fprintf(out, "%.3f]", slope(&stream->drift));
}

static void print_distribution(FILE *out, const char *name, const struct distribution *distribution) {
  fprintf(out, ",\"%s\":", name);
  distribution_print(distribution, out);
}

static void print_marks(FILE *out, const char *name, const struct marks *marks) {
  fprintf(out, ",\"%s\":", name);
  marks_print(marks, out);
}

void tally_print(FILE *out, const struct tally *tally) {
  fprintf(out, "\"sent\":%" PRIu64 ",\"received\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"disordered\":%" PRIu64
         ",\"gaps\":%" PRIu64,
    tally->sent, tally->received, tally->lost, tally->disordered, tally->gaps);
  print_distribution(out, "lateness", &tally->lateness);
  print_distribution(out, "interval", &tally->interval);
  print_distribution(out, "own", &tally->own);
  print_marks(out, "speech", &tally->speech);
  print_marks(out, "silence", &tally->silence);
  print_marks(out, "word", &tally->word);
}
