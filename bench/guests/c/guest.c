/* The benchmark's guest in C. */
#include "io.h"
#include <stdio.h>

static uint8_t buffer[1 << 20];

EXPORT("empty") int32_t empty(void) { return 0; }

EXPORT("echo") int32_t echo(void) {
  uint32_t len = input(buffer, sizeof buffer);
  if (len > sizeof buffer) return 1;
  output(buffer, len);
  return 0;
}

/* An order, read from one flat JSON object without escapes. */
struct order {
  char customer[64];
  long quantity, price;
};

/* string copies the string at s, whose opening quote s points to, and returns
   what follows its closing quote; NULL if there is none or it doesn't fit. */
static const char *string(const char *s, char *to, size_t size) {
  if (*s++ != '"') return NULL;
  while (*s && *s != '"') {
    if (size-- <= 1) return NULL;
    *to++ = *s++;
  }
  *to = 0;
  return *s ? s + 1 : NULL;
}

static const char *number(const char *s, long *to) {
  long v = 0;
  if (*s < '0' || *s > '9') return NULL;
  while (*s >= '0' && *s <= '9') v = v * 10 + *s++ - '0';
  *to = v;
  return s;
}

static int read_order(const char *s, struct order *o) {
  char key[16], other[64];
  if (*s++ != '{') return 0;
  for (;;) {
    if (!(s = string(s, key, sizeof key)) || *s++ != ':') return 0;
    if (!strcmp(key, "customer"))
      s = string(s, o->customer, sizeof o->customer);
    else if (!strcmp(key, "quantity"))
      s = number(s, &o->quantity);
    else if (!strcmp(key, "price"))
      s = number(s, &o->price);
    else
      s = string(s, other, sizeof other);
    if (!s) return 0;
    if (*s == '}') return s[1] == 0;
    if (*s++ != ',') return 0;
  }
}

EXPORT("json") int32_t json(void) {
  static char in[256], out[256];
  struct order o = {0};
  uint32_t len = input((uint8_t *)in, sizeof in - 1);
  if (len >= sizeof in) return 1;
  in[len] = 0;
  if (!read_order(in, &o)) return 1;
  int n = snprintf(out, sizeof out, "{\"customer\":\"%s\",\"total\":%ld,\"ok\":true}", o.customer, o.quantity * o.price);
  output((uint8_t *)out, (uint32_t)n);
  return 0;
}

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotr(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void block(uint32_t h[8], const uint8_t *p) {
  uint32_t w[64], v[8];
  for (int i = 0; i < 16; i++) {
    uint32_t x;
    memcpy(&x, p + 4 * i, 4);
    w[i] = __builtin_bswap32(x);
  }
  for (int i = 16; i < 64; i++) {
    uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + (rotr(a, 7) ^ rotr(a, 18) ^ a >> 3) + w[i - 7] + (rotr(b, 17) ^ rotr(b, 19) ^ b >> 10);
  }
  memcpy(v, h, sizeof v);
  for (int i = 0; i < 64; i++) {
    uint32_t a = v[0], e = v[4];
    uint32_t t1 = v[7] + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & v[5]) ^ (~e & v[6])) + K[i] + w[i];
    uint32_t t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
    memmove(v + 1, v, 7 * sizeof *v);
    v[4] += t1;
    v[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++) h[i] += v[i];
}

/* sha256 hashes 1 MB of 32-bit numbers that count up from the input's. */
EXPORT("sha256") int32_t sha256(void) {
  uint32_t first, h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  if (input((uint8_t *)&first, sizeof first) != sizeof first) return 1;
  for (uint32_t i = 0; i < sizeof buffer / 4; i++) {
    uint32_t v = first + i;
    memcpy(buffer + 4 * i, &v, 4);
  }
  for (uint32_t i = 0; i < sizeof buffer; i += 64) block(h, buffer + i);
  uint8_t last[64] = {0x80};
  uint64_t bits = __builtin_bswap64(8ull * sizeof buffer);
  memcpy(last + 56, &bits, 8);
  block(h, last);
  for (int i = 0; i < 8; i++) h[i] = __builtin_bswap32(h[i]);
  output((uint8_t *)h, sizeof h);
  return 0;
}
