#include "broker/group/streams/sticky_assignor.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

namespace millrace::broker {
namespace {

// How many tasks each member may take before others have theirs. Members that are full take their
// tasks out of the sum, so that the others share what is left.
class Quota {
public:
    Quota(std::size_t tasks, std::size_t members) : tasks_(tasks), members_(members) { share(); }
    bool leaves_room_for(std::size_t has) const { return has < per_member_; }
    void note(std::size_t has) {
        if (has != per_member_ || members_ == 0) return;
        --members_;
        tasks_ -= std::min(tasks_, has);
        share();
    }

private:
    void share() { per_member_ = members_ == 0 ? 0 : (tasks_ + members_ - 1) / members_; }
    std::size_t tasks_;
    std::size_t members_;
    std::size_t per_member_ = 0;
};

struct Member;

struct Process {
    std::vector<Member*> members;
    std::set<TaskId> tasks;  // In whatever part.
    double load() const {
        return static_cast<double>(tasks.size()) / static_cast<double>(members.size());
    }
};

struct Member {
    std::string id;
    Process* process = nullptr;
    std::size_t count = 0;
    Tasks tasks;
};

class Assignment {
public:
    Assignment(const std::map<std::string, StickyMember>& members,
               const std::map<std::string, StickySubtopology>& subtopologies, std::int32_t standbys)
        : standbys_(standbys < 0 ? 0 : static_cast<std::size_t>(standbys)),
          active_quota_(count(subtopologies, 0), members.size()),
          quota_(count(subtopologies, standbys_), members.size()) {
        for (const auto& [id, member] : members) {
            Member& mine = members_[id];
            mine.id = id;
            mine.process = &processes_[member.process_id];
            mine.process->members.push_back(&mine);
            for (const auto& [subtopology, partitions] : member.current.active) {
                for (const std::int32_t p : partitions) was_active_[{subtopology, p}] = &mine;
            }
            for (const auto& [subtopology, partitions] : member.current.standby) {
                for (const std::int32_t p : partitions) {
                    were_standby_[{subtopology, p}].push_back(&mine);
                }
            }
        }
        for (const auto& [id, subtopology] : subtopologies) {
            for (std::int32_t p = 0; p < subtopology.tasks; ++p) {
                all_.push_back({id, p});
                if (subtopology.stateful) stateful_.push_back({id, p});
            }
        }
    }

    std::map<std::string, Tasks> run() {
        std::map<std::string, Tasks> result;
        if (!members_.empty()) {
            assign_active();
            if (standbys_ > 0) assign_standbys();
        }
        for (auto& [id, member] : members_) result.emplace(id, std::move(member.tasks));
        return result;
    }

private:
    enum class Part : std::uint8_t { kActive, kStandby };

    static std::size_t count(const std::map<std::string, StickySubtopology>& subtopologies,
                             std::size_t standbys) {
        std::size_t tasks = 0;
        for (const auto& [id, one] : subtopologies) {
            tasks += static_cast<std::size_t>(one.tasks) * (one.stateful ? 1 + standbys : 1);
        }
        return tasks;
    }

    static bool by_partition(const TaskId& a, const TaskId& b) {
        return std::tie(a.partition, a.subtopology) < std::tie(b.partition, b.subtopology);
    }

    void give(Member& member, const TaskId& task, Part part) {
        TaskSet& into = part == Part::kActive ? member.tasks.active : member.tasks.standby;
        into[task.subtopology].insert(task.partition);
        member.process->tasks.insert(task);
        ++member.count;
        if (part == Part::kActive) active_quota_.note(member.count);
        quota_.note(member.count);
    }

    void assign_active() {
        // Over subtopologies in turn, so that each member keeps some of every one.
        std::ranges::sort(all_, by_partition);
        std::erase_if(all_, [this](const TaskId& task) {
            const auto before = was_active_.find(task);
            if (before == was_active_.end()) return false;
            return give_if_room(before->second, task);
        });
        std::erase_if(all_, [this](const TaskId& task) {
            return give_if_room(least_loaded_standby(task), task);
        });
        // And what is left of one subtopology over all members.
        std::ranges::sort(all_);
        ByLoad processes(processes_);
        for (const TaskId& task : all_) {
            give(least_loaded_member(processes.take_least()), task, Part::kActive);
            processes.put_back();
        }
    }

