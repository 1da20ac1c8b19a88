#include "streaming/join_operator.h"

#include <algorithm>
#include <limits>
#include <span>

#include "streaming/join_state_internal.h"
#include "streaming/row_codec.h"

namespace millrace::streaming {

using base::Code;
using base::fail;
using columnar::Batch;
using columnar::BatchBuilder;
using columnar::Batches;
using columnar::ColumnView;
using plan::JoinType;
using plan::TypeKind;
using state::Row;

namespace {

constexpr std::int64_t kEmitRows = 65536;
constexpr std::size_t kCandidates = 65536;  // How many are looked at together.
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

JoinSide other_of(JoinSide side) {
    return side == JoinSide::kLeft ? JoinSide::kRight : JoinSide::kLeft;
}

// Collects the rows that come out in batches of bounded size.
class Output {
public:
    explicit Output(const std::vector<plan::Field>& fields) : builder_(fields) {}

    BatchBuilder::Column& column(std::size_t index) { return builder_.column(index); }
    Result<void> end_row() {
        if (++rows_ == kEmitRows) return flush();
        return {};
    }
    Result<Batches> finish() {
        if (rows_ > 0) MR_TRY_VOID(flush());
        return std::move(batches_);
    }

private:
    Result<void> flush() {
        MR_TRY(Batch batch, builder_.finish());
        batches_.push_back(std::move(batch));
        rows_ = 0;
        return {};
    }
    BatchBuilder builder_;
    std::int64_t rows_ = 0;
    Batches batches_;
};

std::unexpected<base::Error> torn() {
    return fail(Code::kCorrupt, "a row of the state of a join is torn");
}

class JoinOperator final : public StatefulOperator {
public:
    explicit JoinOperator(JoinSpec spec) : spec_(std::move(spec)) {
        for (const JoinSpec::InnerColumn& column : spec_.inner) {
            plan::Field field =
                spec_of(column.left ? JoinSide::kLeft : JoinSide::kRight).fields[column.index];
            field.nullable = true;
            inner_fields_.push_back(std::move(field));
        }
        inner_fields_.push_back({"candidate", plan::DataType::long_(), false, {}});
    }

    std::string_view name() const override { return "symmetricHashJoin"; }
    std::int64_t stores_per_bucket() const override { return 4; }
    // A row comes out as late as it is let go, on the side that is kept longer.
    std::int64_t output_lag_ms() const override {
        std::int64_t lag = 0;
        for (const JoinSpec::Side* side : {&spec_.left, &spec_.right}) {
            if (side->state_time >= 0) lag = std::max(lag, -side->state_offset_us / 1000);
        }
        return lag;
    }

    state::Schema schema() const override {
        state::Schema schema;
        schema.values = JoinRows::values();
        schema.timed = timed();
        schema.description = fmt::format("join {}", static_cast<int>(spec_.type));
        for (const JoinSpec::Side* side : {&spec_.left, &spec_.right}) {
            schema.description += " of";
            for (const plan::Field& field : side->fields) {
                schema.description += " " + field.type.simple_string();
            }
            schema.description += " on";
            for (const plan::Field& key : side->keys) {
                schema.description += " " + key.type.simple_string();
            }
            schema.description +=
                fmt::format(" until {} {}", side->state_time, side->state_offset_us);
        }
        return schema;
    }

    const std::vector<plan::Field>& output_fields() const override { return spec_.output; }

    bool wants_batch(std::int64_t watermark_us, std::int64_t evicted_us,
                     OutputMode) const override {
        return timed() && watermark_us > evicted_us;
    }

    Result<Batches> process(const std::vector<Batches>& inputs,
                            const OperatorContext& context) override {
        Output out(spec_.output);
        for (const JoinSide side : {JoinSide::kLeft, JoinSide::kRight}) {
            for (const Batch& batch : inputs[static_cast<std::size_t>(side)]) {
                MR_TRY_VOID(take(side, batch, context, out));
            }
        }
        if (timed()) MR_TRY_VOID(let_go(context.evict_us, out));
        return out.finish();
    }

protected:
    void loaded() override { rows_.load(*store_); }

private:
    // The rows of one input batch that may meet others, and what is known of them.
    struct Arrivals {
        std::vector<ColumnView> columns;
        std::vector<std::int64_t> row;  // By arrival: its row of the batch.
        std::vector<std::string> key;
        std::vector<std::uint8_t> matched;
    };
    struct Candidate {
        std::size_t arrival = 0;
        Row* kept = nullptr;
    };

