// `cluster quotas`: how much users, client ids and addresses may use of the servers.
#include <algorithm>
#include <memory>

#include "base/strings.h"
#include "cli/kafka/leaf_internal.h"

namespace millrace::cli {

using base::Code;
using base::fail;
using base::JsonValue;
using base::Result;
using client::Cluster;
using client::Direct;

namespace {

// "user=ann client-id=(default)": what entities are called in tables.
std::string words_of(const Direct::QuotaEntity& entity) {
    std::vector<std::string> parts;
    for (const auto& [type, name] : entity) {
        parts.push_back(fmt::format("{}={}", type, name.value_or("(default)")));
    }
    return base::join(parts, " ");
}

// `names` are "user=ann", `defaults` "client-id".
Result<Direct::QuotaEntity> entity_of(const std::vector<std::string>& names,
                                      const std::vector<std::string>& defaults) {
    Direct::QuotaEntity entity;
    for (const std::string& text : names) {
        MR_TRY(const auto pair, parse_assignment(text, "--name"));
        entity[pair.first] = pair.second;
    }
    for (const std::string& type : defaults) {
        if (!entity.try_emplace(type, std::nullopt).second) {
            return fail(Code::kInvalidArgument, "{} is both named and the default", type);
        }
    }
    for (const auto& [type, name] : entity) {
        if (type != "user" && type != "client-id" && type != "ip") {
            return fail(Code::kInvalidArgument, "quotas are for user, client-id and ip, not for {}",
                        type);
        }
    }
    return entity;
}

JsonValue number(double value) {
    const auto whole = static_cast<std::int64_t>(value);
    return static_cast<double>(whole) == value ? JsonValue(whole) : JsonValue(value);
}

struct DescribeQuotas : Leaf {
    std::vector<std::string> names;
    std::vector<std::string> defaults;
    Direct::QuotaEntity wanted;  // Of both.

    Result<void> prepare(const Program&) {
        MR_TRY(wanted, entity_of(names, defaults));
        return {};
    }
    Shape shape() const {
        return {.fields = {{"user", "string?", {}},
                           {"client_id", "string?", {}},
                           {"ip", "string?", {}},
                           {"quota", "string", {}},
                           {"value", "number", {}}}};
    }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(Direct* const direct, cluster.direct());
        MR_TRY(const auto quotas, direct->quotas());
        for (const Direct::Quota& quota : quotas) {
            // Entities that say more than what was asked for are shown too.
            const bool is_wanted = std::ranges::all_of(wanted, [&](const auto& part) {
                const auto found = quota.entity.find(part.first);
                return found != quota.entity.end() && found->second == part.second;
            });
            if (!is_wanted) continue;
            for (const auto& [key, value] : quota.values) {
                JsonValue row;
                for (const char* type : {"user", "client-id", "ip"}) {
                    const auto found = quota.entity.find(type);
                    const std::string column =
                        type == std::string_view("client-id") ? "client_id" : type;
                    row.set(column, found == quota.entity.end()
                                        ? JsonValue()
                                        : JsonValue(found->second.value_or("(default)")));
                }
                row.set("quota", key).set("value", number(value));
                report.add(std::move(row));
            }
        }
        return ExitCode::kDone;
    }
};

struct AlterQuotas : Leaf {
    std::vector<std::string> names;
    std::vector<std::string> defaults;
    std::vector<std::string> adds;
    std::vector<std::string> deletes;
    bool dry_run = false;
    Direct::QuotaEntity entity;
    std::map<std::string, std::optional<double>> values;

    Result<void> prepare(const Program&) {
        MR_TRY(entity, entity_of(names, defaults));
        if (entity.empty()) {
            return fail(Code::kInvalidArgument, "say whose quota: --name or --default");
        }
        for (const std::string& text : adds) {
            MR_TRY(const auto pair, parse_assignment(text, "--add"));
            MR_TRY(values[pair.first], base::parse_double(pair.second));
        }
        for (const std::string& key : deletes) {
            if (!values.try_emplace(key, std::nullopt).second) {
                return fail(Code::kInvalidArgument, "{} is both added and deleted", key);
            }
        }
        if (values.empty()) {
            return fail(Code::kInvalidArgument, "say what to change: --add or --delete");
        }
        return {};
    }
    Shape shape() const { return {.fields = outcome_fields("entity")}; }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(Direct* const direct, cluster.direct());
        const auto outcome = direct->alter_quota(entity, values, dry_run);
        report.add(
            outcome_row("entity", words_of(entity), outcome, dry_run ? "would be done" : "ok"));
        return outcome ? ExitCode::kDone : exit_code_of(outcome.error());
    }
};

void add_entity(CLI::App& app, std::vector<std::string>& names,
                std::vector<std::string>& defaults) {
    app.add_option("--name", names, "user=NAME, client-id=NAME or ip=ADDRESS; may be repeated")
        ->allow_extra_args(false)
        ->type_name("TYPE=NAME");
    app.add_option("--default", defaults, "Every one of that type without a quota of its own")
        ->allow_extra_args(false)
        ->check(CLI::IsMember({"user", "client-id", "ip"}))
        ->type_name("user|client-id|ip");
}

}  // namespace

void add_cluster_quotas(CLI::App& group, const Program& program, Action& action) {
    CLI::App* const quotas =
        group.add_subcommand("quotas", "How much users, client ids and addresses may use");
    quotas->require_subcommand(1);
    quotas->footer(
        "Examples:\n"
        "  millrace cluster quotas describe\n"
        "  millrace cluster quotas alter --name client-id=loader --add producer_byte_rate=1048576");
    auto [describes, describe] =
        add_leaf<DescribeQuotas>(*quotas, program, action, "describe", "Print quotas",
                                 "Examples:\n"
                                 "  millrace cluster quotas describe\n"
                                 "  millrace cluster quotas describe --name user=ann -o json");
    add_entity(*describes, describe->names, describe->defaults);
    auto [alters, alter] = add_leaf<AlterQuotas>(
        *quotas, program, action, "alter", "Set and remove quotas",
        "Examples:\n"
        "  millrace cluster quotas alter --name client-id=loader --add producer_byte_rate=1048576\n"
        "  millrace cluster quotas alter --default user --delete request_percentage --dry-run");
    add_entity(*alters, alter->names, alter->defaults);
    alters->add_option("--add", alter->adds, "A quota and its value; may be repeated")
        ->allow_extra_args(false)
        ->type_name("QUOTA=VALUE");
    alters->add_option("--delete", alter->deletes, "A quota to take away; may be repeated")
        ->allow_extra_args(false)
        ->type_name("QUOTA");
    add_dry_run(*alters, alter->dry_run);
}

}  // namespace millrace::cli
