// DistinctSketch: a theta sketch or, with a summary beside each hash, a tuple sketch.
//
// Values are hashed as Apache DataSketches hashes them (MurmurHash3, seed 9001), the smallest
// hashes are kept, and the same rule makes room: estimates agree. Theta sketches are written in
// the compact form of DataSketches; tuple sketches in the same frame with a number per hash.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace millrace::columnar {

// The two words of MurmurHash3_x64_128.
std::array<std::uint64_t, 2> sketch_hash(std::string_view bytes);

// What a tuple sketch keeps beside a hash, and how two of them become one.
enum class SummaryKind : std::uint8_t { kNone, kDouble, kInteger };
enum class SummaryMode : std::uint8_t { kSum, kMin, kMax, kAlwaysOne };
std::optional<SummaryMode> summary_mode(std::string_view name);

class DistinctSketch {
public:
    static constexpr std::uint64_t kWhole = 0x7FFF'FFFF'FFFF'FFFF;  // Theta before any was dropped.
    struct Item {
        std::uint64_t hash = 0;
        std::int64_t summary = 0;  // A double's bits, or the integer.
    };

    explicit DistinctSketch(SummaryKind kind = SummaryKind::kNone) : kind_(kind) {}
    static std::optional<DistinctSketch> read(std::string_view bytes, SummaryKind kind);
    std::string write() const;

    double estimate() const;
    double theta() const { return static_cast<double>(theta_) / static_cast<double>(kWhole); }
    const std::vector<Item>& items() const { return items_; }
    SummaryKind kind() const { return kind_; }

    void unite(const DistinctSketch& other, int log_size, SummaryMode mode);
    void intersect(const DistinctSketch& other, SummaryMode mode);
    void subtract(const DistinctSketch& other);
    // A theta sketch's hashes, each with a summary that stands for nothing seen.
    DistinctSketch with_summaries(SummaryKind kind, SummaryMode mode) const;
    // All summaries as one.
    std::int64_t summary(SummaryMode mode) const;

    static std::int64_t combined(SummaryKind kind, SummaryMode mode, std::int64_t a,
                                 std::int64_t b);
    static std::int64_t neutral(SummaryKind kind, SummaryMode mode);

private:
    friend class DistinctSketchBuilder;
    void keep_smallest(std::size_t count);

    SummaryKind kind_;
    bool empty_ = true;
    std::uint64_t theta_ = kWhole;
    std::vector<Item> items_;  // By hash.
};

// Takes values one by one, as an update sketch of DataSketches does.
class DistinctSketchBuilder {
public:
    DistinctSketchBuilder(SummaryKind kind, int log_size, SummaryMode mode)
        : sketch_(kind), log_size_(log_size), mode_(mode) {}
    void add(std::uint64_t hash, std::int64_t summary);
    DistinctSketch finish();

private:
    DistinctSketch sketch_;
    int log_size_;
    SummaryMode mode_;
    std::unordered_map<std::uint64_t, std::int64_t> seen_;
};

}  // namespace millrace::columnar
