/* Input and output over Extism's kernel, or with CARREL over carrel:host/v1. */
#ifndef IO_H
#define IO_H

#include <stdint.h>
#include <string.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))

#ifdef CARREL

IMPORT("carrel:host/v1", "write") void host_write(const void *ptr, uint32_t len);
IMPORT("carrel:host/v1", "call") uint64_t host_call(uint32_t op);
IMPORT("carrel:host/v1", "read") uint32_t host_read(void *ptr, uint32_t len);

EXPORT("carrel_abi") int32_t carrel_abi(void) { return 1; }

/* input copies at most size bytes and returns how many there are. */
static uint32_t input(uint8_t *to, uint32_t size) {
  uint32_t len = (uint32_t)host_call(0);
  host_read(to, len < size ? len : size);
  return len;
}

static void output(const uint8_t *from, uint32_t len) {
  host_write(from, len);
  host_call(1);
}

#else

IMPORT("extism:host/env", "input_length") uint64_t input_length(void);
IMPORT("extism:host/env", "input_load_u8") uint32_t input_load_u8(uint64_t at);
IMPORT("extism:host/env", "input_load_u64") uint64_t input_load_u64(uint64_t at);
IMPORT("extism:host/env", "alloc") uint64_t extism_alloc(uint64_t len);
IMPORT("extism:host/env", "store_u8") void store_u8(uint64_t at, uint32_t v);
IMPORT("extism:host/env", "store_u64") void store_u64(uint64_t at, uint64_t v);
IMPORT("extism:host/env", "output_set") void output_set(uint64_t handle, uint64_t len);

static uint32_t input(uint8_t *to, uint32_t size) {
  uint32_t len = (uint32_t)input_length(), n = len < size ? len : size, i = 0;
  for (; i + 8 <= n; i += 8) {
    uint64_t v = input_load_u64(i);
    memcpy(to + i, &v, 8);
  }
  for (; i < n; i++) to[i] = input_load_u8(i);
  return len;
}

static void output(const uint8_t *from, uint32_t len) {
  uint64_t handle = extism_alloc(len);
  uint32_t i = 0;
  for (; i + 8 <= len; i += 8) {
    uint64_t v;
    memcpy(&v, from + i, 8);
    store_u64(handle + i, v);
  }
  for (; i < len; i++) store_u8(handle + i, from[i]);
  output_set(handle, len);
}

#endif
#endif