    const JoinSpec::Side& spec_of(JoinSide side) const {
        return side == JoinSide::kLeft ? spec_.left : spec_.right;
    }
    bool timed() const { return spec_.left.state_time >= 0 || spec_.right.state_time >= 0; }
    bool is_semi() const { return spec_.type == JoinType::kLeftSemi; }
    // Rows of this side come out even without a partner.
    bool preserves(JoinSide side) const {
        return spec_.type == JoinType::kFullOuter ||
               spec_.type ==
                   (side == JoinSide::kLeft ? JoinType::kLeftOuter : JoinType::kRightOuter);
    }
    // It counts whether a kept row of this side has met a partner.
    bool notes_matches(JoinSide side) const {
        return preserves(side) || (is_semi() && side == JoinSide::kLeft);
    }

    // What comes out of a semi join when a right row comes: the left rows that waited for it.
    bool emits_kept(JoinSide arriving) const { return is_semi() && arriving == JoinSide::kRight; }

    // The time of an event-time value: its own, or a window's end. Null values have none.
    static std::int64_t time_of(const ColumnView& view, std::int64_t row) {
        if (view.is_null(row)) return kNever;
        return view.type.is(TypeKind::kStruct) ? view.children[1].value<std::int64_t>(row)
                                               : view.value<std::int64_t>(row);
    }
    std::int64_t state_time(JoinSide side, const std::vector<ColumnView>& columns,
                            std::int64_t row) const {
        const JoinSpec::Side& spec = spec_of(side);
        if (spec.state_time < 0) return kNever;
        const std::int64_t time = time_of(columns[static_cast<std::size_t>(spec.state_time)], row);
        std::int64_t shifted = 0;
        if (time == kNever || __builtin_sub_overflow(time, spec.state_offset_us, &shifted)) {
            return kNever;
        }
        return shifted;
    }

    // The key's bytes; false when a null in it keeps the row from ever meeting another.
    bool encode_key(JoinSide side, const std::vector<ColumnView>& columns, std::int64_t row,
                    std::string& key) const {
        const JoinSpec::Side& spec = spec_of(side);
        bool meets = true;
        for (std::size_t i = 0; i < spec.keys.size(); ++i) {
            const ColumnView& view = columns[spec.fields.size() + i];
            if (!spec_.null_safe[i] && view.is_null(row)) meets = false;
            encode_value(view, row, key);
        }
        return meets;
    }

    Result<void> take(JoinSide side, const Batch& batch, const OperatorContext& context,
                      Output& out) {
        const JoinSpec::Side& spec = spec_of(side);
        Arrivals arrivals;
        for (std::size_t i = 0; i < spec.fields.size() + spec.keys.size(); ++i) {
            arrivals.columns.push_back(batch.column(i));
        }
        std::optional<ColumnView> filter;
        if (spec.filtered) filter = batch.column(spec.fields.size() + spec.keys.size());
        std::vector<Candidate> candidates;
        for (std::int64_t row = 0; row < batch.rows(); ++row) {
            const bool passes = !filter || (!filter->is_null(row) && filter->boolean(row));
            std::string key;
            const bool meets = encode_key(side, arrivals.columns, row, key);
            // Rows that can only be dropped are so before anyone asks whether they are late.
            if (!preserves(side) && !(passes && meets)) continue;
            if (spec.event_time >= 0 &&
                time_of(arrivals.columns[static_cast<std::size_t>(spec.event_time)], row) <=
                    context.late_us) {
                ++metrics_.rows_dropped_by_watermark;
                continue;
            }
            if (!passes) {
                MR_TRY_VOID(emit_alone(side, arrivals.columns, row, out));
                continue;
            }
            const std::size_t arrival = arrivals.row.size();
            if (meets) {
                for (Row* partner : rows_.find(other_of(side), key)) {
                    // A left row of a semi join has come out when it met its first partner.
                    if (emits_kept(side) && rows_.matched(*partner)) continue;
                    candidates.push_back({arrival, partner});
                }
            }
            arrivals.row.push_back(row);
            arrivals.key.push_back(std::move(key));
            arrivals.matched.push_back(0);
            if (candidates.size() >= kCandidates) {
                MR_TRY_VOID(meet(side, arrivals, candidates, context, out));
                candidates.clear();
            }
        }
        MR_TRY_VOID(meet(side, arrivals, candidates, context, out));
        if (is_semi() && side == JoinSide::kLeft) {
            for (std::size_t i = 0; i < arrivals.row.size(); ++i) {
                if (arrivals.matched[i] == 0) continue;
                append_columns(arrivals.columns, arrivals.row[i], 0, spec.fields.size(), out);
                MR_TRY_VOID(out.end_row());
            }
        }
        keep(side, arrivals, context);
        return {};
    }

