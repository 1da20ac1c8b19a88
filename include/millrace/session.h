// Session: where a program begins. The same program runs in this process or on a server.
//
//     auto spark = millrace::Session::remote("sc://127.0.0.1:15002");   // Millrace or Apache Spark
//     auto spark = millrace::Session::local({.data_dir = "data"});      // everything in this
//     process if (!spark) return complain(spark.error()); auto rows = spark->sql("SELECT 1 + 1 AS
//     two")->collect();
//
// Copies are the same session. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/column.h"
#include "millrace/dataframe.h"
#include "millrace/error.h"
#include "millrace/streaming.h"

namespace millrace {

struct LocalOptions {
    // Where topics and temporary checkpoints live; empty: a fresh folder, removed at the end.
    std::string data_dir;
    // Where Kafka clients may come meanwhile, on 127.0.0.1; 0: any free port.
    std::uint16_t kafka_port = 0;
    // Settings by Spark's names, e.g. {"spark.sql.session.timeZone", "UTC"}.
    std::map<std::string, std::string> conf;
};

class Session {
public:
    // Starts engine and log in this process, within milliseconds.
    static Result<Session> local(LocalOptions options = {});
    // Connects to a Spark Connect server: "sc://host:port", with Spark's own parameters after ";".
    static Result<Session> remote(std::string_view url);

    // Run a statement: a query becomes a DataFrame, a command is carried out at once.
    Result<DataFrame> sql(std::string_view text) const;
    DataFrame table(std::string_view name) const;
    DataFrame range(std::int64_t start, std::int64_t end, std::int64_t step = 1) const;
    DataFrame range(std::int64_t end) const { return range(0, end); }
    // Rows of constants; `schema` is DDL: "page STRING, hits BIGINT".
    Result<DataFrame> create_dataframe(const std::vector<std::vector<Value>>& rows,
                                       std::string_view schema) const;
    DataFrameReader read() const { return DataFrameReader(backend_); }
    DataStreamReader read_stream() const { return DataStreamReader(backend_); }

    Result<void> set_conf(std::string_view key, std::string_view value) const;
    Result<std::string> conf(std::string_view key) const;
    Result<std::string> version() const;
    // Stops this session's queries and, when it is local, the engine and the log.
    Result<void> stop() const;

    explicit Session(std::shared_ptr<api::Backend> backend) : backend_(std::move(backend)) {}

private:
    std::shared_ptr<api::Backend> backend_;
};

}  // namespace millrace
