// TopicName: a name that Kafka's rules allow, and so one that is safe as a folder name too.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/error.h"

namespace millrace::model {

class TopicName {
public:
    static constexpr std::size_t kMaxBytes = 249;

    // 1 to 249 of a-z A-Z 0-9 . _ -, but not "." or "..": kInvalidArgument otherwise.
    static base::Result<TopicName> make(std::string_view name);

    const std::string& str() const { return name_; }
    // Topics of the broker itself, such as __consumer_offsets.
    bool internal() const { return name_.starts_with("__"); }
    // Kafka refuses two names that differ only in '.' against '_': their metric names would clash.
    bool collides_with(const TopicName& other) const;

    auto operator<=>(const TopicName&) const = default;

private:
    explicit TopicName(std::string_view name) : name_(name) {}
    std::string name_;
};

}  // namespace millrace::model
