/* What conversations share, and what is measured of them. There is one in a process. */
#ifndef STAGE_H
#define STAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../measures.h"
#include "limits.h"

struct connection;

/* What is done every 100 ms: stepOf() of talk.ts. */
struct step {
  unsigned pieces;
  bool begins;
  bool cuts;
};

enum { PERIOD_MS = 100, SLOTS = 20 };

struct stage {
  /* Facts of the profile. */
  char input_format[LONGEST_FORMAT];
  char output_format[LONGEST_FORMAT];
  bool companded;
  unsigned bytes_per_ms;
  int loud_peak;
  /* An audio message up to the number of its event. */
  char *speech;
  size_t speech_length;
  /* Empty when nothing is to be said. */
  struct step script[LONGEST_SCRIPT];
  unsigned script_length;
  /* Conversations by the slot of the wheel in which their steps are. */
  struct connection *slots[SLOTS];
  uint64_t next_slot;
  uint64_t conversations;
  /* The window of measurement. */
  double marked_at;
  uint64_t received, sent, others;
  struct distribution lateness;
  /* The whole run. */
  struct marks ready, greeting, turn, cut, heard;
};

extern struct stage stage;

/* Where the conversation lies that is asked for its steps a whole period from now. */
struct connection **stage_resting_slot(void);
/* Begins to turn the wheel. */
void stage_start(void);
/* The window of measurement begins. */
void stage_mark(void);
/* Writes an `AgentReport` as JSON. */
void stage_report(FILE *to);

#endif
