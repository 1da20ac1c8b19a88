// QuantileSketch: KLL. Up to k values it is exact; beyond, full levels hand every other of their
// values on with twice the weight.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::columnar {

enum class QuantileKind : std::uint8_t { kBigint = 1, kFloat = 2, kDouble = 3 };

template <class T>
class QuantileSketch {
public:
    static constexpr int kLeastSize = 8;
    static constexpr int kMostSize = 65535;
    static constexpr int kUsualSize = 200;

    QuantileSketch(QuantileKind kind, int size) : kind_(kind), size_(size), levels_(1) {}
    static std::optional<QuantileSketch> read(std::string_view bytes, QuantileKind kind);
    std::string write() const;

    void add(T value);
    void merge(const QuantileSketch& other);
    std::int64_t count() const { return count_; }
    // The least value that so great a share of all does not exceed; nothing when there is none.
    std::optional<T> quantile(double share) const;
    // The share of values that are not greater.
    std::optional<double> rank(T value) const;
    std::string text() const;

private:
    struct Weighted {
        T value;
        std::int64_t weight;
    };
    std::vector<Weighted> sorted() const;
    std::size_t capacity(std::size_t level) const;
    void compress();
    std::size_t held() const;

    QuantileKind kind_;
    int size_;
    std::int64_t count_ = 0;
    T least_ = std::numeric_limits<T>::max();
    T most_ = std::numeric_limits<T>::lowest();
    bool odd_ = false;  // Which half goes on, by turns.
    std::vector<std::vector<T>> levels_;
};

extern template class QuantileSketch<std::int64_t>;
extern template class QuantileSketch<double>;

}  // namespace millrace::columnar
