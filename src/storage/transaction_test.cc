// Transactions in one log: the last stable offset, what was aborted, who may write, and all of that
// after a restart.
#include <gtest/gtest.h>

#include <filesystem>

#include "storage/log_harness_internal.h"

namespace millrace::storage {
namespace {

class Transactions : public testing::Test {
protected:
    void SetUp() override { ASSERT_EQ(log.open(), "ok"); }

    base::Bytes batch(std::int64_t id, std::int32_t sequence, std::int16_t epoch = 0,
                      bool transactional = true) {
        model::BatchBuilder builder(
            {.producer = {id, epoch}, .base_sequence = sequence, .transactional = transactional});
        builder.add({log.clock.wall_ms()}, std::nullopt,
                    base::ByteView("of " + std::to_string(id)));
        return builder.build();
    }
    static std::string words(const base::Result<Log::Appended>& appended) {
        if (!appended) {
            const base::Condition* named = appended.error().condition();
            return named ? named->name : std::string(base::code_name(appended.error().code()));
        }
        return fmt::format("{}{}", appended->base_offset, appended->duplicate ? " again" : "");
    }
    // Appends a batch of a producer whose transaction holds this partition, and waits.
    std::string write(std::int64_t id, std::int32_t sequence, std::int16_t epoch = 0,
                      bool transactional = true, bool verified = true) {
        const std::string outcome = log.on_loop([&] {
            base::Bytes bytes = batch(id, sequence, epoch, transactional);
            base::Bytes scratch;
            const auto checked = CheckedBatch::check(bytes, Origin::kClient, log.config,
                                                     {log.clock.wall_ms()}, scratch);
            MR_CHECK(checked);
            const std::uint64_t token =
                verified && transactional ? log.log().start_verification({id, epoch}, sequence) : 0;
            return words(log.log().append(*checked, {.verification = token}));
        });
        log.settle();
        return outcome;
    }
    std::string end(std::int64_t id, bool commit, std::int16_t epoch = 0,
                    std::int32_t coordinator_epoch = 0, bool must_be_newer = false) {
        const std::string outcome = log.on_loop([&] {
            return words(
                log.log().append_marker({id, epoch}, {commit, coordinator_epoch}, must_be_newer));
        });
        log.settle();
        return outcome;
    }
    std::int64_t stable() { return log.offsets().last_stable.value; }
    // "producer:first-last" of every aborted transaction in [from, to).
    std::string aborted(std::int64_t from = 0, std::int64_t to = 1 << 30) {
        std::string text;
        for (const auto& one : log.on_loop([&] {
                 return log.log().aborted_transactions(model::Offset{from}, model::Offset{to});
             })) {
            text += fmt::format("{}:{}-{} ", one.producer_id, one.first_offset, one.last_offset);
        }
        return text;
    }
    // Offsets that a consumer of committed records is shown, by slices of `max_bytes`.
    std::string committed(std::size_t max_bytes = 150) {
        std::string text;
        model::Offset at = log.offsets().log_start;
        while (true) {
            std::vector<AbortedTransaction> aborted;
            const auto bytes = log.on_loop([&]() -> base::Result<base::Bytes> {
                MR_TRY(const Slice slice, log.log().read(at, max_bytes, Isolation::kReadCommitted));
                aborted = log.log().aborted_transactions(at, slice.bound);
                return slice.load();
            });
            if (!bytes) return text + "! " + std::string(base::code_name(bytes.error().code()));
            if (bytes->empty()) return text;
            AbortedFilter filter(aborted);
            for (base::ByteView rest = *bytes; !rest.empty();) {
                const auto one = model::RecordBatch::parse(rest);
                if (!one) break;
                rest.remove_prefix(one->size_bytes());
                if (!filter.leaves_out(*one)) text += fmt::format("{} ", one->base_offset());
                at = one->next_offset();
            }
        }
    }
    void restart(bool cleanly) {
        if (cleanly) {
            static_cast<void>(runtime::run_blocking(log.loop(), log.log().close()));
        }
        log.crash();
        ASSERT_EQ(log.open(), "ok");
        log.settle();
    }

