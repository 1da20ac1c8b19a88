#include "sql/name_pattern.h"

#include <bitset>
#include <climits>
#include <functional>
#include <vector>

namespace millrace::sql {

struct NamePattern::Node {
    enum class Kind { kSet, kGroup, kRepeat };
    Kind kind = Kind::kSet;
    std::bitset<256> set;
    std::vector<std::vector<Node>> alternatives;  // kGroup; kRepeat holds one of one.
    int least = 1;
    int most = 1;
    bool lazy = false;
    bool possessive = false;
};

namespace {

using Node = NamePattern::Node;

class Reader {
public:
    Reader(std::string_view text, bool case_sensitive)
        : text_(text), case_sensitive_(case_sensitive) {}

    std::optional<Node> all() {
        auto root = group();
        if (!root || at_ != text_.size()) return std::nullopt;
        return root;
    }

private:
    static constexpr int kMaxDepth = 50;

    bool take(std::string_view token) {
        if (text_.substr(at_, token.size()) != token) return false;
        at_ += token.size();
        return true;
    }

    void add(std::bitset<256>& set, unsigned char c) const {
        set.set(c);
        if (!case_sensitive_ && std::isalpha(c) != 0) set.set(c ^ 0x20U);
    }

    bool escape(std::bitset<256>& set) {
        if (at_ >= text_.size()) return false;
        const char c = text_[at_++];
        const auto fill = [&](auto&& test, bool negated) {
            for (int i = 0; i < 256; ++i) {
                if (test(i) != negated) set.set(static_cast<std::size_t>(i));
            }
            return true;
        };
        const auto digit = [](int i) { return i < 128 && std::isdigit(i) != 0; };
        const auto word = [](int i) { return i < 128 && (std::isalnum(i) != 0 || i == '_'); };
        const auto space = [](int i) { return i < 128 && std::isspace(i) != 0; };
        switch (c) {
            case 'd': return fill(digit, false);
            case 'D': return fill(digit, true);
            case 'w': return fill(word, false);
            case 'W': return fill(word, true);
            case 's': return fill(space, false);
            case 'S': return fill(space, true);
            default: break;
        }
        if (std::isalnum(static_cast<unsigned char>(c)) != 0) return false;
        add(set, static_cast<unsigned char>(c));
        return true;
    }

    bool bracket(std::bitset<256>& set) {
        const bool negated = take("^");
        bool first = true;
        while (at_ < text_.size() && (first || text_[at_] != ']')) {
            first = false;
            const char low = text_[at_++];
            if (low == '\\') {
                if (!escape(set)) return false;
                continue;
            }
            char high = low;
            if (at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
                high = text_[at_ + 1];
                at_ += 2;
            }
            for (int c = static_cast<unsigned char>(low); c <= static_cast<unsigned char>(high);
                 ++c) {
                add(set, static_cast<unsigned char>(c));
            }
        }
        if (!take("]")) return false;
        if (negated) set.flip();
        return true;
    }

    std::optional<Node> group() {
        if (++depth_ > kMaxDepth) return std::nullopt;
        Node result;
        result.kind = Node::Kind::kGroup;
        do {
            result.alternatives.emplace_back();
            while (at_ < text_.size() && text_[at_] != '|' && text_[at_] != ')') {
                auto next = item();
                if (!next) return std::nullopt;
                result.alternatives.back().push_back(std::move(*next));
            }
        } while (take("|"));
        --depth_;
        return result;
    }

    std::optional<Node> item() {
        Node one;
        if (take("(")) {
            if (!take("?:") && take("?")) return std::nullopt;
            auto inner = group();
            if (!inner || !take(")")) return std::nullopt;
            one = std::move(*inner);
        } else if (take("[")) {
            if (!bracket(one.set)) return std::nullopt;
        } else if (take(".")) {
            one.set.set();
        } else if (take("\\")) {
            if (!escape(one.set)) return std::nullopt;
        } else {
            if (std::string_view("*+?{}^$").find(text_[at_]) != std::string_view::npos) {
                return std::nullopt;
            }
            add(one.set, static_cast<unsigned char>(text_[at_++]));
        }
        int least = 1;
        int most = 1;
        if (take("*")) {
            least = 0;
            most = INT_MAX;
        } else if (take("+")) {
            most = INT_MAX;
        } else if (take("?")) {
            least = 0;
        } else {
            return one;
        }
        Node repeat;
        repeat.kind = Node::Kind::kRepeat;
        repeat.least = least;
        repeat.most = most;
        repeat.possessive = take("+");
        repeat.lazy = !repeat.possessive && take("?");
        repeat.alternatives.emplace_back().push_back(std::move(one));
        return repeat;
    }

    std::string_view text_;
    bool case_sensitive_;
    std::size_t at_ = 0;
    int depth_ = 0;
};

class Matcher {
public:
    explicit Matcher(std::string_view text) : text_(text) {}
    using Next = std::function<bool(std::size_t)>;

    bool node(const Node& one, std::size_t at, const Next& next) {
        if (++steps_ > kMaxSteps) return false;
        switch (one.kind) {
            case Node::Kind::kSet:
                return at < text_.size() && one.set.test(static_cast<unsigned char>(text_[at])) &&
                       next(at + 1);
            case Node::Kind::kGroup:
                for (const auto& sequence : one.alternatives) {
                    if (run(sequence, 0, at, next)) return true;
                }
                return false;
            case Node::Kind::kRepeat: break;
        }
        const Node& inner = one.alternatives[0][0];
        if (one.possessive) {
            // Takes all it can and gives nothing back.
            int count = 0;
            while (count < one.most) {
                std::size_t end = at;
                const bool more = node(inner, at, [&](std::size_t to) {
                    end = to;
                    return true;
                });
                if (!more || end == at) break;
                at = end;
                ++count;
            }
            return count >= one.least && next(at);
        }
        return repeat(one, inner, 0, at, next);
    }

private:
    static constexpr int kMaxSteps = 20'000;

    bool run(const std::vector<Node>& sequence, std::size_t index, std::size_t at,
             const Next& next) {
        if (index == sequence.size()) return next(at);
        return node(sequence[index], at,
                    [&](std::size_t to) { return run(sequence, index + 1, to, next); });
    }

    bool repeat(const Node& one, const Node& inner, int count, std::size_t at, const Next& next) {
        const auto stop = [&] { return count >= one.least && next(at); };
        const auto go_on = [&] {
            return count < one.most && node(
                                           inner, at,
                                           [&](std::size_t to) {
                                               return to != at &&
                                                      repeat(one, inner, count + 1, to, next);
                                           });
        };
        return one.lazy ? stop() || go_on() : go_on() || stop();
    }

    std::string_view text_;
    int steps_ = 0;
};

}  // namespace

std::optional<NamePattern> NamePattern::make(std::string_view pattern, bool case_sensitive) {
    auto root = Reader(pattern, case_sensitive).all();
    if (!root) return std::nullopt;
    NamePattern result;
    result.root_ = std::make_shared<const Node>(std::move(*root));
    return result;
}

bool NamePattern::matches(std::string_view name) const {
    constexpr std::size_t kMaxName = 1000;  // The matcher recurses with the name's length.
    if (name.size() > kMaxName) return false;
    return Matcher(name).node(*root_, 0, [&](std::size_t at) { return at == name.size(); });
}

}  // namespace millrace::sql
