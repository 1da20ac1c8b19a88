// CatalogTopics: the catalog as consumer groups see it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/group/consumer/topic_source.h"
#include "broker/group/limits.h"

namespace millrace::broker {

class Catalog;

class CatalogTopics : public TopicSource {
public:
    explicit CatalogTopics(const Catalog& catalog) : catalog_(catalog) {}
    std::uint64_t version() const override;
    std::optional<Info> find(const std::string& name) const override;
    std::optional<std::string> name_of(const kafka::Uuid& id) const override;
    std::vector<std::string> names() const override;
    // What the group's own settings say, where they say anything (IncrementalAlterConfigs of a
    // group).
    ConsumerTimeouts timeouts_of(const std::string& group, const ConsumerTimeouts& defaults) const;
    StreamsGroupSettings streams_settings_of(const std::string& group,
                                             const StreamsGroupSettings& defaults) const;

private:
    const Catalog& catalog_;
};

}  // namespace millrace::broker
