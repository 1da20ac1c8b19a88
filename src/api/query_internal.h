// What stands behind a public StreamingQuery.
#pragma once

#include <memory>
#include <utility>

#include "api/backend.h"
#include "millrace/streaming.h"

namespace millrace {

class StreamingQuery::Handle {
public:
    explicit Handle(std::shared_ptr<api::QueryHandle> query) : run(std::move(query)) {}
    std::shared_ptr<api::QueryHandle> run;
};

}  // namespace millrace
