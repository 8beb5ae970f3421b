#include "test/bench/harness/numbers.h"

#include <algorithm>
#include <cinttypes>
#include <cmath>
#include <cstdio>

namespace peers {

double median(std::vector<double> v) {
  if (v.empty()) return 0;
  std::sort(v.begin(), v.end());
  return v.size() % 2 ? v[v.size() / 2] : (v[v.size() / 2 - 1] + v[v.size() / 2]) / 2;
}
double percentile(std::vector<float>& v, double p) {
  if (v.empty()) return 0;
  size_t i = std::min(v.size() - 1, size_t(p * double(v.size())));
  std::nth_element(v.begin(), v.begin() + long(i), v.end());
  return v[i];
}
std::string hex(uint64_t v) {
  char b[17];
  snprintf(b, sizeof b, "%016" PRIx64, v);
  return b;
}

std::string human(double v) {
  char b[32];
  double a = std::fabs(v);
  if (a >= 1e9)
    snprintf(b, sizeof b, "%.2fG", v / 1e9);
  else if (a >= 1e6)
    snprintf(b, sizeof b, "%.2fM", v / 1e6);
  else if (a >= 1e4)
    snprintf(b, sizeof b, "%.1fk", v / 1e3);
  else if (a >= 100)
    snprintf(b, sizeof b, "%.0f", v);
  else if (a >= 10)
    snprintf(b, sizeof b, "%.1f", v);
  else
    snprintf(b, sizeof b, "%.2f", v);
  return b;
}
std::string pad(const std::string& s, size_t w, bool left) {
  if (s.size() >= w) return s;
  return left ? s + std::string(w - s.size(), ' ') : std::string(w - s.size(), ' ') + s;
}

}  // namespace peers
