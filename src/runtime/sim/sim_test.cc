#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>

#include "runtime/gate.h"
#include "runtime/pool.h"
#include "runtime/sim/sim_disk.h"
#include "runtime/sim/sim_network.h"
#include "runtime/sim/simulation.h"

namespace millrace::runtime {
namespace {

using base::Code;
using base::Result;
using std::chrono::hours;
using std::chrono::milliseconds;

constexpr std::uint64_t kSeeds = 200;

Task<void> note_later(std::string& story, char name, Duration delay, Gate::Holder) {
    co_await Loop::current()->sleep(delay);
    story += name;
    co_await yield();
    story += name;
}

// What two loops and a pool tell, which depends on the seed alone.
std::string story_of(std::uint64_t seed) {
    Simulation sim(seed);
    const auto loops = sim.make_loops(2);
    const auto pool = sim.make_pool(2);
    const auto tell = [](LoopGroup& group, Pool& threads) -> Task<std::string> {
        std::string story;
        Gate gate;
        for (int i = 0; i < 4; ++i) {
            spawn(group.at(0), note_later(story, static_cast<char>('a' + i), milliseconds(1),
                                          std::move(gate.enter()).value()));
        }
        for (int i = 0; i < 3; ++i) story += co_await run(threads, [i] { return "xyz"[i]; });
        story += co_await call_on(group.at(1), [] { return '1'; });
        co_await gate.close();
        co_return story;
    };
    return sim.run(loops->first(), tell(*loops, *pool));
}

TEST(Simulation, the_same_seed_tells_the_same_story_and_others_another) {
    std::set<std::string> stories;
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        const std::string story = story_of(seed);
        EXPECT_EQ(story, story_of(seed)) << "seed " << seed;
        EXPECT_EQ(story.size(), 12u);
        stories.insert(story);
    }
    EXPECT_GT(stories.size(), 3u);
}

TEST(Simulation, jumps_over_the_time_in_which_nothing_happens) {
    Simulation sim(1);
    const auto loops = sim.make_loops(1);
    const std::int64_t start_ms = sim.clock().wall_ms();
    const auto sleep = [](Loop& loop) -> Task<void> { co_await loop.sleep(hours(5)); };
    sim.run(loops->first(), sleep(loops->first()));
    EXPECT_EQ(sim.clock().wall_ms() - start_ms, 5 * 3'600'000);
    sim.jump_wall_ms(-10);
    EXPECT_EQ(sim.clock().wall_ms() - start_ms, 5 * 3'600'000 - 10);
    EXPECT_FALSE(sim.run_until([] { return false; })) << "nothing is left";
    sim.run_for(hours(1));
    EXPECT_EQ(sim.now_ns(), Duration(hours(6)).count());
}

TEST(Simulation, names_the_seed_of_a_task_that_hangs) {
    const auto hang = [] {
        Simulation sim(4711);
        const auto loops = sim.make_loops(1);
        const auto never = []() -> Task<void> { co_await OneShot<int>(); };
        sim.run(loops->first(), never());
    };
    EXPECT_DEATH(hang(), "a task hangs; seed 4711");
}

TEST(Simulation, a_stopped_group_destroys_its_tasks) {
    Simulation sim(2);
    const auto pool = sim.make_pool(1);
    std::string story;
    Gate gate;
    {
        const auto loops = sim.make_loops(1);
        spawn(loops->first(), note_later(story, 'a', hours(1), std::move(gate.enter()).value()));
        sim.run_for(milliseconds(1));
        EXPECT_EQ(gate.inside(), 1u);
        loops->stop();
        EXPECT_EQ(gate.inside(), 0u);
        loops->first().post([&story] { story += "posted"; });
    }
    sim.run_until_idle();
    EXPECT_EQ(story, "");
}

// --- disk

std::string content(SimDisk& disk, const std::string& path) {
    return read_file(disk, path).value_or("(none)");
}
void power_cut(SimDisk& disk) {
    disk.crash();
    disk.restart();
}

TEST(SimDisk, keeps_what_was_synced_and_may_lose_the_rest) {
    std::set<std::string> ends;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
        SimDisk disk(seed);
        ASSERT_TRUE(disk.make_directories("/data"));
        ASSERT_TRUE(disk.sync_directory("/"));
        const auto file = disk.open("/data/a", OpenMode::kCreate).value();
        ASSERT_TRUE(disk.sync_directory("/data"));
        ASSERT_TRUE(file->write_at(0, "safe "));
        ASSERT_TRUE(file->sync());
        ASSERT_TRUE(file->write_at(5, "risky"));
        EXPECT_EQ(content(disk, "/data/a"), "safe risky");
        power_cut(disk);
        EXPECT_EQ(file->write_at(0, "x").error().code(), Code::kIo) << "a file of an earlier life";
        const std::string end = content(disk, "/data/a");
        ASSERT_TRUE(end.starts_with("safe ")) << "seed " << seed << ": " << end;
        ends.insert(end);
    }
    EXPECT_EQ(ends, (std::set<std::string>{"safe ", "safe risky"}));
}