    LogHarness log;
};

TEST_F(Transactions, the_last_stable_offset_is_the_first_of_any_open_transaction) {
    EXPECT_EQ(stable(), 0);
    EXPECT_EQ(log.append({"plain"}), "0");
    EXPECT_EQ(stable(), 1);
    EXPECT_EQ(write(1, 0), "1");
    EXPECT_EQ(stable(), 1);
    EXPECT_EQ(write(2, 0), "2");
    EXPECT_EQ(write(1, 1), "3");
    EXPECT_EQ(end(1, true), "4");
    EXPECT_EQ(stable(), 2);
    EXPECT_EQ(log.append({"plain"}), "5");
    EXPECT_EQ(stable(), 2);
    EXPECT_EQ(end(2, false), "6");
    EXPECT_EQ(stable(), 7);
    EXPECT_EQ(aborted(), "2:2-6 ");
    EXPECT_EQ(committed(), "0 1 3 5 ");
}

TEST_F(Transactions, an_aborted_record_is_never_visible_through_a_last_stable_offset_off_by_one) {
    write(1, 0);
    write(2, 0);
    end(2, false);
    EXPECT_EQ(committed(), "");
    end(1, false);
    EXPECT_EQ(stable(), 4);
    for (std::size_t max_bytes : {1, 100, 200, 1000}) {
        EXPECT_EQ(committed(max_bytes), "") << max_bytes;
    }
    // By the range of a fetch: entries that end at or after its start and begin before its end.
    EXPECT_EQ(aborted(0, 1), "1:0-3 ");
    EXPECT_EQ(aborted(1, 2), "2:1-2 1:0-3 ");
    EXPECT_EQ(aborted(2, 3), "2:1-2 1:0-3 ");
    EXPECT_EQ(aborted(3, 4), "1:0-3 ");
    EXPECT_EQ(aborted(4, 5), "");
}

TEST_F(Transactions, an_empty_transaction_leaves_no_entry_of_an_aborted_one) {
    EXPECT_EQ(end(1, false), "0");
    EXPECT_EQ(aborted(), "");
    EXPECT_EQ(stable(), 1);
}

TEST_F(Transactions, a_marker_that_is_not_durable_yet_never_moves_the_last_stable_offset) {
    write(1, 0);
    log.on_loop([&] {
        MR_CHECK(log.log().append_marker({1, 0}, {true, 0}, false));
        EXPECT_EQ(log.log().offsets().last_stable, model::Offset{0});
        return 0;
    });
    log.settle();
    EXPECT_EQ(stable(), 2);
}

TEST_F(Transactions, a_first_batch_is_never_taken_without_a_verification) {
    EXPECT_EQ(write(1, 0, 0, true, false), "INVALID_TXN_STATE");
    EXPECT_EQ(write(1, 0), "0");
    EXPECT_EQ(write(1, 1, 0, true, false), "1") << "the transaction is open";
    end(1, true);
    EXPECT_EQ(write(1, 2, 0, true, false), "INVALID_TXN_STATE");
    EXPECT_EQ(write(1, 1, 0, true, false), "1 again") << "a retry stays a retry";
}

TEST_F(Transactions, an_old_verification_never_opens_a_later_transaction) {
    log.on_loop([&] {
        base::Bytes bytes = batch(1, 0);
        base::Bytes scratch;
        const auto checked =
            CheckedBatch::check(bytes, Origin::kClient, log.config, {log.clock.wall_ms()}, scratch);
        const std::uint64_t token = log.log().start_verification({1, 0}, 0);
        EXPECT_NE(token, 0u);
        // While the question was on its way the transaction was aborted.
        MR_CHECK(log.log().append_marker({1, 0}, {false, 0}, false));
        EXPECT_EQ(words(log.log().append(*checked, {.verification = token})), "INVALID_TXN_STATE");
        return 0;
    });
}

TEST_F(Transactions, a_later_batch_never_overtakes_the_one_that_is_being_verified) {
    log.on_loop([&] {
        base::Bytes first = batch(1, 0);
        base::Bytes second = batch(1, 1);
        base::Bytes scratch;
        const auto check = [&](base::Bytes& bytes) {
            return *CheckedBatch::check(bytes, Origin::kClient, log.config, {0}, scratch);
        };
        const auto one = check(first);
        const auto two = check(second);
        const std::uint64_t token = log.log().start_verification({1, 0}, 0);
        EXPECT_EQ(log.log().start_verification({1, 0}, 1), token);
        EXPECT_EQ(words(log.log().append(two, {.verification = token})), "out of order");
        EXPECT_EQ(words(log.log().append(one, {.verification = token})), "0");
        EXPECT_EQ(words(log.log().append(two)), "1");
        return 0;
    });
}

TEST_F(Transactions, old_epochs_of_producers_and_coordinators_are_fenced) {
    write(1, 0, 5);
    EXPECT_EQ(write(1, 0, 4), "fenced");
    EXPECT_EQ(write(1, 1, 5, false), "INVALID_TXN_STATE") << "plain in a transaction";
    EXPECT_EQ(end(1, true, 4), "fenced");
    EXPECT_EQ(end(1, true, 5, 0, true), "fenced") << "the second protocol wants a newer epoch";
    EXPECT_EQ(end(1, true, 6, 3, true), "1");
    EXPECT_EQ(end(1, true, 6, 2), "TRANSACTION_COORDINATOR_FENCED");
    EXPECT_EQ(write(1, 1, 6), "out of order") << "a new epoch begins with sequence 0";
    EXPECT_EQ(write(1, 0, 6), "2");
}

TEST_F(Transactions, a_duplicate_is_never_answered_as_out_of_order_in_a_later_transaction) {
    write(1, 0);
    write(1, 1);
    end(1, true);
    write(1, 2);
    EXPECT_EQ(write(1, 0), "0 again");
    EXPECT_EQ(write(1, 1), "1 again");
    EXPECT_EQ(write(1, 2), "3 again");
    EXPECT_EQ(write(1, 4), "out of order");
}

TEST_F(Transactions, a_restart_keeps_open_transactions_and_what_was_aborted) {
    for (const bool cleanly : {true, false}) {
        SCOPED_TRACE(cleanly);
        const std::int64_t base = log.offsets().log_end.value;
        const std::int64_t id = base + 1;
        write(id, 0);
        end(id, false);
        write(id + 1, 0);
        EXPECT_EQ(stable(), base + 2);
        const std::string before = aborted();
        restart(cleanly);
        EXPECT_EQ(stable(), base + 2);
        EXPECT_EQ(aborted(), before);
        EXPECT_EQ(write(id + 1, 1, 0, true, false), fmt::format("{}", base + 3));
        end(id + 1, true);
        EXPECT_EQ(stable(), base + 5);
    }
    EXPECT_EQ(committed(), "2 3 7 8 ");
}

TEST_F(Transactions, a_transaction_may_span_segments_and_each_keeps_its_aborted_ones) {
    log.config.segment_bytes = 200;
    restart(true);
    for (std::int64_t id = 1; id <= 8; ++id) write(id, 0);
    for (std::int64_t id = 1; id <= 8; ++id) end(id, id % 2 == 0);
    EXPECT_GT(log.log().segment_count(), 3u);
    EXPECT_EQ(committed(), "1 3 5 7 ");
    const std::string before = aborted();
    EXPECT_EQ(before, "1:0-8 3:2-10 5:4-12 7:6-14 ");
    restart(true);
    EXPECT_EQ(aborted(), before);
    EXPECT_EQ(committed(), "1 3 5 7 ");
    restart(false);
    EXPECT_EQ(aborted(), before);
    // Where the files are lost or damaged, the log itself tells.
    const auto spoil = [&](auto&& how) {
        static_cast<void>(runtime::run_blocking(log.loop(), log.log().close()));
        log.crash();
        int files = 0;
        for (const auto& entry : std::filesystem::directory_iterator(log.folder())) {
            if (entry.path().extension() != ".txnindex") continue;
            how(entry.path().string());
            ++files;
        }
        EXPECT_GT(files, 0);
        ASSERT_EQ(log.open(), "ok");
        EXPECT_EQ(aborted(), before);
        EXPECT_EQ(committed(), "1 3 5 7 ");
        write(100, static_cast<std::int32_t>(log.offsets().log_end.value));
        end(100, true);
    };
    spoil([](const std::string& path) { std::filesystem::remove(path); });
    EXPECT_EQ(committed(), "1 3 5 7 16 ");
}

TEST_F(Transactions, a_damaged_index_of_aborted_transactions_is_never_believed) {
    write(1, 0);
    end(1, false);
    static_cast<void>(runtime::run_blocking(log.loop(), log.log().close()));
    log.crash();
    const std::string path = log.file("00000000000000000000.txnindex");
    const std::string good = read_text(path);
    ASSERT_GT(good.size(), 12u);
    for (std::size_t at = 0; at < good.size(); ++at) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 4);
        write_text(path, bad);
        ASSERT_EQ(log.open(), "ok") << at;
        log.settle();
        EXPECT_EQ(aborted(), "1:0-1 ") << at;
        log.crash();
    }
    for (std::size_t size = 0; size < good.size(); ++size) {
        write_text(path, good.substr(0, size));
        ASSERT_EQ(log.open(), "ok") << size;
        log.settle();
        EXPECT_EQ(aborted(), "1:0-1 ") << size;
        log.crash();
    }
    ASSERT_EQ(log.open(), "ok");
}

