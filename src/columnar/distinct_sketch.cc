#include "columnar/distinct_sketch_internal.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

namespace millrace::columnar {

namespace {

constexpr std::uint64_t kSeed = 9001;

std::uint64_t word_at(const char* at) {
    std::uint64_t value = 0;
    std::memcpy(&value, at, sizeof value);
    return value;
}

std::uint64_t mixed(std::uint64_t value) {
    value ^= value >> 33;
    value *= 0xff51afd7ed558ccdULL;
    value ^= value >> 33;
    value *= 0xc4ceb9fe1a85ec53ULL;
    return value ^ value >> 33;
}

template <class T>
void put(std::string& to, T value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    to.append(bytes, sizeof value);
}

// Flags of DataSketches' preamble, and the hash of the seed that it holds.
constexpr std::uint8_t kReadOnly = 2;
constexpr std::uint8_t kEmpty = 4;
constexpr std::uint8_t kCompact = 8;
constexpr std::uint8_t kOrdered = 16;
constexpr std::uint8_t kSingle = 32;
constexpr std::uint8_t kCompactFamily = 3;
constexpr std::uint8_t kTupleFamily = 9;
constexpr std::size_t kPreambleBytes = 8;

std::uint16_t seed_hash() {
    static const auto hash = [] {
        std::string seed;
        put(seed, kSeed);
        // Of the seed itself, with seed 0.
        std::uint64_t first = word_at(seed.data());
        first *= 0x87c37b91114253d5ULL;
        first = std::rotl(first, 31);
        first *= 0x4cf5ad432745937fULL;
        std::uint64_t h1 = first ^ 8U;
        std::uint64_t h2 = 8;
        h1 += h2;
        h2 += h1;
        h1 = mixed(h1);
        h2 = mixed(h2);
        return static_cast<std::uint16_t>((h1 + h2) & 0xFFFF);
    }();
    return hash;
}

}  // namespace

std::array<std::uint64_t, 2> sketch_hash(std::string_view bytes) {
    constexpr std::uint64_t kC1 = 0x87c37b91114253d5ULL;
    constexpr std::uint64_t kC2 = 0x4cf5ad432745937fULL;
    std::uint64_t h1 = kSeed;
    std::uint64_t h2 = kSeed;
    std::size_t at = 0;
    for (; at + 16 <= bytes.size(); at += 16) {
        std::uint64_t k1 = word_at(bytes.data() + at) * kC1;
        std::uint64_t k2 = word_at(bytes.data() + at + 8) * kC2;
        k1 = std::rotl(k1, 31) * kC2;
        h1 = (std::rotl(h1 ^ k1, 27) + h2) * 5 + 0x52dce729;
        k2 = std::rotl(k2, 33) * kC1;
        h2 = (std::rotl(h2 ^ k2, 31) + h1) * 5 + 0x38495ab5;
    }
    std::array<char, 16> rest{};
    const std::size_t left = bytes.size() - at;
    std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.end(), rest.begin());
    if (left > 8) h2 ^= std::rotl(word_at(rest.data() + 8) * kC2, 33) * kC1;
    if (left > 0) h1 ^= std::rotl(word_at(rest.data()) * kC1, 31) * kC2;
    h1 ^= bytes.size();
    h2 ^= bytes.size();
    h1 += h2;
    h2 += h1;
    h1 = mixed(h1);
    h2 = mixed(h2);
    h1 += h2;
    h2 += h1;
    return {h1, h2};
}

std::optional<SummaryMode> summary_mode(std::string_view name) {
    if (name == "sum") return SummaryMode::kSum;
    if (name == "min") return SummaryMode::kMin;
    if (name == "max") return SummaryMode::kMax;
    if (name == "alwaysone") return SummaryMode::kAlwaysOne;
    return std::nullopt;
}

std::int64_t DistinctSketch::neutral(SummaryKind kind, SummaryMode mode) {
    const bool real = kind == SummaryKind::kDouble;
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    using Limits = std::numeric_limits<std::int64_t>;
    switch (mode) {
        case SummaryMode::kSum: return 0;  // Also the bits of 0.0.
        case SummaryMode::kMin:
            return real ? std::bit_cast<std::int64_t>(kInfinity) : Limits::max();
        case SummaryMode::kMax:
            return real ? std::bit_cast<std::int64_t>(-kInfinity) : Limits::min();
        case SummaryMode::kAlwaysOne: return real ? std::bit_cast<std::int64_t>(1.0) : 1;
    }
    return 0;
}

