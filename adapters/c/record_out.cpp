#include "adapters/c/record_out.h"

#include <memory>
#include <utility>

namespace caveat::c {
namespace {

caveat_string string_of(std::string_view text) noexcept {
  return {text.data(), text.size()};
}

}  // namespace

caveat_value RecordOut::value_of(const ValueView& view) {
  caveat_value value{};
  value.kind = static_cast<std::int32_t>(view.kind());
  switch (view.kind()) {
    case ValueKind::Null:
      break;
    case ValueKind::Boolean:
      value.as.boolean = view.as_boolean() ? 1 : 0;
      break;
    case ValueKind::Integer:
      value.as.integer = view.as_integer();
      break;
    case ValueKind::Float:
      value.as.number = view.as_float();
      break;
    case ValueKind::String:
      value.as.string = string_of(view.as_string());
      break;
    case ValueKind::List: {
      std::size_t count = 0;
      auto rest = view.payload();
      while (ValueView::next_element(rest)) ++count;
      value.as.list.count = count;
      if (count == 0) break;
      auto* const items = static_cast<caveat_value*>(
          lists_.allocate(count * sizeof(caveat_value), alignof(caveat_value)));
      value.as.list.items = items;
      rest = view.payload();
      // Lists in lists: no deeper than what was stored, which is checked.
      for (std::size_t i = 0; i < count; ++i) items[i] = value_of(*ValueView::next_element(rest));
      break;
    }
  }
  return value;
}

const caveat_record* RecordOut::show(const ExceptionView& view) {
  lists_.release();
  record_.key = {view.key.node_id, view.key.property_hash};
  record_.inherited = value_of(view.inherited_value);
  record_.actual = value_of(view.actual_value);
  record_.reason = string_of(view.reason);
  record_.created_at_ns = view.created_at;
  record_.confidence = view.confidence;
  record_.source = static_cast<std::int32_t>(view.source);
  return &record_;
}

const caveat_record* own(PinnedException pinned) {
  auto owned = std::make_unique<OwnedRecord>();
  owned->pin = std::move(pinned);
  static_cast<caveat_record&>(*owned) = *owned->out.show(**owned->pin);
  return owned.release();
}

const caveat_record* own(const ExceptionKey& key, const Exception& exception) {
  auto owned = std::make_unique<OwnedRecord>();
  std::string& bytes = owned->bytes;
  encode_payload(exception.inherited_value, bytes);
  const auto inherited = bytes.size();
  encode_payload(exception.actual_value, bytes);
  const auto actual = bytes.size();
  bytes += exception.reason;
  const std::string_view all = bytes;
  ExceptionView view;
  view.key = key;
  view.inherited_value = {exception.inherited_value.kind(), all.substr(0, inherited)};
  view.actual_value = {exception.actual_value.kind(), all.substr(inherited, actual - inherited)};
  view.reason = all.substr(actual);
  view.created_at = exception.created_at;
  view.confidence = exception.confidence;
  view.source = exception.source;
  static_cast<caveat_record&>(*owned) = *owned->out.show(view);
  return owned.release();
}

}  // namespace caveat::c

void caveat_record_free(const caveat_record* record) {
  delete static_cast<const caveat::c::OwnedRecord*>(record);
}