    bool give_if_room(Member* member, const TaskId& task) {
        if (!member || !active_quota_.leaves_room_for(member->count)) return false;
        give(*member, task, Part::kActive);
        return true;
    }

    // Of those who were standby for the task, and whose process has nothing of it now.
    Member* least_loaded_standby(const TaskId& task) const {
        const auto found = were_standby_.find(task);
        if (found == were_standby_.end()) return nullptr;
        Member* best = nullptr;
        for (Member* one : found->second) {
            if (one->process->tasks.contains(task)) continue;
            if (!best || std::pair(one->process->load(), one->count) <
                             std::pair(best->process->load(), best->count)) {
                best = one;
            }
        }
        return best;
    }

    static Member& least_loaded_member(Process& process) {
        return **std::ranges::min_element(process.members, {}, &Member::count);
    }

    void assign_standbys() {
        std::ranges::sort(stateful_,
                          [](const auto& a, const auto& b) { return by_partition(b, a); });
        std::vector<std::pair<TaskId, std::size_t>> left;
        for (const TaskId& task : stateful_) {
            std::size_t missing = standbys_;
            for (; missing > 0; --missing) {
                Member* const member = standby_with_state(task);
                if (!member) break;
                give(*member, task, Part::kStandby);
            }
            if (missing > 0) left.emplace_back(task, missing);
        }
        std::ranges::sort(left, [](const auto& a, const auto& b) { return b.first < a.first; });
        ByLoad processes(processes_);
        for (const auto& [task, missing] : left) {
            for (std::size_t i = 0; i < missing; ++i) {
                // Where every process has it already, there are fewer standbys than configured.
                if (!processes.take_least_without(task)) break;
                give(least_loaded_member(processes.taken()), task, Part::kStandby);
                processes.put_back();
            }
        }
    }

    // Who has the task's state already, and room.
    Member* standby_with_state(const TaskId& task) const {
        const auto before = was_active_.find(task);
        if (before != was_active_.end()) {
            Member* const member = before->second;
            if (!member->process->tasks.contains(task) && quota_.leaves_room_for(member->count)) {
                return member;
            }
        }
        Member* const member = least_loaded_standby(task);
        return member && quota_.leaves_room_for(member->count) ? member : nullptr;
    }

    // The processes, those with the least load first.
    class ByLoad {
    public:
        explicit ByLoad(std::map<std::string, Process>& processes) {
            std::size_t index = 0;
            for (auto& [id, process] : processes) queue_.emplace(process.load(), index++, &process);
        }
        Process& take_least() {
            taken_ = queue_.extract(queue_.begin());
            return taken();
        }
        bool take_least_without(const TaskId& task) {
            for (auto at = queue_.begin(); at != queue_.end(); ++at) {
                if (std::get<Process*>(*at)->tasks.contains(task)) continue;
                taken_ = queue_.extract(at);
                return true;
            }
            return false;
        }
        Process& taken() { return *std::get<Process*>(taken_.value()); }
        void put_back() {
            std::get<double>(taken_.value()) = taken().load();
            queue_.insert(std::move(taken_));
        }

    private:
        std::set<std::tuple<double, std::size_t, Process*>> queue_;
        decltype(queue_)::node_type taken_;
    };

    const std::size_t standbys_;
    Quota active_quota_;
    Quota quota_;
    std::map<std::string, Process> processes_;
    std::map<std::string, Member> members_;
    std::map<TaskId, Member*> was_active_;
    std::map<TaskId, std::vector<Member*>> were_standby_;
    std::vector<TaskId> all_;
    std::vector<TaskId> stateful_;
};

}  // namespace

std::map<std::string, Tasks> assign_sticky(
    const std::map<std::string, StickyMember>& members,
    const std::map<std::string, StickySubtopology>& subtopologies, std::int32_t standbys) {
    return Assignment(members, subtopologies, standbys).run();
}

}  // namespace millrace::broker
