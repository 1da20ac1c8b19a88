#include "streaming/session_operator.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "base/check.h"
#include "streaming/row_codec.h"
#include "streaming/row_index_internal.h"

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

std::int64_t bound(std::string_view key, std::size_t index) {
    std::int64_t time = 0;
    std::memcpy(&time, key.data() + index * 8, 8);
    return time;
}

class SessionOperator final : public StatefulOperator {
public:
    explicit SessionOperator(AggregateSpec spec) : spec_(std::move(spec)) {
        MR_CHECK(spec_.window_key >= 0 && !spec_.panes);
        fields_ = spec_.keys;
        for (const StateColumn& column : spec_.values) {
            fields_.push_back({column.name, column.type, true, {}});
        }
    }

    std::string_view name() const override { return "sessionWindowStateStoreSaveExec"; }

    state::Schema schema() const override {
        state::Schema schema;
        schema.timed = true;
        schema.description = "session";
        for (const plan::Field& key : spec_.keys) {
            schema.description += " " + key.type.simple_string();
        }
        schema.description += fmt::format(" window {}", spec_.window_key);
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
        return mode == OutputMode::kAppend && evicts() && watermark_us > evicted_us;
    }

    Result<Batches> process(const std::vector<Batches>& inputs,
                            const OperatorContext& context) override {
        MR_TRY_VOID(merge(inputs[0], context));
        std::vector<Row*> emitted;
        const auto collect = [&](Row& row) { emitted.push_back(&row); };
        if (context.mode == OutputMode::kComplete) {
            store_->for_each(collect);
        } else if (evicts()) {
            // Evicted rows stay readable until the batch is committed.
            store_->evict(context.evict_us, collect);
            index_.forget(store_->layout(), emitted);
            metrics_.rows_removed += static_cast<std::int64_t>(emitted.size());
        }
        const state::Layout& layout = store_->layout();
        std::ranges::sort(emitted, {}, [&](const Row* row) { return layout.key(*row); });
        Batches out;
        for (std::size_t from = 0; from < emitted.size(); from += kEmitRows) {
            const std::size_t count = std::min(kEmitRows, emitted.size() - from);
            MR_TRY(Batch batch, batch_of(std::span(emitted).subspan(from, count)));
            out.push_back(std::move(batch));
        }
        return out;
    }

protected:
    void loaded() override {
        index_.clear();
        store_->for_each([&](Row& row) { index_.add(store_->layout(), row); });
    }

private:
    // A partial aggregate or a session of the state, on its way into a session.
    struct Part {
        std::int64_t start_us = 0;
        std::int64_t end_us = 0;
        std::size_t batch = 0;
        std::int64_t row = 0;
    };

    bool evicts() const { return spec_.event_time_key >= 0; }

    Result<void> merge(const Batches& rows, const OperatorContext& context) {
        std::map<std::string, std::vector<Part>> groups;  // By the other keys.
        collect_parts(rows, context, groups);
        if (groups.empty()) return {};
        // The sessions there are of these keys, as rows like those that came.
        const state::Layout& layout = store_->layout();
        std::vector<Row*> known;
        std::vector<Row*> found;
        for (auto& [key, parts] : groups) {
            index_.find(layout, key, found);
            for (Row* row : found) {
                parts.push_back({bound(layout.key(*row), 0), bound(layout.key(*row), 1),
                                 rows.size(), static_cast<std::int64_t>(known.size())});
                known.push_back(row);
            }
        }
        Batches sources = rows;
        MR_TRY(sources.emplace_back(), batch_of(known));
        // By source batch: which of its rows go into which session.
        std::vector<std::vector<std::pair<std::int64_t, std::size_t>>> moves(sources.size());
        state::KeyBatch keys;
        for (auto& [key, parts] : groups) join_parts(key, parts, rows.size(), keys, moves);
        for (Row* row : known) store_->remove(*row);
        index_.forget(layout, known);

        std::vector<Row*> sessions;
        std::vector<std::uint8_t> inserted;
        store_->upsert(keys, sessions, inserted);
        for (Row* session : sessions) index_.add(layout, *session);
        metrics_.rows_updated += static_cast<std::int64_t>(sessions.size());
        return fill(sources, moves, sessions);
    }

    void collect_parts(const Batches& rows, const OperatorContext& context,
                       std::map<std::string, std::vector<Part>>& groups) {
        const bool drops = evicts() && context.mode != OutputMode::kComplete;
        std::string key;
        for (std::size_t b = 0; b < rows.size(); ++b) {
            std::vector<ColumnView> columns;
            for (std::size_t i = 0; i < spec_.keys.size(); ++i) {
                columns.push_back(rows[b].column(i));
            }
            const ColumnView& window = columns[static_cast<std::size_t>(spec_.window_key)];
            for (std::int64_t row = 0; row < rows[b].rows(); ++row) {
                const Part part{window.children[0].value<std::int64_t>(row),
                                window.children[1].value<std::int64_t>(row), b, row};
                if (drops && part.end_us <= context.late_us) {
                    ++metrics_.rows_dropped_by_watermark;
                    continue;
                }
                key.clear();
                for (std::size_t i = 0; i < columns.size(); ++i) {
                    if (static_cast<int>(i) != spec_.window_key) encode_value(columns[i], row, key);
                }
                groups[key].push_back(part);
            }
        }
    }

