#define _GNU_SOURCE
#include "measures.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double bucket_ms = 0.1;
/* Marks kept of one kind. */
enum { KEPT_MARKS = 50000, FIRST_MARKS = 256 };

double monotonic_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void distribution_record(struct distribution *distribution, double ms) {
  double time = ms > 0 ? ms : 0;
  double bucket = time / bucket_ms;
  distribution->seen[bucket < DISTRIBUTION_BUCKETS - 1 ? (int)bucket : DISTRIBUTION_BUCKETS - 1]++;
  distribution->count++;
  distribution->sum += time;
  if (time > distribution->max) distribution->max = time;
}

void distribution_clear(struct distribution *distribution) { memset(distribution, 0, sizeof *distribution); }

/* The time that `percent` of all stayed within: the upper edge of its bucket, never above the longest seen. */
static double percentile(const struct distribution *distribution, unsigned percent) {
  uint64_t wanted = (distribution->count * percent + 99) / 100;
  if (wanted == 0) wanted = 1;
  uint64_t seen = 0;
  for (int bucket = 0; bucket < DISTRIBUTION_BUCKETS - 1; bucket++) {
    seen += distribution->seen[bucket];
    if (seen < wanted) continue;
    double edge = (bucket + 1) * bucket_ms;
    return edge < distribution->max ? edge : distribution->max;
  }
  return distribution->max;
}

void distribution_print(const struct distribution *distribution, FILE *to) {
  double mean = distribution->count == 0 ? 0 : distribution->sum / (double)distribution->count;
  fprintf(to, "{\"count\":%" PRIu64 ",\"mean\":%.2f,\"p50\":%.2f,\"p95\":%.2f,\"p99\":%.2f,\"max\":%.2f}",
          distribution->count, mean, percentile(distribution, 50), percentile(distribution, 95),
          percentile(distribution, 99), distribution->max);
}

void marks_add(struct marks *marks, uint64_t call, double at) {
  if (marks->count == KEPT_MARKS) return;
  if (marks->count == marks->room) {
    uint32_t room = marks->room == 0 ? FIRST_MARKS : marks->room * 2;
    struct mark *list = realloc(marks->list, room * sizeof *list);
    if (list == NULL) return;
    marks->list = list;
    marks->room = room;
  }
  marks->list[marks->count++] = (struct mark){call, at};
}

void marks_print(const struct marks *marks, FILE *to) {
  fputc('[', to);
  for (uint32_t i = 0; i < marks->count; i++)
    fprintf(to, "%s{\"call\":%" PRIu64 ",\"at\":%.4f}", i == 0 ? "" : ",", marks->list[i].call, marks->list[i].at);
  fputc(']', to);
}
