#include "engine/tuning/explain.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/tuning/choose.h"

namespace caveat {

std::string_view to_string(ChosenBy chosen_by) noexcept {
  switch (chosen_by) {
    case ChosenBy::store:
      return "store";
    case ChosenBy::host:
      return "host";
    case ChosenBy::defaults:
      break;
  }
  return "default";
}

std::string kib_text(std::uint64_t bytes) {
  if (bytes == 0) return "none";
  if (bytes % 1024 == 0) return fmt::format("{} KiB", bytes / 1024);
  return fmt::format("{} bytes", bytes);
}

namespace {

std::string count_text(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

class Explainer {
 public:
  Explainer(const LayoutInForce& in_force, const Options& options, std::uint64_t records,
            const std::optional<StorageError>& damage)
      : in_force_(in_force), options_(options), records_(records), damage_(damage) {}

  [[nodiscard]] std::vector<TunedOption> all() const {
    const Layout& layout = in_force_.layout;
    const auto number = [](std::uint32_t value) { return std::to_string(value); };
    const bool zstd = layout.codec == static_cast<CodecId>(CompressionAlgorithm::Zstd);
    const std::string_view unused = zstd ? "" : "has no meaning for the codec in force";
    std::vector<TunedOption> all;
    all.push_back(one("compression", codec_text(layout.codec), options_.compression.has_value(),
                      Tuned::codec, "the fastest to read within 5 % of the smallest", "",
                      [](auto v) { return codec_text(static_cast<CodecId>(v)); }));
    all.push_back(one("compression_level", number(static_cast<unsigned>(layout.level)),
                      options_.compression_level.has_value(), Tuned::level,
                      "the fastest to write within 1 % of the smallest", unused, number));
    all.push_back(one("optimize_compression_level",
                      number(static_cast<unsigned>(layout.optimize_level)),
                      options_.optimize_compression_level.has_value(), Tuned::optimize_level,
                      "the fastest to write within 1 % of the smallest", unused, number));
    all.push_back(
        one("partition_records", std::to_string(layout.partition_records),
            options_.partition_records.has_value(), Tuned::partition,
            "the cheapest to read cold within 3 % of the smallest (after a choice 1.5 % for fewer, "
            "4.5 % for as many or more)",
            "", number));
    all.push_back(one("partition_bytes", kib_text(layout.partition_bytes),
                      options_.partition_bytes.has_value(), Tuned::partition,
                      "goes with partition_records, 128 bytes for each", "",
                      [](auto v) { return kib_text(v * kBytesPerRow); }));
    all.push_back(one("dictionary_bytes", kib_text(layout.dictionary_bytes),
                      options_.dictionary_bytes.has_value(), Tuned::dictionary,
                      "the shortest within 0.5 % of the smallest, its own bytes counted",
                      uses_dictionary(layout) ? "" : "has no meaning for the codec in force",
                      [](auto v) { return kib_text(v); }));
    return all;
  }

 private:
  static std::string codec_text(CodecId codec) {
    return codec >= kFirstCustomCodec
               ? fmt::format("custom {}", codec)
               : std::string(to_string(static_cast<CompressionAlgorithm>(codec)));
  }
  [[nodiscard]] bool uses_dictionary(const Layout& layout) const {
    const auto codec = in_force_.codecs.find(layout.codec);
    return codec && (*codec)->uses_dictionary();
  }

  template <class Text>
  [[nodiscard]] TunedOption one(std::string_view name, std::string value, bool by_host, Tuned tuned,
                                std::string_view rule, std::string_view unused,
                                const Text& text_of) const {
    TunedOption option;
    option.option = name;
    option.value = std::move(value);
    const Choice* const choice = in_force_.tuning ? &in_force_.tuning->of(tuned) : nullptr;
    if (choice != nullptr) {
      for (const Trial& trial : choice->trials) {
        option.candidates.push_back({text_of(trial.value), trial.millibytes / 1000.0});
      }
    }
    if (by_host) {
      option.chosen_by = ChosenBy::host;
      option.why = "set by the host";
      if (choice != nullptr && choice->chosen) {
        option.why += fmt::format("; the store would take {}: {}", text_of(*choice->chosen),
                                  evidence(*choice, text_of));
      }
      return option;
    }
    if (choice != nullptr && choice->chosen) {
      option.chosen_by = ChosenBy::store;
      option.why = fmt::format("{}: {}", rule, evidence(*choice, text_of));
      if (!unused.empty()) option.why = fmt::format("{} ({})", unused, option.why);
      return option;
    }
    option.why = !unused.empty() ? std::string(unused) : why_default();
    return option;
  }

  // "256: 12.3 B a record on a sample of 2,048; 128: 12.9 (+5 %)"
  template <class Text>
  [[nodiscard]] std::string evidence(const Choice& choice, const Text& text_of) const {
    std::uint32_t smallest = ~std::uint32_t{0};
    for (const Trial& trial : choice.trials) smallest = std::min(smallest, trial.millibytes);
    std::string text;
    for (const Trial& trial : choice.trials) {
      text += fmt::format("{}{}: {:.2f}", text.empty() ? "" : "; ", text_of(trial.value),
                          trial.millibytes / 1000.0);
      if (trial.millibytes != smallest && smallest != 0) {
        text += fmt::format(" (+{:.1f} %)", 100.0 * (trial.millibytes - smallest) / smallest);
      }
      if (&trial == &choice.trials.front()) {
        text += fmt::format(" B a record on a sample of {}",
                            count_text(in_force_.tuning->sampled_rows));
      }
    }
    return text;
  }

  [[nodiscard]] std::string why_default() const {
    if (damage_) return "what the store had chosen cannot be read: " + damage_->message();
    if (in_force_.tuning) {
      return in_force_.tuning->moment == Moment::fold ? "chosen by optimize, not by folds"
                                                      : "was set by the host when the store chose";
    }
    if (records_ < kTuningRecordsMin) {
      return fmt::format("too few records to choose: {} of {}", count_text(records_),
                         count_text(kTuningRecordsMin));
    }
    return fmt::format("not chosen yet: a first load of {} records at once chooses, or optimize",
                       count_text(kTuningRecordsMin));
  }

  const LayoutInForce& in_force_;
  const Options& options_;
  const std::uint64_t records_;
  const std::optional<StorageError>& damage_;
};

}  // namespace

std::vector<TunedOption> explain_layout(const LayoutInForce& in_force, const Options& options,
                                        std::uint64_t records,
                                        const std::optional<StorageError>& damage) {
  return Explainer(in_force, options, records, damage).all();
}

}  // namespace caveat
