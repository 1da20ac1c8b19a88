// What a checkpoint says of the operators of its query.
#include "runtime/disk.h"
#include "streaming/json.h"
#include "streaming/query_execution.h"

namespace millrace::streaming {

using base::Code;
using base::fail;

// state/<op>/_metadata/metadata names each operator, so that a changed query is told what changed
// instead of finding strange rows.
Result<void> QueryExecution::check_operators() {
    const auto path_of = [this](std::size_t id) {
        return checkpoint_.state_directory(static_cast<std::int64_t>(id)) + "/_metadata";
    };
    const auto list = [](const std::vector<std::string>& names) {
        std::string text = "[";
        for (std::size_t i = 0; i < names.size(); ++i) {
            text += fmt::format("{}(OperatorId: {} -> OperatorName: {})", i == 0 ? "" : ", ", i,
                                names[i]);
        }
        return text + "]";
    };
    std::vector<std::string> found;
    for (std::size_t id = 0;; ++id) {
        const auto text = runtime::read_file(options_.checkpoint_disk, path_of(id) + "/metadata");
        if (!text) break;
        const std::string_view view = *text;
        const auto json = parse_json(view.substr(std::min(view.find('\n'), view.size() - 1) + 1));
        const Json* info = json ? json->member("operatorInfo") : nullptr;
        const Json* name = info == nullptr ? nullptr : info->member("operatorName");
        found.push_back(name == nullptr ? "?" : name->text);
    }
    const bool is_new = batch_id_ == 0 && found.empty();
    if (!is_new && found != plan_.operator_names) {
        base::Condition condition{.name = "STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA",
                                  .sql_state = "42K03"};
        condition.parameters = {{"OpsInMetadataSeq", list(found)},
                                {"OpsInCurBatchSeq", list(plan_.operator_names)}};
        return fail(base::Error(
            Code::kInvalidArgument,
            fmt::format(
                "[STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA] Streaming stateful "
                "operator name does not match with the operator in state metadata. This likely "
                "to happen when user adds/removes/changes stateful operator of existing "
                "streaming query. Stateful operators in the metadata: {}; Stateful operators in "
                "current batch: {}. SQLSTATE: 42K03",
                list(found), list(plan_.operator_names)),
            std::move(condition)));
    }
    for (std::size_t id = found.size(); id < plan_.operator_names.size(); ++id) {
        MR_TRY_VOID(runtime::make_directories_durably(options_.checkpoint_disk, path_of(id)));
        MR_TRY_VOID(runtime::write_file_durably(
            options_.checkpoint_disk, path_of(id) + "/metadata",
            fmt::format("v1\n{{\"operatorInfo\":{{\"operatorId\":{},\"operatorName\":{}}},"
                        "\"stateStoreInfo\":[{{\"storeName\":\"default\",\"numColsPrefixKey\":0,"
                        "\"numPartitions\":{}}}]}}",
                        id, json_quote(plan_.operator_names[id]), store_options_.buckets)));
    }
    return {};
}

}  // namespace millrace::streaming
