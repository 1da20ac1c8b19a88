// Options as data: one row per option, from which come parsing, range checks, the documentation
// page and Kafka's DescribeConfigs.
//
//     Option<ServerOptions>{"log.segment.bytes", &ServerOptions::segment_bytes, 1 * kMiB, 2 * kGiB,
//                           Reload::kLive, "Roll the active segment at this size."}
//
// Immutable after construction, so any thread may use a table.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "base/strings.h"

namespace millrace::config {

using base::Result;

constexpr std::int64_t kKiB = 1024;
constexpr std::int64_t kMiB = 1024 * kKiB;
constexpr std::int64_t kGiB = 1024 * kMiB;

enum class Reload : std::uint8_t {
    kLive,     // A running server takes a new value.
    kRestart,  // Read at start only; DescribeConfigs shows it as read-only.
};

enum class Kind : std::uint8_t { kBoolean, kString, kInt, kLong, kDouble, kList };

using Settings = std::map<std::string, std::string, std::less<>>;

// What a reader of the configuration sees of one option.
struct OptionView {
    std::string name;
    std::string value;
    std::string default_value;
    std::string allowed;            // "1..65535", "delete|compact" or empty
    std::int64_t min = 0, max = 0;  // Of numbers.
    std::string documentation;
    Kind kind = Kind::kString;
    Reload reload = Reload::kRestart;
    bool is_default = true;
};

Result<bool> parse_bool(std::string_view text);
// A number in [min, max], with or without a fraction.
Result<double> parse_double(std::string_view text, double min, double max);
// As Java writes it: "0.5", "1.0", "1.7976931348623157E308".
std::string format_double(double value);
// `text` itself when it is one of `allowed`, which may be empty for "anything".
Result<std::string> parse_choice(std::string_view text,
                                 const std::vector<std::string_view>& allowed);
// The same for a comma-separated list, spaces dropped.
Result<std::string> parse_list(std::string_view text, const std::vector<std::string_view>& allowed);

// kInvalidArgument "unknown option x; did you mean y?".
base::Error unknown_option(std::string_view typed, const std::vector<std::string_view>& names);
// A table of names, defaults, ranges and meanings in Markdown.
std::string to_markdown(const std::vector<OptionView>& options);

template <class Options>
class Option {
public:
    // Of the smallest kind that holds the range, as clients are told.
    Option(std::string_view name, std::int64_t Options::* member, std::int64_t min,
           std::int64_t max, Reload reload, std::string_view documentation)
        : Option(name, max <= std::numeric_limits<std::int32_t>::max() ? Kind::kInt : Kind::kLong,
                 reload, documentation, range_text(min, max)) {
        bind_integer(member, min, max);
    }
    Option(std::string_view name, std::int32_t Options::* member, std::int64_t min,
           std::int64_t max, Reload reload, std::string_view documentation)
        : Option(name, Kind::kInt, reload, documentation, range_text(min, max)) {
        bind_integer(member, min, max);
    }
    Option(std::string_view name, double Options::* member, double min, double max, Reload reload,
           std::string_view documentation)
        : Option(name, Kind::kDouble, reload, documentation,
                 format_double(min) + ".." + format_double(max)) {
        set_ = [=](Options& options, std::string_view text) -> Result<void> {
            MR_TRY(options.*member, parse_double(text, min, max));
            return {};
        };
        get_ = [member](const Options& options) { return format_double(options.*member); };
    }
    Option(std::string_view name, bool Options::* member, Reload reload,
           std::string_view documentation)
        : Option(name, Kind::kBoolean, reload, documentation, "true|false") {
        set_ = [member](Options& options, std::string_view text) -> Result<void> {
            MR_TRY(options.*member, parse_bool(base::trim(text)));
            return {};
        };
        get_ = [member](const Options& options) { return options.*member ? "true" : "false"; };
    }
    // `kind` is kString (one of `allowed`) or kList (a comma-separated list of them); an empty
    // `allowed` takes any text.
    Option(std::string_view name, std::string Options::* member, Kind kind,
           std::vector<std::string_view> allowed, Reload reload, std::string_view documentation)
        : Option(name, kind, reload, documentation, choice_text(allowed)) {
        MR_CHECK(kind == Kind::kString || kind == Kind::kList);
        set_ = [=](Options& options, std::string_view text) -> Result<void> {
            MR_TRY(options.*member,
                   kind == Kind::kList ? parse_list(text, allowed) : parse_choice(text, allowed));
            return {};
        };
        get_ = [member](const Options& options) { return options.*member; };
    }

