// The state machine of a transactional id, by tables: state, event, what comes of it.
#include "broker/transaction/transaction.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "broker/transaction/transaction_log.h"

namespace millrace::broker {
namespace {

using State = TransactionState;

constexpr std::int64_t kNow = 1'000'000;
const TransactionPartition kT0{"t", 0};
const TransactionPartition kT1{"t", 1};

std::string show(const TransactionData& data) {
    std::string text =
        fmt::format("{} {}/{}", state_name(data.state), data.producer_id, data.producer_epoch);
    for (const auto& [topic, partition] : data.partitions) {
        text += fmt::format(" {}-{}", topic, partition);
    }
    return text;
}

// One transactional id: the only caller of the state machine here. Words: an error, or what was
// told and what the state is then.
struct Harness {
    explicit Harness(TransactionData data) : transaction(std::move(data)) {}
    Harness() : Harness(TransactionData{.producer_id = 7, .timeout_ms = 1000, .partitions = {}}) {}

    std::string settle(const TransactionDecision& decision) {
        if (decision.what == TransactionDecision::Do::kTakeProducerId) return "wants a producer id";
        std::string text(error_name(decision.error));
        if (decision.producer.id >= 0) {
            text += fmt::format(" {}/{}", decision.producer.id, decision.producer.epoch);
        }
        if (decision.what != TransactionDecision::Do::kWrite) return text;
        // What is told after a restart is the same.
        const auto again = decode_transaction_value(transaction_value(decision.write));
        EXPECT_TRUE(again && show(*again) == show(decision.write));
        transaction.written();
        return text + ", " + show(transaction.data());
    }
    std::string init(std::optional<model::Producer> expected = {}, std::int64_t fresh = -1) {
        return settle(transaction.init({1000, expected, fresh}, now_ms));
    }
    std::string add(model::Producer producer, std::set<TransactionPartition> partitions,
                    bool second = true) {
        return settle(transaction.add({producer, std::move(partitions), second}, now_ms));
    }
    std::string end(model::Producer producer, bool commit, bool second = true,
                    std::int64_t fresh = -1) {
        return settle(transaction.end({producer, commit, second, fresh}, now_ms));
    }
    std::string complete() {
        const auto partitions = transaction.data().partitions;
        for (const auto& partition : partitions) transaction.marked(partition);
        return show(transaction.complete(now_ms));
    }

