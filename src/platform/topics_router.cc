#include "platform/topics_router.h"

#include <utility>

#include "base/strings.h"
#include "client/remote_topics.h"
#include "topic/topics.h"

namespace millrace::platform {

using base::Result;

namespace {

constexpr std::string_view kPrefix = "kafka.";
constexpr std::string_view kServers = "kafka.bootstrap.servers";

}  // namespace

TopicsRouter::TopicsRouter(topic::Topics& local, std::string host, std::uint16_t port)
    // No owner: the log outlives the router, and queries end before it does.
    : local_(std::shared_ptr<void>(), &local), host_(std::move(host)), port_(port) {}

bool TopicsRouter::names_this_server(const std::string& servers) const {
    for (const std::string_view server : base::split(servers, ',')) {
        const std::string_view address = base::trim(server);
        for (const std::string_view host :
             {std::string_view(host_), std::string_view("127.0.0.1"), std::string_view("localhost"),
              std::string_view("[::1]")}) {
            if (address == fmt::format("{}:{}", host, port_)) return true;
        }
    }
    return false;
}

Result<std::shared_ptr<topic::Topics>> TopicsRouter::topics_for(const plan::Options& options) {
    const auto servers = options.find(std::string(kServers));
    if (servers == options.end() || names_this_server(servers->second)) return local_;

    client::Settings settings;
    std::string key;
    for (const auto& [name, value] : options) {
        if (!name.starts_with(kPrefix)) continue;
        settings[name.substr(kPrefix.size())] = value;
        key += name + '=' + value + '\n';
    }
    const std::lock_guard lock(mutex_);
    std::weak_ptr<topic::Topics>& remote = remotes_[key];
    if (auto found = remote.lock()) return found;
    MR_TRY(std::shared_ptr<topic::Topics> made, client::connect_topics(settings));
    remote = made;
    return made;
}

}  // namespace millrace::platform