    std::string_view name() const { return name_; }
    Kind kind() const { return kind_; }
    Reload reload() const { return reload_; }
    Result<void> set(Options& options, std::string_view text) const {
        Result<void> outcome = set_(options, text);
        if (outcome) return {};
        // Whatever is wrong with the text, the request that holds it is invalid.
        return base::fail(base::Code::kInvalidArgument, "{}: {}", name_, outcome.error().message());
    }
    OptionView view(const Options& options) const {
        OptionView view{.name = std::string(name_),
                        .value = get_(options),
                        .default_value = get_(Options{}),
                        .allowed = allowed_,
                        .documentation = std::string(documentation_),
                        .kind = kind_,
                        .reload = reload_};
        view.min = min_;
        view.max = max_;
        view.is_default = view.value == view.default_value;
        return view;
    }

private:
    Option(std::string_view name, Kind kind, Reload reload, std::string_view documentation,
           std::string allowed)
        : name_(name),
          documentation_(documentation),
          allowed_(std::move(allowed)),
          kind_(kind),
          reload_(reload) {}

    template <class Integer>
    void bind_integer(Integer Options::* member, std::int64_t min, std::int64_t max) {
        min_ = min;
        max_ = max;
        set_ = [=](Options& options, std::string_view text) -> Result<void> {
            MR_TRY(const std::int64_t value, base::parse_int64(base::trim(text), min, max));
            options.*member = static_cast<Integer>(value);
            return {};
        };
        get_ = [member](const Options& options) { return std::to_string(options.*member); };
    }
    static std::string range_text(std::int64_t min, std::int64_t max) {
        return fmt::format("{}..{}", min, max);
    }
    static std::string choice_text(const std::vector<std::string_view>& allowed) {
        std::string text;
        for (const std::string_view choice : allowed) {
            if (!text.empty()) text += '|';
            text += choice;
        }
        return text;
    }

    std::string_view name_;
    std::string_view documentation_;
    std::string allowed_;
    std::int64_t min_ = 0;
    std::int64_t max_ = 0;
    Kind kind_;
    Reload reload_;
    std::function<Result<void>(Options&, std::string_view)> set_;
    std::function<std::string(const Options&)> get_;
};

template <class Options>
class OptionTable {
public:
    OptionTable(std::initializer_list<Option<Options>> rows) : rows_(rows) {
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const bool is_new = index_.emplace(rows_[i].name(), i).second;
            MR_CHECK(is_new);
        }
    }

    bool has(std::string_view name) const { return index_.contains(name); }
    std::vector<std::string_view> names() const {
        std::vector<std::string_view> names;
        for (const auto& [name, row] : index_) names.push_back(name);
        return names;
    }
    // Null when there is none of that name.
    const Option<Options>* find(std::string_view name) const {
        const auto row = index_.find(name);
        return row == index_.end() ? nullptr : &rows_[row->second];
    }
    // kInvalidArgument with words when the name is unknown or the text is no allowed value; the
    // options are then as they were.
    Result<void> set(Options& options, std::string_view name, std::string_view text) const {
        const auto row = index_.find(name);
        if (row == index_.end()) return base::fail(unknown_option(name, names()));
        return rows_[row->second].set(options, text);
    }
    Result<void> apply(Options& options, const Settings& settings) const {
        Options changed = options;
        for (const auto& [name, text] : settings) MR_TRY_VOID(set(changed, name, text));
        options = std::move(changed);
        return {};
    }
    // Every option, sorted by name.
    std::vector<OptionView> view(const Options& options) const {
        std::vector<OptionView> views;
        for (const auto& [name, row] : index_) views.push_back(rows_[row].view(options));
        return views;
    }

private:
    std::vector<Option<Options>> rows_;
    std::map<std::string_view, std::size_t> index_;
};

}  // namespace millrace::config
