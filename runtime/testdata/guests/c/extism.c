/* An Extism module in C: counts the vowels of its input. */
#include "carrel.h"
#include <stdio.h>
#include <string.h>

static uint64_t give(const char *s) {
  uint64_t len = strlen(s), handle = extism_alloc(len);
  for (uint64_t i = 0; i < len; i++) extism_store_u8(handle + i, s[i]);
  return handle;
}

EXPORT("count_vowels") int32_t count_vowels(void) {
  uint64_t len = extism_input_length(), in = extism_input_offset();
  if (len == 0) {
    extism_error_set(give("no input"));
    return 1;
  }
  int n = 0;
  for (uint64_t i = 0; i < len; i++)
    if (strchr("aeiouAEIOU", (int)extism_load_u8(in + i))) n++;
  char out[32];
  snprintf(out, sizeof out, "{\"count\":%d}", n);
  uint64_t handle = give(out);
  extism_output_set(handle, extism_length(handle));
  return 0;
}
