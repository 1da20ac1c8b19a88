#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "kafka/message_table.h"
#include "kafka/random_messages.h"

namespace millrace::kafka {
namespace {

std::uint64_t pick_seed() {
    const char* given = std::getenv("MILLRACE_TEST_SEED");
    const std::uint64_t seed = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    std::printf("seed %llu (MILLRACE_TEST_SEED repeats it)\n",
                static_cast<unsigned long long>(seed));
    return seed;
}

// Calls check(type, version, bytes) with some random messages of every type and version.
template <class Check>
void with_random_messages(int each, Check&& check) {
    Filler random(pick_seed());
    for (const MessageType& type : message_types()) {
        for (std::int16_t version = type.min_version; version <= type.max_version; ++version) {
            for (int count = 0; count < each; ++count) {
                SCOPED_TRACE(std::string(type.name) + " v" + std::to_string(version));
                check(type, version, random_message(type.name, version, random));
                if (testing::Test::HasFailure()) return;
            }
        }
    }
}

TEST(Messages, of_every_type_and_version_come_back_from_bytes_as_they_went) {
    with_random_messages(50, [](const MessageType& type, std::int16_t version, const auto& bytes) {
        base::Bytes again;
        ASSERT_TRUE(type.recode(bytes, version, &again));
        ASSERT_EQ(again, bytes);
    });
}

TEST(Messages, that_end_too_early_are_refused) {
    with_random_messages(3, [](const MessageType& type, std::int16_t version, const auto& bytes) {
        base::Bytes again;
        for (std::size_t length = 0; length < bytes.size(); ++length) {
            ASSERT_FALSE(type.recode(base::ByteView(bytes).substr(0, length), version, &again));
        }
    });
}

TEST(Messages, with_bytes_behind_their_end_are_refused) {
    with_random_messages(2, [](const MessageType& type, std::int16_t version, auto bytes) {
        bytes.push_back('\0');
        base::Bytes again;
        ASSERT_FALSE(type.recode(bytes, version, &again));
    });
}

// Damaged messages may be taken for others, but what is accepted is whole: it encodes to bytes that
// are accepted again.
TEST(Messages, with_flipped_bytes_do_no_harm) {
    std::mt19937_64 damage(pick_seed());
    with_random_messages(20, [&](const MessageType& type, std::int16_t version, auto bytes) {
        if (bytes.empty()) return;
        for (int flips = 0; flips < 3; ++flips) bytes[damage() % bytes.size()] ^= 1 << damage() % 8;
        base::Bytes once, twice;
        if (!type.recode(bytes, version, &once)) return;
        ASSERT_TRUE(type.recode(once, version, &twice));
        ASSERT_EQ(once, twice);
    });
}

}  // namespace
}  // namespace millrace::kafka