    // Parts of one key that overlap or touch make one session. Within it, what was there comes
    // before what came, and the rest goes by time, as first() and last() see it.
    static void join_parts(const std::string& key, std::vector<Part>& parts, std::size_t known,
                           state::KeyBatch& keys,
                           std::vector<std::vector<std::pair<std::int64_t, std::size_t>>>& moves) {
        std::ranges::sort(parts, [&](const Part& a, const Part& b) {
            if (a.start_us != b.start_us) return a.start_us < b.start_us;
            if ((a.batch == known) != (b.batch == known)) return a.batch == known;
            return std::pair(a.batch, a.row) < std::pair(b.batch, b.row);
        });
        for (std::size_t i = 0; i < parts.size();) {
            const std::int64_t start = parts[i].start_us;
            std::int64_t end = parts[i].end_us;
            for (; i < parts.size() && parts[i].start_us <= end; ++i) {
                end = std::max(end, parts[i].end_us);
                moves[parts[i].batch].emplace_back(parts[i].row, keys.size());
            }
            keys.bytes.append(reinterpret_cast<const char*>(&start), 8);
            keys.bytes.append(reinterpret_cast<const char*>(&end), 8);
            keys.bytes += key;
            keys.end_key();
            keys.times_us.push_back(end);
        }
    }

    // Merges the rows of each source into their sessions: what was there first, then what came.
    Result<void> fill(const Batches& sources,
                      std::vector<std::vector<std::pair<std::int64_t, std::size_t>>>& moves,
                      const std::vector<Row*>& sessions) {
        std::vector<std::uint8_t> begun(sessions.size(), 0);
        for (std::size_t step = 0; step < sources.size(); ++step) {
            const std::size_t source = step == 0 ? sources.size() - 1 : step - 1;
            if (moves[source].empty()) continue;
            std::vector<Row*> rows;
            std::vector<std::int64_t> from;
            std::vector<std::uint8_t> first;
            for (const auto& [row, session] : moves[source]) {
                rows.push_back(sessions[session]);
                from.push_back(row);
                first.push_back(begun[session] == 0 ? 1 : 0);
                begun[session] = 1;
            }
            std::vector<ColumnView> values;
            for (std::size_t i = 0; i < spec_.values.size(); ++i) {
                values.push_back(sources[source].column(spec_.keys.size() + i));
            }
            const MergeTarget target{store_->layout(), rows, from, first};
            for (std::size_t i = 0; i < values.size(); ++i) {
                MR_TRY_VOID(merge_column(spec_.values, i, values, target));
            }
        }
        return {};
    }

    Result<Batch> batch_of(std::span<Row* const> rows) const {
        const state::Layout& layout = store_->layout();
        columnar::BatchBuilder builder(fields_);
        for (const Row* row : rows) MR_TRY_VOID(decode_key(layout.key(*row), builder));
        for (std::size_t i = 0; i < spec_.values.size(); ++i) {
            MR_TRY_VOID(append_column(spec_.values[i], i, layout, rows,
                                      builder.column(spec_.keys.size() + i)));
        }
        return builder.finish();
    }

    Result<void> decode_key(std::string_view key, columnar::BatchBuilder& builder) const {
        if (key.size() < kWindowBytes) return fail(Code::kCorrupt, "a key of the state is short");
        auto& window = builder.column(static_cast<std::size_t>(spec_.window_key));
        for (std::size_t i = 0; i < 2; ++i) window.child(i).append_int(bound(key, i));
        window.append_nested();
        const char* at = key.data() + kWindowBytes;
        const char* end = key.data() + key.size();
        for (std::size_t i = 0; i < spec_.keys.size(); ++i) {
            if (static_cast<int>(i) == spec_.window_key) continue;
            at = decode_value(spec_.keys[i].type, at, end, builder.column(i));
            if (at == nullptr) return fail(Code::kCorrupt, "a key of the state is torn");
        }
        return {};
    }

    const AggregateSpec spec_;
    std::vector<plan::Field> fields_;
    RowIndex index_{kWindowBytes};
};

}  // namespace

std::unique_ptr<StatefulOperator> make_session_operator(AggregateSpec spec) {
    return std::make_unique<SessionOperator>(std::move(spec));
}

}  // namespace millrace::streaming
