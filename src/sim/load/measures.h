/* What the compiled programs of the bench measure, told as distribution.ts and marks.ts do it. */
#ifndef MEASURES_H
#define MEASURES_H

#include <stdint.h>
#include <stdio.h>

/* ms on the monotonic clock of the machine, the one that monotonic.ts reads. */
double monotonic_ms(void);

/* Steps of 0.1 ms; what is longer shares the last bucket. */
enum { DISTRIBUTION_BUCKETS = 20001 };

struct distribution {
  uint32_t seen[DISTRIBUTION_BUCKETS];
  uint64_t count;
  double sum;
  double max;
};

/* Takes a time in ms; one below zero counts as zero. */
void distribution_record(struct distribution *distribution, double ms);
void distribution_clear(struct distribution *distribution);
/* Writes a `Summary` as JSON. */
void distribution_print(const struct distribution *distribution, FILE *to);

/* Something that happened in a call, at a time of the monotonic clock. */
struct mark {
  uint64_t call;
  double at;
};

struct marks {
  struct mark *list;
  uint32_t count;
  uint32_t room;
};

/* Keeps a mark; in a long run the first ones stay. */
void marks_add(struct marks *marks, uint64_t call, double at);
/* Writes a list of `Mark` as JSON. */
void marks_print(const struct marks *marks, FILE *to);

#endif
