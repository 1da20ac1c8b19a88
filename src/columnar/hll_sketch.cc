#include "columnar/hll_sketch_internal.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace millrace::columnar {

namespace {

constexpr std::uint32_t kPlaceBits = 26;
constexpr std::uint32_t kPlaceMask = (1U << kPlaceBits) - 1;
constexpr std::uint8_t kFamily = 7;
constexpr std::uint8_t kEmpty = 4;
constexpr std::uint8_t kCompact = 8;
constexpr std::uint8_t kOutOfOrder = 16;
constexpr std::uint8_t kHll8 = 2 << 2;
constexpr std::size_t kListMost = 8;  // Longer lists are sets.
constexpr std::size_t kListBytes = 8;
constexpr std::size_t kSetBytes = 12;
constexpr std::size_t kRegisterBytes = 40;

template <class T>
void put(std::string& to, std::size_t at, T value) {
    std::memcpy(to.data() + at, &value, sizeof value);
}
template <class T>
T get(std::string_view from, std::size_t at) {
    T value;
    std::memcpy(&value, from.data() + at, sizeof value);
    return value;
}

double inverse_sum(const std::vector<std::uint8_t>& registers) {
    double sum = 0;
    for (const std::uint8_t value : registers) sum += std::ldexp(1.0, -value);
    return sum;
}

}  // namespace

std::uint32_t HllSketch::coupon(const std::array<std::uint64_t, 2>& hash) {
    const auto place = static_cast<std::uint32_t>(hash[0] & kPlaceMask);
    const auto zeros = static_cast<std::uint32_t>(std::min(std::countl_zero(hash[1]), 62));
    return (zeros + 1) << kPlaceBits | place;
}

void HllSketch::update(std::uint32_t coupon) {
    const std::uint32_t place = coupon & ((1U << log_size_) - 1);
    const auto rank = static_cast<std::uint8_t>(coupon >> kPlaceBits);
    if (registers_[place] >= rank) return;
    sum_ += std::ldexp(1.0, -rank) - std::ldexp(1.0, -registers_[place]);
    registers_[place] = rank;
}

void HllSketch::to_registers() {
    if (!registers_.empty()) return;
    history_ = estimate();
    registers_.assign(std::size_t{1} << log_size_, 0);
    sum_ = static_cast<double>(registers_.size());
    for (const std::uint32_t coupon : coupons_) update(coupon);
    coupons_.clear();
    seen_.clear();
}

void HllSketch::add(std::uint32_t coupon) {
    if (registers_.empty()) {
        if (!seen_.insert(coupon).second) return;
        coupons_.push_back(coupon);
        // A set may fill three quarters of an eighth of the registers.
        const std::size_t most =
            log_size_ < 8 ? kListMost - 1 : 3 * (std::size_t{1} << (log_size_ - 3)) / 4;
        if (coupons_.size() > most) to_registers();
        return;
    }
    const std::uint32_t place = coupon & ((1U << log_size_) - 1);
    if (registers_[place] >= coupon >> kPlaceBits) return;
    if (!merged_) {
        history_ += static_cast<double>(registers_.size()) / sum_;
    }
    update(coupon);
}

void HllSketch::unite(const HllSketch& other) {
    if (registers_.empty() && other.registers_.empty()) {
        log_size_ = std::min(log_size_, other.log_size_);
        for (const std::uint32_t coupon : other.coupons_) add(coupon);
        return;
    }
    to_registers();
    merged_ = true;
    if (other.log_size_ < log_size_) {
        std::vector<std::uint8_t> folded(std::size_t{1} << other.log_size_, 0);
        for (std::size_t i = 0; i < registers_.size(); ++i) {
            std::uint8_t& slot = folded[i & (folded.size() - 1)];
            slot = std::max(slot, registers_[i]);
        }
        registers_ = std::move(folded);
        log_size_ = other.log_size_;
    }
    for (const std::uint32_t coupon : other.coupons_) update(coupon);
    for (std::size_t i = 0; i < other.registers_.size(); ++i) {
        std::uint8_t& slot = registers_[i & (registers_.size() - 1)];
        slot = std::max(slot, other.registers_[i]);
    }
    sum_ = inverse_sum(registers_);
}

