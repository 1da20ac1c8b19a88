// Where this program's errors become Kafka's: nowhere else.
#pragma once

#include "base/error.h"
#include "kafka/errors.h"

namespace millrace::broker {

// The wire code of an error of the log, the catalog or a check of records.
kafka::ErrorCode to_kafka(const base::Error& error);

// What a failed write of a coordinator's own log means to its clients: try again.
kafka::ErrorCode to_coordinator_error(const base::Result<void>& outcome);

}  // namespace millrace::broker
