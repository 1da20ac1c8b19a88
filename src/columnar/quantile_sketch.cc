#include "columnar/quantile_sketch_internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace millrace::columnar {

namespace {

constexpr std::string_view kMagic = "KLL\1";
constexpr std::size_t kMostLevels = 60;

template <class T>
void put(std::string& to, T value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    to.append(bytes, sizeof value);
}
template <class T>
bool take(std::string_view& from, T& value) {
    if (from.size() < sizeof value) return false;
    std::memcpy(&value, from.data(), sizeof value);
    from.remove_prefix(sizeof value);
    return true;
}

}  // namespace

template <class T>
std::size_t QuantileSketch<T>::capacity(std::size_t level) const {
    // Two thirds of the next: the highest level holds k.
    const auto below = static_cast<double>(levels_.size() - 1 - level);
    return std::max<std::size_t>(
        kLeastSize, static_cast<std::size_t>(std::ceil(size_ * std::pow(2.0 / 3.0, below))));
}

template <class T>
std::size_t QuantileSketch<T>::held() const {
    std::size_t total = 0;
    for (const auto& level : levels_) total += level.size();
    return total;
}

template <class T>
void QuantileSketch<T>::compress() {
    for (std::size_t level = 0; level < levels_.size(); ++level) {
        if (levels_[level].size() < capacity(level)) continue;
        if (level + 1 == levels_.size()) levels_.emplace_back();
        std::vector<T>& full = levels_[level];
        std::ranges::sort(full);
        std::vector<T> rest;
        if (full.size() % 2 == 1) {
            rest.push_back(full.back());
            full.pop_back();
        }
        odd_ = !odd_;
        for (std::size_t i = odd_ ? 1 : 0; i < full.size(); i += 2) {
            levels_[level + 1].push_back(full[i]);
        }
        full = std::move(rest);
        return;
    }
}

template <class T>
void QuantileSketch<T>::add(T value) {
    if (count_ == 0 || value < least_) least_ = value;
    if (count_ == 0 || most_ < value) most_ = value;
    ++count_;
    std::size_t room = 0;
    for (std::size_t i = 0; i < levels_.size(); ++i) room += capacity(i);
    if (held() >= room) compress();
    levels_[0].push_back(value);
}

template <class T>
void QuantileSketch<T>::merge(const QuantileSketch& other) {
    if (other.count_ == 0) return;
    if (count_ == 0 || other.least_ < least_) least_ = other.least_;
    if (count_ == 0 || most_ < other.most_) most_ = other.most_;
    count_ += other.count_;
    if (levels_.size() < other.levels_.size()) levels_.resize(other.levels_.size());
    for (std::size_t i = 0; i < other.levels_.size(); ++i) {
        levels_[i].insert(levels_[i].end(), other.levels_[i].begin(), other.levels_[i].end());
    }
    while (true) {
        std::size_t room = 0;
        for (std::size_t i = 0; i < levels_.size(); ++i) room += capacity(i);
        const std::size_t before = held();
        if (before <= room) return;
        compress();
        if (held() == before) return;
    }
}

template <class T>
std::vector<typename QuantileSketch<T>::Weighted> QuantileSketch<T>::sorted() const {
    std::vector<Weighted> all;
    for (std::size_t i = 0; i < levels_.size(); ++i) {
        for (const T value : levels_[i]) all.push_back({value, std::int64_t{1} << i});
    }
    std::ranges::sort(all, {}, &Weighted::value);
    return all;
}

template <class T>
std::optional<T> QuantileSketch<T>::quantile(double share) const {
    if (count_ == 0) return std::nullopt;
    const auto wanted = static_cast<std::int64_t>(std::ceil(share * static_cast<double>(count_)));
    std::int64_t passed = 0;
    for (const Weighted& item : sorted()) {
        passed += item.weight;
        if (passed >= wanted) return item.value;
    }
    return most_;
}

template <class T>
std::optional<double> QuantileSketch<T>::rank(T value) const {
    if (count_ == 0) return std::nullopt;
    std::int64_t passed = 0;
    for (const Weighted& item : sorted()) {
        if (value < item.value) break;
        passed += item.weight;
    }
    return static_cast<double>(passed) / static_cast<double>(count_);
}

template <class T>
std::string QuantileSketch<T>::text() const {
    return fmt::format(
        "### KLL sketch summary:\n   K              : {}\n   N              : {}\n"
        "   Levels         : {}\n   Retained items : {}\n   Min item       : {}\n"
        "   Max item       : {}\n### End sketch summary\n",
        size_, count_, levels_.size(), held(), count_ == 0 ? T{} : least_,
        count_ == 0 ? T{} : most_);
}

template <class T>
std::string QuantileSketch<T>::write() const {
    std::string result(kMagic);
    put(result, static_cast<std::uint8_t>(kind_));
    put(result, static_cast<std::uint16_t>(size_));
    put(result, count_);
    put(result, least_);
    put(result, most_);
    put(result, static_cast<std::uint8_t>(levels_.size()));
    for (const auto& level : levels_) {
        put(result, static_cast<std::uint32_t>(level.size()));
        for (const T value : level) put(result, value);
    }
    return result;
}

template <class T>
std::optional<QuantileSketch<T>> QuantileSketch<T>::read(std::string_view bytes,
                                                         QuantileKind kind) {
    if (!bytes.starts_with(kMagic)) return std::nullopt;
    bytes.remove_prefix(kMagic.size());
    std::uint8_t stored = 0;
    std::uint16_t size = 0;
    std::uint8_t levels = 0;
    QuantileSketch result(kind, kLeastSize);
    if (!take(bytes, stored) || stored != static_cast<std::uint8_t>(kind) || !take(bytes, size) ||
        size < kLeastSize || !take(bytes, result.count_) || result.count_ < 0 ||
        !take(bytes, result.least_) || !take(bytes, result.most_) || !take(bytes, levels) ||
        levels < 1 || levels > kMostLevels) {
        return std::nullopt;
    }
    result.size_ = size;
    result.levels_.resize(levels);
    for (auto& level : result.levels_) {
        std::uint32_t count = 0;
        if (!take(bytes, count) || count > bytes.size() / sizeof(T)) return std::nullopt;
        level.resize(count);
        for (T& value : level) take(bytes, value);
    }
    return result;
}

template class QuantileSketch<std::int64_t>;
template class QuantileSketch<double>;

}  // namespace millrace::columnar
