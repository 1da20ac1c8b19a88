// Program: what app lends to the subcommands, so that none of them names a concrete class.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "client/cluster.h"
#include "client/consumer.h"
#include "client/producer.h"
#include "config/server_options.h"

namespace millrace::runtime {
class Clock;
class Disk;
}  // namespace millrace::runtime
namespace millrace::topic {
class Topics;
}

namespace millrace::cli {

// A server in this process. Its destructor stops it cleanly.
class RunningServer {
public:
    struct Doors {
        std::string host;
        std::uint16_t kafka_port = 0;
        std::uint16_t connect_port = 0;
        std::uint16_t http_port = 0;
    };
    // What a streaming query has done so far.
    struct QueryNumbers {
        std::string name;
        std::int64_t input_rows = 0;
        std::int64_t output_rows = 0;
        std::int64_t malformed_records = 0;
        std::uint64_t p50_us = 0;  // From a record's append to its result being visible.
        std::uint64_t p99_us = 0;
    };
    virtual ~RunningServer() = default;
    virtual Doors doors() const = 0;
    virtual std::vector<QueryNumbers> queries() const = 0;
    // Returns at the first SIGTERM or SIGINT.
    virtual void wait_for_stop_signal() = 0;
};

// How the commands reach a Kafka cluster.
struct Kafka {
    std::function<base::Result<std::unique_ptr<client::Cluster>>(const client::Settings&,
                                                                 std::chrono::milliseconds)>
        connect;
    std::function<base::Result<std::unique_ptr<client::Producer>>(const client::Settings&,
                                                                  client::Producer::OnDelivery)>
        producer;
    std::function<base::Result<std::unique_ptr<client::Consumer>>(const client::Settings&)>
        consumer;
};

struct Program {
    std::string version;
    config::Settings environment;
    runtime::Disk& disk;
    runtime::Clock& clock;
    // kConflict when a port or the data folder is in use.
    std::function<base::Result<std::unique_ptr<RunningServer>>(const config::ServerOptions&)> serve;
    // The topics of a Kafka cluster: "host:port,...".
    std::function<base::Result<std::shared_ptr<topic::Topics>>(const std::string& brokers)> topics;
    Kafka kafka;
};

// Parse the command line and do what it says. Returns the exit code (output/exit_code.h).
int run(const Program& program, int argc, const char* const* argv);

// The exit code for an error, after the words "millrace: <message>" on standard error.
int report_failure(const base::Error& error);

}  // namespace millrace::cli
