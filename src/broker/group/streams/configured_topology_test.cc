#include "broker/group/streams/configured_topology.h"

#include <gtest/gtest.h>

#include <functional>

#include "broker/group/consumer/consumer_driver_internal.h"

namespace millrace::broker {
namespace {

using Topology = StreamsTopology;
using Subtopology = StreamsTopology::Subtopology;

// "0:4(repartition=4,store=4)" for each subtopology: its tasks and the topics that the server
// makes, then "missing a,b"; or the status that keeps it from running; or what is wrong for ever.
std::string configure_text(const Topology& topology, const FakeTopics& topics) {
    const auto configured = configure(topology, topics);
    if (!configured) return "invalid: " + configured.error().message();
    std::string text;
    if (configured->fault) {
        text = std::to_string(static_cast<int>(configured->fault->code)) + ": " +
               configured->fault->detail;
    }
    for (const auto& [id, subtopology] : configured->subtopologies) {
        text += (text.empty() ? "" : " ") + id + ":" + std::to_string(subtopology.tasks);
        std::string made;
        for (const auto* some : {&subtopology.repartition_sources, &subtopology.changelogs}) {
            for (const auto& [name, topic] : *some) {
                made += (made.empty() ? "" : ",") + name + "=" + std::to_string(topic.partitions);
            }
        }
        if (!made.empty()) text += "(" + made + ")";
    }
    std::string missing;
    for (const auto& topic : configured->missing) {
        missing += (missing.empty() ? " missing " : ",") + topic.name + "=" +
                   std::to_string(topic.partitions);
    }
    return text + missing;
}

// Words are counted: lines are read, grouped anew by word, and counted in a store.
Topology word_count() {
    Topology topology;
    topology.subtopologies["0"] = {.source_topics = {"lines"}, .repartition_sinks = {"words"}};
    topology.subtopologies["1"] = {.changelogs = {{.name = "counts"}},
                                   .repartition_sources = {{.name = "words"}}};
    return topology;
}

TEST(ConfiguredTopology, gives_topics_in_between_the_width_of_what_their_writers_read) {
    FakeTopics topics;
    topics.set("lines", 3);
    EXPECT_EQ(configure_text(word_count(), topics),
              "3: Internal topics are missing: counts, words 0:3 1:3(words=3,counts=3) "
              "missing counts=3,words=3");
    topics.set("words", 3);
    EXPECT_EQ(configure_text(word_count(), topics),
              "3: Internal topics are missing: counts 0:3 1:3(words=3,counts=3) missing counts=3");
    topics.set("counts", 3);
    EXPECT_EQ(configure_text(word_count(), topics), "0:3 1:3(words=3,counts=3)");
}

TEST(ConfiguredTopology, follows_chains_of_topics_in_whatever_order) {
    Topology topology;
    topology.subtopologies["2"] = {.source_topics = {"in"}, .repartition_sinks = {"a"}};
    topology.subtopologies["1"] = {.repartition_sinks = {"b"},
                                   .repartition_sources = {{.name = "a"}}};
    topology.subtopologies["0"] = {.repartition_sources = {{.name = "b"}}};
    FakeTopics topics;
    topics.set("in", 5);
    EXPECT_EQ(configure_text(topology, topics),
              "3: Internal topics are missing: a, b 0:5(b=5) 1:5(a=5) 2:5 missing a=5,b=5");
}

TEST(ConfiguredTopology, tells_why_nothing_can_run_yet) {
    struct Case {
        const char* what;
        std::function<void(Topology&, FakeTopics&)> change;
        const char* expected;
    };
    const Case cases[] = {
        {"a source is missing", [](Topology&, FakeTopics& topics) { topics.remove("lines"); },
         "1: Source topics lines are missing."},
        {"many are",
         [](Topology& topology, FakeTopics&) {
             topology.subtopologies["0"].source_topics = {"e", "d", "c", "b", "a"};
         },
         "1: Source topics a, b, c and 2 additional topics are missing."},
        {"there is one of another width",
         [](Topology&, FakeTopics& topics) { topics.set("counts", 2); },
         "2: Existing topic counts has different number of partitions: expected 3, found 2"},
        {"sources that must be alike are not",
         [](Topology& topology, FakeTopics& topics) {
             topics.set("more", 2);
             topology.subtopologies["0"].source_topics.push_back("more");
             topology.subtopologies["0"].copartition_groups = {{.source_topics = {0, 1}}};
         },
         "2: Following topics do not have the same number of partitions: [{lines=3, more=2}]"},
        {"the application wants another width than the source has",
         [](Topology& topology, FakeTopics& topics) {
             topics.set("side", 2);
             auto& counting = topology.subtopologies["1"];
             counting.source_topics = {"side"};
             counting.repartition_sources[0].partitions = 7;
             counting.copartition_groups = {
                 {.source_topics = {0}, .repartition_source_topics = {0}}};
         },
         "2: Number of partitions [7] of repartition topic [words] doesn't match number of "
         "partitions [2] of the source topic."},
        {"the application wants two widths",
         [](Topology& topology, FakeTopics&) {
             auto& counting = topology.subtopologies["1"];
             counting.repartition_sources = {{.name = "a", .partitions = 2},
                                             {.name = "b", .partitions = 3}};
             counting.copartition_groups = {{.repartition_source_topics = {0, 1}}};
         },
         "2: Following topics do not have the same number of partitions: [{a=2, b=3}]"},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.what);
        FakeTopics topics;
        topics.set("lines", 3);
        Topology topology = word_count();
        one.change(topology, topics);
        EXPECT_EQ(configure_text(topology, topics), one.expected);
    }
}

TEST(ConfiguredTopology, makes_topics_alike_that_must_be) {
    struct Case {
        const char* what;
        std::vector<StreamsTopology::Topic> repartition;
        std::vector<std::string> sources;
        const char* expected;
    };
    const Case cases[] = {
        {"as the source that is there", {{.name = "a"}, {.name = "b"}}, {"narrow"}, "a=2,b=2"},
        {"as the one that the application tells",
         {{.name = "a"}, {.name = "b", .partitions = 9}},
         {},
         "a=9,b=9"},
        {"as the widest of their writers", {{.name = "a"}, {.name = "b"}}, {}, "a=4,b=4"},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.what);
        FakeTopics topics;
        topics.set("narrow", 2);
        topics.set("wide", 4);
        Topology topology;
        topology.subtopologies["0"] = {.source_topics = {"narrow"}, .repartition_sinks = {"a"}};
        topology.subtopologies["1"] = {.source_topics = {"wide"}, .repartition_sinks = {"b"}};
        auto& joined = topology.subtopologies["2"];
        joined.source_topics = one.sources;
        joined.repartition_sources = one.repartition;
        joined.copartition_groups = {{.repartition_source_topics = {0, 1}}};
        if (!one.sources.empty()) joined.copartition_groups[0].source_topics = {0};
        const std::string text = configure_text(topology, topics);
        EXPECT_NE(text.find("(" + std::string(one.expected) + ")"), std::string::npos) << text;
    }
}