TEST_F(Transactions, deleting_records_of_an_open_transaction_keeps_it_open) {
    write(1, 0);
    write(1, 1);
    ASSERT_TRUE(runtime::run_blocking(log.loop(), log.log().delete_records({1})));
    EXPECT_EQ(stable(), 1);
    restart(true);
    EXPECT_EQ(stable(), 1);
    end(1, true);
    EXPECT_EQ(stable(), 3);
}

TEST_F(Transactions, an_idle_producer_with_an_open_transaction_is_never_forgotten) {
    write(1, 0);
    write(2, 0);
    end(2, true);
    log.clock.advance(log.config.producer_expiration_ms + 1);
    restart(true);  // Takes a snapshot, which forgets who is idle.
    write(3, 0);
    restart(true);
    const auto known = log.on_loop([&] { return log.log().producers(); });
    std::string text;
    for (const auto& one : known) text += fmt::format("{}@{} ", one.id, one.transaction_start);
    EXPECT_NE(text.find("1@0 "), std::string::npos) << text;
    EXPECT_EQ(stable(), 0);
}

TEST_F(Transactions, a_producer_that_was_forgotten_is_never_called_out_of_order) {
    write(1, 0);
    end(1, true);
    log.clock.advance(log.config.producer_expiration_ms + 1);
    restart(true);  // Takes a snapshot, which forgets who is idle.
    write(2, 0);
    restart(true);
    EXPECT_EQ(write(1, 7), "3");
    EXPECT_EQ(write(1, 9), "out of order") << "now it is known again";
}

