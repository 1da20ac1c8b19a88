// A Backend on a Spark Connect server, Millrace's or Apache Spark's.
#pragma once

#include <memory>
#include <string>

#include "api/backend.h"

namespace millrace::api {
// `url` is "sc://host:port[/;key=value...]". Answers once the server has told its version.
base::Result<std::shared_ptr<Backend>> make_remote_backend(const std::string& url);
}  // namespace millrace::api
