#include "millrace/session.h"

#include "api/backend.h"
#include "api/convert.h"
#include "api/local_backend.h"
#include "api/local_rows.h"
#include "api/remote_backend.h"
#include "plan/relation.h"
#include "sql/parser.h"

namespace millrace {

Result<Session> Session::local(LocalOptions options) {
    auto backend = api::make_local_backend(options);
    if (!backend) return std::unexpected(api::to_public(backend.error()));
    return Session(std::move(*backend));
}

Result<Session> Session::remote(std::string_view url) {
    auto backend = api::make_remote_backend(std::string(url));
    if (!backend) return std::unexpected(api::to_public(backend.error()));
    return Session(std::move(*backend));
}

Result<DataFrame> Session::sql(std::string_view text) const {
    auto relation = backend_->sql(text);
    if (!relation) return std::unexpected(api::to_public(relation.error()));
    return DataFrame(backend_, std::move(*relation));
}

DataFrame Session::table(std::string_view name) const {
    return read().table(name);
}

DataFrame Session::range(std::int64_t start, std::int64_t end, std::int64_t step) const {
    return {backend_, plan::make_relation(plan::RangeRel{start, end, step, std::nullopt})};
}

Result<DataFrame> Session::create_dataframe(const std::vector<std::vector<Value>>& rows,
                                            std::string_view schema) const {
    auto type = sql::parse_schema(schema);
    if (!type) return std::unexpected(api::to_public(type.error()));
    if (!type->is(plan::TypeKind::kStruct)) {
        return std::unexpected(
            Error{"The schema of a DataFrame is a list of columns, such as "
                  "\"page STRING, hits BIGINT\".",
                  {},
                  {},
                  {}});
    }
    auto ipc = api::rows_to_ipc(rows, *type);
    if (!ipc) return std::unexpected(api::to_public(ipc.error()));
    plan::LocalRel local;
    local.arrow_ipc = std::move(*ipc);
    local.schema = type->json();
    return DataFrame(backend_, plan::make_relation(std::move(local)));
}

Result<void> Session::set_conf(std::string_view key, std::string_view value) const {
    return api::to_public(backend_->set_conf(std::string(key), std::string(value)));
}
Result<std::string> Session::conf(std::string_view key) const {
    return api::to_public(backend_->conf(std::string(key)));
}
Result<std::string> Session::version() const {
    return api::to_public(backend_->version());
}
Result<void> Session::stop() const {
    return api::to_public(backend_->stop());
}

}  // namespace millrace
