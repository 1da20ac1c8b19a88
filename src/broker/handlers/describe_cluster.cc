// DescribeCluster 0-2: the one broker. 1 adds the endpoint type, 2 fenced brokers.
#include "kafka/messages/describe_cluster.h"

#include <string>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/topic_rules.h"
#include "broker/services.h"

namespace millrace::broker {

Task<kafka::DescribeClusterResponse> describe_cluster(Call& call,
                                                      kafka::DescribeClusterRequest request) {
    constexpr std::int8_t kBrokers = 1, kControllers = 2;
    const Services& services = call.services;
    kafka::DescribeClusterResponse response;
    if (call.version() >= 1 && request.endpoint_type != kBrokers) {
        const bool controllers = request.endpoint_type == kControllers;
        response.error_code = controllers ? kafka::ErrorCode::kMismatchedEndpointType
                                          : kafka::ErrorCode::kUnsupportedEndpointType;
        response.error_message =
            controllers ? "The request was sent to an endpoint of type BROKER, but we wanted an "
                          "endpoint of type CONTROLLER"
                        : "Unsupported endpoint type " + std::to_string(request.endpoint_type);
        co_return response;
    }
    response.cluster_id = services.catalog.cluster_id();
    response.controller_id = services.node_id;
    auto& broker = response.brokers.emplace_back();
    broker.broker_id = services.node_id;
    broker.host = services.host;
    broker.port = services.port;
    if (request.include_cluster_authorized_operations) {
        response.cluster_authorized_operations = kClusterOperations;
    }
    co_return response;
}

}  // namespace millrace::broker