    // Gives the joined rows of the candidates that the rest of the condition lets through.
    Result<void> meet(JoinSide side, Arrivals& arrivals, const std::vector<Candidate>& candidates,
                      const OperatorContext& context, Output& out) {
        for (std::size_t from = 0; from < candidates.size(); from += kCandidates) {
            const std::span<const Candidate> part(candidates.data() + from,
                                                  std::min(kCandidates, candidates.size() - from));
            MR_TRY(const std::vector<std::uint8_t> joins, check(side, arrivals, part, context));
            for (std::size_t i = 0; i < part.size(); ++i) {
                if (joins[i] == 0) continue;
                const Candidate& candidate = part[i];
                const bool first = !rows_.matched(*candidate.kept);
                arrivals.matched[candidate.arrival] = 1;
                if (first && notes_matches(other_of(side))) rows_.set_matched(*candidate.kept);
                if (emits_kept(side) && first) {
                    MR_TRY_VOID(append_kept(JoinSide::kLeft, *candidate.kept, 0, out));
                    MR_TRY_VOID(out.end_row());
                }
                if (is_semi()) continue;
                MR_TRY_VOID(emit_pair(side, arrivals, candidate, out));
            }
        }
        return {};
    }

    Result<std::vector<std::uint8_t>> check(JoinSide side, const Arrivals& arrivals,
                                            std::span<const Candidate> candidates,
                                            const OperatorContext& context) const {
        if (!spec_.has_inner || candidates.empty()) {
            return std::vector<std::uint8_t>(candidates.size(), 1);
        }
        BatchBuilder builder(inner_fields_);
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            for (std::size_t c = 0; c < spec_.inner.size(); ++c) {
                const JoinSpec::InnerColumn& column = spec_.inner[c];
                if (column.left == (side == JoinSide::kLeft)) {
                    builder.column(c).append_from(arrivals.columns[column.index],
                                                  arrivals.row[candidates[i].arrival]);
                }
            }
            MR_TRY_VOID(append_inner(other_of(side), *candidates[i].kept, builder));
            builder.column(spec_.inner.size()).append_int(static_cast<std::int64_t>(i));
        }
        MR_TRY(Batch batch, builder.finish());
        MR_TRY(const Batches passed, context.run_inner({std::move(batch)}));
        std::vector<std::uint8_t> result(candidates.size(), 0);
        for (const Batch& part : passed) {
            const ColumnView number = part.column(0);
            for (std::int64_t row = 0; row < part.rows(); ++row) {
                result[static_cast<std::size_t>(number.value<std::int64_t>(row))] = 1;
            }
        }
        return result;
    }

    // The columns of a kept row that the inner plan looks at.
    Result<void> append_inner(JoinSide side, const Row& kept, BatchBuilder& builder) const {
        const std::string_view bytes = rows_.row(kept);
        const char* at = bytes.data();
        const char* end = at + bytes.size();
        const std::vector<plan::Field>& fields = spec_of(side).fields;
        for (std::size_t i = 0; i < fields.size(); ++i) {
            const auto column = std::ranges::find_if(spec_.inner, [&](const auto& wanted) {
                return wanted.left == (side == JoinSide::kLeft) && wanted.index == i;
            });
            at = column == spec_.inner.end()
                     ? skip_value(fields[i].type, at, end)
                     : decode_value(
                           fields[i].type, at, end,
                           builder.column(static_cast<std::size_t>(column - spec_.inner.begin())));
            if (at == nullptr) return torn();
        }
        return {};
    }

