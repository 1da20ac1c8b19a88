// RemoteTopics: the topics of any Kafka, reached over the wire.
//
// Reads go through one queue a partition that is filled in the background, so that reading on from
// where the last read ended costs no round trip. Appends are idempotent and wait for acks=all.
// Watches ask the server for its end offsets every few milliseconds.
// Thread rule: thread-safe; reads of one partition take turns. Errors are in words: an unreachable
// server is kUnavailable and names its address.
#pragma once

#include <memory>

#include "base/error.h"
#include "client/settings.h"
#include "topic/topics.h"

namespace millrace::client {

// Connects and asks the server for its metadata once: kUnavailable when nobody answers,
// kInvalidArgument for a setting that does not exist.
base::Result<std::unique_ptr<topic::Topics>> connect_topics(const Settings& settings);

}  // namespace millrace::client
