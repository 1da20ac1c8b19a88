#include "topic/contract.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "topic/topics.h"

namespace millrace::topic {
namespace {

using base::Code;

class Contract {
public:
    Contract(Topics& topics, std::string prefix) : topics_(topics), name_(std::move(prefix)) {}

    std::vector<std::string> run() {
        unknown_topics_are_not_found();
        topics_come_and_go();
        records_come_back_as_they_were_given();
        reads_keep_to_their_range();
        times_find_the_first_record();
        watches_are_called();
        static_cast<void>(topics_.remove(name_));
        return std::move(broken_);
    }

private:
    void expect(bool holds, std::string what) {
        if (!holds) broken_.push_back(std::move(what));
    }
    template <class T>
    void expect_code(const base::Result<T>& result, Code code, const std::string& what) {
        if (result) {
            broken_.push_back(what + ": succeeded");
        } else if (result.error().code() != code) {
            broken_.push_back(what + ": " + result.error().to_string());
        }
    }
    template <class T>
    bool expect_ok(const base::Result<T>& result, const std::string& what) {
        if (!result) broken_.push_back(what + ": " + result.error().to_string());
        return result.has_value();
    }

    // "offset@time key=value header:value ..." a row; "next N" at the end.
    std::string read(std::int64_t from, std::int64_t to, const ReadOptions& options) {
        const auto got = topics_.read({name_, 0}, from, to, options);
        if (!got) return std::string(base::code_name(got.error().code()));
        const RecordColumns& rows = got->records;
        std::string text;
        for (std::size_t row = 0; row < rows.rows(); ++row) {
            const auto cell = [row](const base::Bytes& bytes,
                                    const std::vector<std::uint64_t>& ends,
                                    const std::vector<std::uint8_t>& null) {
                return null[row] != 0 ? "null" : bytes.substr(ends[row], ends[row + 1] - ends[row]);
            };
            text += fmt::format("{}@{} {}={}", rows.offsets[row], rows.timestamps_ms[row],
                                cell(rows.keys, rows.key_offsets, rows.key_null),
                                cell(rows.values, rows.value_offsets, rows.value_null));
            if (options.headers) {
                for (const Header& header : rows.headers[row]) {
                    text += fmt::format(" {}:{}", header.key, header.value.value_or("null"));
                }
            }
            text += "; ";
        }
        return text + fmt::format("next {}", got->next_offset);
    }

    void unknown_topics_are_not_found() {
        const TopicPartition nowhere{name_ + "-missing", 0};
        expect_code(topics_.describe(nowhere.topic), Code::kNotFound, "describe an unknown topic");
        expect_code(topics_.remove(nowhere.topic), Code::kNotFound, "remove an unknown topic");
        expect_code(topics_.offsets(nowhere), Code::kNotFound, "offsets of an unknown topic");
        expect_code(topics_.offset_at(nowhere, 0), Code::kNotFound, "offset_at, unknown topic");
        expect_code(topics_.read(nowhere, 0, 1, {}), Code::kNotFound, "read an unknown topic");
        expect_code(topics_.append(nowhere, {NewRecord{}}), Code::kNotFound,
                    "append to an unknown topic");
    }

    void topics_come_and_go() {
        const TopicDescription wanted{.name = name_, .partitions = 2, .configs = {}};
        expect_ok(topics_.create(wanted), "create a topic");
        expect_code(topics_.create(wanted), Code::kAlreadyExists, "create it again");
        expect_code(topics_.create({.name = "not/legal", .partitions = 1, .configs = {}}),
                    Code::kInvalidArgument, "create a topic with an illegal name");
        expect_code(topics_.create({.name = name_ + "-none", .partitions = 0, .configs = {}}),
                    Code::kInvalidArgument, "create a topic without partitions");
        if (const auto names = topics_.list(); expect_ok(names, "list topics")) {
            expect(std::ranges::count(*names, name_) == 1, "a new topic is listed once");
            expect(std::ranges::is_sorted(*names), "names are sorted");
        }
        if (const auto found = topics_.describe(name_); expect_ok(found, "describe")) {
            expect(found->name == name_ && found->partitions == 2, "description says what it is");
        }
        if (const auto range = topics_.offsets({name_, 1}); expect_ok(range, "offsets")) {
            expect(range->first == 0 && range->next == 0, "a new partition is empty");
        }
        expect_code(topics_.offsets({name_, 2}), Code::kNotFound, "offsets of partition 2 of 2");
        expect_code(topics_.offsets({name_, -1}), Code::kNotFound, "offsets of partition -1");
        expect_code(topics_.append({name_, 2}, {NewRecord{}}), Code::kNotFound,
                    "append to partition 2 of 2");
        const std::string brief = name_ + "-brief";
        expect_ok(topics_.create({.name = brief, .partitions = 1, .configs = {}}),
                  "create another");
        expect_ok(topics_.remove(brief), "remove it");
        expect_code(topics_.describe(brief), Code::kNotFound, "describe a removed topic");
    }

