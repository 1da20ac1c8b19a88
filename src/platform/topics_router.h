// TopicsRouter: which topics the options of a Kafka source or sink mean.
//
// Without kafka.bootstrap.servers, or when that names this very server, they are the topics of this
// process, reached without a socket; else those of a remote Kafka, whose connections are shared by
// everyone who names the same servers with the same settings. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/error.h"
#include "plan/relation.h"

namespace millrace::topic {
class Topics;
}

namespace millrace::platform {

class TopicsRouter {
public:
    // `local` must outlive the router.
    TopicsRouter(topic::Topics& local, std::string host, std::uint16_t port);

    // Options have lower-case keys; those that begin with "kafka." are the remote client's.
    base::Result<std::shared_ptr<topic::Topics>> topics_for(const plan::Options& options);

private:
    bool names_this_server(const std::string& servers) const;

    const std::shared_ptr<topic::Topics> local_;
    const std::string host_;
    const std::uint16_t port_;
    std::mutex mutex_;
    std::map<std::string, std::weak_ptr<topic::Topics>> remotes_;
};

}  // namespace millrace::platform
