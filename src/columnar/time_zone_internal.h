// Zone: a session time zone (ICU's data), as Spark names them: "Europe/Berlin", "UTC", "+02:00",
// "GMT+1", "Z". offset_at() is fast for times near each other: it remembers the last stretch
// between two transitions. A Zone belongs to one thread; find() is cheap enough for once a query.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"

namespace millrace::columnar {

class Zone {
public:
    static base::Result<Zone> find(const std::string& name);
    Zone(Zone&&) noexcept;
    Zone& operator=(Zone&&) noexcept;
    ~Zone();

    // Microseconds to add to UTC for wall-clock time at that instant.
    std::int64_t offset_at(std::int64_t instant_us);
    // The instant of a wall-clock time: as Java, a time in a gap moves on by the gap's length, and
    // of two possible instants the earlier is taken.
    std::int64_t to_instant(std::int64_t local_us);

private:
    struct Impl;
    explicit Zone(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// Days since the epoch and the proleptic Gregorian calendar.
struct CivilDate {
    std::int64_t year = 1970;
    int month = 1;
    int day = 1;
};
CivilDate civil_from_days(std::int64_t days);
std::int64_t days_from_civil(std::int64_t year, int month, int day);
int days_in_month(std::int64_t year, int month);

}  // namespace millrace::columnar
