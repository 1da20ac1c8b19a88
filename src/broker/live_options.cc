#include "broker/live_options.h"

#include <mutex>
#include <utility>

#include "base/log.h"

namespace millrace::broker {

LiveOptions::LiveOptions(config::ServerOptions at_start)
    : at_start_(std::move(at_start)),
      now_(std::make_shared<const config::ServerOptions>(at_start_)),
      topic_defaults_(std::make_shared<const config::TopicOptions>(at_start_.topic_defaults())) {}

std::shared_ptr<const config::TopicOptions> LiveOptions::topic_defaults() const {
    const std::shared_lock lock(mutex_);
    return topic_defaults_;
}

std::shared_ptr<const config::ServerOptions> LiveOptions::get() const {
    const std::shared_lock lock(mutex_);
    return now_;
}

void LiveOptions::apply(const config::Settings& of_all_brokers,
                        const config::Settings& of_this_broker) {
    const auto& table = config::server_option_table();
    config::ServerOptions changed = at_start_;
    for (const config::Settings* settings : {&of_all_brokers, &of_this_broker}) {
        for (const auto& [name, text] : *settings) {
            const auto row = table.find(name);
            if (!row || row->reload() != config::Reload::kLive) continue;
            const auto outcome = row->set(changed, text);
            // A version of this program that took the value has written it.
            if (!outcome) base::log_warning("broker config: {}", outcome.error().message());
        }
    }
    auto defaults = std::make_shared<const config::TopicOptions>(changed.topic_defaults());
    auto fresh = std::make_shared<const config::ServerOptions>(std::move(changed));
    const std::unique_lock lock(mutex_);
    now_ = std::move(fresh);
    topic_defaults_ = std::move(defaults);
}

}  // namespace millrace::broker
