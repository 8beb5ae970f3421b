// One counting heap for all suites that count.
#include "test/cache/counting_heap.cpp"
