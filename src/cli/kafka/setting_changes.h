// SettingChanges: some settings of a topic or a broker set, some back at their defaults.
//
// The protocol's call that librdkafka offers replaces all of a resource's own settings, so the rest
// is read first and sent along; a change by somebody else in between is lost.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "client/cluster.h"

namespace millrace::cli {

struct SettingChanges {
    std::map<std::string, std::string> sets;
    std::set<std::string> removals;

    // From "name=value" and "name". kInvalidArgument when there is nothing to change, or both.
    static base::Result<SettingChanges> parse(const std::vector<std::string>& sets,
                                              const std::vector<std::string>& removals);
};

// The resource's own settings after the changes. kUnsupported when the server keeps the value of
// one to itself, which would be lost.
base::Result<std::map<std::string, std::string>> apply(
    const SettingChanges& changes, const std::vector<client::Cluster::Setting>& present);

base::Result<void> change_settings(client::Cluster& cluster,
                                   const client::Cluster::Resource& resource,
                                   const SettingChanges& changes, client::Cluster::Mode mode);

}  // namespace millrace::cli
