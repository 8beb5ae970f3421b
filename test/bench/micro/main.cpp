// microbench: the pieces one by one. CAVEAT_BENCH_DATA names an NDJSON file to take records from.
#include <benchmark/benchmark.h>

BENCHMARK_MAIN();
