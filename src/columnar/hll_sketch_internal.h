// HllSketch: HyperLogLog as Apache DataSketches has it (HLL_8): few values as a list or set of
// coupons, many as registers with the historical estimate, in DataSketches' own layout.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace millrace::columnar {

class HllSketch {
public:
    static constexpr int kLeastLogSize = 4;
    static constexpr int kMostLogSize = 21;
    static constexpr int kUsualLogSize = 12;

    explicit HllSketch(int log_size) : log_size_(log_size) {}
    static std::optional<HllSketch> read(std::string_view bytes);
    std::string write() const;

    // Six bits of rank above 26 bits of place; never 0.
    static std::uint32_t coupon(const std::array<std::uint64_t, 2>& hash);

    void add(std::uint32_t coupon);
    // Takes the smaller size of the two. Estimates then are those of the registers.
    void unite(const HllSketch& other);
    double estimate() const;
    int log_size() const { return log_size_; }

private:
    void to_registers();
    void update(std::uint32_t coupon);

    int log_size_;
    std::vector<std::uint32_t> coupons_;  // In order of arrival, without repetition.
    std::unordered_set<std::uint32_t> seen_;
    std::vector<std::uint8_t> registers_;  // Empty while there are coupons only.
    double sum_ = 0;                       // Of 2 to the minus rank, over the registers.
    double history_ = 0;
    bool merged_ = false;  // Then there is no history to go by.
};

}  // namespace millrace::columnar