TEST_F(Transactions, producers_are_described_as_they_wrote) {
    write(1, 0);
    write(1, 1);
    end(1, true, 0, 7);
    write(2, 0, 3);
    const auto known = log.on_loop([&] { return log.log().producers(); });
    ASSERT_EQ(known.size(), 2u);
    EXPECT_EQ(known[0].id, 1);
    EXPECT_EQ(known[0].last_sequence, 1);
    EXPECT_EQ(known[0].coordinator_epoch, 7);
    EXPECT_EQ(known[0].transaction_start, model::kNoOffset);
    EXPECT_EQ(known[1].epoch, 3);
    EXPECT_EQ(known[1].coordinator_epoch, -1);
    EXPECT_EQ(known[1].transaction_start, model::Offset{3});
    EXPECT_EQ(known[1].last_timestamp.ms, log.clock.wall_ms());
}

TEST_F(Transactions, searches_by_time_stop_where_committed_records_do) {
    EXPECT_EQ(log.append({"plain"}), "0");
    log.clock.advance(1000);
    write(1, 0);
    const model::Timestamp then{log.clock.wall_ms()};
    const auto found = [&](Isolation isolation) {
        return log.on_loop([&] {
            const auto match = log.log().offset_at(then, isolation);
            return match && *match ? (*match)->offset.value : -1;
        });
    };
    EXPECT_EQ(found(Isolation::kReadUncommitted), 1);
    EXPECT_EQ(found(Isolation::kReadCommitted), -1);
    end(1, true);
    EXPECT_EQ(found(Isolation::kReadCommitted), 1);
}

}  // namespace
}  // namespace millrace::storage
