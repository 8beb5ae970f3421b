// Small figures: medians, and how they are written.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace peers {

double median(std::vector<double> v);
double percentile(std::vector<float>& v, double p);  // reorders v
std::string hex(uint64_t v);
std::string human(double v);  // "1.23M"
std::string pad(const std::string& s, size_t w, bool left = false);

}  // namespace peers
