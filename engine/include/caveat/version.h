// The library's version, once: CMake reads it from here.
#pragma once

#define CAVEAT_VERSION_MAJOR 0
#define CAVEAT_VERSION_MINOR 1
#define CAVEAT_VERSION_PATCH 0
#define CAVEAT_VERSION_STRING "0.1.0"