TEST(SimDisk, keeps_what_was_written_when_only_the_process_dies) {
    bool lost_later = false;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
        SimDisk disk(seed);
        const auto file = disk.open("/a", OpenMode::kCreate).value();
        ASSERT_TRUE(disk.sync_directory("/"));
        ASSERT_TRUE(file->write_at(0, "written"));
        disk.kill();
        disk.restart();
        ASSERT_FALSE(file->size_bytes());
        ASSERT_EQ(content(disk, "/a"), "written");
        power_cut(disk);
        lost_later |= content(disk, "/a").empty();
    }
    EXPECT_TRUE(lost_later);
}

TEST(SimDisk, tears_long_writes_at_sectors) {
    bool torn = false;
    bool holed = false;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
        SimDisk disk(seed);
        const auto file = disk.open("/a", OpenMode::kCreate).value();
        ASSERT_TRUE(disk.sync_directory("/"));
        ASSERT_TRUE(file->write_at(0, std::string(100, 'a')));
        ASSERT_TRUE(file->sync());
        ASSERT_TRUE(file->write_at(100, std::string(2000, 'b')));
        power_cut(disk);
        const std::string end = content(disk, "/a");
        ASSERT_EQ(end.substr(0, 100), std::string(100, 'a')) << "seed " << seed;
        ASSERT_TRUE(end.size() == 100 || end.size() == 2100 || end.size() % 512 == 0)
            << "seed " << seed << ": " << end.size();
        torn |= end.size() != 100 && end.size() != 2100;
        holed |= end.find('\0') != std::string::npos;
    }
    EXPECT_TRUE(torn);
    EXPECT_TRUE(holed);
}

TEST(SimDisk, keeps_names_of_synced_directories_only) {
    std::set<std::string> ends;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
        SimDisk disk(seed);
        ASSERT_TRUE(disk.make_directories("/d"));
        ASSERT_TRUE(disk.sync_directory("/"));
        ASSERT_TRUE(write_file_durably(disk, "/d/a", "old"));
        ASSERT_TRUE(write_file_durably(disk, "/d/b", "new"));
        ASSERT_TRUE(disk.rename("/d/b", "/d/a"));
        ASSERT_TRUE(disk.open("/d/c", OpenMode::kCreate));
        power_cut(disk);
        std::string end = content(disk, "/d/a") + (disk.exists("/d/b") ? " b" : "");
        ASSERT_TRUE(end == "old b" || end == "new") << "seed " << seed << ": " << end;
        ends.insert(end + (disk.exists("/d/c") ? " c" : ""));
    }
    EXPECT_EQ(ends, (std::set<std::string>{"old b", "new", "new c"})) << "in their order";
}

TEST(SimDisk, a_directory_that_was_forgotten_takes_its_files_along) {
    bool lost = false;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
        SimDisk disk(seed);
        ASSERT_TRUE(disk.make_directories("/d/e"));
        ASSERT_TRUE(write_file_durably(disk, "/d/e/a", "1"));
        power_cut(disk);
        const std::string end = content(disk, "/d/e/a");
        ASSERT_TRUE(end == "1" || !disk.exists("/d/e")) << "seed " << seed;
        lost |= end != "1";
    }
    EXPECT_TRUE(lost) << "nobody synced the parents";
}

TEST(SimDisk, directories_made_durably_survive_with_all_their_parents) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        SimDisk disk(seed);
        ASSERT_TRUE(make_directories_durably(disk, "/a/b/c"));
        disk.crash();
        disk.restart();
        EXPECT_TRUE(disk.exists("/a/b/c")) << "seed " << seed;
    }
}

TEST(SimDisk, directories_survive_also_when_their_maker_died_halfway) {
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
        SimDisk disk(seed);
        disk.lose_power_in(1 + static_cast<int>(seed % 7));
        (void)make_directories_durably(disk, "/a/b/c");
        disk.kill();
        disk.restart();
        ASSERT_TRUE(make_directories_durably(disk, "/a/b/c"));
        power_cut(disk);
        EXPECT_TRUE(disk.exists("/a/b/c")) << "seed " << seed;
    }
}

