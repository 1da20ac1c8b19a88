#include "streaming/limit_operator.h"

#include <algorithm>

namespace millrace::streaming {

using columnar::Batch;
using columnar::Batches;

namespace {

class LimitOperator final : public StatefulOperator {
public:
    LimitOperator(std::vector<plan::Field> fields, std::int64_t limit)
        : fields_(std::move(fields)), limit_(limit) {}

    std::string_view name() const override { return "globalLimit"; }
    state::Schema schema() const override { return {{state::CellKind::kInt64}, false, "limit"}; }
    const std::vector<plan::Field>& output_fields() const override { return fields_; }
    bool wants_batch(std::int64_t, std::int64_t, OutputMode) const override { return false; }

    Result<Batches> process(const std::vector<Batches>& inputs, const OperatorContext&) override {
        const Batches& rows = inputs[0];
        Batches out;
        if (rows.empty()) return out;
        state::KeyBatch key;  // The state is one row: how many rows have passed.
        key.end_key();
        key.times_us.push_back(0);
        std::vector<state::Row*> row;
        std::vector<std::uint8_t> inserted;
        store_->upsert(key, row, inserted);
        const state::Layout& layout = store_->layout();
        layout.set_null(*row[0], 0, false);
        auto& passed = layout.cell<std::int64_t>(*row[0], 0);
        for (const Batch& batch : rows) {
            const std::int64_t take = std::min(limit_ - passed, batch.rows());
            if (take <= 0) break;
            out.push_back(batch.slice(0, take));
            passed += take;
        }
        ++metrics_.rows_updated;
        return out;
    }

private:
    const std::vector<plan::Field> fields_;
    const std::int64_t limit_;
};

}  // namespace

std::unique_ptr<StatefulOperator> make_limit_operator(std::vector<plan::Field> fields,
                                                      std::int64_t limit) {
    return std::make_unique<LimitOperator>(std::move(fields), limit);
}

}  // namespace millrace::streaming
