// TopicSource: what a consumer group asks about topics. Topics have a version that grows with every
// change, so that a group looks again only when there may be something new.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kafka/types.h"

namespace millrace::broker {

class TopicSource {
public:
    struct Info {
        kafka::Uuid id;
        std::int32_t partitions = 0;
    };
    virtual ~TopicSource() = default;
    virtual std::uint64_t version() const = 0;
    virtual std::optional<Info> find(const std::string& name) const = 0;
    // nullopt when it is gone.
    virtual std::optional<std::string> name_of(const kafka::Uuid& id) const = 0;
    virtual std::vector<std::string> names() const = 0;
};

}  // namespace millrace::broker
