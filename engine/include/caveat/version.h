// The library's version, once: CMake reads it from here.
#pragma once

#define CAVEAT_VERSION_MAJOR 0         // the API breaks
#define CAVEAT_VERSION_MINOR 1         // the API grows
#define CAVEAT_VERSION_PATCH 0         // neither
#define CAVEAT_VERSION_STRING "0.1.0"  // all three