std::int64_t DistinctSketch::combined(SummaryKind kind, SummaryMode mode, std::int64_t a,
                                      std::int64_t b) {
    if (mode == SummaryMode::kAlwaysOne) return neutral(kind, mode);
    if (kind == SummaryKind::kDouble) {
        const auto left = std::bit_cast<double>(a);
        const auto right = std::bit_cast<double>(b);
        return std::bit_cast<std::int64_t>(mode == SummaryMode::kSum   ? left + right
                                           : mode == SummaryMode::kMin ? std::min(left, right)
                                                                       : std::max(left, right));
    }
    if (mode == SummaryMode::kMin) return std::min(a, b);
    if (mode == SummaryMode::kMax) return std::max(a, b);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

std::optional<DistinctSketch> DistinctSketch::read(std::string_view bytes, SummaryKind kind) {
    if (bytes.size() < kPreambleBytes) return std::nullopt;
    const auto preamble = static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[0]) & 0x3FU);
    const auto flags = static_cast<std::uint8_t>(bytes[5]);
    const std::uint8_t family = kind == SummaryKind::kNone ? kCompactFamily : kTupleFamily;
    if (bytes[1] != 3 || static_cast<std::uint8_t>(bytes[2]) != family || preamble < 1 ||
        preamble > 3 || (flags & kCompact) == 0) {
        return std::nullopt;
    }
    if (kind != SummaryKind::kNone && bytes[3] != static_cast<char>(kind)) return std::nullopt;
    DistinctSketch result(kind);
    if ((flags & kEmpty) != 0) return result;
    result.empty_ = false;
    std::size_t count = 1;
    if ((flags & kSingle) == 0) {
        if (preamble < 2 || bytes.size() < preamble * 8) return std::nullopt;
        std::uint32_t stored = 0;
        std::memcpy(&stored, bytes.data() + 8, sizeof stored);
        count = stored;
        if (preamble == 3) result.theta_ = word_at(bytes.data() + 16);
    }
    const std::size_t width = kind == SummaryKind::kNone ? 8 : 16;
    if (result.theta_ == 0 || result.theta_ > kWhole ||
        (bytes.size() - preamble * 8) / width < count) {
        return std::nullopt;
    }
    std::uint64_t last = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const char* at = bytes.data() + preamble * 8 + i * width;
        Item item{.hash = word_at(at)};
        if (width == 16) item.summary = static_cast<std::int64_t>(word_at(at + 8));
        if (item.hash <= last || item.hash >= result.theta_) return std::nullopt;
        last = item.hash;
        result.items_.push_back(item);
    }
    return result;
}

std::string DistinctSketch::write() const {
    const bool plain = kind_ == SummaryKind::kNone;
    const bool single = !empty_ && theta_ == kWhole && items_.size() == 1;
    const std::uint8_t preamble = empty_ || single ? 1 : theta_ == kWhole ? 2 : 3;
    std::string result;
    result += static_cast<char>(preamble);
    result += '\3';
    result += static_cast<char>(plain ? kCompactFamily : kTupleFamily);
    result += plain ? '\0' : static_cast<char>(kind_);
    result += '\0';
    result += static_cast<char>(kReadOnly | kCompact | kOrdered | (empty_ ? kEmpty : 0) |
                                (single ? kSingle : 0));
    put(result, seed_hash());
    if (preamble > 1) {
        put(result, static_cast<std::uint32_t>(items_.size()));
        put(result, 1.0F);
    }
    if (preamble > 2) put(result, theta_);
    for (const Item& item : items_) {
        put(result, item.hash);
        if (!plain) put(result, item.summary);
    }
    return result;
}

double DistinctSketch::estimate() const {
    return static_cast<double>(items_.size()) / theta();
}

void DistinctSketch::keep_smallest(std::size_t count) {
    if (items_.size() <= count) return;
    theta_ = items_[count].hash;
    items_.resize(count);
}

