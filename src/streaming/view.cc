#include "streaming/view.h"

#include <algorithm>
#include <bit>

namespace millrace::streaming {

void LatencyHistogram::note(std::uint64_t us, std::uint64_t times) {
    const auto bucket = static_cast<std::size_t>(std::bit_width(us));
    counts[std::min(bucket, kBuckets - 1)] += times;
    count += times;
    sum_us += us * times;
}

std::uint64_t LatencyHistogram::quantile_us(double quantile) const {
    if (count == 0) return 0;
    const double wanted = quantile * static_cast<double>(count);
    double seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
        const auto here = static_cast<double>(counts[i]);
        if (here > 0 && seen + here >= wanted) {
            const double low = i == 0 ? 0 : static_cast<double>(std::uint64_t{1} << (i - 1));
            const double high = static_cast<double>(std::uint64_t{1} << i);
            return static_cast<std::uint64_t>(low + (high - low) * (wanted - seen) / here);
        }
        seen += here;
    }
    return std::uint64_t{1} << (kBuckets - 1);
}

}  // namespace millrace::streaming
