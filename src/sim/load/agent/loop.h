/*
 * What the program waits for: files, each with what is to be done when it is ready. Those that bring much and ask for
 * no answer are only looked at now and then: to be woken for each message costs more than to read it.
 */
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct watched {
  int fd;
  /* Whether it waits to be looked at. */
  bool is_put_off;
  void (*ready)(struct watched *watched, uint32_t events);
};

/* Ends the program with a message for the parent. */
_Noreturn void fail(const char *what);

void loop_watch(struct watched *watched, uint32_t events);
void loop_change(struct watched *watched, uint32_t events);
/* From now on it waits for `loop_look`. */
void loop_put_off(struct watched *watched, uint32_t events);
/* Works off what those that are put off have. */
void loop_look(void);
_Noreturn void loop_run(void (*after)(void));

#endif
