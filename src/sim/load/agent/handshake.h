/* The opening handshake of RFC 6455, section 4.2.2. */
#ifndef HANDSHAKE_H
#define HANDSHAKE_H

/* Base64 of 16 bytes, and of a SHA-1 digest. */
enum { KEY_LENGTH = 24, ACCEPT_LENGTH = 28 };

/* Writes Sec-WebSocket-Accept, and a zero after it, for a key of KEY_LENGTH characters. */
void handshake_accept(const char *key, char accept[ACCEPT_LENGTH + 1]);

#endif
