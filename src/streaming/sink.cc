#include "streaming/sink.h"

#include <algorithm>
#include <cstdio>

#include "streaming/file_source.h"
#include "streaming/memory_table.h"
#include "streaming/topic_offsets.h"

namespace millrace::streaming {

using base::Code;
using base::fail;
using columnar::Batch;
using columnar::Batches;

namespace {

class MemorySink final : public Sink {
public:
    MemorySink(std::shared_ptr<MemoryTable> table, OutputMode mode)
        : table_(std::move(table)), mode_(mode) {}
    std::string description() const override { return "MemorySink"; }
    Result<std::int64_t> write(std::int64_t batch_id, const Batches& rows) override {
        if (mode_ == OutputMode::kComplete) {
            table_->replace(batch_id, rows);
        } else {
            table_->append(batch_id, rows);
        }
        return columnar::total_rows(rows);
    }

private:
    const std::shared_ptr<MemoryTable> table_;
    const OutputMode mode_;
};

class NoopSink final : public Sink {
public:
    std::string description() const override { return "NoopTable"; }
    Result<std::int64_t> write(std::int64_t, const Batches& rows) override {
        return columnar::total_rows(rows);
    }
};

class CallbackSink final : public Sink {
public:
    CallbackSink(BatchCallback callback, std::vector<plan::Field> fields, std::string name)
        : callback_(std::move(callback)), fields_(std::move(fields)), name_(std::move(name)) {}
    std::string description() const override { return name_; }
    Result<std::int64_t> write(std::int64_t batch_id, const Batches& rows) override {
        MR_TRY_VOID(callback_(batch_id, fields_, rows));
        return -1;
    }

private:
    const BatchCallback callback_;
    const std::vector<plan::Field> fields_;
    const std::string name_;
};

// How many columns a text takes on a screen, near enough: its characters.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

class ConsoleSink final : public Sink {
public:
    ConsoleSink(std::vector<plan::Field> fields, std::function<void(std::string_view)> print,
                std::int64_t rows, bool truncate, std::string time_zone)
        : fields_(std::move(fields)),
          print_(std::move(print)),
          rows_(rows),
          truncate_(truncate),
          time_zone_(std::move(time_zone)) {}

    std::string description() const override { return "ConsoleTable"; }

    Result<std::int64_t> write(std::int64_t batch_id, const Batches& rows) override {
        constexpr std::string_view kLine = "-------------------------------------------\n";
        print_(fmt::format("{}Batch: {}\n{}{}\n", kLine, batch_id, kLine, table(rows)));
        return columnar::total_rows(rows);
    }

private:
    static constexpr std::size_t kCellWidth = 20;

    std::string cell(const columnar::ColumnView& view, std::int64_t row) const {
        std::string text = columnar::to_display(view, row, time_zone_);
        if (!truncate_ || width_of(text) <= kCellWidth) return text;
        std::size_t end = 0;
        for (std::size_t seen = 0; seen < kCellWidth - 3; ++seen) {
            do {
                ++end;
            } while (end < text.size() && (text[end] & 0xc0) == 0x80);
        }
        return text.substr(0, end) + "...";
    }

    // As DataFrame.show() prints it.
    std::string table(const Batches& rows) const {
        std::vector<std::vector<std::string>> cells(1);
        for (const plan::Field& field : fields_) cells[0].push_back(field.name);
        std::int64_t left = rows_;
        for (const Batch& batch : rows) {
            for (std::int64_t row = 0; row < batch.rows() && left > 0; ++row, --left) {
                auto& line = cells.emplace_back();
                for (std::size_t c = 0; c < fields_.size(); ++c) {
                    line.push_back(cell(batch.column(c), row));
                }
            }
        }
        std::vector<std::size_t> widths(fields_.size(), 3);
        for (const auto& line : cells) {
            for (std::size_t c = 0; c < line.size(); ++c) {
                widths[c] = std::max(widths[c], width_of(line[c]));
            }
        }
        std::string rule = "+";
        for (const std::size_t width : widths) rule += std::string(width, '-') + "+";
        rule += "\n";
        std::string text = rule;
        for (std::size_t i = 0; i < cells.size(); ++i) {
            text += "|";
            for (std::size_t c = 0; c < cells[i].size(); ++c) {
                const std::string pad(widths[c] - width_of(cells[i][c]), ' ');
                text += truncate_ ? pad + cells[i][c] : cells[i][c] + pad;
                text += "|";
            }
            text += "\n";
            if (i == 0) text += rule;
        }
        text += rule;
        if (columnar::total_rows(rows) > rows_) {
            text += fmt::format("only showing top {} rows\n", rows_);
        }
        return text;
    }

    const std::vector<plan::Field> fields_;
    const std::function<void(std::string_view)> print_;
    const std::int64_t rows_;
    const bool truncate_;
    const std::string time_zone_;
};

Result<std::unique_ptr<Sink>> make_console_sink(const SinkContext& context) {
    MR_TRY(const auto rows, number_option(context.spec.sink.options, "numrows"));
    auto print = context.spec.sink.print;
    if (!print) {
        print = [](std::string_view text) {
            std::fwrite(text.data(), 1, text.size(), stdout);
            std::fflush(stdout);
        };
    }
    return std::make_unique<ConsoleSink>(
        context.fields, std::move(print), rows.value_or(20),
        option_or(context.spec.sink.options, "truncate", "true") != "false",
        context.spec.time_zone);
}

}  // namespace

Result<std::unique_ptr<Sink>> make_sink(const SinkContext& context) {
    const SinkSpec& sink = context.spec.sink;
    if (sink.callback) {
        return std::make_unique<CallbackSink>(
            sink.callback, context.fields, sink.format.empty() ? "ForeachBatchSink" : sink.format);
    }
    if (sink.format == "memory") {
        return std::make_unique<MemorySink>(context.table, context.spec.mode);
    }
    if (sink.format == "noop") return std::make_unique<NoopSink>();
    if (sink.format == "console") return make_console_sink(context);
    if (sink.format == "kafka") return make_topic_sink(context);
    if (is_file_format(sink.format) || sink.format.empty()) return make_file_sink(context);
    base::Condition condition{.name = "DATA_SOURCE_NOT_FOUND", .sql_state = "42K02"};
    condition.parameters = {{"provider", sink.format}};
    return fail(base::Error(
        Code::kAnalysis,
        fmt::format(
            "[DATA_SOURCE_NOT_FOUND] Failed to find the data source: {}. Make sure the "
            "provider name is correct and the package is properly registered and compatible "
            "with your Spark version. SQLSTATE: 42K02",
            sink.format),
        std::move(condition)));
}

}  // namespace millrace::streaming
