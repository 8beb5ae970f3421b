// caveat diff STORE OTHER
#include <fmt/format.h>

#include "tools/cli/command.h"
#include "tools/cli/json_text.h"
#include "tools/cli/json_writer.h"
#include "tools/cli/ndjson_value.h"
#include "tools/cli/ndjson_writer.h"
#include "tools/cli/output.h"
#include "tools/cli/query_arguments.h"
#include "tools/cli/record_diff.h"
#include "tools/cli/signals.h"
#include "tools/cli/store_access.h"
#include "tools/cli/terminal.h"
#include "tools/cli/time_text.h"

namespace caveat::cli {
namespace {

struct Arguments : CommonArguments {
  std::string other;
  QueryArguments query;
  bool quiet = false;
};

constexpr std::uint64_t kProgressRecords = 1024;

class DiffPrinter {
 public:
  DiffPrinter(const StorageOptimizer& before, const StorageOptimizer& after, bool json)
      : before_(before), after_(after), json_(json), style_(stdout) {}

  Result<void> print(const ExceptionView* before, const ExceptionView* after, Output& output) {
    line_.clear();
    if (json_) {
      as_json(before, after);
    } else {
      as_text(before, after);
    }
    line_ += '\n';
    return output.write(line_);
  }

 private:
  void as_json(const ExceptionView* before, const ExceptionView* after) {
    line_ += fmt::format("{{\"change\":\"{}\"", before == nullptr  ? "added"
                                                : after == nullptr ? "removed"
                                                                   : "changed");
    if (before != nullptr) {
      line_ += ",\"before\":";
      append_json_record(*before, before_.of(before->key.property_hash), line_);
    }
    if (after != nullptr) {
      line_ += ",\"after\":";
      append_json_record(*after, after_.of(after->key.property_hash), line_);
    }
    line_ += '}';
  }

  void as_text(const ExceptionView* before, const ExceptionView* after) {
    const auto& shown = after != nullptr ? *after : *before;
    auto& names = after != nullptr ? after_ : before_;
    const auto& name = names.of(shown.key.property_hash);
    const auto key =
        fmt::format(" {} {}", shown.key.node_id,
                    name ? printable(*name) : fmt::format("{:#018x}", shown.key.property_hash));
    if (before == nullptr) {
      line_ += style_.added("+" + key + ": " + content(shown));
    } else if (after == nullptr) {
      line_ += style_.removed("-" + key + ": " + content(shown));
    } else {
      line_ += style_.changed("~" + key + ": " + changes(*before, *after));
    }
  }

  static std::string content(const ExceptionView& record) {
    return fmt::format("{} -> {}, {}, {}, {}, {}", value(record.inherited_value),
                       value(record.actual_value), to_string(record.source),
                       confidence(record.confidence), time(record.created_at), text(record.reason));
  }
  static std::string changes(const ExceptionView& before, const ExceptionView& after) {
    std::string out;
    const auto add = [&out](std::string_view field, const std::string& old,
                            const std::string& now) {
      if (old == now) return;
      out += fmt::format("{}{}: {} -> {}", out.empty() ? "" : "; ", field, old, now);
    };
    add("inherited", value(before.inherited_value), value(after.inherited_value));
    add("actual", value(before.actual_value), value(after.actual_value));
    add("reason", text(before.reason), text(after.reason));
    add("source", std::string(to_string(before.source)), std::string(to_string(after.source)));
    add("created_at", time(before.created_at), time(after.created_at));
    add("confidence", confidence(before.confidence), confidence(after.confidence));
    return out;
  }
  static std::string value(const ValueView& value) {
    std::string out;
    append_json_value(value, out);
    return printable(out);
  }
  static std::string text(std::string_view text) {
    std::string out;
    append_json_bytes(text, out);
    return printable(out);
  }
  static std::string confidence(float value) {
    std::string out;
    append_json_confidence(value, out);
    return out;
  }
  static std::string time(std::int64_t time) {
    std::string out;
    if (is_terminal(stdout)) {
      append_local_time(time, out);
    } else {
      append_time(time, out);
    }
    return out;
  }

  PropertyNames before_;
  PropertyNames after_;
  bool json_;
  Style style_;
  std::string line_;
};

std::string summary(const DiffCounts& counts) {
  if (!counts.differ()) return "no difference in " + counted(counts.same, "record") + "\n";
  return fmt::format("{} added, {} removed, {} changed, {} the same\n", grouped(counts.added),
                     grouped(counts.removed), grouped(counts.changed), grouped(counts.same));
}

Result<ExitCode> diff(const Arguments& arguments) {
  CAVEAT_ASSIGN(const auto selection, arguments.query.selection());
  if (selection.query.order != QueryOrder::key || selection.query.descending) {
    return fail(arguments.query.no_use_for("order", "diff goes by the order of keys"));
  }
  if (selection.query.limit != Query().limit) {
    return fail(arguments.query.no_use_for("limit", "diff shows all that differs"));
  }
  CAVEAT_ASSIGN(auto before, InspectedStore::open(arguments.store));
  CAVEAT_ASSIGN(auto after, InspectedStore::open(arguments.other));
  const GracefulStop graceful(GracefulStop::Of::reading);
  CAVEAT_ASSIGN(auto output, Output::open(""));
  CAVEAT_ASSIGN(auto old, RecordStream::open(*before, selection));
  CAVEAT_ASSIGN(auto now, RecordStream::open(*after, selection));
  DiffPrinter printer(*before, *after, arguments.json);
  ProgressLine progress;
  bool differs = false;
  const auto compared = compare(
      old, now,
      [&](const ExceptionView* was, const ExceptionView* is) -> Result<bool> {
        differs = true;
        if (arguments.quiet) return false;
        if (is_terminal(stdout)) progress.clear();
        CAVEAT_TRY(printer.print(was, is, output));
        return true;
      },
      [&](const DiffCounts& counts) {
        if (counts.all() % kProgressRecords == 0) progress.update("compare", 0, 0, counts.all());
        return !stop_requested();
      });
  progress.clear();
  // Whoever reads has seen enough (`| head`), and is told all the same that there is something.
  if (!compared && differs && compared.error().code() == ErrorCode::cancelled &&
      compared.error().message().empty()) {
    return kDataError;
  }
  if (!compared) return fail(interrupted(compared.error(), "not everything was compared"));
  if (!arguments.json && !arguments.quiet) CAVEAT_TRY(output.write(summary(*compared)));
  CAVEAT_TRY(output.finish());
  return compared->differ() ? kDataError : kDone;
}

}  // namespace

void add_diff(CommandLine& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_command(
      app, "diff",
      "Show which records are different in another store. In key order, each in a line: added (+), "
      "removed (-) or changed (~); with --json as objects with \"before\" and \"after\". Exit code "
      "1 "
      "if anything differs. Memory does not grow with the stores.",
      "caveat diff yesterday.store today.store --json", *arguments);
  command->add_option("OTHER", arguments->other, "The store to compare with")->required();
  command->add_flag("-q,--quiet", arguments->quiet,
                    "Print nothing; the exit code tells, at the first difference");
  add_where(*command, arguments->query, FilterTail::none);
  command->callback([arguments, &action] { action = [arguments] { return diff(*arguments); }; });
}

}  // namespace caveat::cli
