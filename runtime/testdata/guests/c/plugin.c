/* A plugin in C on carrel:host/v1: answers its input in upper case. */
#include "carrel.h"
#include <stdlib.h>
#include <ctype.h>

EXPORT("carrel_abi") int32_t carrel_abi(void) { return 1; }

EXPORT("carrel_call") int32_t carrel_call(void) {
  uint32_t len = (uint32_t)carrel_op(CARREL_INPUT);
  unsigned char *b = malloc(len + 1);
  if (!b) return 1;
  carrel_read(b, len);
  for (uint32_t i = 0; i < len; i++) b[i] = toupper(b[i]);
  carrel_write(b, len);
  carrel_op(CARREL_OUTPUT);
  free(b);
  return 0;
}
