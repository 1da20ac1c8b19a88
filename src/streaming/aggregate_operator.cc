#include "streaming/aggregate_operator.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <unordered_set>

#include "base/check.h"
#include "streaming/row_codec.h"

namespace millrace::streaming {

using base::Code;
using base::fail;
using columnar::Batch;
using columnar::Batches;
using columnar::ColumnView;
using state::Row;

namespace {

constexpr std::size_t kEmitRows = 65536;
constexpr std::size_t kWindowBytes = 16;  // Start and end, in front of the key's other bytes.

class AggregateOperator final : public StatefulOperator {
public:
    explicit AggregateOperator(AggregateSpec spec) : spec_(std::move(spec)) {
        fields_ = spec_.keys;
        for (const StateColumn& column : spec_.values) {
            fields_.push_back({column.name, column.type, true, {}});
        }
    }

    std::string_view name() const override { return "stateStoreSave"; }

    state::Schema schema() const override {
        state::Schema schema;
        schema.timed = spec_.event_time_key >= 0;
        schema.description = "aggregate";
        for (const plan::Field& key : spec_.keys)
            schema.description += " " + key.type.simple_string();
        schema.description +=
            fmt::format(" window {} time {}", spec_.window_key, spec_.event_time_key);
        for (const StateColumn& column : spec_.values) {
            schema.values.push_back(cell_kind(column.type));
            schema.description += fmt::format(" {}:{}:{}", column.name, column.type.simple_string(),
                                              static_cast<int>(column.combine));
        }
        return schema;
    }

    const std::vector<plan::Field>& output_fields() const override { return fields_; }

    bool wants_batch(std::int64_t watermark_us, std::int64_t evicted_us,
                     OutputMode mode) const override {
        return mode != OutputMode::kComplete && spec_.event_time_key >= 0 &&
               watermark_us > evicted_us;
    }

    Result<Batches> process(const std::vector<Batches>& inputs,
                            const OperatorContext& context) override {
        const bool timed = spec_.event_time_key >= 0 && context.mode != OutputMode::kComplete;
        for (const Batch& batch : inputs[0]) MR_TRY_VOID(merge(batch, context, timed));

        std::vector<Row*> emitted;
        const auto collect = [&](Row& row) { emitted.push_back(&row); };
        Batches out;
        switch (context.mode) {
            case OutputMode::kAppend:
                // Evicted rows stay readable until the batch is committed.
                if (timed) store_->evict(context.evict_us, collect);
                metrics_.rows_removed += static_cast<std::int64_t>(emitted.size());
                MR_TRY_VOID(emit(emitted, out));
                break;
            case OutputMode::kUpdate:
                store_->for_each_changed(collect);
                MR_TRY_VOID(emit(emitted, out));
                if (timed) {
                    store_->evict(context.evict_us, [&](Row&) { ++metrics_.rows_removed; });
                }
                break;
            case OutputMode::kComplete:
                store_->for_each(collect);
                MR_TRY_VOID(emit(emitted, out));
                break;
        }
        return out;
    }

private:
    Result<void> merge(const Batch& batch, const OperatorContext& context, bool timed) {
        std::vector<ColumnView> keys;
        for (std::size_t i = 0; i < spec_.keys.size(); ++i) keys.push_back(batch.column(i));
        std::vector<ColumnView> values;
        for (std::size_t i = 0; i < spec_.values.size(); ++i) {
            values.push_back(batch.column(spec_.keys.size() + i));
        }
        encode_keys(batch.rows(), keys, context, timed);
        store_->upsert(key_batch_, rows_, inserted_);
        metrics_.rows_updated += static_cast<std::int64_t>(rows_.size());
        const MergeTarget target{store_->layout(), rows_, sources_, inserted_};
        for (std::size_t i = 0; i < values.size(); ++i) {
            MR_TRY_VOID(merge_column(spec_.values, i, values, target));
        }
        return {};
    }

