#include "broker/connection.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <utility>
#include <vector>

#include "base/log.h"
#include "broker/api_table.h"
#include "broker/quota/client_throttle.h"
#include "broker/quota/request_time.h"
#include "broker/services.h"
#include "broker/share/share_service.h"
#include "kafka/errors.h"
#include "kafka/messages/api_versions.h"
#include "kafka/reader.h"

namespace millrace::broker {
namespace {

using base::Code;
using base::fail;
using base::Result;
using runtime::Task;

constexpr std::size_t kInputBytes = 16 << 10;
// A frame's memory is taken in steps, as its bytes arrive.
constexpr std::size_t kFirstFrameBytes = 1 << 20;
// Slices below this size are copied beside the header: one system call instead of two.
constexpr std::size_t kCopySliceBytes = 64 << 10;

std::string host_of(const std::string& peer) {
    return "/" + peer.substr(0, peer.rfind(':'));
}

}  // namespace

Connection::Connection(Services& services, std::unique_ptr<runtime::Stream> stream)
    : services_(services),
      stream_(std::move(stream)),
      client_host_(host_of(stream_->peer())),
      id_(services.shares.new_connection()) {
    stream_->set_idle_timeout(std::chrono::milliseconds(services_.options.connections_max_idle_ms));
}

Connection::~Connection() = default;

Task<void> Connection::run() {
    // It is inside from now on, not from its first step: a client that has hung up already would
    // else end this connection before the writer has begun.
    runtime::spawn(stream_->loop(), write_responses(gate_.enter()));
    co_await read_requests();
    reading_ended_ = true;
    changed_.notify_all();
    // A client that ended its side may still read what it asked for; a closed socket may not.
    while (!slots_.empty() && !closed_) co_await changed_.wait();
    close();
    while (!slots_.empty()) co_await changed_.wait();
    co_await gate_.close();
    co_await services_.shares.disconnected(id_);
}

void Connection::close() {
    if (closed_) return;
    closed_ = true;
    stream_->close();
    for (const auto& slot : slots_) {
        slot->call->abandoned = true;
        if (slot->call->waiting) slot->call->waiting->set();
    }
    changed_.notify_all();
}

Task<Result<void>> Connection::read(char* into, std::size_t length) {
    const std::size_t ahead = std::min(length, input_end_ - input_at_);
    if (ahead > 0) {
        std::memcpy(into, input_.get() + input_at_, ahead);
        input_at_ += ahead;
        into += ahead;
        length -= ahead;
    }
    if (length == 0) co_return Result<void>();
    if (length >= kInputBytes) co_return co_await stream_->read_exactly(into, length);
    if (!input_) input_ = std::make_unique_for_overwrite<char[]>(kInputBytes);
    input_at_ = input_end_ = 0;
    while (input_end_ < length) {
        MR_CO_TRY(const std::size_t got,
                  co_await stream_->read_some(input_.get() + input_end_, kInputBytes - input_end_));
        if (got == 0) co_return fail(Code::kUnavailable, "the client ended the connection");
        input_end_ += got;
    }
    std::memcpy(into, input_.get(), length);
    input_at_ = length;
    co_return Result<void>();
}

Task<Result<Frame>> Connection::read_frame() {
    char size_bytes[4];
    MR_CO_TRY_VOID(co_await read(size_bytes, sizeof(size_bytes)));
    const auto declared = base::load_big_endian<std::int32_t>(size_bytes);
    if (declared < 0 || declared > services_.options.socket_request_max_bytes) {
        co_return fail(Code::kTooLarge, "a request of {} bytes: the limit is {}", declared,
                       services_.options.socket_request_max_bytes);
    }
    Frame frame;
    const auto size = static_cast<std::size_t>(declared);
    std::size_t room = std::min(size, kFirstFrameBytes);
    frame.bytes = std::make_unique_for_overwrite<char[]>(room);
    while (true) {
        MR_CO_TRY_VOID(co_await read(frame.bytes.get() + frame.size, room - frame.size));
        frame.size = room;
        if (frame.size == size) co_return frame;
        room = std::min(size, room * 2);
        auto larger = std::make_unique_for_overwrite<char[]>(room);
        std::memcpy(larger.get(), frame.bytes.get(), frame.size);
        frame.bytes = std::move(larger);
    }
}

bool Connection::may_begin(bool overlaps) const {
    if (slots_.size() >= kMaxSlots || slot_bytes_ > kMaxSlotBytes) return false;
    return std::ranges::all_of(
        slots_, [&](const auto& slot) { return slot->served || (overlaps && slot->overlaps); });
}

Task<void> Connection::read_requests() {
    while (!closed_) {
        Result<Frame> frame = co_await read_frame();
        if (!frame) {
            if (frame.error().code() == Code::kTooLarge) {
                base::log_warning("kafka: closing {}: {}", stream_->peer(),
                                  frame.error().message());
                close();
            }
            co_return;
        }
        auto slot = std::make_unique<Slot>();
        slot->call = std::make_unique<Call>(Call{.services = services_,
                                                 .frame = std::move(*frame),
                                                 .header = {},
                                                 .client_host = client_host_,
                                                 .connection = id_});
        Call& call = *slot->call;
        kafka::Reader reader(call.frame.view());
        call.header.decode_untagged(reader);
        const Api* api = reader.ok() ? find_api(call.header.key) : nullptr;
        if (!api) {
            base::log_warning("kafka: closing {}: no request with key {}", stream_->peer(),
                              static_cast<int>(call.header.key));
            close();
            co_return;
        }
        slot->overlaps = api->key == kafka::ApiKey::kProduce;
        if (slot->overlaps) {
            call.turns = &turns_;
            call.turn = turns_.take();
        }
        while (!closed_ && !may_begin(slot->overlaps)) co_await changed_.wait();
        while (!closed_) {
            const std::int64_t left_ns = muted_until_ns_ - stream_->loop().now_ns();
            if (left_ns <= 0) break;
            (void)co_await changed_.wait_for(std::chrono::nanoseconds(left_ns));
        }
        if (closed_) co_return;
        slot_bytes_ += call.frame.size;
        slots_.push_back(std::move(slot));
        runtime::spawn(stream_->loop(), serve(*slots_.back(), *api));
    }
}

Task<void> Connection::serve(Slot& slot, const Api& api) {
    const auto pass = gate_.enter();
    Call& call = *slot.call;
    const std::int16_t version = call.version();
    const bool known = version >= api.min_version && version <= api.max_version;
    call.writer.begin_frame();
    if (!known && api.key == kafka::ApiKey::kApiVersions) {
        // KIP-511: a client of the future learns from this which versions there are.
        encode_response_header(call.writer, api.key, call.header.correlation_id, false);
        kafka::ApiVersionsResponse response{
            .error_code = kafka::ErrorCode::kUnsupportedVersion,
            .api_keys = {{static_cast<std::int16_t>(api.key), api.min_version, api.max_version}}};
        response.encode(call.writer, 0);
    } else if (!known) {
        base::log_warning("kafka: closing {}: version {} of request {} is not served",
                          stream_->peer(), version, static_cast<int>(api.key));
        call.malformed = true;
    } else {
        const bool flexible = version >= api.first_flexible_version;
        encode_response_header(call.writer, api.key, call.header.correlation_id, flexible);
        kafka::Reader reader(call.frame.view());
        kafka::RequestHeader again;
        again.decode_untagged(reader);
        if (flexible) reader.skip_tags();
        if (services_.throttle.active()) {
            call.time.began_ns = stream_->loop().now_ns();
            co_await NotingFirstWait(api.serve(call, reader), stream_->loop(), call.time);
        } else {
            co_await api.serve(call, reader);
        }
    }
    if (call.turns) call.turns->over(call.turn);
    if (!call.malformed) call.writer.end_frame();
    if (call.throttle_ms > 0) {
        muted_until_ns_ =
            std::max(muted_until_ns_, stream_->loop().now_ns() + call.throttle_ms * 1'000'000);
    }
    slot.served = true;
    changed_.notify_all();
}

Task<void> Connection::write_responses(Result<runtime::Gate::Holder> pass) {
    if (!pass) co_return;
    while (true) {
        while (slots_.empty() || !slots_.front()->served) {
            if (slots_.empty() && (reading_ended_ || closed_)) co_return;
            co_await changed_.wait();
        }
        // It stays in the queue until it is written: run() waits for an empty queue.
        Call& call = *slots_.front()->call;
        if (call.malformed && !closed_) {
            close();
        } else if (!closed_ && !call.silent) {
            const Result<void> written = co_await write_response(call);
            if (!written) close();
        }
        slot_bytes_ -= call.frame.size;
        slots_.pop_front();
        changed_.notify_all();
    }
}

// The head of the response with what is in memory goes out in one piece up to the first large
// slice, which goes from the file to the socket; and so on.
Task<Result<void>> Connection::write_response(Call& call) {
    std::vector<base::ByteView> pieces;
    const base::ByteView head = call.writer.head();
    std::size_t done = 0;
    std::size_t slice_index = 0;
    for (const kafka::Writer::Piece& piece : call.writer.pieces()) {
        pieces.push_back(head.substr(done, piece.at - done));
        done = piece.at;
        if (!piece.records.is_external()) {
            pieces.push_back(piece.records.view());
            continue;
        }
        const storage::Slice& slice = call.slices.at(slice_index++);
        if (slice.size_bytes <= kCopySliceBytes) {
            MR_CO_TRY(call.kept.emplace_back(), slice.load());
            pieces.push_back(call.kept.back());
            continue;
        }
        MR_CO_TRY_VOID(co_await stream_->write_pieces(pieces));
        pieces.clear();
        MR_CO_TRY_VOID(
            co_await stream_->send_file(*slice.file, slice.position_bytes, slice.size_bytes));
    }
    if (done < head.size()) pieces.push_back(head.substr(done));
    if (pieces.empty()) co_return Result<void>();
    co_return co_await stream_->write_pieces(pieces);
}

}  // namespace millrace::broker
