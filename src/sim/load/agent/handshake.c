#include "handshake.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
enum { BLOCK = 64, DIGEST = 20, GUID_LENGTH = sizeof guid - 1 };

static uint32_t rotl(uint32_t word, int bits) { return word << bits | word >> (32 - bits); }

/* One block of RFC 3174, section 6.1. */
static void sha1_block(uint32_t hash[5], const uint8_t *block) {
  uint32_t w[80];
  for (int t = 0; t < 16; t++)
    w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 | (uint32_t)block[4 * t + 2] << 8 |
           block[4 * t + 3];
  for (int t = 16; t < 80; t++) w[t] = rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4];
  for (int t = 0; t < 80; t++) {
    uint32_t f, k;
    if (t < 20) f = (b & c) | (~b & d), k = 0x5a827999;
    else if (t < 40) f = b ^ c ^ d, k = 0x6ed9eba1;
    else if (t < 60) f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdc;
    else f = b ^ c ^ d, k = 0xca62c1d6;
    uint32_t next = rotl(a, 5) + f + e + k + w[t];
    e = d, d = c, c = rotl(b, 30), b = a, a = next;
  }
  hash[0] += a, hash[1] += b, hash[2] += c, hash[3] += d, hash[4] += e;
}

/* SHA-1 of what fits into two blocks with its padding: a key and the GUID. */
static void sha1(const uint8_t *data, size_t length, uint8_t digest[DIGEST]) {
  uint32_t hash[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  uint8_t padded[2 * BLOCK] = {0};
  memcpy(padded, data, length);
  padded[length] = 0x80;
  padded[sizeof padded - 2] = (uint8_t)(length * 8 >> 8);
  padded[sizeof padded - 1] = (uint8_t)(length * 8);
  sha1_block(hash, padded);
  sha1_block(hash, padded + BLOCK);
  for (int i = 0; i < DIGEST; i++) digest[i] = (uint8_t)(hash[i / 4] >> (24 - 8 * (i % 4)));
}

/* Base64 of a digest (RFC 4648, section 4): its 20 bytes leave one `=`. */
static void base64(const uint8_t digest[DIGEST], char *text) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int i = 0; i < DIGEST; i += 3) {
    uint32_t bits = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1] << 8 | (i + 2 < DIGEST ? digest[i + 2] : 0);
    for (int shift = 18; shift >= 0; shift -= 6) *text++ = digits[bits >> shift & 63];
  }
  text[-1] = '=';
  *text = '\0';
}

void handshake_accept(const char *key, char accept[ACCEPT_LENGTH + 1]) {
  uint8_t joined[KEY_LENGTH + GUID_LENGTH];
  memcpy(joined, key, KEY_LENGTH);
  memcpy(joined + KEY_LENGTH, guid, GUID_LENGTH);
  uint8_t digest[DIGEST];
  sha1(joined, sizeof joined, digest);
  base64(digest, accept);
}