TEST(ConfiguredTopology, refuses_what_can_never_run) {
    struct Case {
        const char* what;
        std::function<void(Topology&)> change;
        const char* expected;
    };
    const Case cases[] = {
        {"nobody writes it",
         [](Topology& topology) { topology.subtopologies["0"].repartition_sinks.clear(); },
         "invalid: Failed to compute number of partitions for all repartition topics, because a "
         "repartition source topic is never used as a sink topic."},
        {"it goes round in a circle",
         [](Topology& topology) {
             topology.subtopologies["0"].source_topics.clear();
             topology.subtopologies["0"].repartition_sources = {{.name = "back"}};
             topology.subtopologies["1"].repartition_sinks = {"back"};
         },
         "invalid: Failed to compute number of partitions for all repartition topics. There may be "
         "loops in the topology that cannot be resolved."},
        {"it reads nothing", [](Topology& topology) { topology.subtopologies["2"] = {}; },
         "invalid: No source topics found for subtopology 2"},
        {"an index points nowhere",
         [](Topology& topology) {
             topology.subtopologies["0"].copartition_groups = {{.source_topics = {1}}};
         },
         "invalid: A copartition group of subtopology 0 names a topic that it has not."},
        {"an index is negative",
         [](Topology& topology) {
             topology.subtopologies["0"].copartition_groups = {{.source_topics = {-1}}};
         },
         "invalid: A copartition group of subtopology 0 names a topic that it has not."},
        {"fewer than no partitions",
         [](Topology& topology) {
             topology.subtopologies["1"].repartition_sources[0].partitions = -3;
         },
         "invalid: Number of partitions must be at least 1."},
        {"before the first epoch", [](Topology& topology) { topology.epoch = -1; },
         "invalid: Topology epoch must be non-negative."},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.what);
        FakeTopics topics;
        topics.set("lines", 3);
        Topology topology = word_count();
        one.change(topology);
        EXPECT_EQ(configure_text(topology, topics), one.expected);
    }
}

TEST(StreamsTopology, knows_who_reads_a_topic_and_which_it_needs) {
    const Topology topology = word_count();
    EXPECT_EQ(topology.required_topics(), (std::set<std::string>{"counts", "lines", "words"}));
    ASSERT_NE(topology.reader_of("lines"), nullptr);
    EXPECT_EQ(*topology.reader_of("lines"), "0");
    ASSERT_NE(topology.reader_of("words"), nullptr);
    EXPECT_EQ(*topology.reader_of("words"), "1");
    EXPECT_EQ(topology.reader_of("counts"), nullptr);
}

}  // namespace
}  // namespace millrace::broker
