#include "streaming/deduplicate_operator.h"

#include <algorithm>

#include "streaming/row_codec.h"

namespace millrace::streaming {

using columnar::Batch;
using columnar::Batches;
using columnar::ColumnView;
using plan::TypeKind;
using state::Row;

namespace {

class DeduplicateOperator final : public StatefulOperator {
public:
    explicit DeduplicateOperator(DeduplicateSpec spec) : spec_(std::move(spec)) {
        const bool in_keys =
            std::ranges::find(spec_.keys, static_cast<std::size_t>(spec_.event_time)) !=
            spec_.keys.end();
        evicts_ = spec_.event_time >= 0 && (spec_.within_watermark || in_keys);
    }

    std::string_view name() const override {
        return spec_.within_watermark ? "dedupeWithinWatermark" : "dedupe";
    }
    state::Schema schema() const override {
        state::Schema schema;
        schema.timed = evicts_;
        schema.description = std::string(name());
        for (const std::size_t key : spec_.keys) {
            schema.description += " " + spec_.fields[key].type.simple_string();
        }
        return schema;
    }
    const std::vector<plan::Field>& output_fields() const override { return spec_.fields; }

    bool wants_batch(std::int64_t watermark_us, std::int64_t evicted_us,
                     OutputMode) const override {
        return evicts_ && watermark_us > evicted_us;
    }

    Result<Batches> process(const std::vector<Batches>& inputs,
                            const OperatorContext& context) override {
        Batches out;
        for (const Batch& batch : inputs[0]) {
            MR_TRY(Batch first, take_first(batch, context));
            if (first.rows() > 0) out.push_back(std::move(first));
        }
        if (evicts_) {
            store_->evict(context.evict_us, [&](Row&) { ++metrics_.rows_removed; });
        }
        return out;
    }

private:
    // Where the field's event time is: its own value, or a window's end.
    static const ColumnView& time_view(const ColumnView& view) {
        return view.type.is(TypeKind::kStruct) ? view.children[1] : view;
    }

    Result<Batch> take_first(const Batch& batch, const OperatorContext& context) {
        std::vector<ColumnView> columns;
        for (std::size_t i = 0; i < spec_.fields.size(); ++i) columns.push_back(batch.column(i));
        keys_.clear();
        sources_.clear();
        for (std::int64_t row = 0; row < batch.rows(); ++row) {
            std::int64_t time_us = std::numeric_limits<std::int64_t>::max();
            if (spec_.event_time >= 0) {
                const ColumnView& time =
                    time_view(columns[static_cast<std::size_t>(spec_.event_time)]);
                if (!time.is_null(row)) {
                    time_us = time.value<std::int64_t>(row);
                    if (time_us <= context.late_us) {
                        ++metrics_.rows_dropped_by_watermark;
                        continue;
                    }
                    if (spec_.within_watermark) time_us += spec_.delay_us;
                }
            }
            for (const std::size_t key : spec_.keys) encode_value(columns[key], row, keys_.bytes);
            keys_.end_key();
            keys_.times_us.push_back(time_us);
            sources_.push_back(row);
        }
        store_->upsert(keys_, rows_, inserted_);
        columnar::BatchBuilder builder(spec_.fields);
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            if (inserted_[i] == 0) continue;
            ++metrics_.rows_updated;
            for (std::size_t c = 0; c < columns.size(); ++c) {
                builder.column(c).append_from(columns[c], sources_[i]);
            }
        }
        return builder.finish();
    }

    const DeduplicateSpec spec_;
    bool evicts_ = false;
    state::KeyBatch keys_;
    std::vector<std::int64_t> sources_;
    std::vector<Row*> rows_;
    std::vector<std::uint8_t> inserted_;
};

}  // namespace

std::unique_ptr<StatefulOperator> make_deduplicate_operator(DeduplicateSpec spec) {
    return std::make_unique<DeduplicateOperator>(std::move(spec));
}

}  // namespace millrace::streaming
