// on_loops: do something with each of several partitions, on the loop that each belongs to.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "broker/partition.h"
#include "runtime/loop.h"
#include "runtime/task.h"

namespace millrace::broker {

// Calls fn(index) for every partition that is not null, with one hop for each loop rather than one
// for each partition.
template <class Fn>
runtime::Task<void> on_loops(const std::vector<std::shared_ptr<Partition>>& partitions, Fn fn) {
    std::vector<std::pair<runtime::Loop*, std::vector<std::size_t>>> by_loop;
    for (std::size_t index = 0; index < partitions.size(); ++index) {
        if (!partitions[index]) continue;
        runtime::Loop* loop = &partitions[index]->loop();
        auto at = by_loop.begin();
        while (at != by_loop.end() && at->first != loop) ++at;
        if (at == by_loop.end()) at = by_loop.insert(at, {loop, {}});
        at->second.push_back(index);
    }
    for (const auto& one : by_loop) {
        co_await runtime::call_on(*one.first, [&fn, &one] {
            for (const std::size_t index : one.second) fn(index);
        });
    }
}

}  // namespace millrace::broker
