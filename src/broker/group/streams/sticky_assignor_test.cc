#include "broker/group/streams/sticky_assignor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <random>

namespace millrace::broker {
namespace {

using Members = std::map<std::string, StickyMember>;
using Subtopologies = std::map<std::string, StickySubtopology>;

std::string to_text(const TaskSet& tasks) {
    std::string text;
    for (const auto& [subtopology, partitions] : tasks) {
        for (const std::int32_t partition : partitions) {
            text += (text.empty() ? "" : ",") + subtopology + std::to_string(partition);
        }
    }
    return text;
}

// "a[x0,x1] b[y0|x0]": active tasks, and standbys behind the bar.
std::string to_text(const std::map<std::string, Tasks>& assignment) {
    std::string text;
    for (const auto& [id, tasks] : assignment) {
        text += (text.empty() ? "" : " ") + id + "[" + to_text(tasks.active);
        if (!tasks.standby.empty()) text += "|" + to_text(tasks.standby);
        text += "]";
    }
    return text;
}

Members members_of(const std::map<std::string, std::string>& processes,
                   const std::map<std::string, Tasks>& current = {}) {
    Members members;
    for (const auto& [id, process] : processes) {
        members[id].process_id = process;
        const auto had = current.find(id);
        if (had != current.end()) members[id].current = had->second;
    }
    return members;
}

TEST(StickyTaskAssignor, assigns) {
    struct Case {
        const char* what;
        std::map<std::string, std::string> processes;  // By member.
        Subtopologies subtopologies;
        std::int32_t standbys;
        std::map<std::string, Tasks> current;
        const char* expected;
    };
    const Case cases[] = {
        {"nobody", {}, {{"x", {2, false}}}, 0, {}, ""},
        {"nothing", {{"a", "p"}}, {}, 0, {}, "a[]"},
        {"everything to one", {{"a", "p"}}, {{"x", {3, false}}}, 0, {}, "a[x0,x1,x2]"},
        {"equal shares of each subtopology",
         {{"a", "p"}, {"b", "q"}},
         {{"x", {2, false}}, {"y", {2, true}}},
         0,
         {},
         "a[x0,y0] b[x1,y1]"},
        {"by threads, not by processes",
         {{"a", "p"}, {"b", "p"}, {"c", "q"}},
         {{"x", {6, false}}},
         0,
         {},
         "a[x0,x3] b[x2,x5] c[x1,x4]"},
        {"what each had",
         {{"a", "p"}, {"b", "q"}},
         {{"x", {4, false}}},
         0,
         {{"a", {.active = {{"x", {1, 2}}}}}, {"b", {.active = {{"x", {0, 3}}}}}},
         "a[x1,x2] b[x0,x3]"},
        {"no more than its share of what it had",
         {{"a", "p"}, {"b", "q"}},
         {{"x", {4, false}}},
         0,
         {{"a", {.active = {{"x", {0, 1, 2, 3}}}}}},
         "a[x0,x1] b[x2,x3]"},
        {"to its standby what a leaver had",
         {{"a", "p"}, {"b", "q"}},
         {{"x", {2, true}}},
         0,
         {{"b", {.standby = {{"x", {0}}}}}},
         "a[x1] b[x0]"},
        {"standbys in other processes",
         {{"a", "p"}, {"b", "q"}},
         {{"x", {2, true}}},
         1,
         {},
         "a[x0|x1] b[x1|x0]"},
        {"no standby for what keeps no state",
         {{"a", "p"}, {"b", "q"}},
         {{"x", {2, false}}},
         1,
         {},
         "a[x0] b[x1]"},
        {"fewer standbys where there are too few processes",
         {{"a", "p"}, {"b", "p"}},
         {{"x", {2, true}}},
         2,
         {},
         "a[x0] b[x1]"},
        {"standbys that stay",
         {{"a", "p"}, {"b", "q"}, {"c", "r"}},
         {{"x", {3, true}}},
         1,
         {{"a", {.active = {{"x", {0}}}, .standby = {{"x", {2}}}}},
          {"b", {.active = {{"x", {1}}}, .standby = {{"x", {0}}}}},
          {"c", {.active = {{"x", {2}}}, .standby = {{"x", {1}}}}}},
         "a[x0|x2] b[x1|x0] c[x2|x1]"},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.what);
        EXPECT_EQ(to_text(assign_sticky(members_of(one.processes, one.current), one.subtopologies,
                                        one.standbys)),
                  one.expected);
    }
}

// Whatever comes and goes: every task is active once, standbys lie in other processes, as many as
// there can be, nobody has much more than a fair share, and assigning once more moves next to
// nothing.
TEST(StickyTaskAssignor, keeps_its_rules_through_random_changes) {
    const auto seed = std::random_device{}();
    std::printf("seed %u\n", seed);
    std::mt19937 random(seed);
    const auto below = [&](unsigned n) { return static_cast<int>(random() % n); };
    std::map<std::string, std::string> processes;
    std::map<std::string, Tasks> current;
    Subtopologies subtopologies;
    for (int round = 0; round < 300; ++round) {
        SCOPED_TRACE(round);
        if (round % 10 == 0) {
            subtopologies.clear();
            for (int i = 0; i <= below(3); ++i) {
                subtopologies[std::string(1, static_cast<char>('x' + i))] = {1 + below(12),
                                                                             below(2) == 0};
            }
        }
        const std::string member = "m" + std::to_string(below(8));
        if (processes.contains(member) && processes.size() > 1) {
            processes.erase(member);
        } else {
            processes[member] = "p" + std::to_string(below(4));
        }
        const int standbys = below(3);
        const auto assigned =
            assign_sticky(members_of(processes, current), subtopologies, standbys);

        std::map<TaskId, int> active;
        std::map<TaskId, std::multiset<std::string>> by_process;
        std::size_t most_active = 0, all_active = 0;
        for (const auto& [id, tasks] : assigned) {
            std::size_t mine = 0;
            for (const auto& [subtopology, partitions] : tasks.active) {
                for (const int p : partitions) {
                    ++active[{subtopology, p}];
                    by_process[{subtopology, p}].insert(processes.at(id));
                    ++mine;
                }
            }
            for (const auto& [subtopology, partitions] : tasks.standby) {
                ASSERT_TRUE(subtopologies.at(subtopology).stateful);
                for (const int p : partitions) {
                    by_process[{subtopology, p}].insert(processes.at(id));
                }
            }
            most_active = std::max(most_active, mine);
            all_active += mine;
        }
        std::set<std::string> distinct;
        for (const auto& [id, process] : processes) distinct.insert(process);
        std::size_t expected = 0;
        for (const auto& [id, subtopology] : subtopologies) {
            for (int p = 0; p < subtopology.tasks; ++p) {
                const TaskId task{id, p};
                ++expected;
                ASSERT_EQ(active[task], 1) << id << p;
                const auto& where = by_process[task];
                ASSERT_EQ(where.size(), std::set<std::string>(where.begin(), where.end()).size());
                const std::size_t wanted =
                    subtopology.stateful ? 1 + static_cast<std::size_t>(standbys) : 1;
                ASSERT_EQ(where.size(), std::min(wanted, distinct.size()));
            }
        }
        ASSERT_EQ(all_active, expected);
        ASSERT_LE(most_active, (expected + assigned.size() - 1) / assigned.size() + 1);
        // Equal shares of members and of processes are at odds by one task at most.
        const auto again = assign_sticky(members_of(processes, assigned), subtopologies, standbys);
        std::size_t moved = 0;
        for (const auto& [id, tasks] : assigned) {
            for (const auto& [subtopology, partitions] : tasks.active) {
                for (const int p : partitions) {
                    const auto& now = again.at(id).active;
                    const auto kept = now.find(subtopology);
                    if (kept == now.end() || !kept->second.contains(p)) ++moved;
                }
            }
        }
        ASSERT_LE(moved, processes.size());
        current = assigned;
    }
}

}  // namespace
}  // namespace millrace::broker
