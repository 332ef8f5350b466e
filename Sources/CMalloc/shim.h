// The GNU C library's own functions of its memory; other systems have no such header, and nothing here.
#if __has_include(<malloc.h>) && defined(__linux__)
#include <malloc.h>
#endif