TEST(SimDisk, renames_directories_with_their_content) {
    SimDisk disk(3);
    ASSERT_TRUE(disk.make_directories("/d/e"));
    ASSERT_TRUE(write_file_durably(disk, "/d/e/a", "1"));
    ASSERT_TRUE(disk.rename("/d", "/f"));
    EXPECT_EQ(content(disk, "/f/e/a"), "1");
    EXPECT_FALSE(disk.exists("/d/e"));
    ASSERT_TRUE(disk.sync_all("/"));
    power_cut(disk);
    EXPECT_EQ(content(disk, "/f/e//./a"), "1");
    EXPECT_EQ(disk.list("/f").value().at(0).name, "e");
    EXPECT_EQ(disk.list("/").value().size(), 1u);
    EXPECT_FALSE(disk.remove("/f")) << "not empty";
    ASSERT_TRUE(disk.remove_tree("/f"));
    EXPECT_FALSE(disk.exists("/f/e/a"));
}

TEST(SimDisk, a_failed_sync_loses_data_though_a_new_file_syncs_without_complaint) {
    bool lost = false;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
        SimDisk disk(seed);
        const auto file = disk.open("/a", OpenMode::kCreate).value();
        ASSERT_TRUE(disk.sync_directory("/"));
        ASSERT_TRUE(file->write_at(0, "data"));
        disk.fail(SimDisk::Call::kSync);
        EXPECT_EQ(file->sync().error().code(), Code::kIo);
        EXPECT_FALSE(file->sync()) << "a file remembers";
        EXPECT_TRUE(disk.open("/a", OpenMode::kReadWrite).value()->sync());
        EXPECT_EQ(content(disk, "/a"), "data") << "the cache still has it";
        power_cut(disk);
        lost |= content(disk, "/a") != "data";
    }
    EXPECT_TRUE(lost);
}

TEST(SimDisk, a_failed_sync_of_all_is_told_once_more_by_each_file_that_is_open) {
    SimDisk disk(9);
    const auto dirty = disk.open("/dirty", OpenMode::kCreate).value();
    const auto clean = disk.open("/clean", OpenMode::kCreate).value();
    ASSERT_TRUE(dirty->write_at(0, "data"));
    disk.fail(SimDisk::Call::kSync);
    EXPECT_FALSE(disk.sync_all("/"));
    EXPECT_TRUE(disk.sync_all("/"));
    EXPECT_FALSE(dirty->sync());
    EXPECT_TRUE(clean->sync());
}

TEST(SimDisk, fails_the_call_that_it_is_told_to_fail) {
    SimDisk disk(5);
    const auto file = disk.open("/a", OpenMode::kCreate).value();
    disk.fail(SimDisk::Call::kWrite, 2);
    EXPECT_TRUE(file->write_at(0, "1"));
    EXPECT_FALSE(file->write_at(1, "2"));
    EXPECT_TRUE(file->write_at(1, "3"));
    disk.set_fault_rate(SimDisk::Call::kRead, 1);
    EXPECT_FALSE(read_file(disk, "/a"));
    disk.set_fault_rate(SimDisk::Call::kRead, 0);
    EXPECT_EQ(content(disk, "/a"), "13");
    EXPECT_EQ(disk.faults(), 2u);
}

TEST(SimDisk, loses_its_power_in_the_middle_of_something) {
    SimDisk disk(10);
    const auto file = disk.open("/a", OpenMode::kCreate).value();
    ASSERT_TRUE(disk.sync_directory("/"));
    ASSERT_TRUE(file->write_at(0, "old"));
    ASSERT_TRUE(file->sync());
    disk.lose_power_in(3);
    EXPECT_FALSE(write_file_durably(disk, "/a", "new")) << "at the sync of the file beside it";
    EXPECT_FALSE(disk.has_power());
    EXPECT_FALSE(file->size_bytes());
    EXPECT_FALSE(disk.exists("/a"));
    power_cut(disk);
    EXPECT_TRUE(disk.has_power());
    EXPECT_EQ(content(disk, "/a"), "old");
}

TEST(SimDisk, is_full_at_its_capacity_and_has_room_again_after_a_removal) {
    SimDisk disk(6);
    ASSERT_TRUE(write_file_durably(disk, "/a", std::string(80, 'x')));
    disk.set_capacity_bytes(100);
    EXPECT_EQ(disk.space("/").value().available_bytes, 20u);
    const auto file = disk.open("/b", OpenMode::kCreate).value();
    EXPECT_EQ(file->write_at(0, std::string(30, 'y')).error().code(), Code::kNoSpace);
    EXPECT_EQ(file->size_bytes().value(), 20u) << "what fitted";
    EXPECT_TRUE(file->write_at(5, "over it"));
    ASSERT_TRUE(disk.remove("/a"));
    EXPECT_TRUE(file->write_at(20, std::string(80, 'y')));
    EXPECT_EQ(disk.used_bytes(), 100u);
}

