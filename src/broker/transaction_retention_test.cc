// Offsets of transactions where offsets are kept for a short time only.
#include <gtest/gtest.h>

#include "broker/transactions_harness_internal.h"

namespace millrace::broker {
namespace {

config::ServerOptions short_retention() {
    config::ServerOptions options;
    options.offsets_retention_minutes = 1;
    options.offsets_retention_check_interval_ms = 5;
    return options;
}
class ShortRetention : public testing::Test, protected TransactionHarness {
protected:
    ShortRetention() : TransactionHarness(short_retention()) {}
};

TEST_F(ShortRetention, offsets_of_an_open_transaction_never_expire_under_it) {
    create("t");
    Producer producer = init("id", /*timeout_ms=*/600'000);
    EXPECT_EQ(commit("g", "t", 1), ErrorCode::kNone);
    EXPECT_EQ(commit("witness", "t", 1), ErrorCode::kNone);
    broker.skip_ms(40'000);
    EXPECT_EQ(commit_offset(producer, "g", "t", 2), "NONE");
    broker.skip_ms(40'000);
    // What nothing holds goes; the test's own deadline ends a wait in vain. The transaction's
    // offset is not old enough when it counts.
    while (group_offset("witness", "t", false) != "-1") {
    }
    EXPECT_EQ(group_offset("g", "t", true), "UNSTABLE_OFFSET_COMMIT");
    EXPECT_EQ(end(producer, true), "NONE");
    await_state("id", "CompleteCommit");
    EXPECT_EQ(group_offset("g", "t", true), "2");
    broker.restart();
    client.reconnect();
    EXPECT_EQ(group_offset("g", "t", true), "2");
}

}  // namespace
}  // namespace millrace::broker
