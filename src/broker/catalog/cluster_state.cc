#include "broker/catalog/cluster_state.h"

namespace millrace::broker {

const config::Settings& ClusterState::config(ConfigType type, const std::string& name) const {
    static const config::Settings kNone;
    const auto found = configs.find({type, name});
    return found == configs.end() ? kNone : found->second;
}

}  // namespace millrace::broker
