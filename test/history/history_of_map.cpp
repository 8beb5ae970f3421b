#include <algorithm>
#include <map>

#include "test/history/answers.h"
#include "test/history/history.h"

namespace caveat::test {

namespace {

using Kind = Operation::Kind;
using Model = std::map<ExceptionKey, Exception>;

class MapSubject {
 public:
  std::string answer(const Operation& operation) {
    const auto& n = operation.numbers;
    switch (operation.kind) {
      case Kind::batch:
      case Kind::bulk:
        return write_many(operation);
      case Kind::exchange: {
        const auto before = found(key_of(n[0], n[1]));
        write(operation);
        return answer_of(before);
      }
      case Kind::take: {
        const auto before = found(key_of(n[0], n[1]));
        model_.erase(key_of(n[0], n[1]));
        return answer_of(before);
      }
      case Kind::erase:
        return model_.erase(key_of(n[0], n[1])) == 1 ? "erased" : "nothing there";
      case Kind::set:
        write(operation);
        return "set";
      case Kind::set_wrongly:
        return "not set";
      case Kind::get: {
        const ExceptionKey key = key_of(n[0], n[1]);
        const auto first = model_.lower_bound({key.node_id, 0});
        const bool any = first != model_.end() && first->first.node_id == key.node_id;
        return answer_of(found(key)) + (any ? ", has exceptions" : ", has none");
      }
      case Kind::query:
        return answer_of(matches(model_, query_of(operation)));
      case Kind::hold:
        held_ = model_;
        holds_ = true;
        return "held";
      case Kind::look:
        return holds_ ? answer_of(matches(held_, Query{})) : "nothing held";
      case Kind::reopen:
      case Kind::crash:
        holds_ = false;
        return "done";
      case Kind::count:
        return std::to_string(model_.size());
      case Kind::verify:
        return "sound";
      default:
        write(operation);
        return "done";
    }
  }

 private:
  std::optional<Exception> found(const ExceptionKey& key) const {
    const auto at = model_.find(key);
    return at == model_.end() ? std::nullopt : std::optional(at->second);
  }
  void write(const Operation& operation) {
    const auto& n = operation.numbers;
    switch (operation.kind) {
      case Kind::store:
      case Kind::exchange:
      case Kind::set:
        model_[key_of(n[0], n[1])] = exception_of(n[2]);
        break;
      case Kind::remove:
        model_.erase(key_of(n[0], n[1]));
        break;
      case Kind::clear_node:
        std::erase_if(model_,
                      [&](const auto& e) { return e.first.node_id == key_of(n[0], 0).node_id; });
        break;
      case Kind::clear_property:
        std::erase_if(model_, [&](const auto& e) {
          return e.first.property_hash == key_of(0, n[0]).property_hash;
        });
        break;
      default:
        break;
    }
  }
  std::string write_many(const Operation& operation) {
    std::map<ExceptionKey, bool> distinct;
    for (const Operation& row : rows_of(operation)) {
      write(row);
      distinct[key_of(row.numbers[0], row.numbers[1])] = true;
    }
    return operation.kind == Kind::bulk ? std::to_string(distinct.size()) : "done";
  }
  static std::vector<ExceptionRecord> matches(const Model& model, const Query& query) {
    std::vector<ExceptionRecord> records;
    for (const auto& [key, e] : model) {
      if (query.node && key.node_id != *query.node) continue;
      if (query.nodes && (key.node_id < query.nodes->first || key.node_id > query.nodes->last)) {
        continue;
      }
      if (query.property && key.property_hash != *query.property) continue;
      if (query.source && e.source != *query.source) continue;
      if (query.confidence &&
          (e.confidence < query.confidence->min || e.confidence > query.confidence->max)) {
        continue;
      }
      if (query.time &&
          (e.created_at < query.time->start_ns || e.created_at > query.time->end_ns)) {
        continue;
      }
      records.push_back({key, e});
    }
    std::stable_sort(records.begin(), records.end(), [&](const auto& a, const auto& b) {
      if (query.order == QueryOrder::time) return a.exception.created_at < b.exception.created_at;
      return query.order == QueryOrder::confidence &&
             a.exception.confidence < b.exception.confidence;
    });
    if (query.descending) std::reverse(records.begin(), records.end());
    if (records.size() > query.limit) records.resize(query.limit);
    return records;
  }

  Model model_;
  Model held_;
  bool holds_ = false;
};

}  // namespace

History history_of_map(const Operations& operations) {
  MapSubject subject;
  History history;
  for (const Operation& operation : operations) history.push_back(subject.answer(operation));
  return history;
}

}  // namespace caveat::test
