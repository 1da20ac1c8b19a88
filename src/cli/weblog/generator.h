// GeneratedWebLog: a web log that looks real and is the same for the same settings, everywhere.
//
// Few pages and hosts have most of the hits (a page's share falls with its rank). Event time moves
// on evenly; some records come a little out of order, which a watermark of ten minutes absorbs, a
// few come so late that it does not, and a few are malformed: cut off, no JSON, or of wrong types.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cli/weblog/event.h"

namespace millrace::runtime {
class Random;
}

namespace millrace::cli {

struct WebLogSettings {
    std::uint64_t seed = 1;
    std::uint64_t records = 100'000;            // 0: without end.
    std::int64_t start_ms = 1'767'225'600'000;  // Event time of the first one: 2026-01-01.
    std::int64_t events_per_second = 20;        // Of event time.
    std::uint32_t pages = 400;
    std::uint32_t hosts = 5000;
    std::uint32_t out_of_order_permille = 100;  // Up to 30 s behind.
    std::uint32_t late_permille = 2;            // 1 to 2 hours behind.
    std::uint32_t malformed_permille = 1;
};

class GeneratedWebLog final : public WebLogSource {
public:
    explicit GeneratedWebLog(const WebLogSettings& settings);
    ~GeneratedWebLog() override;

    base::Result<std::optional<WebLogRecord>> next() override;
    std::optional<double> progress() const override;

private:
    // Draws a rank: the first one most often, the n-th with 1/n of its share.
    class Ranks {
    public:
        explicit Ranks(std::uint32_t count);
        std::uint32_t draw(runtime::Random& random) const;

    private:
        std::vector<std::uint64_t> sums_;
    };

    std::uint64_t below(std::uint64_t bound);
    bool one_in_thousand(std::uint32_t permille) { return below(1000) < permille; }
    std::int64_t event_time();
    std::string malformed(std::string json);

    WebLogSettings settings_;
    std::unique_ptr<runtime::Random> random_;
    Ranks pages_;
    Ranks hosts_;
    std::uint64_t made_ = 0;
};

}  // namespace millrace::cli
