// OffsetRuns: a value for every offset of a range, kept as runs of equal values.
//
// A consumer of queues takes offsets by the thousand but speaks of them in ranges, so that a few
// runs say it all. Runs never overlap, and neighbours with equal values are one. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <utility>

namespace millrace::broker {

template <class Value>
class OffsetRuns {
public:
    struct Run {
        std::int64_t last = 0;  // Inclusive.
        Value value;
    };
    using Map = std::map<std::int64_t, Run>;  // By the first offset.

    const Map& runs() const { return runs_; }
    bool empty() const { return runs_.empty(); }
    void clear() { runs_.clear(); }

    // The run that holds `offset`, or else the first one behind it.
    typename Map::const_iterator at_or_after(std::int64_t offset) const {
        auto next = runs_.upper_bound(offset);
        if (next != runs_.begin() && std::prev(next)->second.last >= offset) return std::prev(next);
        return next;
    }

    // Gives every offset of [first, last] this value.
    void assign(std::int64_t first, std::int64_t last, Value value) {
        if (first > last) return;
        erase(first, last);
        const auto added = runs_.emplace(first, Run{last, std::move(value)}).first;
        join(added);
    }

    // Changes the values of [first, last] by `change(value)`; offsets without a value stay so.
    template <class Change>
    void update(std::int64_t first, std::int64_t last, Change change) {
        if (first > last) return;
        split(first);
        split(last + 1);
        for (auto at = runs_.lower_bound(first); at != runs_.end() && at->first <= last; ++at) {
            change(at->second.value);
        }
        auto at = runs_.lower_bound(first);
        if (at != runs_.begin()) --at;
        while (at != runs_.end() && at->first <= last + 1) at = join(at);
    }

    void erase(std::int64_t first, std::int64_t last) {
        if (first > last) return;
        split(first);
        split(last + 1);
        runs_.erase(runs_.lower_bound(first), runs_.upper_bound(last));
    }

private:
    // Makes `offset` the first of a run, if it lies within one.
    void split(std::int64_t offset) {
        auto next = runs_.lower_bound(offset);
        if (next == runs_.begin()) return;
        auto run = std::prev(next);
        if (run->second.last < offset) return;
        runs_.emplace_hint(next, offset, Run{run->second.last, run->second.value});
        run->second.last = offset - 1;
    }
    // Joins a run with equal neighbours; the run behind the result.
    typename Map::iterator join(typename Map::iterator run) {
        if (run != runs_.begin()) {
            const auto before = std::prev(run);
            if (before->second.last + 1 == run->first &&
                before->second.value == run->second.value) {
                before->second.last = run->second.last;
                runs_.erase(run);
                run = before;
            }
        }
        auto next = std::next(run);
        if (next != runs_.end() && run->second.last + 1 == next->first &&
            run->second.value == next->second.value) {
            run->second.last = next->second.last;
            next = runs_.erase(next);
        }
        return next;
    }

    Map runs_;
};

}  // namespace millrace::broker
