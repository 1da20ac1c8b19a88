// LiveOptions: the server's options as they are now: what it was started with, and what was changed
// since by IncrementalAlterConfigs, for all brokers and then for this one.
//
// Only options marked Reload::kLive may change. Thread-safe: a reader takes one copy and keeps it
// for as long as its values must agree with each other.
#pragma once

#include <memory>
#include <shared_mutex>

#include "config/server_options.h"

namespace millrace::broker {

class LiveOptions {
public:
    explicit LiveOptions(config::ServerOptions at_start);

    std::shared_ptr<const config::ServerOptions> get() const;
    // What a topic has where its own settings say nothing.
    std::shared_ptr<const config::TopicOptions> topic_defaults() const;
    // What the server was started with.
    const config::ServerOptions& at_start() const { return at_start_; }
    // Settings that are not live or no longer valid are left out.
    void apply(const config::Settings& of_all_brokers, const config::Settings& of_this_broker);

private:
    const config::ServerOptions at_start_;
    mutable std::shared_mutex mutex_;  // Of what follows.
    std::shared_ptr<const config::ServerOptions> now_;
    std::shared_ptr<const config::TopicOptions> topic_defaults_;  // Of now_.
};

}  // namespace millrace::broker
