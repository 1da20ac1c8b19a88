#include "millrace/streaming.h"

#include "api/backend.h"
#include "api/convert.h"
#include "api/query_internal.h"
#include "plan/command.h"
#include "plan/relation.h"

namespace millrace {

namespace {

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return result;
}

plan::Options lower_keys(const std::map<std::string, std::string>& options) {
    plan::Options result;
    for (const auto& [key, value] : options) result[lower(key)] = value;
    return result;
}

}  // namespace

const std::string& StreamingQuery::id() const {
    return handle_->run->id();
}
const std::string& StreamingQuery::run_id() const {
    return handle_->run->run_id();
}
const std::string& StreamingQuery::name() const {
    return handle_->run->name();
}

Result<StreamingQuery::Status> StreamingQuery::status() const {
    auto status = handle_->run->status();
    if (!status) return std::unexpected(api::to_public(status.error()));
    return Status{status->message, status->is_data_available, status->is_trigger_active,
                  status->is_active};
}
Result<bool> StreamingQuery::is_active() const {
    auto found = status();
    if (!found) return std::unexpected(std::move(found.error()));
    return found->is_active;
}
Result<std::vector<std::string>> StreamingQuery::recent_progress() const {
    return api::to_public(handle_->run->recent_progress());
}
Result<std::optional<std::string>> StreamingQuery::last_progress() const {
    auto all = recent_progress();
    if (!all) return std::unexpected(std::move(all.error()));
    if (all->empty()) return std::nullopt;
    return std::move(all->back());
}
Result<std::optional<Error>> StreamingQuery::exception() const {
    auto failure = handle_->run->exception();
    if (!failure) return std::unexpected(api::to_public(failure.error()));
    if (!*failure) return std::nullopt;
    return api::to_public(**failure);
}
Result<bool> StreamingQuery::await_termination(
    std::optional<std::chrono::milliseconds> timeout) const {
    return api::to_public(handle_->run->await_termination(timeout));
}
Result<void> StreamingQuery::process_all_available() const {
    return api::to_public(handle_->run->process_all_available());
}
Result<void> StreamingQuery::stop() const {
    return api::to_public(handle_->run->stop());
}

DataStreamReader::DataStreamReader(std::shared_ptr<api::Backend> backend)
    : backend_(std::move(backend)) {}
DataStreamReader& DataStreamReader::format(std::string_view name) {
    format_ = lower(name);
    return *this;
}
DataStreamReader& DataStreamReader::schema(std::string_view ddl) {
    schema_ = ddl;
    return *this;
}
DataStreamReader& DataStreamReader::option(std::string_view key, std::string_view value) {
    options_[std::string(key)] = value;
    return *this;
}
DataFrame DataStreamReader::load(std::string_view path) const {
    plan::DataSourceRel source;
    source.format = format_.empty() ? "parquet" : format_;
    source.schema = schema_;
    source.options = lower_keys(options_);
    if (!path.empty()) source.paths.emplace_back(path);
    source.is_streaming = true;
    return {backend_, plan::make_relation(std::move(source))};
}
DataFrame DataStreamReader::table(std::string_view name) const {
    const auto parts = plan::split_name(name);
    plan::NamedTableRel relation;
    relation.parts = parts ? *parts : std::vector<std::string>{std::string(name)};
    relation.options = lower_keys(options_);
    relation.is_streaming = true;
    return {backend_, plan::make_relation(std::move(relation))};
}

DataStreamWriter::DataStreamWriter(DataFrame frame) : frame_(std::move(frame)) {}
DataStreamWriter& DataStreamWriter::format(std::string_view name) {
    format_ = lower(name);
    return *this;
}
DataStreamWriter& DataStreamWriter::output_mode(std::string_view name) {
    output_mode_ = lower(name);
    return *this;
}
DataStreamWriter& DataStreamWriter::option(std::string_view key, std::string_view value) {
    options_[std::string(key)] = value;
    return *this;
}
DataStreamWriter& DataStreamWriter::query_name(std::string_view name) {
    query_name_ = name;
    return *this;
}
DataStreamWriter& DataStreamWriter::trigger(Trigger trigger) {
    trigger_ = std::move(trigger);
    return *this;
}
DataStreamWriter& DataStreamWriter::partition_by(const std::vector<std::string>& columns) {
    partition_by_ = columns;
    return *this;
}

Result<StreamingQuery> DataStreamWriter::start(std::string_view path) const {
    plan::StartStreamCommand command;
    command.input = frame_.plan();
    command.format = format_;
    command.options = lower_keys(options_);
    command.partition_by = partition_by_;
    switch (trigger_.kind) {
        case Trigger::Kind::kDefault: break;
        case Trigger::Kind::kProcessingTime:
            command.trigger = {plan::TriggerKind::kProcessingTime, trigger_.interval};
            break;
        case Trigger::Kind::kAvailableNow:
            command.trigger = {plan::TriggerKind::kAvailableNow, {}};
            break;
        case Trigger::Kind::kOnce: command.trigger = {plan::TriggerKind::kOnce, {}}; break;
    }
    command.output_mode = output_mode_;
    command.query_name = query_name_;
    command.path = path;
    auto run = frame_.backend()->start(command);
    if (!run) return std::unexpected(api::to_public(run.error()));
    return StreamingQuery(std::make_shared<StreamingQuery::Handle>(std::move(*run)));
}

}  // namespace millrace
