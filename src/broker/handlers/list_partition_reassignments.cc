// ListPartitionReassignments 0: with one broker nothing is ever being moved.
#include "kafka/messages/list_partition_reassignments.h"

#include "broker/call.h"
#include "broker/handlers/handlers.h"

namespace millrace::broker {

Task<kafka::ListPartitionReassignmentsResponse> list_partition_reassignments(
    Call&, kafka::ListPartitionReassignmentsRequest) {
    kafka::ListPartitionReassignmentsResponse response;
    response.error_message.reset();
    co_return response;
}

}  // namespace millrace::broker
