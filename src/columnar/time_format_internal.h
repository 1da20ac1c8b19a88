// TimeFormat: a pattern of Java's DateTimeFormatter ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX"), compiled
// once.
//
// Parsing is strict, as Spark's is since version 3; fields that the pattern lacks are those of
// 1970-01-01 00:00. Immutable: used by any number of threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "columnar/time_zone_internal.h"

namespace millrace::columnar {

class TimeFormat {
public:
    // Spark's error for letters that it does not know.
    static base::Result<TimeFormat> make(std::string_view pattern);

    std::optional<std::int32_t> parse_date(std::string_view text) const;
    std::optional<std::int64_t> parse_local(std::string_view text) const;
    // In `zone` unless the text names one.
    std::optional<std::int64_t> parse_instant(std::string_view text, Zone& zone) const;

    // `zone_name` and `offset_us` matter to patterns that show them.
    void append(std::string& to, std::int64_t local_us, std::int64_t offset_us,
                std::string_view zone_name) const;

private:
    struct Item {
        char letter = 0;  // 0: the text itself.
        int count = 0;
        std::string text;
        bool optional_start = false;
        bool optional_end = false;
    };
    struct Fields;
    bool read(std::string_view text, std::size_t& at, std::size_t from, std::size_t to,
              Fields& fields) const;
    std::optional<Fields> parse(std::string_view text) const;

    std::vector<Item> items_;
};

}  // namespace millrace::columnar
