/* What is told on standard output, which is never waited for. */
#include "telephones.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define MOST_UNREAD (64L * 1024 * 1024)

/* What is to be told next, and what is being written and the reader has not taken yet. */
static struct {
  FILE *next;
  char *next_text;
  size_t next_length;
  char *text;
  size_t length;
  size_t written;
} answer;

void answer_write(void) {
  if (answer.text == NULL && answer.next != NULL) {
    if (fclose(answer.next) != 0)
      fail("no memory for an answer");
    answer.next = NULL;
    answer.text = answer.next_text;
    answer.length = answer.next_length;
    answer.written = 0;
  }
  while (answer.text != NULL) {
    ssize_t count = write(STDOUT_FILENO, answer.text + answer.written, answer.length - answer.written);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0 && errno == EAGAIN)
      return;
    if (count < 0)
      fail("nobody reads the answers");
    answer.written += (size_t)count;
    if (answer.written < answer.length)
      continue;
    free(answer.text);
    answer.text = NULL;
  }
}

FILE *answer_line(void) {
  if (answer.next == NULL)
    answer.next = open_memstream(&answer.next_text, &answer.next_length);
  if (answer.next == NULL)
    fail("no memory for an answer");
  if (ftell(answer.next) > MOST_UNREAD)
    fail("nobody reads the answers");
  return answer.next;
}

void tell_sound(uint32_t call, double at, const uint8_t *sound, size_t length) {
  FILE *out = answer_line();
  fprintf(out, "{\"type\":\"heard\",\"call\":%" PRIu32 ",\"at\":%.4f,\"sound\":\"", call, at);
  for (size_t i = 0; i < length && i < PAYLOAD_BYTES; i++)
    fprintf(out, "%02x", sound[i]);
  fputs("\"}\n", out);
}
