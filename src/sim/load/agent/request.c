#define _GNU_SOURCE
#include "request.h"

#include <string.h>
#include <strings.h>

#include "limits.h"

/* A piece of the text of a head. */
struct span {
  const char *text;
  size_t length;
};

/* What stands in the lines of a head. */
struct fields {
  bool connection_upgrade, connection_close, connection_keep_alive;
  bool upgrade, version_13, key_valid;
};

static bool is(struct span span, const char *word) {
  return span.length == strlen(word) && strncasecmp(span.text, word, span.length) == 0;
}

static struct span trimmed(const char *text, size_t length) {
  while (length > 0 && (*text == ' ' || *text == '\t')) text++, length--;
  while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) length--;
  return (struct span){text, length};
}

/* RFC 9110, section 5.6.1: a list with commas. */
static bool lists(struct span list, const char *word) {
  while (list.length > 0) {
    const char *comma = memchr(list.text, ',', list.length);
    size_t length = comma == NULL ? list.length : (size_t)(comma - list.text);
    if (is(trimmed(list.text, length), word)) return true;
    size_t taken = comma == NULL ? length : length + 1;
    list = (struct span){list.text + taken, list.length - taken};
  }
  return false;
}

/* RFC 9110, section 8.6; false when it is no number, or too long. */
static bool content_length(struct span value, uint64_t *length) {
  if (value.length == 0) return false;
  *length = 0;
  for (size_t i = 0; i < value.length; i++) {
    if (value.text[i] < '0' || value.text[i] > '9') return false;
    *length = *length * 10 + (uint64_t)(value.text[i] - '0');
    if (*length > LONGEST_BODY) return false;
  }
  return true;
}

/* RFC 6455, section 4.2.1: base64 of 16 bytes. */
static bool is_key(struct span value) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (value.length != KEY_LENGTH || memcmp(value.text + KEY_LENGTH - 2, "==", 2) != 0) return false;
  for (size_t i = 0; i < KEY_LENGTH - 2; i++)
    if (memchr(digits, value.text[i], sizeof digits - 1) == NULL) return false;
  return true;
}

static void take_field(struct span name, struct span value, struct fields *fields, struct request *request) {
  if (is(name, "connection")) {
    fields->connection_upgrade |= lists(value, "upgrade");
    fields->connection_close |= lists(value, "close");
    fields->connection_keep_alive |= lists(value, "keep-alive");
  } else if (is(name, "upgrade")) {
    fields->upgrade |= lists(value, "websocket");
  } else if (is(name, "sec-websocket-version")) {
    fields->version_13 = is(value, "13");
  } else if (is(name, "sec-websocket-key") && is_key(value)) {
    fields->key_valid = true;
    memcpy(request->key, value.text, KEY_LENGTH);
  } else if (is(name, "content-length") && !content_length(value, &request->body)) {
    request->status = 413;
  } else if (is(name, "transfer-encoding")) {
    /* Nobody here sends bodies without a length. */
    request->status = 501;
  }
}

/* The method and the version of a request line; false when it is none. */
static bool take_line(struct span line, struct span *method, struct span *version) {
  const char *first = memchr(line.text, ' ', line.length);
  const char *last = memrchr(line.text, ' ', line.length);
  if (first == NULL || first == line.text || last <= first + 1) return false;
  *method = (struct span){line.text, (size_t)(first - line.text)};
  *version = (struct span){last + 1, line.length - (size_t)(last + 1 - line.text)};
  return is(*version, "HTTP/1.1") || is(*version, "HTTP/1.0");
}

static void read_head(const char *at, const char *end, struct request *request) {
  struct span method = {0}, version = {0};
  struct fields fields = {0};
  for (bool first = true; at < end; first = false) {
    const char *behind = memmem(at, (size_t)(end - at), "\r\n", 2);
    struct span line = {at, (size_t)(behind - at)};
    at = behind + 2;
    const char *colon = memchr(line.text, ':', line.length);
    if (first ? !take_line(line, &method, &version) : colon == NULL || colon == line.text) {
      request->status = 400;
      return;
    }
    if (first) continue;
    struct span name = {line.text, (size_t)(colon - line.text)};
    take_field(name, trimmed(colon + 1, line.length - name.length - 1), &fields, request);
  }
  request->head_only = is(method, "HEAD");
  request->keeps_alive = !fields.connection_close && (is(version, "HTTP/1.1") || fields.connection_keep_alive);
  request->upgrades = is(method, "GET") && fields.upgrade && fields.connection_upgrade;
  if (request->upgrades && (!fields.version_13 || !fields.key_valid)) request->status = 400;
}

size_t request_read(const char *data, size_t length, struct request *request) {
  *request = (struct request){0};
  const char *blank = memmem(data, length < LONGEST_HEAD ? length : LONGEST_HEAD, "\r\n\r\n", 4);
  if (blank == NULL) {
    if (length < LONGEST_HEAD) return 0;
    request->status = 431;
    return length;
  }
  read_head(data, blank + 2, request);
  return (size_t)(blank + 4 - data);
}
