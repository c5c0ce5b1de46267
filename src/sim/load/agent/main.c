/*
 * The stand-in agent of the bench as a program of one thread: what agent.ts does, for a tenth of its processor time.
 * The parent writes commands to its standard input, a line each, and reads answers of JSON from its standard output, a
 * line each. It ends when its standard input does.
 *
 *   profile <input format> <output format> <bytes of the caller's sound in a ms> <loud peak>
 *   speech <base64 of 100 ms of it>
 *   script <steps of 100 ms with commas: pieces of speech, b if a turn begins, c if it is interrupted>
 *   tls <certificate> <its key>    both base64 of DER, the key as PKCS 8; without it all is in the clear
 *   listen            answers {"type":"started","port":...}
 *   mark              answers {"type":"marked"}
 *   report            answers {"type":"report","report":{...}}
 *   quit
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "connection.h"
#include "limits.h"
#include "loop.h"
#include "server.h"
#include "stage.h"
#include "tls.h"

static _Noreturn void refuse(const char *what) {
  errno = 0;
  fail(what);
}

static bool is_format(const char *text) {
  return *text != '\0' && text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static void take_profile(const char *facts) {
  int end = 0;
  sscanf(facts, "%31s %31s %u %d%n", stage.input_format, stage.output_format, &stage.bytes_per_ms, &stage.loud_peak, &end);
  if (end == 0 || facts[end] != '\0' || !is_format(stage.input_format) || !is_format(stage.output_format) ||
      stage.bytes_per_ms == 0)
    refuse("no profile");
  stage.companded = strcmp(stage.input_format, "ulaw_8000") == 0;
}

static void take_speech(const char *sound) {
  size_t digits = strspn(sound, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
  if (digits == 0 || sound[digits + strspn(sound + digits, "=")] != '\0') refuse("no speech");
  free(stage.speech);
  int length = asprintf(&stage.speech, "{\"type\":\"audio\",\"audio_event\":{\"audio_base_64\":\"%s\",\"event_id\":", sound);
  if (length == -1) fail("speech");
  stage.speech_length = (size_t)length;
}

static void take_script(const char *at) {
  stage.script_length = 0;
  for (;; at++) {
    if (stage.script_length == LONGEST_SCRIPT || !isdigit((unsigned char)*at)) refuse("no script");
    struct step *step = &stage.script[stage.script_length++];
    *step = (struct step){.pieces = (unsigned)(*at++ - '0')};
    if (*at == 'b') step->begins = true, at++;
    if (*at == 'c') step->cuts = true, at++;
    if (*at == '\0') return;
    if (*at != ',') refuse("no script");
  }
}

static void take_tls(char *facts) {
  char *key = strchr(facts, ' ');
  if (key == NULL) refuse("no key");
  *key = '\0';
  tls_use(facts, key + 1);
}

static void listen_once(void) {
  if (stage.bytes_per_ms == 0 || (stage.script_length > 0 && stage.speech == NULL)) refuse("listen before profile and speech");
  if (server_port() != 0) refuse("it listens already");
  server_listen();
  stage_start();
  printf("{\"type\":\"started\",\"port\":%u}\n", server_port());
}

static void report(void) {
  fputs("{\"type\":\"report\",\"report\":", stdout);
  stage_report(stdout);
  fputs("}\n", stdout);
}

static char *argument(char *line, const char *command) {
  size_t length = strlen(command);
  return strncmp(line, command, length) == 0 && line[length] == ' ' ? line + length + 1 : NULL;
}

/* What is still held after that is a leak, which a sanitizer can tell. */
static _Noreturn void end(void) {
  connections_close();
  exit(0);
}

static void obey(char *line) {
  char *facts;
  if ((facts = argument(line, "profile")) != NULL) take_profile(facts);
  else if ((facts = argument(line, "speech")) != NULL) take_speech(facts);
  else if ((facts = argument(line, "script")) != NULL) take_script(facts);
  else if ((facts = argument(line, "tls")) != NULL) take_tls(facts);
  else if (strcmp(line, "listen") == 0) listen_once();
  else if (strcmp(line, "mark") == 0) stage_mark(), puts("{\"type\":\"marked\"}");
  else if (strcmp(line, "report") == 0) report();
  else if (strcmp(line, "quit") == 0) end();
  else refuse("a command that is none");
  if (fflush(stdout) == EOF) fail("standard output");
}

static void read_commands(struct watched *watched, uint32_t events) {
  static char line[LONGEST_LINE + 1];
  static size_t length;
  (void)events;
  ssize_t got = read(watched->fd, line + length, LONGEST_LINE - length);
  if (got == -1 && errno == EINTR) return;
  if (got <= 0) end();
  length += (size_t)got;
  char *end, *at = line;
  for (; (end = memchr(at, '\n', length - (size_t)(at - line))) != NULL; at = end + 1) {
    *end = '\0';
    obey(at);
  }
  length -= (size_t)(at - line);
  if (length == LONGEST_LINE) refuse("a line that is too long");
  memmove(line, at, length);
}

int main(void) {
  static struct watched commands = {.fd = STDIN_FILENO, .ready = read_commands};
  loop_watch(&commands, EPOLLIN);
  loop_run(connections_reap);
}
