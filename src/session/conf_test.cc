#include "session/conf.h"

#include <gtest/gtest.h>

namespace millrace::session {

namespace {

std::string condition_of(const Result<void>& outcome) {
    if (outcome) return "ok";
    return outcome.error().condition() == nullptr ? "?" : outcome.error().condition()->name;
}

}  // namespace

TEST(SessionConf, knows_the_keys_that_clients_read_by_themselves) {
    const SessionConf conf;
    for (const char* key : {"spark.sql.timestampType",
                            "spark.sql.session.timeZone",
                            "spark.sql.session.localRelationCacheThreshold",
                            "spark.sql.session.localRelationSizeLimit",
                            "spark.sql.session.localRelationChunkSizeRows",
                            "spark.sql.session.localRelationChunkSizeBytes",
                            "spark.sql.session.localRelationBatchOfChunksSizeBytes",
                            "spark.sql.execution.pandas.convertToArrowArraySafely",
                            "spark.sql.execution.pandas.inferPandasDictAsMap",
                            "spark.sql.pyspark.inferNestedDictAsStruct.enabled",
                            "spark.sql.pyspark.legacy.inferArrayTypeFromFirstElement.enabled",
                            "spark.sql.pyspark.legacy.inferMapTypeFromFirstPair.enabled",
                            "spark.sql.execution.arrow.useLargeVarTypes",
                            "spark.sql.execution.pandas.structHandlingMode",
                            "spark.sql.execution.arrow.pyspark.selfDestruct.enabled",
                            "spark.sql.repl.eagerEval.enabled",
                            "spark.sql.repl.eagerEval.maxNumRows",
                            "spark.sql.repl.eagerEval.truncate",
                            "spark.sql.execution.pythonUDF.arrow.enabled",
                            "spark.sql.execution.pythonUDTF.arrow.enabled",
                            "spark.sql.execution.pyspark.binaryAsBytes",
                            "spark.sql.connect.serverStacktrace.enabled",
                            "spark.sql.pyspark.jvmStacktrace.enabled",
                            "spark.connect.session.planCompression.threshold",
                            "spark.connect.session.planCompression.defaultAlgorithm"}) {
        const auto value = conf.require(key);
        ASSERT_TRUE(value) << key;
        EXPECT_TRUE(value->has_value()) << key;
    }
}

TEST(SessionConf, unknown_keys_are_an_error_to_those_who_require_them) {
    SessionConf conf;
    EXPECT_EQ(conf.get("my.key"), std::nullopt);
    const auto missing = conf.require("my.key");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().condition()->name, "SQL_CONF_NOT_FOUND");
    ASSERT_TRUE(conf.set("my.key", "1"));
    EXPECT_EQ(conf.require("my.key").value(), "1");
    ASSERT_TRUE(conf.unset("my.key"));
    EXPECT_FALSE(conf.require("my.key"));
}

TEST(SessionConf, checks_values_by_their_kind) {
    SessionConf conf;
    const std::string mismatch = "INVALID_CONF_VALUE.TYPE_MISMATCH";
    EXPECT_EQ(condition_of(conf.set("spark.sql.ansi.enabled", "TRUE")), "ok");
    EXPECT_EQ(condition_of(conf.set("spark.sql.ansi.enabled", "yes")), mismatch);
    EXPECT_EQ(condition_of(conf.set("spark.sql.shuffle.partitions", "8")), "ok");
    EXPECT_EQ(condition_of(conf.set("spark.sql.shuffle.partitions", "8.5")), mismatch);
    EXPECT_EQ(condition_of(conf.set("spark.sql.files.maxPartitionBytes", "64MB")), "ok");
    EXPECT_EQ(condition_of(conf.set("spark.sql.files.maxPartitionBytes", "MB")), mismatch);
    EXPECT_EQ(condition_of(conf.set("spark.sql.session.timeZone", "Europe/Berlin")), "ok");
    EXPECT_EQ(condition_of(conf.set("spark.sql.session.timeZone", "+02:00")), "ok");
    EXPECT_EQ(condition_of(conf.set("spark.sql.session.timeZone", "no zone!")),
              "INVALID_CONF_VALUE.TIME_ZONE");
    EXPECT_EQ(condition_of(conf.set("spark.sql.warehouse.dir", "/x")),
              "CANNOT_MODIFY_STATIC_CONFIG");
}

TEST(SessionConf, settings_of_the_server_are_defaults_below_those_of_the_session) {
    SessionConf conf({{"spark.sql.session.timeZone", "Asia/Tokyo"}});
    EXPECT_EQ(conf.get("spark.sql.session.timeZone"), "Asia/Tokyo");
    ASSERT_TRUE(conf.set("spark.sql.session.timeZone", "UTC"));
    EXPECT_EQ(conf.get("spark.sql.session.timeZone"), "UTC");
    const SessionConf copy(conf);
    conf.reset();
    EXPECT_EQ(conf.get("spark.sql.session.timeZone"), "Asia/Tokyo");
    EXPECT_EQ(copy.get("spark.sql.session.timeZone"), "UTC");
    EXPECT_TRUE(conf.is_modifiable("spark.sql.ansi.enabled"));
    EXPECT_FALSE(conf.is_modifiable("spark.master"));
    EXPECT_FALSE(conf.is_modifiable("my.key"));
}

}  // namespace millrace::session
