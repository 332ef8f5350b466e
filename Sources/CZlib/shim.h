#define ZLIB_CONST  // input pointers are to constant bytes
#include <zlib.h>
