// Times as NDJSON has them.
#include <cstdio>
#include <stdexcept>

#include "test/bench/data/dataset.h"

namespace peers {

namespace {
// days since 1970-01-01 (Howard Hinnant's algorithm)
int64_t days_from_civil(int64_t y, unsigned m, unsigned d) {
  y -= m <= 2;
  int64_t era = (y >= 0 ? y : y - 399) / 400;
  unsigned yoe = unsigned(y - era * 400);
  unsigned doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146097 + int64_t(doe) - 719468;
}
void civil_from_days(int64_t z, int64_t& y, unsigned& m, unsigned& d) {
  z += 719468;
  int64_t era = (z >= 0 ? z : z - 146096) / 146097;
  unsigned doe = unsigned(z - era * 146097);
  unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  y = int64_t(yoe) + era * 400;
  unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  unsigned mp = (5 * doy + 2) / 153;
  d = doy - (153 * mp + 2) / 5 + 1;
  m = mp < 10 ? mp + 3 : mp - 9;
  y += m <= 2;
}
}  // namespace

int64_t parse_rfc3339(std::string_view s) {
  auto num = [&](size_t at, size_t n) {
    int64_t v = 0;
    if (at + n > s.size()) throw std::runtime_error("bad timestamp: " + std::string(s));
    for (size_t i = 0; i < n; ++i) {
      if (s[at + i] < '0' || s[at + i] > '9')
        throw std::runtime_error("bad timestamp: " + std::string(s));
      v = v * 10 + (s[at + i] - '0');
    }
    return v;
  };
  int64_t t = days_from_civil(num(0, 4), unsigned(num(5, 2)), unsigned(num(8, 2))) * 86400;
  if (s.size() == 10) return t * 1000000000;
  t += num(11, 2) * 3600 + num(14, 2) * 60 + num(17, 2);
  size_t p = 19;
  int64_t ns = 0;
  if (p < s.size() && s[p] == '.') {
    ++p;
    int64_t scale = 100000000;
    for (; p < s.size() && s[p] >= '0' && s[p] <= '9'; ++p, scale /= 10) ns += (s[p] - '0') * scale;
  }
  if (p < s.size() && (s[p] == '+' || s[p] == '-')) {
    int64_t off = num(p + 1, 2) * 3600 + num(p + 4, 2) * 60;
    t -= s[p] == '+' ? off : -off;
  }
  return t * 1000000000 + ns;
}

std::string format_rfc3339(int64_t ns) {
  int64_t sec = ns >= 0 ? ns / 1000000000 : -((-ns + 999999999) / 1000000000);
  int64_t frac = ns - sec * 1000000000;
  int64_t days = sec >= 0 ? sec / 86400 : -((-sec + 86399) / 86400);
  int64_t r = sec - days * 86400;
  int64_t y;
  unsigned m, d;
  civil_from_days(days, y, m, d);
  char buf[64];
  int n = snprintf(buf, sizeof buf, "%04ld-%02u-%02uT%02ld:%02ld:%02ld", long(y), m, d,
                   long(r / 3600), long(r / 60 % 60), long(r % 60));
  if (frac) {
    n += snprintf(buf + n, sizeof buf - size_t(n), ".%09ld", long(frac));
    while (buf[n - 1] == '0') --n;
  }
  buf[n++] = 'Z';
  return {buf, size_t(n)};
}

}  // namespace peers