void DistinctSketch::unite(const DistinctSketch& other, int log_size, SummaryMode mode) {
    empty_ = empty_ && other.empty_;
    theta_ = std::min(theta_, other.theta_);
    std::vector<Item> all;
    std::size_t a = 0;
    std::size_t b = 0;
    while (a < items_.size() || b < other.items_.size()) {
        if (b == other.items_.size() ||
            (a < items_.size() && items_[a].hash < other.items_[b].hash)) {
            all.push_back(items_[a++]);
        } else if (a == items_.size() || other.items_[b].hash < items_[a].hash) {
            all.push_back(other.items_[b++]);
        } else {
            all.push_back({items_[a].hash,
                           combined(kind_, mode, items_[a].summary, other.items_[b].summary)});
            ++a;
            ++b;
        }
    }
    std::erase_if(all, [this](const Item& item) { return item.hash >= theta_; });
    items_ = std::move(all);
    keep_smallest(std::size_t{1} << log_size);
}

void DistinctSketch::intersect(const DistinctSketch& other, SummaryMode mode) {
    theta_ = std::min(theta_, other.theta_);
    std::vector<Item> both;
    std::size_t b = 0;
    for (const Item& item : items_) {
        while (b < other.items_.size() && other.items_[b].hash < item.hash) ++b;
        if (b == other.items_.size()) break;
        if (other.items_[b].hash != item.hash || item.hash >= theta_) continue;
        both.push_back({item.hash, combined(kind_, mode, item.summary, other.items_[b].summary)});
    }
    items_ = std::move(both);
    empty_ = empty_ || other.empty_;
    if (empty_) {
        items_.clear();
        theta_ = kWhole;
    }
}

void DistinctSketch::subtract(const DistinctSketch& other) {
    if (empty_) return;
    theta_ = std::min(theta_, other.theta_);
    std::vector<Item> rest;
    std::size_t b = 0;
    for (const Item& item : items_) {
        while (b < other.items_.size() && other.items_[b].hash < item.hash) ++b;
        const bool in_other = b < other.items_.size() && other.items_[b].hash == item.hash;
        if (!in_other && item.hash < theta_) rest.push_back(item);
    }
    items_ = std::move(rest);
    if (items_.empty() && theta_ == kWhole) empty_ = true;
}

DistinctSketch DistinctSketch::with_summaries(SummaryKind kind, SummaryMode mode) const {
    DistinctSketch result = *this;
    result.kind_ = kind;
    for (Item& item : result.items_) item.summary = neutral(kind, mode);
    return result;
}

std::int64_t DistinctSketch::summary(SummaryMode mode) const {
    std::int64_t result = neutral(kind_, mode);
    if (mode == SummaryMode::kAlwaysOne) {
        // As many ones as there are keys.
        const auto count = static_cast<std::int64_t>(items_.size());
        return kind_ == SummaryKind::kDouble
                   ? std::bit_cast<std::int64_t>(static_cast<double>(count))
                   : count;
    }
    for (const Item& item : items_) result = combined(kind_, mode, result, item.summary);
    return result;
}

void DistinctSketchBuilder::add(std::uint64_t hash, std::int64_t summary) {
    sketch_.empty_ = false;
    if (hash == 0 || hash >= sketch_.theta_) return;
    const auto [at, added] = seen_.try_emplace(hash, summary);
    if (!added) {
        at->second = DistinctSketch::combined(sketch_.kind_, mode_, at->second, summary);
        return;
    }
    if (mode_ == SummaryMode::kAlwaysOne)
        at->second = DistinctSketch::neutral(sketch_.kind_, mode_);
    // Full at 15/16 of twice the nominal size: the nominal smallest stay.
    const std::size_t nominal = std::size_t{1} << log_size_;
    if (seen_.size() <= 2 * nominal / 16 * 15) return;
    std::vector<std::uint64_t> hashes;
    hashes.reserve(seen_.size());
    for (const auto& entry : seen_) hashes.push_back(entry.first);
    std::nth_element(hashes.begin(), hashes.begin() + static_cast<std::ptrdiff_t>(nominal),
                     hashes.end());
    sketch_.theta_ = hashes[nominal];
    std::erase_if(seen_, [this](const auto& entry) { return entry.first >= sketch_.theta_; });
}

DistinctSketch DistinctSketchBuilder::finish() {
    for (const auto& [hash, summary] : seen_) sketch_.items_.push_back({hash, summary});
    std::ranges::sort(sketch_.items_, {}, &DistinctSketch::Item::hash);
    return std::move(sketch_);
}

}  // namespace millrace::columnar
