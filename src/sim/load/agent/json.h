/* As much of JSON (RFC 8259) as the first message of a conversation needs. */
#ifndef JSON_H
#define JSON_H

/* Where the value of a member of the object at `at` begins; NULL when there is none, or no object. */
const char *json_member(const char *at, const char *end, const char *name);
/* The end of the string at `at`, behind its closing quote; NULL when there is none. */
const char *json_string_end(const char *at, const char *end);

#endif
