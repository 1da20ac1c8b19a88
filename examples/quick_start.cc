// The shortest whole program: a session in this process, a table, a question, an answer.

#include <millrace/millrace.h>

#include <cstdio>

using namespace millrace::functions;

namespace {

millrace::Result<void> run() {
    auto spark = millrace::Session::local();
    if (!spark) return std::unexpected(spark.error());

    const auto hits = spark->create_dataframe(
        {{"/", 200, 7280}, {"/ksc.html", 200, 7280}, {"/", 200, 7280}, {"/missing", 404, nullptr}},
        "page STRING, reply INT, bytes BIGINT");
    if (!hits) return std::unexpected(hits.error());

    const auto pages = hits->where(col("reply") == 200)
                           .group_by({"page"})
                           .agg({count(col("*")).alias("hits"), sum(col("bytes")).alias("bytes")})
                           .order_by({desc("hits"), col("page")});
    if (auto shown = pages.show(); !shown) return shown;

    if (auto made = pages.create_or_replace_temp_view("pages"); !made) return made;
    const auto total = spark->sql("SELECT sum(hits) AS total FROM pages");
    if (!total) return std::unexpected(total.error());
    const auto rows = total->collect();
    if (!rows) return std::unexpected(rows.error());
    std::printf("%lld page views\n",
                static_cast<long long>(rows->at(0).get<std::int64_t>("total").value_or(0)));
    return spark->stop();
}

}  // namespace

int main() {
    const auto outcome = run();
    if (!outcome) std::fprintf(stderr, "quick_start: %s\n", outcome.error().message.c_str());
    return outcome ? 0 : 1;
}
