// Groups of all types, over whatever connection can be had: what their lists, offsets and changes
// have in common for the commands of `group`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "client/cluster.h"

namespace millrace::cli {

// Where only librdkafka can ask, over a listener with security, types are empty.
base::Result<std::vector<client::Direct::GroupListing>> list_groups(client::Cluster& cluster);

// "consumer", "share" ... of a group; empty when there is none, or nobody told.
base::Result<std::string> type_of_group(client::Cluster& cluster, const std::string& name);

// Where the group stands; nothing of partitions where it has no offset. In a share group that is
// the first offset that is not done with.
base::Result<client::Cluster::Offsets> offsets_of_group(client::Cluster& cluster,
                                                        const std::string& name,
                                                        std::string_view type);
base::Result<client::Cluster::Offsets> move_group(
    client::Cluster& cluster, const std::string& name, std::string_view type,
    const std::map<topic::TopicPartition, std::int64_t>& offsets);

}  // namespace millrace::cli
