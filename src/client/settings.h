// Settings of a connection to a remote Kafka: librdkafka's own configuration names and values
// ("bootstrap.servers", "security.protocol", "sasl.username" ...), as users of `kafka.*` options
// and of kcat's -X know them.
#pragma once

#include <map>
#include <string>

namespace millrace::client {

using Settings = std::map<std::string, std::string>;

// What `options` give by the prefix "kafka.", without it: Spark's way of passing client settings.
Settings settings_from_options(const std::map<std::string, std::string>& options);

}  // namespace millrace::client
