#include "storage/log.h"

#include <algorithm>

#include "base/check.h"
#include "base/hash.h"
#include "base/log.h"
#include "runtime/clock.h"
#include "runtime/disk.h"
#include "runtime/loop.h"
#include "runtime/pool.h"
#include "storage/log_internal.h"

namespace millrace::storage {

using base::Code;
using base::fail;
using base::Result;
using model::Offset;
using model::Timestamp;

namespace {

// A snapshot is taken after so many bytes, or after fewer when the last one is old: they bound what
// a restart has to walk.
constexpr std::uint64_t kSnapshotBytes = std::uint64_t{64} << 20;
constexpr std::uint64_t kEarlySnapshotBytes = std::uint64_t{4} << 20;
constexpr std::int64_t kEarlySnapshotMs = 30'000;

}  // namespace

Result<base::Bytes> Slice::load() const {
    base::Bytes bytes;
    if (size_bytes == 0) return bytes;
    bytes.resize(size_bytes);
    MR_TRY(const std::size_t got, file->read_at(position_bytes, bytes.data(), size_bytes));
    if (got != size_bytes) {
        return fail(Code::kCorrupt, "{} ends before byte {}", file->path(),
                    position_bytes + size_bytes);
    }
    return bytes;
}

class Log::Impl::ListenerImpl final : public Log::Listener {
public:
    ListenerImpl(Log::Impl& log, std::function<void()> call) : log_(&log), call_(std::move(call)) {
        log_->listeners.push_back(this);
    }
    ~ListenerImpl() override {
        if (log_ != nullptr) std::erase(log_->listeners, this);
    }
    ListenerImpl(const ListenerImpl&) = delete;
    ListenerImpl& operator=(const ListenerImpl&) = delete;
    void call() const { call_(); }
    void forget() { log_ = nullptr; }

private:
    Log::Impl* log_;
    std::function<void()> call_;
};

// --- Impl: life and state -----------------------------------------------------------------------

Log::Impl::Impl(std::shared_ptr<LogShared> shared_state, std::string log_name,
                std::string log_folder, const LogConfig& log_config, runtime::Loop& home,
                RecoveryPoints::Slot recovery_slot, LeaderEpochs epochs)
    : shared(std::move(shared_state)),
      name(std::move(log_name)),
      folder(std::move(log_folder)),
      config(log_config),
      loop(home),
      slot(recovery_slot),
      leader_epochs(std::move(epochs)),
      start_file(std::make_shared<LogStartFile>(shared->disk, folder)),
      member(shared->commits, home, recovery_slot,
             [this](const Result<Offset>& end) { on_durable(end); }) {}

Log::Impl::~Impl() {
    for (ListenerImpl* listener : listeners) listener->forget();
}

Result<void> Log::Impl::usable() const {
    if (offline_reason) {
        return fail(Code::kOffline, "partition {} is offline: {}", name, offline_reason->message());
    }
    return {};
}

void Log::Impl::go_offline(base::Error reason) {
    if (offline_reason) return;
    offline_reason = std::move(reason);
    notify();
}

void Log::Impl::notify() {
    changed.notify_all();
    for (std::size_t i = 0; i < listeners.size(); ++i) listeners[i]->call();
}

void Log::Impl::on_durable(const Result<Offset>& end) {
    if (!end) {
        go_offline(end.error().with("make records durable"));
        return;
    }
    if (offline_reason || *end <= high_watermark) return;
    high_watermark = *end;
    producers.advance_high_watermark(high_watermark);
    write_pending_snapshot();
    notify();
}

Offset Log::Impl::last_stable_offset() const {
    const auto unstable = producers.first_unstable_offset();
    if (!unstable) return high_watermark;
    return std::min(std::max(*unstable, log_start), high_watermark);
}

Offset Log::Impl::sight(Isolation isolation) const {
    return isolation == Isolation::kReadCommitted ? last_stable_offset() : high_watermark;
}

void Log::Impl::mark_dirty() {
    if (auto file = active().file()) {
        member.mark(*file, log_end);
    } else {
        go_offline(file.error());
    }
}

Offset Log::Impl::segment_end(std::size_t index) const {
    return index + 1 < segments.size() ? segments[index + 1]->base() : log_end;
}

std::size_t Log::Impl::segment_holding(Offset offset) const {
    const auto after = std::ranges::upper_bound(
        segments, offset, {}, [](const auto& segment) { return segment->base(); });
    return after == segments.begin() ? 0 : static_cast<std::size_t>(after - segments.begin()) - 1;
}

// --- Append -------------------------------------------------------------------------------------

Result<bool> Log::Impl::should_roll(const model::RecordBatch& batch) {
    const Segment& segment = active();
    if (segment.size_bytes() == 0) return false;
    const Offset last = log_end + batch.last_offset_delta();
    if (!segment.has_room(batch.size_bytes(), last, config.segment_bytes,
                          config.segment_index_bytes)) {
        return true;
    }
    // Age counts in the records' own time where they have one, as Kafka does, so that replaying old
    // records rolls as writing them did.
    MR_TRY(const Timestamp first, active().first_timestamp());
    const std::int64_t age_ms = first.ms >= 0 && batch.max_timestamp().ms >= 0
                                    ? batch.max_timestamp().ms - first.ms
                                    : shared->clock.wall_ms() - active_since_ms;
    return age_ms > roll_after_ms();
}

std::int64_t Log::Impl::roll_after_ms() {
    std::int64_t after_ms = config.segment_ms;
    // What lies in the active segment is not cleaned.
    if (config.cleanup_compact) after_ms = std::min(after_ms, config.max_compaction_lag_ms);
    const std::int64_t jitter_ms = std::min(config.segment_jitter_ms, after_ms);
    if (jitter_ms <= 0) return after_ms;
    // By name and offset: logs that were begun together roll apart.
    const std::uint64_t dice =
        base::hash64(name, static_cast<std::uint64_t>(active().base().value));
    return after_ms - static_cast<std::int64_t>(dice % static_cast<std::uint64_t>(jitter_ms));
}

Result<void> Log::Impl::make_room(const model::RecordBatch& batch) {
    // Without a descriptor to be had nothing was tried yet: the next append may succeed.
    MR_TRY_VOID(active().file());
    MR_TRY(const bool full, should_roll(batch));
    if (!full) return {};
    // Nothing is lost when this fails: the old segment stays the active one.
    auto rolled = roll();
    if (!rolled && rolled.error().code() == Code::kNoSpace) note_full(rolled.error());
    return rolled;
}

// Producers try again and again: one line tells of it until an append succeeds.
void Log::Impl::note_full(const base::Error& error) {
    shared->no_space += 1;
    if (std::exchange(disk_full, true)) return;
    base::log_warning("{}: appends are refused until there is room: {}", name, error.to_string());
}

Result<void> Log::Impl::roll() {
    MR_TRY(const auto finished, active().file());
    MR_TRY_VOID(active().seal());
    MR_TRY(auto next, Segment::create(shared->disk, folder, log_end));
    // The old segment is whole on disk, with its indexes, before the new one counts as durable.
    member.mark(finished, log_end);
    for (const auto& index : active().index_files()) member.mark(index, log_end);
    member.mark_directory(folder);
    segments.push_back(std::move(next));
    active_since_ms = shared->clock.wall_ms();
    take_snapshot();
    return {};
}

Result<Log::Appended> Log::append(const CheckedBatch& checked, const AppendTerms& terms) {
    Impl& log = *impl_;
    MR_CHECK(log.loop.in_loop());
    MR_TRY_VOID(log.usable());
    if (log.closing) return fail(Code::kCancelled, "partition {} is closing", log.name);
    model::RecordBatch batch = checked.view();

    MR_TRY(const auto earlier, log.producers.check(batch, {checked.origin(), terms.verification,
                                                           terms.marker_must_be_newer}));
    if (earlier) {
        return Appended{earlier->base_offset, earlier->last_offset + 1, earlier->timestamp, true};
    }

    const std::int64_t now_ms = log.shared->clock.wall_ms();
    const bool log_time = log.config.timestamp_type == model::TimestampType::kLogAppendTime;
    const Offset base = log.log_end;
    model::stamp_position(checked.bytes(), base, log.leader_epochs.latest());
    model::stamp_timestamps(checked.bytes(), log.config.timestamp_type,
                            log_time ? Timestamp{now_ms} : checked.max_timestamp());

    MR_TRY_VOID(log.make_room(batch));
    if (auto written = log.active().append(batch, log.config.index_interval_bytes); !written) {
        if (written.error().code() == Code::kNoSpace && !log.active().broken()) {
            log.note_full(written.error());
            return fail(written.error().with(fmt::format("append to {}", log.name)));
        }
        // Whatever else keeps a write from succeeding will not go away by trying again.
        log.go_offline(written.error());
        return fail(log.usable().error());
    }

    if (std::exchange(log.disk_full, false)) {
        base::log_info("{}: there is room again, appends go on", log.name);
    }
    log.log_end = batch.next_offset();
    log.note_producer(log.active(), batch, now_ms);
    log.shared->appended_bytes += batch.size_bytes();
    log.shared->appended_batches += 1;
    log.bytes_since_snapshot += batch.size_bytes();
    log.mark_dirty();
    if (log.bytes_since_snapshot >= kSnapshotBytes ||
        (log.bytes_since_snapshot >= kEarlySnapshotBytes &&
         now_ms - log.snapshot_ms >= kEarlySnapshotMs)) {
        log.take_snapshot();
    }
    return Appended{base, log.log_end, log_time ? Timestamp{now_ms} : model::kNoTimestamp, false};
}

void Log::Impl::note_producer(Segment& segment, const model::RecordBatch& batch,
                              std::int64_t now_ms) {
    const auto completed =
        producers.note(batch, batch.base_offset(), batch.max_timestamp(), now_ms);
    if (!completed || !completed->aborted) return;
    segment.aborted().note({completed->producer_id, completed->first_offset, completed->last_offset,
                            producers.stable_offset_after(*completed)});
}

Result<Log::Appended> Log::append_marker(model::Producer producer, const model::EndMarker& marker,
                                         bool must_be_newer) {
    const Timestamp now{impl_->shared->clock.wall_ms()};
    base::Bytes bytes = model::build_end_marker(producer, marker, now);
    base::Bytes scratch;
    MR_TRY(const auto checked,
           CheckedBatch::check(bytes, Origin::kCoordinator, impl_->config, now, scratch));
    return append(checked, {.marker_must_be_newer = must_be_newer});
}

bool Log::in_transaction(model::Producer producer) const {
    return impl_->producers.in_transaction(producer);
}

std::uint64_t Log::start_verification(model::Producer producer, std::int32_t first_sequence) {
    return impl_->producers.start_verification(producer, first_sequence,
                                               impl_->shared->clock.wall_ms());
}

std::vector<ProducerState::Description> Log::producers() const {
    return impl_->producers.describe();
}

runtime::Task<Result<void>> Log::wait_durable(Offset next) {
    Impl& log = *impl_;
    while (log.high_watermark < next) {
        MR_CO_TRY_VOID(log.usable());
        co_await log.changed.wait();
    }
    co_return Result<void>();
}

// --- Snapshots ----------------------------------------------------------------------------------

void Log::Impl::take_snapshot() {
    const std::int64_t now_ms = shared->clock.wall_ms();
    producers.expire(now_ms, config.producer_expiration_ms);
    // Without room for the index the snapshot waits for a better time.
    if (!active().flush_indexes()) return;
    bytes_since_snapshot = 0;
    snapshot_ms = now_ms;
    Snapshot snapshot{.end = log_end,
                      .segment_base = active().base(),
                      .progress = active().progress(),
                      .producers = producers,
                      .aborted = {}};
    PendingSnapshot pending{log_end, {}, active().index_files(), {}, {}};
    // What an older snapshot was about to write beside itself has to be written all the same.
    if (pending_snapshot) pending.aborted_files = std::move(pending_snapshot->aborted_files);
    for (const auto& segment : segments) {
        AbortedIndex& aborted = segment->aborted();
        if (aborted.size() == 0) continue;
        snapshot.aborted.emplace_back(segment->base(), aborted.size());
        pending.aborted_bases.insert(segment->base());
        if (aborted.changed()) pending.aborted_files[segment->base()] = aborted.take_content();
    }
    pending.content = snapshot.encode();
    pending_snapshot = std::move(pending);
}

Result<void> Log::Impl::write_snapshot(runtime::Disk& disk, const std::string& folder,
                                       const PendingSnapshot& snapshot) {
    for (const auto& file : snapshot.index_files) MR_TRY_VOID(file->sync());
    for (const auto& [base, content] : snapshot.aborted_files) {
        const std::string path = folder + "/" + segment_file_name(base, ".txnindex");
        MR_TRY_VOID(runtime::write_file_durably(disk, path, content));
    }
    const std::string path = folder + "/" + segment_file_name(snapshot.end, ".snapshot");
    MR_TRY_VOID(runtime::write_file_durably(disk, path, snapshot.content));
    // Of the older ones the last stays, in case this one should be found broken.
    MR_TRY(const auto entries, disk.list(folder));
    std::vector<std::string> snapshots;
    for (const auto& entry : entries) {
        if (segment_base_of(entry.name, ".snapshot")) snapshots.push_back(entry.name);
        // Compaction has merged the segment into another one, or nothing aborted is left in it.
        const auto base = segment_base_of(entry.name, ".txnindex");
        if (base && !snapshot.aborted_bases.contains(*base)) {
            MR_TRY_VOID(disk.remove(folder + "/" + entry.name));
        }
    }
    for (std::size_t i = 0; i + 2 < snapshots.size(); ++i) {
        MR_TRY_VOID(disk.remove(folder + "/" + snapshots[i]));
    }
    return {};
}

void Log::Impl::write_pending_snapshot() {
    if (!pending_snapshot || pending_snapshot->end > high_watermark) return;
    // One at a time: until then the newest waits, and a newer one may take its place.
    if (snapshot_job && !snapshot_job->is_set()) return;
    snapshot_job.emplace();
    shared->pool.submit([state = shared, snapshot = std::move(*pending_snapshot),
                         directory = folder, done = *snapshot_job]() mutable {
        // A snapshot that fails to be written is missed by nobody but a restart.
        static_cast<void>(write_snapshot(state->disk, directory, snapshot));
        done.set();
    });
    pending_snapshot.reset();
}

runtime::Task<Result<void>> Log::close() {
    Impl& log = *impl_;
    log.closing = true;
    log.cleaning_changed.notify_all();
    while (log.cleaning) co_await log.cleaning_changed.wait();
    MR_CO_TRY_VOID(co_await wait_durable(log.log_end));
    MR_CO_TRY_VOID(log.usable());
    if (log.snapshot_job && !log.snapshot_job->is_set()) co_await log.snapshot_job->wait();
    if (log.bytes_since_snapshot == 0 && !log.pending_snapshot) co_return Result<void>();
    log.take_snapshot();
    if (!log.pending_snapshot) co_return Result<void>();
    auto job = [disk = &log.shared->disk, snapshot = std::move(*log.pending_snapshot),
                directory = log.folder] {
        return Impl::write_snapshot(*disk, directory, snapshot);
    };
    log.pending_snapshot.reset();
    co_return co_await runtime::run(log.shared->pool, std::move(job));
}

// --- The public face ----------------------------------------------------------------------------

Log::Log(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Log::~Log() = default;

const std::string& Log::name() const {
    return impl_->name;
}
const LogConfig& Log::config() const {
    return impl_->config;
}
void Log::set_config(const LogConfig& config) {
    impl_->config = config;
}
const base::Error* Log::offline() const {
    return impl_->offline_reason ? &*impl_->offline_reason : nullptr;
}

Log::Offsets Log::offsets() const {
    return {impl_->log_start, impl_->last_stable_offset(), impl_->high_watermark, impl_->log_end};
}

model::LeaderEpoch Log::leader_epoch() const {
    return impl_->leader_epochs.latest();
}

Result<void> Log::begin_leader_epoch(model::LeaderEpoch epoch) {
    return impl_->leader_epochs.begin(epoch, impl_->log_end);
}

std::optional<Log::EpochEnd> Log::end_of_epoch(model::LeaderEpoch epoch) const {
    const auto end = impl_->leader_epochs.end_of(epoch, impl_->log_end);
    if (!end) return std::nullopt;
    return EpochEnd{end->epoch, end->start};
}

std::unique_ptr<Log::Listener> Log::listen(std::function<void()> listener) {
    return std::make_unique<Impl::ListenerImpl>(*impl_, std::move(listener));
}

std::uint64_t Log::size_bytes() const {
    std::uint64_t sum = 0;
    for (const auto& segment : impl_->segments) sum += segment->size_bytes();
    return sum;
}

std::size_t Log::segment_count() const {
    return impl_->segments.size();
}

}  // namespace millrace::storage
