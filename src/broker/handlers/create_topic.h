// Makes a topic as CreateTopics does: its rules, its quota, its words. For whoever makes topics
// that a client describes.
#pragma once

#include "kafka/messages/create_topics.h"
#include "runtime/task.h"

namespace millrace::broker {

struct Call;

// With `validate_only` it only says whether it would.
runtime::Task<kafka::CreateTopicsResponse::CreatableTopicResult> create_topic(
    Call& call, const kafka::CreateTopicsRequest::CreatableTopic& asked, bool validate_only);

}  // namespace millrace::broker
