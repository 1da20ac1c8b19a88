#include "streaming/rate_source.h"

#include <algorithm>
#include <charconv>

#include "runtime/clock.h"
#include "streaming/checkpoint.h"
#include "streaming/json.h"
#include "streaming/topic_offsets.h"

namespace millrace::streaming {

using base::Code;
using base::fail;
using columnar::Batches;

namespace {

constexpr std::int64_t kMostRowsABatch = 100'000'000;

Result<std::int64_t> positive(const plan::Options& options, const std::string& key,
                              std::int64_t fallback) {
    MR_TRY(const auto given, number_option(options, key));
    const std::int64_t value = given.value_or(fallback);
    if (value <= 0) {
        return fail(Code::kInvalidArgument, "Invalid value '{}'. The option '{}' must be positive",
                    value, key);
    }
    return value;
}

// Rows [from, to) with the time that `time_us` gives each.
template <class Time>
Result<Batches> count(std::int64_t from, std::int64_t to, Time time_us) {
    if (to - from > kMostRowsABatch) {
        return fail(Code::kTooLarge, "a batch of {} rows from the rate source is too large",
                    to - from);
    }
    Batches batches;
    constexpr std::int64_t kRows = 65536;
    for (; from < to; from += kRows) {
        columnar::BatchBuilder builder({{"timestamp", plan::DataType::timestamp(), true, {}},
                                        {"value", plan::DataType::long_(), true, {}}});
        for (std::int64_t value = from; value < std::min(to, from + kRows); ++value) {
            builder.column(0).append_int(time_us(value));
            builder.column(1).append_int(value);
        }
        MR_TRY(auto batch, builder.finish());
        batches.push_back(std::move(batch));
    }
    return batches;
}

std::int64_t to_number(const std::string& text) {
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// Offsets are seconds since the start, whose time the checkpoint keeps. The rows of a second are
// spread evenly over it; during rampUpTime the rate grows by the second.
class RateSource final : public MicroBatchSource {
public:
    RateSource(std::int64_t rate, std::int64_t ramp_s, runtime::Clock& clock, runtime::Disk& disk,
               std::string directory)
        : rate_(rate), ramp_s_(ramp_s), clock_(clock), log_(disk, std::move(directory)) {}

    std::string description() const override {
        return fmt::format("RateStreamV2[rowsPerSecond={}, rampUpTimeSeconds={}]", rate_, ramp_s_);
    }
    Result<std::optional<std::string>> initial_offset() override {
        MR_TRY_VOID(start_time());
        return std::optional<std::string>("0");
    }
    Result<std::optional<std::string>> next_offset(const std::optional<std::string>& start,
                                                   const ReadLimit&) override {
        MR_TRY_VOID(start_time());
        const std::int64_t now = fixed_s_.value_or((clock_.wall_ms() - started_ms_) / 1000);
        return std::optional(std::to_string(std::max(now, to_number(start.value_or("0")))));
    }
    Result<Batches> read(const std::optional<std::string>& start, const std::string& end) override {
        MR_TRY_VOID(start_time());
        const std::int64_t from_s = to_number(start.value_or("0"));
        const std::int64_t to_s = to_number(end);
        const std::int64_t from = value_at(from_s);
        const std::int64_t to = value_at(to_s);
        const std::int64_t first_us = (started_ms_ + from_s * 1000) * 1000;
        const double step_us =
            to == from ? 0
                       : static_cast<double>(to_s - from_s) * 1e6 / static_cast<double>(to - from);
        return count(from, to, [&](std::int64_t value) {
            // Spark stamps whole milliseconds.
            const auto us = static_cast<std::int64_t>(step_us * static_cast<double>(value - from));
            return first_us + us / 1000 * 1000;
        });
    }
    Result<void> prepare_for_available_now() override {
        MR_TRY_VOID(start_time());
        fixed_s_ = (clock_.wall_ms() - started_ms_) / 1000;
        return {};
    }

private:
    Result<void> start_time() {
        if (started_ms_ >= 0) return {};
        MR_TRY(const auto kept, log_.read(0));
        if (kept && kept->starts_with("v1\n")) {
            started_ms_ = to_number(kept->substr(3));
            return {};
        }
        started_ms_ = clock_.wall_ms();
        return log_.write(0, "v1\n" + std::to_string(started_ms_));
    }
    // How many rows the first `seconds` seconds have.
    std::int64_t value_at(std::int64_t seconds) const {
        const std::int64_t speed_delta = ramp_s_ == 0 ? 0 : rate_ / (ramp_s_ + 1);
        if (seconds <= ramp_s_) {
            // A trapezium: the rate of second s is (s + 1) * delta.
            if (speed_delta != 0) return seconds * (seconds + 1) / 2 * speed_delta;
            return seconds * rate_ / std::max<std::int64_t>(ramp_s_ + 1, 1);
        }
        const std::int64_t ramped = speed_delta == 0 ? ramp_s_ * rate_ / (ramp_s_ + 1)
                                                     : ramp_s_ * (ramp_s_ + 1) / 2 * speed_delta;
        return (ramp_s_ == 0 ? 0 : ramped) + (seconds - ramp_s_) * rate_;
    }

    const std::int64_t rate_;
    const std::int64_t ramp_s_;
    runtime::Clock& clock_;
    NumberedLog log_;
    std::int64_t started_ms_ = -1;
    std::optional<std::int64_t> fixed_s_;
};

// Each batch has exactly rowsPerBatch rows of one time. The offset is that of Spark's source.
class RateMicroBatchSource final : public MicroBatchSource {
public:
    RateMicroBatchSource(std::int64_t rows, std::int64_t start_ms, std::int64_t advance_ms)
        : rows_(rows), start_ms_(start_ms), advance_ms_(advance_ms) {}

    std::string description() const override {
        return fmt::format(
            "RatePerMicroBatchStream[rowsPerBatch={}, numPartitions=1, startTimestamp={}, "
            "advanceMsPerBatch={}]",
            rows_, start_ms_, advance_ms_);
    }
    Result<std::optional<std::string>> initial_offset() override {
        return std::optional(text({0, start_ms_}));
    }
    Result<std::optional<std::string>> next_offset(const std::optional<std::string>& start,
                                                   const ReadLimit&) override {
        MR_TRY(const Position at, parse(start));
        if (fixed_ && at.rows >= *fixed_) return start;
        return std::optional(text({at.rows + rows_, at.time_ms + advance_ms_}));
    }
    Result<Batches> read(const std::optional<std::string>& start, const std::string& end) override {
        MR_TRY(const Position from, parse(start));
        MR_TRY(const Position to, parse(end));
        return count(from.rows, to.rows, [&](std::int64_t) { return from.time_ms * 1000; });
    }
    Result<void> commit(const std::string& end) override {
        MR_TRY(const Position at, parse(end));
        committed_ = at.rows;
        return {};
    }
    // One batch more than there has been, as Spark's.
    Result<void> prepare_for_available_now() override {
        fixed_ = committed_ + rows_;
        return {};
    }

private:
    struct Position {
        std::int64_t rows = 0;
        std::int64_t time_ms = 0;
    };
    static std::string text(const Position& at) {
        return fmt::format("{{\"offset\":{},\"timestamp\":{}}}", at.rows, at.time_ms);
    }
    Result<Position> parse(const std::optional<std::string>& offset) const {
        if (!offset) return Position{0, start_ms_};
        MR_TRY(const Json json, parse_json(*offset));
        const Json* rows = json.member("offset");
        const Json* time = json.member("timestamp");
        if (rows == nullptr || time == nullptr || !rows->integer() || !time->integer()) {
            return fail(Code::kCorrupt, "{} is no offset of a rate-micro-batch source", *offset);
        }
        return Position{*rows->integer(), *time->integer()};
    }

    const std::int64_t rows_;
    const std::int64_t start_ms_;
    const std::int64_t advance_ms_;
    std::int64_t committed_ = 0;
    std::optional<std::int64_t> fixed_;
};

}  // namespace

Result<std::unique_ptr<MicroBatchSource>> make_rate_source(const plan::ScanNode& scan,
                                                           runtime::Clock& clock,
                                                           runtime::Disk& disk,
                                                           std::string directory) {
    plan::Options options = scan.source.options;
    // "5s" and "5" are both five seconds.
    if (auto ramp = options.find("rampuptime"); ramp != options.end()) {
        std::string& text = ramp->second;
        text.erase(std::ranges::find_if_not(text, [](char c) { return c >= '0' && c <= '9'; }),
                   text.end());
    }
    MR_TRY(const std::int64_t rate, positive(options, "rowspersecond", 1));
    MR_TRY(const auto ramp, number_option(options, "rampuptime"));
    return std::make_unique<RateSource>(rate, ramp.value_or(0), clock, disk, std::move(directory));
}

Result<std::unique_ptr<MicroBatchSource>> make_rate_micro_batch_source(const plan::ScanNode& scan) {
    MR_TRY(const std::int64_t rows, positive(scan.source.options, "rowsperbatch", 0));
    MR_TRY(const auto start, number_option(scan.source.options, "starttimestamp"));
    MR_TRY(const auto advance, number_option(scan.source.options, "advancemillisperbatch"));
    return std::make_unique<RateMicroBatchSource>(rows, start.value_or(0), advance.value_or(1000));
}

}  // namespace millrace::streaming