    Transaction transaction;
    std::int64_t now_ms = kNow;
};

TEST(Transaction, a_producer_of_the_second_protocol_has_a_new_epoch_for_each_transaction) {
    Harness id;
    EXPECT_EQ(id.init(), "NONE 7/0, Empty 7/0");
    EXPECT_EQ(id.add({7, 0}, {kT0}), "NONE 7/0, Ongoing 7/0 t-0");
    EXPECT_EQ(id.add({7, 0}, {kT0}), "NONE");
    EXPECT_EQ(id.add({7, 0}, {kT1}), "NONE 7/0, Ongoing 7/0 t-0 t-1");
    EXPECT_EQ(id.end({7, 0}, true), "NONE 7/1, PrepareCommit 7/1 t-0 t-1");
    EXPECT_EQ(id.add({7, 1}, {kT0}), "CONCURRENT_TRANSACTIONS");
    EXPECT_EQ(id.complete(), "CompleteCommit 7/1");
    EXPECT_EQ(id.add({7, 1}, {kT0}), "NONE 7/1, Ongoing 7/1 t-0");
    EXPECT_EQ(id.end({7, 1}, false), "NONE 7/2, PrepareAbort 7/2 t-0");
    EXPECT_EQ(id.complete(), "CompleteAbort 7/2");
}

TEST(Transaction, a_producer_of_the_first_protocol_keeps_its_epoch) {
    Harness id;
    id.init();
    EXPECT_EQ(id.add({7, 0}, {kT0}, false), "NONE 7/0, Ongoing 7/0 t-0");
    EXPECT_EQ(id.end({7, 0}, true, false), "NONE 7/0, PrepareCommit 7/0 t-0");
    EXPECT_EQ(id.end({7, 0}, true, false), "CONCURRENT_TRANSACTIONS");
    EXPECT_EQ(id.end({7, 0}, false, false), "INVALID_TXN_STATE");
    EXPECT_EQ(id.complete(), "CompleteCommit 7/0");
    EXPECT_EQ(id.end({7, 0}, true, false), "NONE 7/0");
    EXPECT_EQ(id.end({7, 0}, false, false), "INVALID_TXN_STATE");
}

TEST(Transaction, a_delayed_end_never_touches_a_later_transaction) {
    for (const bool commit : {true, false}) {
        Harness id;
        id.init();
        id.add({7, 0}, {kT0});
        id.end({7, 0}, commit);
        EXPECT_EQ(id.end({7, 0}, commit), "CONCURRENT_TRANSACTIONS");
        EXPECT_EQ(id.end({7, 0}, !commit), "CONCURRENT_TRANSACTIONS");
        id.complete();
        EXPECT_EQ(id.end({7, 0}, commit), "NONE 7/1") << "a retry is told the same";
        EXPECT_EQ(id.end({7, 0}, !commit), "INVALID_TXN_STATE");
        id.add({7, 1}, {kT0});
        EXPECT_EQ(id.end({7, 0}, commit), "PRODUCER_FENCED");
        EXPECT_EQ(id.end({7, 0}, !commit), "PRODUCER_FENCED");
        EXPECT_EQ(show(id.transaction.data()), "Ongoing 7/1 t-0");
    }
}

TEST(Transaction, a_producer_that_is_ahead_of_its_markers_waits_and_is_never_fenced) {
    TransactionData first{
        .producer_id = 7, .producer_epoch = 0, .timeout_ms = 1000, .partitions = {}};
    TransactionData last = first;
    last.producer_epoch = Transaction::kLastEpoch;
    for (const auto& [begin, told] :
         {std::pair{first, model::Producer{7, 1}}, std::pair{last, model::Producer{99, 0}}}) {
        for (const bool commit : {true, false}) {
            Harness id(begin);
            id.add({7, begin.producer_epoch}, {kT0});
            id.end({7, begin.producer_epoch}, commit, true, 99);
            ASSERT_TRUE(id.transaction.ending());
            EXPECT_EQ(id.add(told, {kT1}), "CONCURRENT_TRANSACTIONS");
            EXPECT_EQ(id.end(told, false), "CONCURRENT_TRANSACTIONS") << "none of it was added";
            EXPECT_EQ(id.end(told, true), "CONCURRENT_TRANSACTIONS");
            id.complete();
            EXPECT_EQ(id.end(told, false).substr(0, 5), "NONE ");
            EXPECT_EQ(id.transaction.data().state, State::kPrepareAbort);
        }
    }
}

TEST(Transaction, who_may_add_and_verify_partitions) {
    Harness id;
    id.init();
    EXPECT_EQ(id.add({8, 0}, {kT0}), "INVALID_PRODUCER_ID_MAPPING");
    EXPECT_EQ(id.add({7, 1}, {kT0}), "PRODUCER_FENCED");
    id.add({7, 0}, {kT0});
    const auto verify = [&](model::Producer producer, const TransactionPartition& partition) {
        return error_name(id.transaction.verify(producer, partition));
    };
    EXPECT_EQ(verify({7, 0}, kT0), "NONE");
    EXPECT_EQ(verify({7, 0}, kT1), "TRANSACTION_ABORTABLE");
    EXPECT_EQ(verify({7, 1}, kT0), "PRODUCER_FENCED");
    EXPECT_EQ(verify({8, 0}, kT0), "INVALID_PRODUCER_ID_MAPPING");
    id.end({7, 0}, true);
    EXPECT_EQ(verify({7, 1}, kT0), "CONCURRENT_TRANSACTIONS");
}

TEST(Transaction, what_an_end_without_an_open_transaction_is_told) {
    Harness id;
    id.init();
    EXPECT_EQ(id.end({7, 0}, true), "INVALID_TXN_STATE");
    EXPECT_EQ(id.end({7, 0}, true, false), "INVALID_TXN_STATE");
    EXPECT_EQ(id.end({7, 0}, false, false), "INVALID_TXN_STATE");
    EXPECT_EQ(id.end({8, 0}, false), "INVALID_PRODUCER_ID_MAPPING");
    EXPECT_EQ(id.end({7, 5}, false), "PRODUCER_FENCED");
    // The second protocol may abort what holds nothing: its partitions are added by the way.
    EXPECT_EQ(id.end({7, 0}, false), "NONE 7/1, PrepareAbort 7/1");
    EXPECT_EQ(id.complete(), "CompleteAbort 7/1");
    EXPECT_EQ(id.end({7, 1}, true), "INVALID_TXN_STATE");
    EXPECT_EQ(id.end({7, 0}, false), "NONE 7/1") << "a retry";
    EXPECT_EQ(id.end({7, 1}, false), "NONE 7/2, PrepareAbort 7/2");
}

TEST(Transaction, a_newer_producer_fences_the_older_one) {
    for (const bool second : {true, false}) {
        Harness id;
        id.init();
        id.add({7, 0}, {kT0}, second);
        EXPECT_EQ(id.init(), "CONCURRENT_TRANSACTIONS, PrepareAbort 7/1 t-0");
        EXPECT_EQ(id.init(), "CONCURRENT_TRANSACTIONS");
        EXPECT_EQ(id.end({7, 0}, true, false), "PRODUCER_FENCED");
        EXPECT_EQ(id.complete(), "CompleteAbort 7/1");
        EXPECT_EQ(id.init(), "NONE 7/2, Empty 7/2");
        EXPECT_EQ(id.add({7, 0}, {kT0}, second), "PRODUCER_FENCED");
        EXPECT_EQ(id.end({7, 0}, true, second), "PRODUCER_FENCED");
        EXPECT_EQ(id.end({7, 0}, false, second), "PRODUCER_FENCED");
    }
}

TEST(Transaction, a_producer_goes_on_after_an_error_unless_another_took_over) {
    Harness id;
    id.init();
    EXPECT_EQ(id.init(model::Producer{7, 0}), "NONE 7/1, Empty 7/1");
    EXPECT_EQ(id.init(model::Producer{7, 0}), "NONE 7/1, Empty 7/1") << "the answer was lost";
    EXPECT_EQ(id.init(model::Producer{7, 1}), "NONE 7/2, Empty 7/2");
    EXPECT_EQ(id.init(model::Producer{7, 0}), "PRODUCER_FENCED");
    EXPECT_EQ(id.init(model::Producer{9, 2}), "PRODUCER_FENCED");
    EXPECT_EQ(id.init(), "NONE 7/3, Empty 7/3");
    EXPECT_EQ(id.init(model::Producer{7, 2}), "PRODUCER_FENCED") << "a newer producer came";
}

TEST(Transaction, epochs_that_are_used_up_give_a_new_producer_id) {
    TransactionData last{.producer_id = 7,
                         .producer_epoch = Transaction::kLastEpoch,
                         .timeout_ms = 1000,
                         .partitions = {}};
    {
        Harness id(last);
        EXPECT_EQ(id.init(), "wants a producer id");
        EXPECT_EQ(id.init({}, 99), "NONE 99/0, Empty 99/0");
        EXPECT_EQ(id.init(model::Producer{7, 32766}), "PRODUCER_FENCED");
    }
    {
        Harness id(last);
        EXPECT_EQ(id.init(model::Producer{7, 32766}, 99), "NONE 99/0, Empty 99/0");
        EXPECT_EQ(id.init(model::Producer{7, 32766}, 100), "NONE 99/0, Empty 99/0")
            << "the answer was lost";
    }
    {
        Harness id(last);
        id.add({7, 32766}, {kT0});
        EXPECT_EQ(id.end({7, 32766}, true), "wants a producer id");
        EXPECT_EQ(id.end({7, 32766}, true, true, 99), "NONE 99/0, PrepareCommit 7/32767 t-0");
        EXPECT_EQ(id.complete(), "CompleteCommit 99/0");
        EXPECT_EQ(id.end({7, 32766}, true), "NONE 99/0") << "a retry";
        EXPECT_EQ(id.end({7, 32766}, false), "INVALID_TXN_STATE");
        EXPECT_EQ(id.add({99, 0}, {kT0}), "NONE 99/0, Ongoing 99/0 t-0");
    }
    {
        // A fence takes the very last epoch, which nobody is told.
        Harness id(last);
        id.add({7, 32766}, {kT0});
        EXPECT_EQ(id.init(), "CONCURRENT_TRANSACTIONS, PrepareAbort 7/32767 t-0");
        EXPECT_EQ(id.complete(), "CompleteAbort 7/32767");
        EXPECT_EQ(id.init({}, 99), "NONE 99/0, Empty 99/0");
    }
}

TEST(Transaction, a_transaction_that_runs_out_of_time_is_aborted_in_a_newer_epoch) {
    Harness id;
    id.init();
    EXPECT_FALSE(id.transaction.deadline_ms());
    id.add({7, 0}, {kT0});
    ASSERT_TRUE(id.transaction.deadline_ms());
    EXPECT_EQ(*id.transaction.deadline_ms(), kNow + 1001);
    EXPECT_EQ(id.settle(id.transaction.abort_for_time(kNow + 1000)), "NONE");
    id.now_ms += 500;
    id.add({7, 0}, {kT1});
    EXPECT_EQ(*id.transaction.deadline_ms(), kNow + 1001) << "later partitions do not prolong it";
    EXPECT_EQ(id.settle(id.transaction.abort_for_time(kNow + 1001)),
              "NONE, PrepareAbort 7/1 t-0 t-1");
    EXPECT_FALSE(id.transaction.deadline_ms());
    id.complete();
    EXPECT_EQ(id.add({7, 0}, {kT0}), "PRODUCER_FENCED");
    EXPECT_EQ(id.init(model::Producer{7, 0}), "NONE 7/1, Empty 7/1") << "but it may go on";
}

TEST(Transaction, nothing_comes_between_a_state_and_its_being_durable) {
    Harness id;
    const auto first = id.transaction.init({1000, {}, -1}, kNow);
    EXPECT_EQ(first.what, TransactionDecision::Do::kWrite);
    EXPECT_EQ(id.init(), "CONCURRENT_TRANSACTIONS");
    EXPECT_EQ(id.transaction.data().producer_epoch, -1);
    id.transaction.write_failed();
    EXPECT_EQ(id.init(), "NONE 7/0, Empty 7/0");
    const auto adds = id.transaction.add({{7, 0}, {kT0}, true}, kNow);
    EXPECT_EQ(adds.what, TransactionDecision::Do::kWrite);
    EXPECT_EQ(id.add({7, 0}, {kT0}), "CONCURRENT_TRANSACTIONS");
    EXPECT_EQ(id.end({7, 0}, true), "CONCURRENT_TRANSACTIONS");
    EXPECT_FALSE(id.transaction.deadline_ms());
    id.transaction.write_failed();
    EXPECT_EQ(show(id.transaction.data()), "Empty 7/0");
    // A fence that failed does not use up epochs.
    id.add({7, 0}, {kT0});
    for (int attempt = 0; attempt < 3; ++attempt) {
        const auto fence = id.transaction.init({1000, {}, -1}, kNow);
        EXPECT_EQ(show(fence.write), "PrepareAbort 7/1 t-0");
        id.transaction.write_failed();
    }
}

TEST(Transaction, only_what_nobody_uses_expires) {
    Harness id;
    id.init();
    EXPECT_FALSE(id.transaction.expired(kNow + 99, 100));
    EXPECT_TRUE(id.transaction.expired(kNow + 100, 100));
    id.add({7, 0}, {kT0});
    EXPECT_FALSE(id.transaction.expired(kNow + 1000, 100));
    id.end({7, 0}, true);
    EXPECT_FALSE(id.transaction.expired(kNow + 1000, 100));
    id.complete();
    EXPECT_TRUE(id.transaction.expired(kNow + 1000, 100));
}

TEST(TransactionLog, refuses_what_it_cannot_read) {
    const base::Bytes value = transaction_value({.producer_id = 1, .partitions = {}});
    for (std::size_t size = 0; size < value.size(); ++size) {
        EXPECT_FALSE(decode_transaction_value(base::ByteView(value).substr(0, size))) << size;
    }
    EXPECT_EQ(decode_transaction_key(transaction_key("id")), "id");
    EXPECT_FALSE(decode_transaction_key(base::ByteView("\0\1\0\2id", 6)));
    EXPECT_FALSE(decode_transaction_key(base::ByteView()));
}

}  // namespace
}  // namespace millrace::broker