    // The key of each row and, with panes, of each window its pane is in; late ones left out.
    void encode_keys(std::int64_t rows, const std::vector<ColumnView>& keys,
                     const OperatorContext& context, bool timed) {
        key_batch_.clear();
        sources_.clear();
        std::string rest;
        std::unordered_set<std::string> late;
        const auto add = [&](std::int64_t row, std::int64_t time_us) {
            if (timed && time_us <= context.late_us) {
                // Counted by group, however many panes it came from.
                late.insert(key_batch_.bytes.substr(key_batch_.offsets.back()));
                key_batch_.bytes.resize(key_batch_.offsets.back());
                return;
            }
            key_batch_.end_key();
            key_batch_.times_us.push_back(time_us);
            sources_.push_back(row);
        };
        for (std::int64_t row = 0; row < rows; ++row) {
            rest.clear();
            for (std::size_t i = 0; i < keys.size(); ++i) {
                if (static_cast<int>(i) != spec_.window_key) encode_value(keys[i], row, rest);
            }
            if (spec_.window_key < 0) {
                key_batch_.bytes += rest;
                const auto time = static_cast<std::size_t>(spec_.event_time_key);
                // A null time is never late and never evicted.
                const bool has_time = spec_.event_time_key >= 0 && !keys[time].is_null(row);
                add(row, has_time ? keys[time].value<std::int64_t>(row)
                                  : std::numeric_limits<std::int64_t>::max());
                continue;
            }
            const ColumnView& window = keys[static_cast<std::size_t>(spec_.window_key)];
            const auto start = window.children[0].value<std::int64_t>(row);
            const auto end = window.children[1].value<std::int64_t>(row);
            const auto add_window = [&](std::int64_t from, std::int64_t to) {
                key_batch_.bytes.append(reinterpret_cast<const char*>(&from), 8);
                key_batch_.bytes.append(reinterpret_cast<const char*>(&to), 8);
                key_batch_.bytes += rest;
                add(row, time_of_key(keys, row, to));
            };
            if (!spec_.panes) {
                add_window(start, end);
                continue;
            }
            const AggregateSpec::Panes& panes = *spec_.panes;
            // The last window that begins at or before the pane, then back while it still holds it.
            std::int64_t offset = (start - panes.start_us) % panes.slide_us;
            if (offset < 0) offset += panes.slide_us;
            for (std::int64_t from = start - offset; from + panes.duration_us >= end;
                 from -= panes.slide_us) {
                add_window(from, from + panes.duration_us);
            }
        }
        metrics_.rows_dropped_by_watermark += static_cast<std::int64_t>(late.size());
    }

    std::int64_t time_of_key(const std::vector<ColumnView>& keys, std::int64_t row,
                             std::int64_t window_end) const {
        if (spec_.event_time_key < 0) return 0;
        if (spec_.event_time_key == spec_.window_key) return window_end;
        const ColumnView& time = keys[static_cast<std::size_t>(spec_.event_time_key)];
        return time.is_null(row) ? std::numeric_limits<std::int64_t>::max()
                                 : time.value<std::int64_t>(row);
    }

    Result<void> emit(const std::vector<Row*>& rows, Batches& out) const {
        const state::Layout& layout = store_->layout();
        for (std::size_t from = 0; from < rows.size(); from += kEmitRows) {
            const std::span<Row* const> part(rows.data() + from,
                                             std::min(kEmitRows, rows.size() - from));
            columnar::BatchBuilder builder(fields_);
            for (const Row* row : part) MR_TRY_VOID(decode_key(layout.key(*row), builder));
            for (std::size_t i = 0; i < spec_.values.size(); ++i) {
                MR_TRY_VOID(append_column(spec_.values[i], i, layout, part,
                                          builder.column(spec_.keys.size() + i)));
            }
            MR_TRY(Batch batch, builder.finish());
            out.push_back(std::move(batch));
        }
        return {};
    }

    Result<void> decode_key(std::string_view key, columnar::BatchBuilder& builder) const {
        const char* at = key.data();
        const char* end = at + key.size();
        if (spec_.window_key >= 0) {
            if (key.size() < kWindowBytes)
                return fail(Code::kCorrupt, "a key of the state is short");
            auto& window = builder.column(static_cast<std::size_t>(spec_.window_key));
            for (std::size_t i = 0; i < 2; ++i, at += 8) {
                std::int64_t time = 0;
                std::memcpy(&time, at, 8);
                window.child(i).append_int(time);
            }
            window.append_nested();
        }
        for (std::size_t i = 0; i < spec_.keys.size(); ++i) {
            if (static_cast<int>(i) == spec_.window_key) continue;
            at = decode_value(spec_.keys[i].type, at, end, builder.column(i));
            if (at == nullptr) return fail(Code::kCorrupt, "a key of the state is torn");
        }
        return {};
    }

    const AggregateSpec spec_;
    std::vector<plan::Field> fields_;
    // Scratch of merge().
    state::KeyBatch key_batch_;
    std::vector<std::int64_t> sources_;
    std::vector<Row*> rows_;
    std::vector<std::uint8_t> inserted_;
};

}  // namespace

std::int64_t AggregateSpec::Panes::pane_us() const {
    return std::gcd(duration_us, slide_us);
}

std::unique_ptr<StatefulOperator> make_aggregate_operator(AggregateSpec spec) {
    return std::make_unique<AggregateOperator>(std::move(spec));
}

}  // namespace millrace::streaming