    void records_come_back_as_they_were_given() {
        const auto first = topics_.append(
            {name_, 0}, {{.key = "k0", .value = "v0", .timestamp_ms = 1000, .headers = {}},
                         {.key = std::nullopt,
                          .value = "",
                          .timestamp_ms = 3000,
                          .headers = {{"h", "x"}, {"n", std::nullopt}}}});
        if (expect_ok(first, "append")) expect(*first == 0, "the first offset is 0");
        const auto second = topics_.append(
            {name_, 0}, {{.key = "", .value = std::nullopt, .timestamp_ms = 2000, .headers = {}}});
        if (expect_ok(second, "append again")) expect(*second == 2, "offsets follow each other");
        const std::string all = "0@1000 k0=v0; 1@3000 null= h:x n:null; 2@2000 =null; next 3";
        const std::string got = read(0, 3, {.headers = true});
        expect(got == all, "records come back: " + got);
        if (const auto range = topics_.offsets({name_, 0}); expect_ok(range, "offsets")) {
            expect(range->first == 0 && range->next == 3, "offsets follow appends");
        }
        expect(read(0, 3, {}).find("next 3") != std::string::npos, "read without headers");
        const auto now = topics_.append({name_, 1}, {{.key = {}, .value = "v", .headers = {}}});
        if (expect_ok(now, "append without a time")) {
            const auto back = topics_.read({name_, 1}, 0, 1, {});
            expect(back && back->records.rows() == 1 &&
                       back->records.timestamps_ms[0] > 1'600'000'000'000,
                   "a record without a time gets the time of its append");
        }
    }

    void reads_keep_to_their_range() {
        expect(read(1, 2, {}) == "1@3000 null=; next 2", "a range is half open");
        expect(read(3, 3, {}) == "next 3", "an empty range at the end");
        expect(read(3, 10, {}) == "next 3", "a range beyond the end is cut");
        expect(read(1, 1, {}) == "next 1", "an empty range in the middle");
        expect(read(4, 5, {}) == "out of range", "a start beyond the end: " + read(4, 5, {}));
        const std::string one = read(0, 3, {.max_bytes = 1, .headers = false});
        expect(one.starts_with("0@1000"), "a small limit still gives a record: " + one);
    }

    void times_find_the_first_record() {
        const auto at = [&](std::int64_t time) {
            const auto found = topics_.offset_at({name_, 0}, time);
            if (!found) return found.error().to_string();
            return *found ? fmt::format("{}", **found) : std::string("none");
        };
        for (const auto& [time, offset] : {std::pair<std::int64_t, std::string>{0, "0"},
                                           {1000, "0"},
                                           {1001, "1"},
                                           {2500, "1"},
                                           {3000, "1"},
                                           {3001, "none"}}) {
            expect(at(time) == offset, fmt::format("offset_at {} is {}", time, at(time)));
        }
    }

    void watches_are_called() {
        std::mutex mutex;
        std::condition_variable changed;
        int calls = 0;
        const std::string later = name_ + "-later";
        {
            // The topic comes after the watch.
            const auto watch = topics_.watch(later, [&] {
                const std::lock_guard lock(mutex);
                ++calls;
                changed.notify_all();
            });
            expect_ok(topics_.create({.name = later, .partitions = 1, .configs = {}}), "create");
            expect_ok(topics_.append({later, 0}, {{.key = {}, .value = "v", .headers = {}}}),
                      "append to a watched topic");
            std::unique_lock lock(mutex);
            expect(changed.wait_for(lock, std::chrono::seconds(10), [&] { return calls > 0; }),
                   "a watch is called after an append");
        }
        const int before = calls;
        expect_ok(topics_.append({later, 0}, {{.key = {}, .value = "v", .headers = {}}}),
                  "append after the watch");
        const std::lock_guard lock(mutex);
        expect(calls == before, "a watch that has ended is not called");
        expect_ok(topics_.remove(later), "remove");
    }

    Topics& topics_;
    const std::string name_;
    std::vector<std::string> broken_;
};

}  // namespace

std::vector<std::string> broken_promises(Topics& topics, const std::string& prefix) {
    return Contract(topics, prefix).run();
}

}  // namespace millrace::topic
