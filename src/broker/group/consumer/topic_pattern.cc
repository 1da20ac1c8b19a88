#include "broker/group/consumer/topic_pattern.h"

#include <re2/re2.h>

#include <utility>

namespace millrace::broker {

TopicPattern::TopicPattern(std::unique_ptr<re2::RE2> pattern) : pattern_(std::move(pattern)) {}
TopicPattern::~TopicPattern() = default;
TopicPattern::TopicPattern(TopicPattern&&) noexcept = default;
TopicPattern& TopicPattern::operator=(TopicPattern&&) noexcept = default;

base::Result<TopicPattern> TopicPattern::compile(const std::string& text) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(1 << 20);
    auto pattern = std::make_unique<re2::RE2>(text, options);
    if (!pattern->ok()) {
        return base::fail(base::Code::kInvalidArgument, "{}", pattern->error());
    }
    return TopicPattern(std::move(pattern));
}

bool TopicPattern::matches(std::string_view name) const {
    return re2::RE2::FullMatch(re2::StringPiece(name.data(), name.size()), *pattern_);
}

}  // namespace millrace::broker
