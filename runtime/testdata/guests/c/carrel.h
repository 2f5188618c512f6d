/* Carrel's and Extism's host functions for guests in C. */
#ifndef CARREL_H
#define CARREL_H

#include <stdint.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))

/* carrel:host/v1, see docs/abi.md */
IMPORT("carrel:host/v1", "write") void carrel_write(const void *ptr, uint32_t len);
IMPORT("carrel:host/v1", "call") uint64_t carrel_op(uint32_t op);
IMPORT("carrel:host/v1", "read") uint32_t carrel_read(void *ptr, uint32_t len);

enum { CARREL_INPUT = 0, CARREL_OUTPUT = 1 };

/* Extism's kernel */
IMPORT("extism:host/env", "input_length") uint64_t extism_input_length(void);
IMPORT("extism:host/env", "input_offset") uint64_t extism_input_offset(void);
IMPORT("extism:host/env", "alloc") uint64_t extism_alloc(uint64_t len);
IMPORT("extism:host/env", "length") uint64_t extism_length(uint64_t handle);
IMPORT("extism:host/env", "load_u8") uint32_t extism_load_u8(uint64_t handle);
IMPORT("extism:host/env", "store_u8") void extism_store_u8(uint64_t handle, uint32_t v);
IMPORT("extism:host/env", "output_set") void extism_output_set(uint64_t handle, uint64_t len);
IMPORT("extism:host/env", "error_set") void extism_error_set(uint64_t handle);

#endif