    static void append_columns(const std::vector<ColumnView>& columns, std::int64_t row,
                               std::size_t to, std::size_t count, Output& out) {
        for (std::size_t i = 0; i < count; ++i) out.column(to + i).append_from(columns[i], row);
    }
    Result<void> append_kept(JoinSide side, const Row& kept, std::size_t to, Output& out) const {
        const std::string_view bytes = rows_.row(kept);
        const char* at = bytes.data();
        const char* end = at + bytes.size();
        for (const plan::Field& field : spec_of(side).fields) {
            at = decode_value(field.type, at, end, out.column(to++));
            if (at == nullptr) return torn();
        }
        return {};
    }
    std::size_t first_column(JoinSide side) const {
        return side == JoinSide::kLeft ? 0 : spec_.left.fields.size();
    }
    void append_nulls(JoinSide side, Output& out) const {
        for (std::size_t i = 0; i < spec_of(side).fields.size(); ++i) {
            out.column(first_column(side) + i).append_null();
        }
    }

    Result<void> emit_pair(JoinSide side, const Arrivals& arrivals, const Candidate& candidate,
                           Output& out) const {
        const JoinSide other = other_of(side);
        append_columns(arrivals.columns, arrivals.row[candidate.arrival], first_column(side),
                       spec_of(side).fields.size(), out);
        MR_TRY_VOID(append_kept(other, *candidate.kept, first_column(other), out));
        return out.end_row();
    }
    Result<void> emit_alone(JoinSide side, const std::vector<ColumnView>& columns, std::int64_t row,
                            Output& out) const {
        append_columns(columns, row, first_column(side), spec_of(side).fields.size(), out);
        append_nulls(other_of(side), out);
        return out.end_row();
    }

    // Keeps what may still meet a row, or must come out alone later.
    void keep(JoinSide side, const Arrivals& arrivals, const OperatorContext& context) {
        struct Extent {
            std::size_t arrival;
            std::size_t from;
            std::int64_t time_us;
        };
        std::vector<Extent> extents;
        std::string bytes;
        for (std::size_t i = 0; i < arrivals.row.size(); ++i) {
            const bool matched = arrivals.matched[i] != 0;
            const std::int64_t time_us = state_time(side, arrivals.columns, arrivals.row[i]);
            if (side == JoinSide::kLeft) {
                if (is_semi() && matched) continue;
            } else if (time_us <= context.evict_us && (matched || !preserves(side))) {
                continue;  // It has met the left rows of this batch already.
            }
            extents.push_back({i, bytes.size(), time_us});
            for (std::size_t c = 0; c < spec_of(side).fields.size(); ++c) {
                encode_exactly(arrivals.columns[c], arrivals.row[i], bytes);
            }
        }
        std::vector<JoinRows::New> kept;
        for (std::size_t i = 0; i < extents.size(); ++i) {
            const std::size_t end = i + 1 < extents.size() ? extents[i + 1].from : bytes.size();
            const std::size_t arrival = extents[i].arrival;
            kept.push_back(
                {.key = arrivals.key[arrival],
                 .row = std::string_view(bytes).substr(extents[i].from, end - extents[i].from),
                 .time_us = extents[i].time_us,
                 .matched = arrivals.matched[arrival] != 0});
        }
        rows_.append(side, kept);
        metrics_.rows_updated += static_cast<std::int64_t>(kept.size());
    }

    Result<void> let_go(std::int64_t time_us, Output& out) {
        for (const Row* row : rows_.evict(time_us)) {
            const JoinSide side = rows_.side_of(*row);
            if (!preserves(side)) {
                ++metrics_.rows_removed;  // Spark counts these alone.
                continue;
            }
            if (rows_.matched(*row)) continue;
            MR_TRY_VOID(append_kept(side, *row, first_column(side), out));
            append_nulls(other_of(side), out);
            MR_TRY_VOID(out.end_row());
        }
        return {};
    }

    const JoinSpec spec_;
    std::vector<plan::Field> inner_fields_;
    JoinRows rows_;
};

}  // namespace

std::unique_ptr<StatefulOperator> make_join_operator(JoinSpec spec) {
    return std::make_unique<JoinOperator>(std::move(spec));
}

}  // namespace millrace::streaming
