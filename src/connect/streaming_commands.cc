// The commands of Structured Streaming: start, control, the manager, the listener bus.
#include <algorithm>
#include <chrono>

#include "base/json.h"
#include "connect/from_proto_internal.h"
#include "connect/run_plan_internal.h"
#include "runtime/clock.h"
#include "session/session.h"
#include "spark/connect/base.pb.h"
#include "spark/connect/commands.pb.h"

namespace millrace::connect {

namespace {

using std::chrono::milliseconds;

// How long a wait lasts before it looks whether its operation was cancelled.
constexpr milliseconds kSlice{200};
// An empty response now and then tells proxies and clients that a long stream lives.
constexpr milliseconds kHeartbeat{30'000};

template <class Message>
void set_id(const streaming::StreamingQuery& query, Message& message) {
    message.set_id(query.id());
    message.set_run_id(query.run_id());
}

milliseconds monotonic(Responder& out) {
    const auto now = out.client().session().services().clock.monotonic_ns();
    return std::chrono::duration_cast<milliseconds>(std::chrono::nanoseconds(now));
}

// Waits in slices until `wait` says it is over, `timeout` has passed, or the client has cancelled.
base::Result<bool> wait_in_slices(
    Responder& out, std::optional<milliseconds> timeout,
    const std::function<base::Result<bool>(std::optional<milliseconds>)>& wait) {
    const auto start = monotonic(out);
    auto beat = start;
    while (true) {
        const auto now = monotonic(out);
        auto slice = kSlice;
        if (timeout) {
            const auto left = *timeout - (now - start);
            slice = std::min(slice, std::max(left, milliseconds(0)));
        }
        MR_TRY(const bool over, wait(slice));
        if (over) return true;
        if (out.operation().cancelled())
            return base::fail(operation_cancelled(out.operation().id()));
        if (timeout && monotonic(out) - start >= *timeout) return false;
        if (now - beat >= kHeartbeat) {
            beat = now;
            MR_TRY_VOID(out.put(out.make()));
        }
    }
}

std::string started_json(const streaming::StreamingQuery& query, std::int64_t now_us) {
    // Spark's QueryStartedEvent.
    const std::int64_t ms = now_us / 1000;
    const std::chrono::sys_time<milliseconds> at{milliseconds(ms)};
    const auto day = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(at - day);
    const std::string stamp =
        fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                    time.hours().count(), time.minutes().count(), time.seconds().count(),
                    time.subseconds().count());
    base::JsonWriter json;
    json.begin_object().key("id").value(query.id()).key("runId").value(query.run_id()).key("name");
    if (query.name().empty()) {
        json.value(nullptr);
    } else {
        json.value(query.name());
    }
    json.key("timestamp").value(stamp).key("jobTags").begin_array().end_array().end_object();
    return json.text();
}

}  // namespace

base::Result<void> start_stream(Responder& out, const proto::WriteStreamOperationStart& message) {
    auto& client = out.client();
    const FromProto from = from_proto(client);
    MR_TRY(auto command, from.start_stream(message));
    MR_TRY(const auto outcome, client.session().execute(plan::Command(std::move(command)),
                                                        &out.operation().cancelled()));
    const auto& query = *outcome.query;
    auto response = out.make();
    auto* result = response.mutable_write_stream_operation_start_result();
    set_id(query, *result->mutable_query_id());
    result->set_name(query.name());
    result->set_query_started_event_json(started_json(query, client.session().now_us()));
    return out.put(std::move(response));
}

base::Result<void> control_query(Responder& out, const proto::StreamingQueryCommand& message) {
    const auto query =
        out.client().session().query(message.query_id().id(), message.query_id().run_id());
    if (query == nullptr) {
        base::Condition condition;
        condition.name = "STREAMING_CONNECT_QUERY_NOT_FOUND";
        condition.sql_state = "42K03";
        condition.java_class = "org.apache.spark.SparkIllegalArgumentException";
        return base::fail(
            base::Error(base::Code::kNotFound,
                        fmt::format("Streaming query {} is not found", message.query_id().id()),
                        std::move(condition)));
    }
    auto response = out.make();
    auto* result = response.mutable_streaming_query_command_result();
    set_id(*query, *result->mutable_query_id());
    using Kind = proto::StreamingQueryCommand;
    switch (message.command_case()) {
        case Kind::kStatus: {
            const auto status = query->status();
            auto* to = result->mutable_status();
            to->set_status_message(status.message);
            to->set_is_data_available(status.is_data_available);
            to->set_is_trigger_active(status.is_trigger_active);
            to->set_is_active(query->is_active());
            break;
        }
        case Kind::kLastProgress: {
            auto* to = result->mutable_recent_progress();
            if (auto last = query->last_progress()) to->add_recent_progress_json(std::move(*last));
            break;
        }
        case Kind::kRecentProgress: {
            auto* to = result->mutable_recent_progress();
            for (auto& json : query->recent_progress())
                to->add_recent_progress_json(std::move(json));
            break;
        }
        case Kind::kStop: query->stop(); break;
        case Kind::kProcessAllAvailable: MR_TRY_VOID(query->process_all_available()); break;
        case Kind::kExplain:
            result->mutable_explain()->set_result(query->explain(message.explain().extended()));
            break;
        case Kind::kException: {
            auto* to = result->mutable_exception();
            if (const auto error = query->exception()) {
                to->set_exception_message(error->message());
                if (error->condition() != nullptr && !error->condition()->name.empty()) {
                    to->set_error_class(error->condition()->name);
                } else {
                    to->set_error_class("STREAM_FAILED");
                }
                to->set_stack_trace("");
            }
            break;
        }
        case Kind::kAwaitTermination: {
            std::optional<milliseconds> timeout;
            if (message.await_termination().has_timeout_ms()) {
                timeout = milliseconds(message.await_termination().timeout_ms());
            }
            MR_TRY(const bool ended,
                   wait_in_slices(out, timeout, [&](std::optional<milliseconds> slice) {
                       return query->await_termination(slice);
                   }));
            result->mutable_await_termination()->set_terminated(ended);
            break;
        }
        case Kind::COMMAND_NOT_SET:
            return invalid_plan("A command to a streaming query is missing");
    }
    return out.put(std::move(response));
}

base::Result<void> control_queries(Responder& out,
                                   const proto::StreamingQueryManagerCommand& message) {
    auto& session = out.client().session();
    auto response = out.make();
    auto* result = response.mutable_streaming_query_manager_command_result();
    using Kind = proto::StreamingQueryManagerCommand;
    switch (message.command_case()) {
        case Kind::kActive:
            result->mutable_active();
            for (const auto& query : session.active_queries()) {
                auto* to = result->mutable_active()->add_active_queries();
                set_id(*query, *to->mutable_id());
                if (!query->name().empty()) to->set_name(query->name());
            }
            break;
        case Kind::kGetQuery:
            if (const auto query = session.query(message.get_query(), "");
                query != nullptr && query->is_active()) {
                auto* to = result->mutable_query();
                set_id(*query, *to->mutable_id());
                if (!query->name().empty()) to->set_name(query->name());
            }
            break;
        case Kind::kAwaitAnyTermination: {
            std::optional<milliseconds> timeout;
            if (message.await_any_termination().has_timeout_ms()) {
                timeout = milliseconds(message.await_any_termination().timeout_ms());
            }
            auto& queries = session.services().queries;
            MR_TRY(const bool ended,
                   wait_in_slices(out, timeout, [&](std::optional<milliseconds> slice) {
                       return queries.await_any_termination(slice);
                   }));
            result->mutable_await_any_termination()->set_terminated(ended);
            break;
        }
        case Kind::kResetTerminated:
            session.services().queries.reset_terminated();
            result->set_reset_terminated(true);
            break;
        case Kind::kListListeners: result->mutable_list_listeners(); break;
        case Kind::kAddListener:
        case Kind::kRemoveListener:
            return base::fail(base::Code::kUnsupported,
                              "Listeners that run on the server (clients before 4.0) are not "
                              "supported");
        case Kind::COMMAND_NOT_SET:
            return invalid_plan("A command to the streaming query manager is missing");
    }
    return out.put(std::move(response));
}

base::Result<void> serve_listener_bus(Responder& out,
                                      const proto::StreamingQueryListenerBusCommand& message) {
    auto& client = out.client();
    if (message.has_remove_listener_bus_listener()) {
        client.stop_listening();
        return {};
    }
    client.start_listening();
    auto added = out.make();
    added.mutable_streaming_query_listener_events_result()->set_listener_bus_listener_added(true);
    MR_TRY_VOID(out.put(std::move(added)));
    auto beat = monotonic(out);
    bool stopped = false;
    while (!stopped && !out.operation().cancelled()) {
        const auto events = client.next_events(kSlice, stopped);
        auto response = out.make();
        auto* result = response.mutable_streaming_query_listener_events_result();
        for (const auto& event : events) {
            using EventKind = streaming::QueryEvent::Kind;
            // The started event travels in the answer to the start.
            if (event.kind == EventKind::kStarted) continue;
            if (client.session().query(event.query_id, event.run_id) == nullptr) continue;
            auto* to = result->add_events();
            to->set_event_json(event.json);
            to->set_event_type(event.kind == EventKind::kProgress ? proto::QUERY_PROGRESS_EVENT
                               : event.kind == EventKind::kIdle   ? proto::QUERY_IDLE_EVENT
                                                                  : proto::QUERY_TERMINATED_EVENT);
        }
        const auto now = monotonic(out);
        if (result->events_size() > 0) {
            MR_TRY_VOID(out.put(std::move(response)));
        } else if (now - beat >= kHeartbeat) {
            beat = now;
            MR_TRY_VOID(out.put(out.make()));
        }
    }
    return {};
}

}  // namespace millrace::connect
