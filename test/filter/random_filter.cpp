#include "test/filter/random_filter.h"

#include <fmt/format.h>

#include <algorithm>

namespace caveat::test {
namespace {

constexpr std::int64_t kDay = 86'400'000'000'000;
constexpr std::int64_t kFirstDay = 18'993;  // 2022-01-01

std::string day_text(std::uint64_t day) {
  return fmt::format("2022-01-{:02}", day + 1);
}

constexpr const char* kOrders[] = {"=", "!=", "<", "<=", ">", ">="};

// Of a value and the two ends of what stands behind the operator.
template <class T>
bool holds(std::uint64_t order, const T& value, const T& low, const T& high) {
  switch (order) {
    case 0:
      return low <= value && value <= high;
    case 1:
      return value < low || high < value;
    case 2:
      return value < low;
    case 3:
      return value <= high;
    case 4:
      return high < value;
    default:
      return low <= value;
  }
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

const std::vector<std::string>& FilterMaker::properties() {
  static const std::vector<std::string> names = {"can_fly", "can_swim", "colour", "legs",
                                                 "weight",  "habitat",  "diet",   "lifespan"};
  return names;
}

ExceptionRecord FilterMaker::record() {
  ExceptionRecord record;
  record.key = {below(60), hash_property(properties()[below(properties().size())])};
  auto& e = record.exception;
  switch (below(5)) {
    case 0:
      e.actual_value = static_cast<std::int64_t>(below(5));
      break;
    case 1:
      e.actual_value = 0.5 * static_cast<double>(below(10));
      break;
    case 2:
      e.actual_value = fmt::format("s{}", below(5));
      break;
    case 3:
      e.actual_value = PropertyValue::List{static_cast<std::int64_t>(below(3)), "x"};
      break;
    default:
      e.actual_value = below(2) == 0;
      break;
  }
  e.reason = fmt::format("reason {}", below(30));
  e.source = static_cast<ExceptionSource>(below(kExceptionSourceCount));
  e.confidence = static_cast<float>(below(17)) / 16;
  e.created_at = (kFirstDay + static_cast<std::int64_t>(below(28))) * kDay +
                 static_cast<std::int64_t>(below(4)) * (kDay / 4);
  return record;
}

RandomFilter FilterMaker::node_leaf() {
  if (below(4) == 0) {
    std::vector<NodeId> nodes(1 + below(4));
    std::string list;
    for (auto& node : nodes) {
      node = below(64);
      list += (list.empty() ? "" : ", ") + std::to_string(node);
    }
    return {"node in (" + list + ")", [nodes](const ExceptionRecord& r) {
              return std::find(nodes.begin(), nodes.end(), r.key.node_id) != nodes.end();
            }};
  }
  if (below(3) == 0) {
    const NodeId low = below(64), high = below(64);
    return {fmt::format("node between {} and {}", low, high), [=](const ExceptionRecord& r) {
              return low <= r.key.node_id && r.key.node_id <= high;
            }};
  }
  const auto order = below(6);
  const NodeId node = below(64);
  return {fmt::format("node {} {}", kOrders[order], node),
          [=](const ExceptionRecord& r) { return holds(order, r.key.node_id, node, node); }};
}

RandomFilter FilterMaker::property_leaf() {
  const auto name = properties()[below(properties().size())];
  const auto name_of = [](const ExceptionRecord& r) {
    for (const auto& each : properties()) {
      if (hash_property(each) == r.key.property_hash) return each;
    }
    return std::string();
  };
  if (below(4) == 0) {
    return {fmt::format("property contains \"{}\"", name.substr(0, 4)),
            [=](const ExceptionRecord& r) { return has(name_of(r), name.substr(0, 4)); }};
  }
  if (below(4) == 0) {
    const auto hash = hash_property(name);
    const auto order = below(6);
    return {
        fmt::format("property_hash {} {:#x}", kOrders[order], hash),
        [=](const ExceptionRecord& r) { return holds(order, r.key.property_hash, hash, hash); }};
  }
  const auto order = below(3) == 0 ? below(6) : 0;
  return {fmt::format("property {} \"{}\"", kOrders[order], name),
          [=](const ExceptionRecord& r) { return holds(order, name_of(r), name, name); }};
}

RandomFilter FilterMaker::source_leaf() {
  const auto one = static_cast<ExceptionSource>(below(kExceptionSourceCount));
  const auto other = static_cast<ExceptionSource>(below(kExceptionSourceCount));
  const bool is_not = below(3) == 0;
  return {
      fmt::format("source {}in ({}, {})", is_not ? "not " : "", to_string(one), to_string(other)),
      [=](const ExceptionRecord& r) {
        return (r.exception.source == one || r.exception.source == other) != is_not;
      }};
}

RandomFilter FilterMaker::confidence_leaf() {
  const auto order = below(6);
  const auto sixteenths = below(17);
  const auto value = static_cast<float>(sixteenths) / 16;
  return {fmt::format("confidence {} {}", kOrders[order], value), [=](const ExceptionRecord& r) {
            return holds(order, r.exception.confidence, value, value);
          }};
}

RandomFilter FilterMaker::time_leaf() {
  const auto order = below(6);
  const auto day = below(28);
  const auto low = (kFirstDay + static_cast<std::int64_t>(day)) * kDay;
  if (below(2) == 0) {
    return {
        fmt::format("created_at {} '{}T00:00:00Z'", kOrders[order], day_text(day)),
        [=](const ExceptionRecord& r) { return holds(order, r.exception.created_at, low, low); }};
  }
  return {fmt::format("time {} {}", kOrders[order], day_text(day)), [=](const ExceptionRecord& r) {
            return holds(order, r.exception.created_at, low, low + kDay - 1);
          }};
}

RandomFilter FilterMaker::value_leaf() {
  if (below(3) == 0) {
    const auto entry = static_cast<std::int64_t>(below(3));
    return {fmt::format("actual contains {}", entry), [=](const ExceptionRecord& r) {
              const auto* list = r.exception.actual_value.as_list();
              return list != nullptr && *list->at(0).as_integer() == entry;
            }};
  }
  if (below(3) == 0) {
    const auto text = fmt::format("s{}", below(5));
    const auto order = below(6);
    return {fmt::format("actual {} \"{}\"", kOrders[order], text), [=](const ExceptionRecord& r) {
              const auto* value = r.exception.actual_value.as_string();
              return value == nullptr ? order == 1 : holds(order, *value, text, text);
            }};
  }
  const auto number = 0.5 * static_cast<double>(below(10));
  const auto order = below(6);
  return {fmt::format("actual {} {}", kOrders[order], number), [=](const ExceptionRecord& r) {
            const auto& value = r.exception.actual_value;
            const auto* whole = value.as_integer();
            const auto* real = value.as_float();
            if (whole == nullptr && real == nullptr) return order == 1;
            const auto is = whole != nullptr ? static_cast<double>(*whole) : *real;
            return holds(order, is, number, number);
          }};
}

RandomFilter FilterMaker::reason_leaf() {
  const auto part = std::to_string(below(10));
  return {fmt::format("reason contains '{}'", part),
          [=](const ExceptionRecord& r) { return has(r.exception.reason, part); }};
}

RandomFilter FilterMaker::leaf() {
  switch (below(10)) {
    case 0:
    case 1:
    case 2:
      return node_leaf();
    case 3:
    case 4:
      return property_leaf();
    case 5:
      return source_leaf();
    case 6:
      return confidence_leaf();
    case 7:
      return time_leaf();
    case 8:
      return value_leaf();
    default:
      return reason_leaf();
  }
}

RandomFilter FilterMaker::make(int depth) {
  if (depth == 0 || below(4) == 0) return leaf();
  if (below(6) == 0) {
    auto inner = make(depth - 1);
    return {"not (" + inner.text + ")",
            [meets = inner.meets](const ExceptionRecord& r) { return !meets(r); }};
  }
  auto a = make(depth - 1);
  auto b = make(depth - 1);
  const bool both = below(2) == 0;
  return {"(" + a.text + (both ? " and " : " or ") + b.text + ")",
          [=, a = a.meets, b = b.meets](const ExceptionRecord& r) {
            return both ? a(r) && b(r) : a(r) || b(r);
          }};
}

}  // namespace caveat::test
