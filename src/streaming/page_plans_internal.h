// Plans over a topic of pages, built by hand, for the tests and benchmarks of this room.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "columnar/engine.h"
#include "plan/logical.h"
#include "streaming/sources.h"

namespace millrace::streaming::test {

using plan::Attribute;
using plan::DataType;
using plan::LogicalPtr;
using plan::NamedExpr;
using plan::TypedExpr;
using plan::TypedExprPtr;

inline constexpr std::int64_t kMinuteMs = 60'000;

inline columnar::Engine& engine() {
    static const auto made = std::move(*columnar::Engine::make({.threads = 1}));
    return *made;
}

inline TypedExprPtr expression(TypedExpr::Node node, DataType type) {
    return std::make_shared<const TypedExpr>(
        TypedExpr{std::move(node), std::move(type), true, {}, {}});
}
inline TypedExprPtr ref(const Attribute& attribute) {
    return expression(plan::AttributeRef{attribute.id}, attribute.type);
}
inline DataType window_type() {
    return DataType::structure(
        {{"start", DataType::timestamp(), true, {}}, {"end", DataType::timestamp(), true, {}}});
}

// Plans over topic "in" whose records are pages, their timestamps the event time.
class Plans {
public:
    explicit Plans(plan::Options options) : options_(std::move(options)) {}

    // timestamp, page
    LogicalPtr views() {
        plan::ScanNode scan;
        scan.scan_id = next_scan_++;
        scan.is_streaming = true;
        scan.source.format = "kafka";
        scan.source.options = options_;
        const auto fields = fixed_schema(scan.source);
        for (const plan::Field& field : *fields) {
            scan.output.push_back(attribute(field.name, field.type));
        }
        const Attribute value = scan.output[1];
        const Attribute time = scan.output[5];
        time_ = attribute("timestamp", DataType::timestamp());
        page_ = attribute("page", DataType::string());
        return plan::make_logical(plan::ProjectNode{
            plan::make_logical(std::move(scan)),
            {{time_, ref(time)},
             {page_, expression(plan::TypedCast{ref(value), plan::EvalMode::kAnsi, "UTC"},
                                DataType::string())}}});
    }
    LogicalPtr watermarked(std::int64_t delay_minutes) {
        const LogicalPtr input = views();
        time_.watermark_delay_ms = delay_minutes * kMinuteMs;
        return plan::make_logical(
            plan::WatermarkNode{input, time_.id, *time_.watermark_delay_ms, {time_, page_}});
    }
    // start, end (minutes of the epoch), page, hits per window.
    LogicalPtr hits_per_window(std::int64_t duration, std::int64_t slide) {
        const LogicalPtr input = watermarked(10);
        plan::TimeWindowNode window;
        window.input = input;
        window.time = ref(time_);
        window.duration_us = duration * kMinuteMs * 1000;
        window.slide_us = slide * kMinuteMs * 1000;
        window.window = attribute("window", window_type());
        window.window.watermark_delay_ms = time_.watermark_delay_ms;
        const Attribute key = window.window;
        return with_bounds(count(plan::make_logical(std::move(window)), {key, page_}));
    }
    // A window, page and hits as its start, its end, page and hits.
    LogicalPtr with_bounds(const LogicalPtr& counted) {
        const auto columns = plan::output_of(*counted);
        plan::ProjectNode top{counted, {}};
        for (const int field : {0, 1}) {
            top.columns.push_back(
                {attribute(field == 0 ? "start" : "end", DataType::timestamp()),
                 expression(plan::GetField{ref(columns[0]), field}, DataType::timestamp())});
        }
        top.columns.push_back({attribute("page", DataType::string()), ref(columns[1])});
        top.columns.push_back({attribute("hits", DataType::long_()), ref(columns[2])});
        return plan::make_logical(std::move(top));
    }
    // start, end (minutes of the epoch), page, hits per session.
    LogicalPtr hits_per_session(std::int64_t gap_minutes) {
        const LogicalPtr input = watermarked(10);
        plan::Literal gap;
        gap.type = DataType::day_time_interval();
        gap.value = gap_minutes * kMinuteMs * 1000;
        plan::SessionWindowNode session{.input = input,
                                        .time = ref(time_),
                                        .gap = expression(gap, gap.type),
                                        .window = attribute("session_window", window_type())};
        session.window.watermark_delay_ms = time_.watermark_delay_ms;
        const Attribute key = session.window;
        return with_bounds(count(plan::make_logical(std::move(session)), {key, page_}));
    }
    LogicalPtr hits_per_page() { return count(views(), {page_}); }
    LogicalPtr top(std::int64_t rows) {
        const LogicalPtr counted = hits_per_page();
        const auto columns = plan::output_of(*counted);
        const LogicalPtr sorted = plan::make_logical(plan::LogicalSort{
            counted, {{ref(columns[1]), false, false}, {ref(columns[0]), true, true}}});
        return plan::make_logical(plan::LogicalLimit{sorted, rows});
    }
    LogicalPtr distinct(bool within_watermark) {
        const LogicalPtr input = watermarked(10);
        return plan::make_logical(plan::DeduplicateNode{input, {page_.id}, within_watermark});
    }
    // Each view with the later ones of the same page within five minutes, or with nulls.
    LogicalPtr followed() {
        const LogicalPtr left = watermarked(10);
        const Attribute time = time_;
        const Attribute page = page_;
        const LogicalPtr right = watermarked(10);
        const auto call = [](std::string name, TypedExprPtr a, TypedExprPtr b, DataType type) {
            plan::FunctionCall made;
            made.name = std::move(name);
            made.args = {std::move(a), std::move(b)};
            return expression(std::move(made), std::move(type));
        };
        const DataType boolean = DataType::boolean();
        plan::Literal minutes;
        minutes.type = DataType::day_time_interval();
        minutes.value = 5 * kMinuteMs * 1000;
        const TypedExprPtr until =
            call("timestamp_add_interval", ref(time), expression(minutes, minutes.type), time.type);
        plan::JoinNode join;
        join.type = plan::JoinType::kLeftOuter;
        join.condition = call("and", call("==", ref(page), ref(page_), boolean),
                              call("and", call(">", ref(time_), ref(time), boolean),
                                   call("<=", ref(time_), until, boolean), boolean),
                              boolean);
        join.output = {time, page, time_, page_};
        join.left = left;
        join.right = right;
        return plan::make_logical(std::move(join));
    }

private:
    Attribute attribute(std::string name, DataType type) {
        return {.id = next_++, .name = std::move(name), .type = std::move(type)};
    }
    LogicalPtr count(LogicalPtr input, const std::vector<Attribute>& keys) {
        plan::AggregateNode node;
        node.input = std::move(input);
        for (const Attribute& key : keys) {
            Attribute out = attribute(key.name, key.type);
            out.watermark_delay_ms = key.watermark_delay_ms;
            node.keys.push_back({out, ref(key)});
        }
        plan::AggregateCall call;
        call.name = "count";
        call.args = {expression(plan::Literal::integer(1), DataType::integer())};
        node.aggregates.push_back(
            {attribute("hits", DataType::long_()), expression(std::move(call), DataType::long_())});
        return plan::make_logical(std::move(node));
    }

    const plan::Options options_;
    plan::AttributeId next_ = 1;
    std::int64_t next_scan_ = 1;
    Attribute time_;
    Attribute page_;
};

}  // namespace millrace::streaming::test
