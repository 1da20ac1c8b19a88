#include "cli/weblog/generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "runtime/clock.h"

namespace millrace::cli {
namespace {

constexpr std::array<std::string_view, 10> kSections = {
    "/",      "/news/",           "/shop/",    "/shop/books/", "/shop/music/",
    "/help/", "/history/apollo/", "/weather/", "/sports/",     "/people/"};
constexpr std::array<std::string_view, 4> kPictures = {"logo.gif", "banner.jpg", "map.png",
                                                       "photo.jpeg"};

std::string page_name(std::uint32_t rank) {
    const std::string_view section = kSections[rank % kSections.size()];
    const std::uint32_t number = rank / static_cast<std::uint32_t>(kSections.size());
    return number == 0 ? fmt::format("{}index.html", section)
                       : fmt::format("{}page{}.html", section, number);
}

}  // namespace

GeneratedWebLog::Ranks::Ranks(std::uint32_t count) {
    // Whole numbers only, so that every machine draws the same.
    constexpr std::uint64_t kFirst = 1'000'000;
    std::uint64_t sum = 0;
    for (std::uint32_t rank = 1; rank <= std::max(count, 1u); ++rank) {
        sum += std::max<std::uint64_t>(kFirst / rank, 1);
        sums_.push_back(sum);
    }
}

std::uint32_t GeneratedWebLog::Ranks::draw(runtime::Random& random) const {
    const std::uint64_t point = random.next() % sums_.back();
    return static_cast<std::uint32_t>(std::ranges::upper_bound(sums_, point) - sums_.begin());
}

GeneratedWebLog::GeneratedWebLog(const WebLogSettings& settings)
    : settings_(settings),
      random_(runtime::make_seeded_random(settings.seed)),
      pages_(settings.pages),
      hosts_(settings.hosts) {
    settings_.events_per_second = std::max<std::int64_t>(settings_.events_per_second, 1);
}

GeneratedWebLog::~GeneratedWebLog() = default;

std::uint64_t GeneratedWebLog::below(std::uint64_t bound) {
    return random_->next() % bound;
}

std::int64_t GeneratedWebLog::event_time() {
    const auto elapsed_ms = static_cast<std::int64_t>(
        made_ * 1000 / static_cast<std::uint64_t>(settings_.events_per_second));
    std::int64_t behind_ms = 0;
    if (one_in_thousand(settings_.late_permille)) {
        behind_ms = static_cast<std::int64_t>(3'600'000 + below(3'600'000));
    } else if (one_in_thousand(settings_.out_of_order_permille)) {
        behind_ms = static_cast<std::int64_t>(below(30'000));
    }
    return settings_.start_ms + elapsed_ms - behind_ms;
}

std::string GeneratedWebLog::malformed(std::string json) {
    switch (below(3)) {
        case 0: return json.substr(0, json.size() / 2);
        case 1: return "127.0.0.1 - - \"GET /index.html\" 200";
        default: return R"({"host":1,"timestamp":"yesterday","request":[],"http_reply":"ok"})";
    }
}

base::Result<std::optional<WebLogRecord>> GeneratedWebLog::next() {
    if (settings_.records != 0 && made_ == settings_.records) {
        return std::optional<WebLogRecord>();
    }
    WebLogEvent event;
    event.host = fmt::format("host{}.example.net", hosts_.draw(*random_));
    event.timestamp_ms = event_time();
    const std::uint32_t page = pages_.draw(*random_);
    const std::uint64_t kind = below(100);
    if (kind < 30) {
        event.request = fmt::format("GET /images/{}", kPictures[page % kPictures.size()]);
    } else if (kind < 35) {
        event.request = fmt::format("GET {}?id={}", page_name(page), below(100));
    } else if (kind < 37) {
        event.request = fmt::format("HEAD {}", page_name(page));
    } else if (kind < 39) {
        event.request = fmt::format("POST {}", page_name(page));
    } else {
        event.request = fmt::format("GET {}", page_name(page));
    }
    const std::uint64_t outcome = below(100);
    event.http_reply = outcome < 88 ? 200 : outcome < 96 ? 304 : outcome < 98 ? 302 : 404;
    const auto size = static_cast<std::int64_t>(200 + page * 37 % 9000 + below(2000));
    event.bytes = event.http_reply == 200 ? size : 0;

    WebLogRecord record{.key = event.host, .value = to_json(event), .event_ms = event.timestamp_ms};
    if (one_in_thousand(settings_.malformed_permille)) {
        record.value = malformed(std::move(record.value));
        record.event_ms.reset();
    }
    ++made_;
    return record;
}

std::optional<double> GeneratedWebLog::progress() const {
    if (settings_.records == 0) return std::nullopt;
    return static_cast<double>(made_) / static_cast<double>(settings_.records);
}

}  // namespace millrace::cli
