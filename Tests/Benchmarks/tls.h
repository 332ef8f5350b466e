// TLS on a non-blocking socket, with the results of send(2) and recv(2); without TLS, these.
#pragma once
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

static inline ssize_t tls_result(SSL *tls, int n) {
  if (n > 0) return n;
  int error = SSL_get_error(tls, n);
  if (error == SSL_ERROR_ZERO_RETURN) return 0;
  errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
  return -1;
}

static inline ssize_t tls_send(SSL *tls, int fd, const void *bytes, size_t count) {
  if (!tls) return send(fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
  ERR_clear_error();
  return tls_result(tls, SSL_write(tls, bytes, (int)count));
}

static inline ssize_t tls_receive(SSL *tls, int fd, void *bytes, size_t count) {
  if (!tls) return recv(fd, bytes, count, MSG_DONTWAIT);
  ERR_clear_error();
  return tls_result(tls, SSL_read(tls, bytes, (int)count));
}

// A context, or the end of the program.
static inline SSL_CTX *tls_context(const SSL_METHOD *method) {
  SSL_CTX *context = SSL_CTX_new(method);
  if (!context) {
    ERR_print_errors_fp(stderr);
    exit(1);
  }
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  return context;
}

static inline SSL *tls_on(SSL_CTX *context, int fd) {
  SSL *tls = SSL_new(context);
  if (!tls || !SSL_set_fd(tls, fd)) abort();
  return tls;
}