TEST(SimDisk, locks_and_flips_bits) {
    SimDisk disk(7);
    auto held = disk.lock("/lock");
    ASSERT_TRUE(held);
    EXPECT_EQ(disk.lock("/lock").error().code(), Code::kConflict);
    held->reset();
    EXPECT_TRUE(disk.lock("/lock"));
    ASSERT_TRUE(write_file_durably(disk, "/a", "@"));
    ASSERT_TRUE(disk.flip_bit("/a", 0, 0));
    EXPECT_EQ(content(disk, "/a"), "A");
    EXPECT_EQ(disk.flip_bit("/a", 1, 0).error().code(), Code::kOutOfRange);
    EXPECT_EQ(disk.flip_bit("/none", 0, 0).error().code(), Code::kNotFound);
    const auto stale = disk.lock("/lock").value();
    power_cut(disk);
    EXPECT_TRUE(disk.lock("/lock")) << "a lock dies with its process";
}

// --- network

Task<void> echo(std::unique_ptr<Stream> stream, Gate::Holder) {
    char buffer[1000];
    while (true) {
        const auto count = co_await stream->read_some(buffer, sizeof(buffer));
        if (!count || *count == 0) co_return;
        if (!co_await stream->write({buffer, *count})) co_return;
    }
}

Task<void> serve(Listener& listener, Gate& gate, Gate::Holder) {
    while (true) {
        auto stream = co_await listener.accept();
        if (!stream) co_return;
        auto pass = gate.enter();
        if (!pass) co_return;
        spawn(*Loop::current(), echo(std::move(*stream), std::move(*pass)));
    }
}

Task<void> send_all(Stream& stream, std::string bytes, Gate::Holder) {
    (void)co_await stream.write(bytes);
}

Task<std::string> through_echo(Network& network, std::string bytes) {
    const auto listener = network.listen("localhost", 0).value();
    Gate gate;
    spawn(*Loop::current(), serve(*listener, gate, std::move(gate.enter()).value()));
    auto client = (co_await network.connect("localhost", listener->port())).value();
    spawn(*Loop::current(), send_all(*client, bytes, std::move(gate.enter()).value()));
    std::string back(bytes.size(), '\0');
    const auto outcome = co_await client->read_exactly(back.data(), back.size());
    client->close();
    listener->close();
    co_await gate.close();
    co_return outcome ? back : outcome.error().to_string();
}

TEST(SimNetwork, carries_bytes_in_their_order_whatever_the_seed) {
    std::string bytes;
    for (int i = 0; i < 100'000; ++i) bytes += std::to_string(i);
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
        Simulation sim(seed);
        SimNetwork network(sim);
        const auto loops = sim.make_loops(1);
        EXPECT_TRUE(sim.run(loops->first(), through_echo(network, bytes)) == bytes)
            << "seed " << seed;
    }
}

TEST(SimNetwork, tells_ends_cuts_refusals_and_silence) {
    Simulation sim(8);
    SimNetwork network(sim);
    const auto loops = sim.make_loops(1);
    const auto talk = [](SimNetwork& net) -> Task<std::string> {
        std::string story;
        const auto note = [&](const auto& result) {
            story += result ? "ok; " : std::string(code_name(result.error().code())) + "; ";
        };
        const auto listener = net.listen("a", 9).value();
        note(net.listen("b", 9));
        note(co_await net.connect("a", 10));
        auto client = (co_await net.connect("a", 9)).value();
        auto server = (co_await listener->accept()).value();
        char byte = 0;
        client->set_idle_timeout(milliseconds(100));
        note(co_await client->read_some(&byte, 1));
        note(co_await client->read_some(&byte, 1));
        note(co_await server->read_exactly(&byte, 1));

        client = (co_await net.connect("a", 9)).value();
        server = (co_await listener->accept()).value();
        net.cut_all();
        note(co_await client->read_some(&byte, 1));
        note(co_await server->write("x"));

        net.set_down(true);
        note(co_await net.connect("a", 9));
        net.set_down(false);
        co_return story;
    };
    EXPECT_EQ(sim.run(loops->first(), talk(network)),
              "conflict; unavailable; timeout; cancelled; unavailable; unavailable; unavailable; "
              "unavailable; ");
}

}  // namespace
}  // namespace millrace::runtime
