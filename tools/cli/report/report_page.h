// A report as a page of HTML: no scripts, nothing fetched.
#pragma once

#include <string>

#include "tools/cli/report/report_data.h"

namespace caveat::cli {

[[nodiscard]] std::string report_html(const ReportData& data);
[[nodiscard]] std::string report_json(const ReportData& data);

// Its sections, in this order.
[[nodiscard]] std::string overview_section(const ReportData& data);
[[nodiscard]] std::string contents_section(const ReportData& data);
[[nodiscard]] std::string space_section(const ReportData& data);
[[nodiscard]] std::string life_section(const ReportData& data);
[[nodiscard]] std::string owner_section(const ReportData& data);
[[nodiscard]] std::string optimize_section(const ReportData& data);

// What optimize would leave of the records' bytes, as far as the sample tells.
[[nodiscard]] std::uint64_t bytes_after_optimize(const ReportData& data);

}  // namespace caveat::cli