double HllSketch::estimate() const {
    if (registers_.empty()) {
        // Coupons are 26 bits of place and a rank: a few values share one.
        const auto count = static_cast<double>(coupons_.size());
        return count + count * (count - 1) / std::ldexp(1.0, 2 + kPlaceBits);
    }
    if (!merged_) return history_;
    const auto size = static_cast<double>(registers_.size());
    const auto unused =
        static_cast<double>(std::ranges::count(registers_, static_cast<std::uint8_t>(0)));
    const double raw = 0.7213 / (1 + 1.079 / size) * size * size / sum_;
    if (unused > 0 && raw < 3 * size) return size * std::log(size / unused);
    return raw;
}

std::string HllSketch::write() const {
    if (registers_.empty()) {
        const bool list = coupons_.size() < kListMost;
        std::string result(list ? kListBytes : kSetBytes, '\0');
        result[0] = static_cast<char>(list ? 2 : 3);
        result[1] = 1;
        result[2] = static_cast<char>(kFamily);
        result[3] = static_cast<char>(log_size_);
        const auto room = static_cast<unsigned>(std::bit_width(coupons_.size() * 4 / 3));
        result[4] = static_cast<char>(list ? 3U : std::max(5U, room));
        result[5] = static_cast<char>(kCompact | (coupons_.empty() ? kEmpty : 0));
        result[7] = static_cast<char>(kHll8 | (list ? 0 : 1));
        if (list) {
            result[6] = static_cast<char>(coupons_.size());
        } else {
            put(result, 8, static_cast<std::uint32_t>(coupons_.size()));
        }
        const std::size_t at = result.size();
        result.resize(at + coupons_.size() * 4);
        if (!coupons_.empty()) {
            std::memcpy(result.data() + at, coupons_.data(), coupons_.size() * 4);
        }
        return result;
    }
    std::string result(kRegisterBytes, '\0');
    result[0] = 10;
    result[1] = 1;
    result[2] = static_cast<char>(kFamily);
    result[3] = static_cast<char>(log_size_);
    result[5] = static_cast<char>(kCompact | (merged_ ? kOutOfOrder : 0));
    result[7] = static_cast<char>(kHll8 | 2);
    put(result, 8, history_);
    // The sum in two parts, so that neither loses bits.
    double low = 0;
    double high = 0;
    std::uint32_t unused = 0;
    for (const std::uint8_t value : registers_) {
        (value < 32 ? low : high) += std::ldexp(1.0, -value);
        if (value == 0) ++unused;
    }
    put(result, 16, low);
    put(result, 24, high);
    put(result, 32, unused);
    result.append(reinterpret_cast<const char*>(registers_.data()), registers_.size());
    return result;
}

std::optional<HllSketch> HllSketch::read(std::string_view bytes) {
    if (bytes.size() < kListBytes || bytes[1] != 1 || bytes[2] != kFamily) return std::nullopt;
    const int log_size = bytes[3];
    const int mode = bytes[7] & 3;
    if (log_size < kLeastLogSize || log_size > kMostLogSize) return std::nullopt;
    HllSketch result(log_size);
    if (mode < 2) {
        const std::size_t begin = mode == 0 ? kListBytes : kSetBytes;
        if (bytes.size() < begin) return std::nullopt;
        const std::size_t count =
            mode == 0 ? static_cast<std::uint8_t>(bytes[6]) : get<std::uint32_t>(bytes, 8);
        if ((bytes.size() - begin) / 4 < count) return std::nullopt;
        for (std::size_t i = 0; i < count; ++i) {
            const auto coupon = get<std::uint32_t>(bytes, begin + 4 * i);
            if (coupon >> kPlaceBits == 0) return std::nullopt;
            result.add(coupon);
        }
        return result;
    }
    const std::size_t size = std::size_t{1} << log_size;
    if (mode != 2 || (bytes[7] & 0xC) != kHll8 || bytes.size() < kRegisterBytes + size) {
        return std::nullopt;
    }
    result.history_ = get<double>(bytes, 8);
    result.merged_ = (bytes[5] & kOutOfOrder) != 0;
    const auto* registers = reinterpret_cast<const std::uint8_t*>(bytes.data() + kRegisterBytes);
    result.registers_.assign(registers, registers + size);
    if (std::ranges::any_of(result.registers_, [](std::uint8_t rank) { return rank > 63; })) {
        return std::nullopt;
    }
    result.sum_ = inverse_sum(result.registers_);
    return result;
}

}  // namespace millrace::columnar
