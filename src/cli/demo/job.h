// DemoJob: the main job of examples/top_pages.cc, run through the public C++ API on a server.
//
// Two queries over topic `weblog`: the live top pages to a memory table, and the closed windows to
// topic `page_hits`. Belongs to one thread. Its destructor stops the queries.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/demo/screen.h"

namespace millrace::cli {

class DemoJob {
public:
    // `remote` is a Spark Connect address, `brokers` the Kafka servers as that server sees them.
    static base::Result<std::unique_ptr<DemoJob>> start(const std::string& remote,
                                                        const std::string& brokers);
    ~DemoJob();
    DemoJob(const DemoJob&) = delete;
    DemoJob& operator=(const DemoJob&) = delete;

    static constexpr const char* kTopic = "weblog";
    static constexpr const char* kWindowsTopic = "page_hits";

    // The ranking now, most hits first; the error of a query that failed.
    base::Result<std::vector<RankedPage>> ranking() const;
    // Wait until both queries have seen all that is in the topic.
    base::Result<void> process_all_available() const;

private:
    struct Impl;
    explicit DemoJob(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::cli
