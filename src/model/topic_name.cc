#include "model/topic_name.h"

#include <algorithm>

namespace millrace::model {
namespace {

using base::Code;
using base::fail;

bool allowed(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '.' || letter == '_' || letter == '-';
}

}  // namespace

base::Result<TopicName> TopicName::make(std::string_view name) {
    if (name.empty()) return fail(Code::kInvalidArgument, "a topic name must not be empty");
    if (name == "." || name == "..") {
        return fail(Code::kInvalidArgument, "a topic name must not be '.' or '..'");
    }
    if (name.size() > kMaxBytes) {
        return fail(Code::kInvalidArgument, "topic name '{}…' is longer than {} characters",
                    name.substr(0, 32), kMaxBytes);
    }
    if (!std::ranges::all_of(name, allowed)) {
        return fail(Code::kInvalidArgument,
                    "topic name '{}' holds a character other than ASCII letters, digits, '.', '_' "
                    "and '-'",
                    name);
    }
    return TopicName(name);
}

bool TopicName::collides_with(const TopicName& other) const {
    const auto same = [](char a, char b) { return (a == '.' ? '_' : a) == (b == '.' ? '_' : b); };
    return std::ranges::equal(name_, other.name_, same);
}

}  // namespace millrace::model
