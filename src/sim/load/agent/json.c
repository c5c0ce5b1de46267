#include "json.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const char *after_space(const char *at, const char *end) {
  while (at < end && strchr(" \t\r\n", *at) != NULL && *at != '\0') at++;
  return at;
}

const char *json_string_end(const char *at, const char *end) {
  if (at == end || *at != '"') return NULL;
  for (at++; at < end; at++) {
    if (*at == '"') return at + 1;
    if (*at == '\\') at++;
  }
  return NULL;
}

/* The comma or the brace behind a value, whatever is in it. */
static const char *value_end(const char *at, const char *end) {
  for (int depth = 0; at < end;) {
    char letter = *at;
    if (depth == 0 && (letter == ',' || letter == '}' || letter == ']')) return at;
    if (letter == '"') {
      at = json_string_end(at, end);
      if (at == NULL) return NULL;
      continue;
    }
    if (letter == '{' || letter == '[') depth++;
    if (letter == '}' || letter == ']') depth--;
    at++;
  }
  return NULL;
}

const char *json_member(const char *at, const char *end, const char *name) {
  at = after_space(at, end);
  if (at == end || *at != '{') return NULL;
  do {
    const char *key = after_space(at + 1, end);
    const char *behind = json_string_end(key, end);
    if (behind == NULL) return NULL;
    bool found = (size_t)(behind - key) == strlen(name) + 2 && memcmp(key + 1, name, strlen(name)) == 0;
    at = after_space(behind, end);
    if (at == end || *at != ':') return NULL;
    at = after_space(at + 1, end);
    if (found) return at;
    at = value_end(at, end);
  } while (at != NULL && *at == ',');
  return NULL;
}
