// Messages of random content for the round-trip tests; the filling is generated from the schema.
#pragma once

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/bytes.h"
#include "kafka/types.h"

namespace millrace::kafka {

class Filler {
public:
    explicit Filler(std::uint64_t seed) : engine_(seed) {}
    std::uint64_t next() { return engine_(); }
    bool one_in(int odds) { return next() % static_cast<std::uint64_t>(odds) == 0; }
    // How many elements an array gets.
    int count() { return static_cast<int>(next() % 4); }

private:
    std::mt19937_64 engine_;
};

// Numbers: small ones, the extremes, and any.
template <class Integer>
    requires std::is_integral_v<Integer>
void fill(Integer& into, Filler& random) {
    using Limits = std::numeric_limits<Integer>;
    switch (random.next() % 4) {
        case 0: into = Limits::max(); break;
        case 1: into = Limits::min(); break;
        case 2: into = static_cast<Integer>(random.next() % 100); break;
        default: into = static_cast<Integer>(random.next());
    }
}
inline void fill(bool& into, Filler& random) {
    into = random.one_in(2);
}
inline void fill(double& into, Filler& random) {
    into = static_cast<double>(random.next() % 1000);
}
inline void fill(Uuid& into, Filler& random) {
    into = {random.next(), random.next()};
}
inline void fill(ErrorCode& into, Filler& random) {
    into = ErrorCode{static_cast<std::int16_t>(random.next() % 100)};
}
inline void fill(std::string& into, Filler& random) {
    into.assign(random.one_in(20) ? random.next() % 700 : random.next() % 12, '\0');
    for (char& letter : into) letter = static_cast<char>('a' + random.next() % 26);
}
inline void fill(Records& into, Filler& random) {
    static const base::Bytes content(4096, 'r');
    into = {content.data(), random.one_in(4) ? random.next() % 4096 : random.next() % 64};
}

// An encoded message of this type, random in every field that the version has.
base::Bytes random_message(std::string_view name, std::int16_t version, Filler& random);

}  // namespace millrace::kafka
