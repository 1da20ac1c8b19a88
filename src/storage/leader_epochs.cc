#include "storage/leader_epochs.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "runtime/disk.h"

namespace millrace::storage {

using base::Code;
using base::fail;
using base::Result;

namespace {

// Takes one number and the character that ends it.
template <class Integer>
bool take_number(base::ByteView& text, char end, Integer& value) {
    const auto [rest, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || rest == text.data() + text.size() || *rest != end) return false;
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()) + 1);
    return true;
}

}  // namespace

Result<std::vector<LeaderEpochs::Entry>> LeaderEpochs::parse(base::ByteView text) {
    int version = -1;
    std::size_t count = 0;
    if (!take_number(text, '\n', version) || version != 0 || !take_number(text, '\n', count)) {
        return fail(Code::kCorrupt, "not a leader epoch checkpoint of version 0");
    }
    std::vector<Entry> entries;
    for (std::size_t i = 0; i < count; ++i) {
        Entry entry;
        if (!take_number(text, ' ', entry.epoch.value) ||
            !take_number(text, '\n', entry.start.value)) {
            return fail(Code::kCorrupt, "leader epoch {} is malformed", i);
        }
        if (!entries.empty() &&
            (entry.epoch <= entries.back().epoch || entry.start < entries.back().start)) {
            return fail(Code::kCorrupt, "leader epochs do not grow");
        }
        entries.push_back(entry);
    }
    if (!text.empty()) return fail(Code::kCorrupt, "more leader epochs than declared");
    return entries;
}

base::Bytes LeaderEpochs::format(const std::vector<Entry>& entries) {
    base::Bytes text = fmt::format("0\n{}\n", entries.size());
    for (const Entry& entry : entries) text += fmt::format("{} {}\n", entry.epoch, entry.start);
    return text;
}

Result<LeaderEpochs> LeaderEpochs::load(runtime::Disk& disk, const std::string& folder) {
    const std::string path = folder + "/leader-epoch-checkpoint";
    std::vector<Entry> entries;
    if (disk.exists(path)) {
        MR_TRY(const auto text, runtime::read_file(disk, path));
        auto parsed = parse(text);
        if (!parsed) return fail(parsed.error().with(path));
        entries = std::move(*parsed);
    }
    if (entries.empty()) entries.push_back({{0}, {0}});
    return LeaderEpochs(disk, path, std::move(entries));
}

Result<void> LeaderEpochs::begin(model::LeaderEpoch epoch, model::Offset start) {
    if (epoch == latest()) return {};
    if (epoch < latest()) {
        return fail(Code::kFenced, "leader epoch {} is older than {}", epoch, latest());
    }
    auto entries = entries_;
    // An epoch in which nothing was written leaves no trace.
    if (entries.back().start == start) entries.pop_back();
    entries.push_back({epoch, start});
    MR_TRY_VOID(runtime::write_file_durably(*disk_, path_, format(entries)));
    entries_ = std::move(entries);
    return {};
}

std::optional<LeaderEpochs::Entry> LeaderEpochs::end_of(model::LeaderEpoch epoch,
                                                        model::Offset log_end) const {
    const auto after = std::ranges::upper_bound(entries_, epoch, {}, &Entry::epoch);
    if (after == entries_.begin()) return std::nullopt;
    return Entry{std::prev(after)->epoch, after == entries_.end() ? log_end : after->start};
}

}  // namespace millrace::storage
