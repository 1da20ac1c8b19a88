#include <algorithm>
#include <array>

#include "base/check.h"
#include "session/conf.h"

namespace millrace::session {

namespace {

using Kind = ConfRow::Kind;

// Spark 4.2's names and defaults. Where Millrace has nothing to tune the default is still told,
// because clients ask for it. One differs: there are no Java stack traces to be shown here, so
// spark.sql.connect.serverStacktrace.enabled is off.
constexpr auto kRows = std::to_array<ConfRow>({
    {"spark.api.mode", "connect", Kind::kText, true},
    {"spark.app.name", "millrace", Kind::kText},
    {"spark.connect.grpc.arrow.maxBatchSize", "134217728", Kind::kBytes, true},
    {"spark.connect.grpc.binding.port", "15002", Kind::kInteger, true},
    {"spark.connect.session.planCompression.defaultAlgorithm", "ZSTD"},
    {"spark.connect.session.planCompression.threshold", "10485760", Kind::kInteger},
    {"spark.driver.host", "127.0.0.1", Kind::kText, true},
    {"spark.executor.id", "driver", Kind::kText, true},
    {"spark.master", "local[*]", Kind::kText, true},
    {"spark.network.timeout", "120s", Kind::kText, true},
    {"spark.plugins", "", Kind::kText, true, true},
    {"spark.python.profile", "false", Kind::kBoolean},
    {"spark.python.profile.memory", "false", Kind::kBoolean},
    {"spark.python.worker.reuse", "true", Kind::kBoolean, true},
    {"spark.remote", "", Kind::kText, true, true},
    {"spark.sql.adaptive.enabled", "true", Kind::kBoolean},
    {"spark.sql.ansi.doubleQuotedIdentifiers", "false", Kind::kBoolean},
    {"spark.sql.ansi.enabled", "true", Kind::kBoolean},
    {"spark.sql.ansi.enforceReservedKeywords", "false", Kind::kBoolean},
    {"spark.sql.artifact.isolation.alwaysApplyClassloader", "false", Kind::kBoolean},
    {"spark.sql.artifact.isolation.enabled", "true", Kind::kBoolean},
    {"spark.sql.autoBroadcastJoinThreshold", "10485760b", Kind::kBytes},
    {"spark.sql.caseSensitive", "false", Kind::kBoolean},
    {"spark.sql.catalogImplementation", "in-memory", Kind::kText, true},
    {"spark.sql.cbo.enabled", "false", Kind::kBoolean},
    {"spark.sql.codegen.wholeStage", "true", Kind::kBoolean},
    {"spark.sql.columnNameOfCorruptRecord", "_corrupt_record"},
    {"spark.sql.connect.enrichError.enabled", "true", Kind::kBoolean},
    {"spark.sql.connect.serverStacktrace.enabled", "false", Kind::kBoolean},
    {"spark.sql.crossJoin.enabled", "true", Kind::kBoolean},
    {"spark.sql.debug.maxToStringFields", "25", Kind::kInteger},
    {"spark.sql.defaultCatalog", "spark_catalog"},
    {"spark.sql.event.truncate.length", "2147483647", Kind::kInteger, true},
    {"spark.sql.execution.arrow.enabled", "false", Kind::kBoolean},
    {"spark.sql.execution.arrow.fallback.enabled", "true", Kind::kBoolean},
    {"spark.sql.execution.arrow.localRelationThreshold", "50331648b", Kind::kBytes},
    {"spark.sql.execution.arrow.maxBytesPerBatch", "67108864b", Kind::kBytes},
    {"spark.sql.execution.arrow.maxRecordsPerBatch", "10000", Kind::kInteger},
    {"spark.sql.execution.arrow.pyspark.enabled", "true", Kind::kBoolean},
    {"spark.sql.execution.arrow.pyspark.fallback.enabled", "true", Kind::kBoolean},
    {"spark.sql.execution.arrow.pyspark.selfDestruct.enabled", "false", Kind::kBoolean},
    {"spark.sql.execution.arrow.useLargeVarTypes", "false", Kind::kBoolean},
    {"spark.sql.execution.pandas.convertToArrowArraySafely", "false", Kind::kBoolean},
    {"spark.sql.execution.pandas.inferPandasDictAsMap", "false", Kind::kBoolean},
    {"spark.sql.execution.pandas.structHandlingMode", "legacy"},
    {"spark.sql.execution.pyspark.binaryAsBytes", "true", Kind::kBoolean},
    {"spark.sql.execution.pythonUDF.arrow.concurrency.level", "", Kind::kInteger, false, true},
    {"spark.sql.execution.pythonUDF.arrow.enabled", "true", Kind::kBoolean},
    {"spark.sql.execution.pythonUDTF.arrow.enabled", "false", Kind::kBoolean},
    {"spark.sql.extensions", "", Kind::kText, true, true},
    {"spark.sql.files.ignoreCorruptFiles", "false", Kind::kBoolean},
    {"spark.sql.files.ignoreMissingFiles", "false", Kind::kBoolean},
    {"spark.sql.files.maxPartitionBytes", "134217728b", Kind::kBytes},
    {"spark.sql.groupByAliases", "true", Kind::kBoolean},
    {"spark.sql.groupByOrdinal", "true", Kind::kBoolean},
    {"spark.sql.globalTempDatabase", "global_temp", Kind::kText, true},
    {"spark.sql.inMemoryColumnarStorage.compressed", "true", Kind::kBoolean},
    {"spark.sql.join.preferSortMergeJoin", "true", Kind::kBoolean},
    {"spark.sql.jsonGenerator.ignoreNullFields", "true", Kind::kBoolean},
    {"spark.sql.leafNodeDefaultParallelism", "", Kind::kInteger, false, true},
    {"spark.sql.legacy.createHiveTableByDefault", "false", Kind::kBoolean},
    {"spark.sql.legacy.timeParserPolicy", "CORRECTED"},
    {"spark.sql.mapKeyDedupPolicy", "EXCEPTION"},
    {"spark.sql.maxPlanStringLength", "2147483632", Kind::kBytes},
    {"spark.sql.optimizer.maxIterations", "100", Kind::kInteger},
    {"spark.sql.orderByOrdinal", "true", Kind::kBoolean},
    {"spark.sql.parquet.compression.codec", "snappy"},
    {"spark.sql.parquet.filterPushdown", "true", Kind::kBoolean},
    {"spark.sql.parquet.mergeSchema", "false", Kind::kBoolean},
    {"spark.sql.pivotMaxValues", "10000", Kind::kInteger},
    {"spark.sql.pyspark.dataSource.profiler", "", Kind::kText, false, true},
    {"spark.sql.pyspark.inferNestedDictAsStruct.enabled", "false", Kind::kBoolean},
    {"spark.sql.pyspark.jvmStacktrace.enabled", "false", Kind::kBoolean},
    {"spark.sql.pyspark.legacy.inferArrayTypeFromFirstElement.enabled", "false", Kind::kBoolean},
    {"spark.sql.pyspark.legacy.inferMapTypeFromFirstPair.enabled", "false", Kind::kBoolean},
    {"spark.sql.pyspark.plotting.max_rows", "1000", Kind::kInteger},
    {"spark.sql.pyspark.udf.profiler", "", Kind::kText, false, true},
    {"spark.sql.pyspark.worker.logging.enabled", "false", Kind::kBoolean},
    {"spark.sql.readSideCharPadding", "true", Kind::kBoolean},
    {"spark.sql.repl.eagerEval.enabled", "false", Kind::kBoolean},
    {"spark.sql.repl.eagerEval.maxNumRows", "20", Kind::kInteger},
    {"spark.sql.repl.eagerEval.truncate", "20", Kind::kInteger},
    {"spark.sql.runSQLOnFiles", "true", Kind::kBoolean},
    {"spark.sql.session.localRelationBatchOfChunksSizeBytes", "1073741824", Kind::kInteger},
    {"spark.sql.session.localRelationCacheThreshold", "1048576", Kind::kInteger},
    {"spark.sql.session.localRelationChunkSizeBytes", "16777216", Kind::kInteger},
    {"spark.sql.session.localRelationChunkSizeRows", "10000", Kind::kInteger},
    {"spark.sql.session.localRelationSizeLimit", "3221225472", Kind::kInteger},
    {"spark.sql.session.timeZone", "UTC", Kind::kZone},
    {"spark.sql.shuffle.partitions", "200", Kind::kInteger},
    {"spark.sql.sources.commitProtocolClass",
     "org.apache.spark.sql.execution.datasources.SQLHadoopMapReduceCommitProtocol"},
    {"spark.sql.sources.default", "parquet"},
    {"spark.sql.sources.partitionColumnTypeInference.enabled", "true", Kind::kBoolean},
    {"spark.sql.sources.partitionOverwriteMode", "STATIC"},
    {"spark.sql.statistics.size.autoUpdate.enabled", "false", Kind::kBoolean},
    {"spark.sql.storeAssignmentPolicy", "ANSI"},
    {"spark.sql.streaming.aggregation.stateFormatVersion", "2", Kind::kInteger},
    {"spark.sql.streaming.checkpointLocation", "", Kind::kText, false, true},
    {"spark.sql.streaming.forceDeleteTempCheckpointLocation", "false", Kind::kBoolean},
    {"spark.sql.streaming.maxBatchesToRetainInMemory", "2", Kind::kInteger},
    {"spark.sql.streaming.metricsEnabled", "false", Kind::kBoolean},
    {"spark.sql.streaming.minBatchesToRetain", "100", Kind::kInteger},
    {"spark.sql.streaming.multipleWatermarkPolicy", "min"},
    {"spark.sql.streaming.noDataMicroBatches.enabled", "true", Kind::kBoolean},
    {"spark.sql.streaming.noDataProgressEventInterval", "10000", Kind::kInteger},
    {"spark.sql.streaming.numRecentProgressUpdates", "100", Kind::kInteger},
    {"spark.sql.streaming.pollingDelay", "10ms"},
    {"spark.sql.streaming.schemaInference", "false", Kind::kBoolean},
    {"spark.sql.streaming.stateStore.providerClass",
     "org.apache.spark.sql.execution.streaming.state.HDFSBackedStateStoreProvider"},
    {"spark.sql.streaming.stopActiveRunOnRestart", "true", Kind::kBoolean},
    {"spark.sql.streaming.stopTimeout", "0"},
    {"spark.sql.streaming.unsupportedOperationCheck", "true", Kind::kBoolean},
    {"spark.sql.subexpressionElimination.enabled", "true", Kind::kBoolean},
    {"spark.sql.timeType.enabled", "true", Kind::kBoolean},
    {"spark.sql.timestampType", "TIMESTAMP_LTZ"},
    {"spark.sql.ui.retainedExecutions", "1000", Kind::kInteger, true},
    {"spark.sql.variable.substitute", "true", Kind::kBoolean},
    {"spark.sql.warehouse.dir", "spark-warehouse", Kind::kText, true},
});

constexpr bool is_before(const ConfRow& a, const ConfRow& b) {
    return a.key < b.key;
}

}  // namespace

std::span<const ConfRow> conf_table() {
    static const auto sorted = [] {
        auto rows = kRows;
        std::ranges::sort(rows, is_before);
        return rows;
    }();
    return sorted;
}

const ConfRow* find_conf(std::string_view key) {
    const auto rows = conf_table();
    const auto found = std::ranges::lower_bound(rows, key, {}, &ConfRow::key);
    return found != rows.end() && found->key == key ? &*found : nullptr;
}

}  // namespace millrace::session
