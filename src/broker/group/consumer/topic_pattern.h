// TopicPattern: the regular expression of a subscription, in RE2's syntax, as KIP-848 has it; and
// of transactional ids (KIP-1152).
// Matching takes time linear in the name, and memory that is bounded, whatever a client sends.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace re2 {
class RE2;
}

namespace millrace::broker {

class TopicPattern {
public:
    // kInvalidArgument, with what is wrong with it.
    static base::Result<TopicPattern> compile(const std::string& text);
    ~TopicPattern();
    TopicPattern(TopicPattern&&) noexcept;
    TopicPattern& operator=(TopicPattern&&) noexcept;

    // The whole name, not a part of it.
    bool matches(std::string_view name) const;

private:
    explicit TopicPattern(std::unique_ptr<re2::RE2> pattern);
    std::unique_ptr<re2::RE2> pattern_;
};

}  // namespace millrace::broker
