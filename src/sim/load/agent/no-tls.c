#include <errno.h>

#include "tls.h"

void tls_use(const char *certificate, const char *key) {
  (void)certificate, (void)key;
  errno = 0;
  fail("it was compiled without TLS");
}

struct tls *tls_open(struct wire *wire) {
  (void)wire;
  return NULL;
}

/* There is none that these could be called for. */
void tls_free(struct tls *tls) { (void)tls; }

bool tls_send(struct tls *tls, const struct iovec *parts, int count) {
  (void)tls, (void)parts, (void)count;
  return false;
}

void tls_feed(struct tls *tls) { (void)tls; }

ssize_t tls_read(struct tls *tls, void *to, size_t length) {
  (void)tls, (void)to, (void)length;
  return 0;
}

void tls_end(struct tls *tls) { (void)tls; }
