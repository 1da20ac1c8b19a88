#include <algorithm>

#include "cli/kafka/group_types_internal.h"

namespace millrace::cli {

using base::Code;
using base::fail;
using base::Result;
using client::Cluster;
using client::Direct;
using topic::TopicPartition;

Result<std::vector<Direct::GroupListing>> list_groups(Cluster& cluster) {
    const auto direct = cluster.direct();
    if (direct) return (*direct)->groups();
    if (direct.error().code() != Code::kUnsupported) return fail(direct.error());
    MR_TRY(const auto listed, cluster.groups());
    std::vector<Direct::GroupListing> groups;
    for (const Cluster::GroupListing& one : listed) {
        groups.push_back({.name = one.name, .type = "", .protocol = "", .state = one.state});
    }
    return groups;
}

Result<std::string> type_of_group(Cluster& cluster, const std::string& name) {
    MR_TRY(const auto groups, list_groups(cluster));
    const auto found = std::ranges::find(groups, name, &Direct::GroupListing::name);
    return found == groups.end() ? "" : found->type;
}

Result<Cluster::Offsets> offsets_of_group(Cluster& cluster, const std::string& name,
                                          std::string_view type) {
    Cluster::Offsets offsets;
    if (type == "share") {
        MR_TRY(Direct* const direct, cluster.direct());
        MR_TRY(const auto answers, direct->share_offsets(name));
        for (const auto& [partition, offset] : answers) {
            if (!offset) {
                offsets.emplace(partition, fail(offset.error()));
            } else if (offset->start >= 0) {
                offsets.emplace(partition, offset->start);
            }
        }
        return offsets;
    }
    MR_TRY(offsets, cluster.committed(name));
    std::erase_if(offsets, [](const auto& entry) { return entry.second && *entry.second < 0; });
    return offsets;
}

Result<Cluster::Offsets> move_group(Cluster& cluster, const std::string& name,
                                    std::string_view type,
                                    const std::map<TopicPartition, std::int64_t>& offsets) {
    if (type != "share") return cluster.commit(name, offsets);
    MR_TRY(Direct* const direct, cluster.direct());
    MR_TRY(const auto answers, direct->set_share_offsets(name, offsets));
    Cluster::Offsets outcomes;
    for (const auto& [partition, offset] : offsets) {
        const auto found = answers.find(partition);
        if (found != answers.end() && !found->second) {
            outcomes.emplace(partition, fail(found->second.error()));
        } else {
            outcomes.emplace(partition, offset);
        }
    }
    return outcomes;
}

}  // namespace millrace::cli
