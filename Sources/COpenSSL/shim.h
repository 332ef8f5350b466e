#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

// Macros that Swift does not see.

static inline void casebus_SSL_CTX_set_safe_options(SSL_CTX *context) {
  // Compression leaks what it compresses, renegotiation is a way to keep a server busy; TLS 1.3 has neither.
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
}

static inline int casebus_X509_NAME_print_RFC2253(BIO *bio, const X509_NAME *name) {
  return X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
}

static inline void casebus_SSL_CTX_set_status_callback(SSL_CTX *context, int (*callback)(SSL *, void *)) {
  SSL_CTX_set_tlsext_status_cb(context, callback);
}

static inline int casebus_EVP_MAC_CTX_set_SHA256_key(EVP_MAC_CTX *context, unsigned char *key, size_t count) {
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
    OSSL_PARAM_octet_string(OSSL_MAC_PARAM_KEY, key, count), OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, sizeof digest - 1),
    OSSL_PARAM_END,
  };
  return EVP_MAC_CTX_set_params(context, parameters);
}
