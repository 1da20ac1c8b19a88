// The contract of Topics, as checks that run against any implementation.
//
//     EXPECT_EQ(broken_promises(topics, "orders-test"), std::vector<std::string>());
//
// The fake, the broker's own topics and a remote Kafka must all pass. `prefix` begins the names of
// the topics that the checks make and remove.
#pragma once

#include <string>
#include <vector>

namespace millrace::topic {

class Topics;

// What does not hold, one line each; empty when all is well.
std::vector<std::string> broken_promises(Topics& topics, const std::string& prefix);

}  // namespace millrace::topic
