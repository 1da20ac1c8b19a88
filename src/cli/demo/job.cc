#include "cli/demo/job.h"

#include <fmt/format.h>

#include "millrace/millrace.h"

namespace millrace::cli {
namespace {

using namespace functions;

constexpr const char* kEvent =
    "host STRING, timestamp TIMESTAMP, request STRING, http_reply INT, bytes BIGINT";
constexpr const char* kRanking = "top_pages";

base::Error to_error(const Error& error) {
    return {base::Code::kRuntime, error.message};
}

// Successful GETs of pages: timestamp, page, bytes.
DataFrame page_views(const Session& spark, const std::string& brokers) {
    return spark.read_stream()
        .format("kafka")
        .option("kafka.bootstrap.servers", brokers)
        .option("subscribe", DemoJob::kTopic)
        .option("startingOffsets", "earliest")
        .load()
        .select({from_json(col("value").cast("string"), kEvent).alias("event")})
        .select({"event.*"})
        .where(col("http_reply") == 200 && col("request").startswith("GET "))
        .with_column("page", regexp_extract(col("request"), R"(^GET ([^?]*))", 1))
        .where(!rlike(lower(col("page")), R"(\.(gif|jpg|jpeg|png|xbm|bmp|ico)$)"))
        .select({"timestamp", "page", "bytes"});
}

DataFrame top_pages(const DataFrame& views) {
    return views.group_by({"page"})
        .agg({count(col("*")).alias("hits"), sum(col("bytes")).alias("bytes")})
        .order_by({desc("hits"), col("page")})
        .limit(20);
}

DataFrame closed_windows(const DataFrame& views) {
    return views.with_watermark("timestamp", "10 minutes")
        .group_by({window(col("timestamp"), "1 hour", "10 minutes"), col("page")})
        .agg({count(col("*")).alias("hits"), sum(col("bytes")).alias("bytes")})
        .select({"window.start", "window.end", "page", "hits", "bytes"})
        .select({col("page").alias("key"), to_json(struct_({col("*")})).alias("value")});
}

}  // namespace

struct DemoJob::Impl {
    Session spark;
    StreamingQuery ranking;
    StreamingQuery windows;
};

DemoJob::DemoJob(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

DemoJob::~DemoJob() {
    // The server goes down with the demo: what stopping says changes nothing.
    static_cast<void>(impl_->ranking.stop());
    static_cast<void>(impl_->windows.stop());
    static_cast<void>(impl_->spark.stop());
}

base::Result<std::unique_ptr<DemoJob>> DemoJob::start(const std::string& remote,
                                                      const std::string& brokers) {
    const auto spark = Session::remote(remote);
    if (!spark) return base::fail(to_error(spark.error()));
    const DataFrame views = page_views(*spark, brokers);
    const auto ranking = top_pages(views)
                             .write_stream()
                             .query_name(kRanking)
                             .format("memory")
                             .output_mode("complete")
                             .start();
    if (!ranking) return base::fail(to_error(ranking.error()).with("start the ranking"));
    const auto windows = closed_windows(views)
                             .write_stream()
                             .query_name(kWindowsTopic)
                             .format("kafka")
                             .option("kafka.bootstrap.servers", brokers)
                             .option("topic", kWindowsTopic)
                             .output_mode("append")
                             .start();
    if (!windows) {
        static_cast<void>(ranking->stop());
        return base::fail(to_error(windows.error()).with("start the windows"));
    }
    return std::unique_ptr<DemoJob>(
        new DemoJob(std::make_unique<Impl>(Impl{*spark, *ranking, *windows})));
}

base::Result<std::vector<RankedPage>> DemoJob::ranking() const {
    for (const StreamingQuery* query : {&impl_->ranking, &impl_->windows}) {
        const auto exception = query->exception();
        if (!exception) return base::fail(to_error(exception.error()));
        if (*exception) return base::fail(to_error(**exception).with(query->name()));
    }
    const auto rows = impl_->spark.table(kRanking).collect();
    if (!rows) return base::fail(to_error(rows.error()).with("read the ranking"));
    std::vector<RankedPage> pages;
    for (const Row& row : *rows) {
        pages.push_back({.page = row.get<std::string>("page").value_or(""),
                         .hits = row.get<std::int64_t>("hits").value_or(0),
                         .bytes = row.get<std::int64_t>("bytes").value_or(0)});
    }
    return pages;
}

base::Result<void> DemoJob::process_all_available() const {
    for (const StreamingQuery* query : {&impl_->ranking, &impl_->windows}) {
        const auto outcome = query->process_all_available();
        if (!outcome) return base::fail(to_error(outcome.error()).with(query->name()));
    }
    return {};
}

}  // namespace millrace::cli
