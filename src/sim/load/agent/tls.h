/* TLS over a wire: that of OpenSSL (tls.c), or none where the program is compiled without it (no-tls.c). */
#ifndef TLS_H
#define TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "wire.h"

struct tls;

/*
 * From now on clients are met with TLS: a certificate and its key, both base64 of DER, the key as PKCS 8. Whatever is
 * wrong with them ends the program.
 */
void tls_use(const char *certificate, const char *key);
/* The server's side of TLS over the wire of a client; NULL when it is to be in the clear. */
struct tls *tls_open(struct wire *wire);
void tls_free(struct tls *tls);
/* As `wire_send`. */
bool tls_send(struct tls *tls, const struct iovec *parts, int count);
/* The socket may be read from, once: what that brings is to be taken with `tls_read` until there is no more. */
void tls_feed(struct tls *tls);
/* As `recv`, at most one record; 0 also when the client is not to be understood. */
ssize_t tls_read(struct tls *tls, void *to, size_t length);
/* Tells the client that nothing more comes. */
void tls_end(struct tls *tls);

#endif
