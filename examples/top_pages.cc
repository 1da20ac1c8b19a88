// Ranks the pages of a web log by hits while the records arrive: examples/top_pages.py in C++.
//
//     top_pages --remote sc://127.0.0.1:15002 --brokers 127.0.0.1:9092    on a server, Millrace's
//     or Spark's top_pages --local DIR                                               all in this
//     process
//
// Three queries read the topic `weblog` (docs/formats/weblog_event.md):
//   - hits and bytes per page and 1-hour window that slides by 10 minutes, once the watermark has
//     passed its end, to the topic `page_hits`, and
//   - the same to Parquet files;
//   - the live top 20 pages to the memory table `top_pages`.

#include <millrace/millrace.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

using millrace::Column;
using millrace::DataFrame;
using millrace::DataStreamWriter;
using millrace::Session;
using millrace::StreamingQuery;
using namespace millrace::functions;

namespace {

volatile std::sig_atomic_t interrupted = 0;

struct Arguments {
    std::string remote = "sc://127.0.0.1:15002";
    std::string local;  // A data folder: no server is asked.
    std::string brokers = "127.0.0.1:9092";
    std::string topic = "weblog";
    std::string output_topic = "page_hits";
    std::string output;
    std::string checkpoint;
    bool available_now = false;
};

[[noreturn]] void stop_with(const millrace::Error& error) {
    std::fprintf(stderr, "top_pages: %s\n", error.message.c_str());
    std::exit(1);
}

// The value, or the end of the program with the error's words.
template <class T>
T check(millrace::Result<T> result) {
    if (!result) stop_with(result.error());
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

Arguments parse(int argc, char** argv) {
    Arguments arguments;
    const std::string fresh = std::filesystem::temp_directory_path() /
                              ("top_pages-" + std::to_string(std::random_device{}()));
    arguments.output = fresh + "/files";
    arguments.checkpoint = fresh + "/checkpoint";
    for (int i = 1; i < argc; ++i) {
        const std::string flag = argv[i];
        if (flag == "--available-now") {
            arguments.available_now = true;
            continue;
        }
        std::string* value = flag == "--remote"         ? &arguments.remote
                             : flag == "--local"        ? &arguments.local
                             : flag == "--brokers"      ? &arguments.brokers
                             : flag == "--topic"        ? &arguments.topic
                             : flag == "--output-topic" ? &arguments.output_topic
                             : flag == "--output"       ? &arguments.output
                             : flag == "--checkpoint"   ? &arguments.checkpoint
                                                        : nullptr;
        if (value == nullptr || ++i == argc) {
            std::fprintf(stderr,
                         "usage: top_pages [--remote URL | --local DIR] [--brokers HOST:PORT] "
                         "[--topic NAME]\n"
                         "                 [--output-topic NAME] [--output DIR] [--checkpoint DIR] "
                         "[--available-now]\n");
            std::exit(2);
        }
        *value = argv[i];
    }
    return arguments;
}

// Successful GETs of pages: timestamp, page, bytes.
DataFrame page_views(const Session& spark, const Arguments& arguments) {
    auto records = spark.read_stream();
    records.format("kafka")
        .option("subscribe", arguments.topic)
        .option("startingOffsets", "earliest");
    // A local session has the topics itself.
    if (arguments.local.empty()) records.option("kafka.bootstrap.servers", arguments.brokers);
    return records.load()
        .select(
            {from_json(
                 col("value").cast("string"),
                 "host STRING, timestamp TIMESTAMP, request STRING, http_reply INT, bytes BIGINT")
                 .alias("event")})
        .select({"event.*"})
        .where(col("http_reply") == 200 && col("request").startswith("GET "))
        .with_column("page", regexp_extract(col("request"), R"(^GET ([^?]*))", 1))
        .where(!rlike(lower(col("page")), R"(\.(gif|jpg|jpeg|png|xbm|bmp|ico)$)"))
        .select({"timestamp", "page", "bytes"});
}

// One row a window and page, final once the watermark has passed the window's end.
DataFrame hits_per_window(const DataFrame& views) {
    return views.with_watermark("timestamp", "10 minutes")
        .group_by({window(col("timestamp"), "1 hour", "10 minutes"), col("page")})
        .agg({count(col("*")).alias("hits"), sum(col("bytes")).alias("bytes")})
        .select({"window.start", "window.end", "page", "hits", "bytes"});
}

// The 20 most visited pages so far.
DataFrame top_pages(const DataFrame& views) {
    return views.group_by({"page"})
        .agg({count(col("*")).alias("hits"), sum(col("bytes")).alias("bytes")})
        .order_by({desc("hits"), col("page")})
        .limit(20);
}

DataStreamWriter writer(const DataFrame& frame, const std::string& name,
                        const Arguments& arguments) {
    DataStreamWriter stream = frame.write_stream();
    stream.query_name(name);
    if (arguments.available_now) stream.trigger(millrace::Trigger::available_now());
    return stream;
}

std::vector<StreamingQuery> start(const Session& spark, const Arguments& arguments) {
    const DataFrame views = page_views(spark, arguments);
    const DataFrame windows = hits_per_window(views);

    auto to_topic = writer(
        windows.select({col("page").alias("key"), to_json(struct_({col("*")})).alias("value")}),
        "page_hits", arguments);
    to_topic.format("kafka").option("topic", arguments.output_topic);
    if (arguments.local.empty()) to_topic.option("kafka.bootstrap.servers", arguments.brokers);
    to_topic.option("checkpointLocation", arguments.checkpoint + "/page_hits")
        .output_mode("append");

    auto to_files = writer(windows, "page_hits_files", arguments);
    to_files.format("parquet").output_mode("append");
    to_files.option("checkpointLocation", arguments.checkpoint + "/page_hits_files");

    // A memory table cannot outlive its server, and neither may its checkpoint: it starts afresh.
    auto ranking = writer(top_pages(views), "top_pages", arguments);
    ranking.format("memory").output_mode("complete");
    return {check(to_topic.start()), check(to_files.start(arguments.output)),
            check(ranking.start())};
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGINT, [](int) { interrupted = 1; });
    const Arguments arguments = parse(argc, argv);
    const Session spark =
        check(arguments.local.empty()
                  ? Session::remote(arguments.remote)
                  : Session::local({.data_dir = arguments.local, .kafka_port = 0, .conf = {}}));
    const std::vector<StreamingQuery> queries = start(spark, arguments);

    bool running = true;
    while (running && interrupted == 0) {
        const auto wait =
            arguments.available_now ? std::nullopt : std::optional(std::chrono::milliseconds(1000));
        running = false;
        for (const StreamingQuery& query : queries)
            running |= !check(query.await_termination(wait));
        check(spark.table("top_pages").show(20, 0));
    }
    for (const StreamingQuery& query : queries) check(query.stop());
    std::printf("windows: topic %s, files %s; checkpoints %s\n", arguments.output_topic.c_str(),
                arguments.output.c_str(), arguments.checkpoint.c_str());
    check(spark.stop());
    return 0;
}
