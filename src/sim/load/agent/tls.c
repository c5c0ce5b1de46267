#include "tls.h"

/* First: it is the one that is named where there is none. */
#include <openssl/ssl.h>

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * OpenSSL reads and writes through a BIO of our own, because the kernel's time of what came would be lost in its own one.
 * Nothing ever waits to be written there: what the socket does not take is kept by the wire, encrypted.
 */
struct tls {
  SSL *ssl;
  struct wire *wire;
  bool may_read;
};

static SSL_CTX *context;
static BIO_METHOD *method;

static int bio_read(BIO *bio, char *to, int length) {
  struct tls *tls = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  ssize_t got = -1;
  errno = EAGAIN;
  if (tls->may_read) got = wire_read(tls->wire, to, (size_t)length);
  tls->may_read = false;
  if (got == -1 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  return (int)got;
}

static int bio_write(BIO *bio, const char *data, int length) {
  struct tls *tls = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  const struct iovec part = {(void *)data, (size_t)length};
  return wire_send(tls->wire, &part, 1) ? length : -1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer) {
  (void)bio, (void)number, (void)pointer;
  return command == BIO_CTRL_FLUSH;
}

static _Noreturn void refuse(const char *what) {
  const char *why = ERR_reason_error_string(ERR_get_error());
  char text[256];
  snprintf(text, sizeof text, "%s (%s)", what, why == NULL ? "OpenSSL does not say why" : why);
  errno = 0;
  fail(text);
}

/* What base64 holds; there may be up to two zeros behind it. The caller frees it. */
static uint8_t *decoded(const char *text, int *length) {
  size_t digits = strlen(text);
  uint8_t *bytes = malloc(digits / 4 * 3 + 1);
  if (bytes == NULL) fail("no memory for a certificate");
  *length = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)digits);
  if (*length <= 0) refuse("no base64");
  return bytes;
}

static void make_method(void) {
  method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
  if (method == NULL || BIO_meth_set_read(method, bio_read) != 1 || BIO_meth_set_write(method, bio_write) != 1 ||
      BIO_meth_set_ctrl(method, bio_control) != 1)
    refuse("no BIO");
}

/* Sessions are resumed by tickets, in which the client keeps all of them: here none is remembered. */
static void make_context(void) {
  context = SSL_CTX_new(TLS_server_method());
  if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) refuse("no TLS");
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  /* A system call for all that came, and not two for each record. */
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
}

void tls_use(const char *certificate, const char *key) {
  int certificate_length, key_length;
  uint8_t *certificate_bytes = decoded(certificate, &certificate_length);
  uint8_t *key_bytes = decoded(key, &key_length);
  const uint8_t *at = key_bytes;
  EVP_PKEY *private_key = d2i_AutoPrivateKey(NULL, &at, key_length);
  make_method();
  make_context();
  if (SSL_CTX_use_certificate_ASN1(context, certificate_length, certificate_bytes) != 1) refuse("no certificate");
  if (private_key == NULL || SSL_CTX_use_PrivateKey(context, private_key) != 1) refuse("no key");
  EVP_PKEY_free(private_key);
  free(key_bytes);
  free(certificate_bytes);
}

struct tls *tls_open(struct wire *wire) {
  if (context == NULL) return NULL;
  struct tls *tls = malloc(sizeof *tls);
  SSL *ssl = SSL_new(context);
  BIO *bio = BIO_new(method);
  if (tls == NULL || ssl == NULL || bio == NULL) fail("no memory for TLS");
  *tls = (struct tls){.ssl = ssl, .wire = wire};
  BIO_set_data(bio, tls);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_accept_state(ssl);
  return tls;
}

void tls_free(struct tls *tls) {
  if (tls == NULL) return;
  SSL_free(tls->ssl);
  free(tls);
}

/* All parts in one record, and so in one system call, as without TLS. */
bool tls_send(struct tls *tls, const struct iovec *parts, int count) {
  static struct buffer whole;
  whole.length = 0;
  for (int i = 0; i < count; i++)
    if (!buffer_append(&whole, parts[i].iov_base, parts[i].iov_len)) return false;
  ERR_clear_error();
  return SSL_write(tls->ssl, whole.data, (int)whole.length) > 0;
}

void tls_feed(struct tls *tls) { tls->may_read = true; }

ssize_t tls_read(struct tls *tls, void *to, size_t length) {
  ERR_clear_error();
  int got = SSL_read(tls->ssl, to, (int)length);
  if (got > 0) return got;
  if (SSL_get_error(tls->ssl, got) != SSL_ERROR_WANT_READ) return 0;
  errno = EAGAIN;
  return -1;
}

void tls_end(struct tls *tls) {
  ERR_clear_error();
  /* Where that fails the client is gone, which is told when it is read from next. */
  SSL_shutdown(tls->ssl);
}
