// Error and Result: how every room reports what went wrong.
//
// An Error has a code to branch on, a message for a person (what happened, where, what to do), and,
// where a protocol names its errors, a Condition that carries that name. Errors are values: nothing
// throws across a room's edge, and nothing reachable from input aborts (that is what MR_CHECK in
// base/check.h is for: broken invariants only).
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace millrace::base {

// What a caller may branch on. Doors translate these to wire codes, each in one function.
enum class Code : std::uint8_t {
    kInvalidArgument,    // The request itself is wrong; repeating it cannot help.
    kNotFound,           // A topic, file, session, operation ... that does not exist.
    kAlreadyExists,      //
    kOutOfRange,         // An offset or index outside what exists.
    kCorrupt,            // Bytes that fail their checksum or their format.
    kTooLarge,           // Over a stated limit.
    kUnsupported,        // A feature, version or format that this program does not have.
    kIo,                 // The operating system refused; the message holds its words.
    kNoSpace,            // The disk is full; succeeds again once space returns.
    kOffline,            // A partition or file taken out of service after a failed write.
    kUnavailable,        // Not now: retry later.
    kTimeout,            //
    kCancelled,          // Stopped by the caller or by shutdown.
    kPermissionDenied,   //
    kResourceExhausted,  // A bound on memory, sessions or connections was reached.
    kConflict,           // Another holder: a port, a data folder, a query of the same name.
    kFenced,             // An older epoch or generation than the current one.
    kOutOfOrder,         // A sequence number that does not follow the last one.
    kAnalysis,           // A query that cannot be resolved (Spark's AnalysisException).
    kParse,              // Text that is not SQL, DDL, JSON ... (Spark's ParseException).
    kArithmetic,         // Overflow, division by zero ... while a query runs.
    kRuntime,            // Any other failure of a running query.
    kInternal,           // A defect of this program that was caught before it did harm.
};
std::string_view code_name(Code code);

// The protocol's own name of an error, e.g. Spark's "UNRESOLVED_COLUMN.WITH_SUGGESTION" with its
// SQLSTATE and parameters. `query_start`/`query_stop` are character positions in `query_fragment`'s
// statement (-1: none). `java_class` is the exception class that Spark raises, where it is not the
// one that the Code implies.
struct Condition {
    std::string name;
    std::string sql_state;
    std::map<std::string, std::string> parameters;
    std::string query_text;
    int query_start = -1;
    int query_stop = -1;
    std::string query_fragment;
    std::string java_class;
};

class Error {
public:
    Error(Code code, std::string message) : code_(code), message_(std::move(message)) {}
    Error(Code code, std::string message, Condition condition)
        : code_(code),
          message_(std::move(message)),
          condition_(std::make_shared<const Condition>(std::move(condition))) {}

    Code code() const { return code_; }
    const std::string& message() const { return message_; }
    // Null when no protocol has a name for this error.
    const Condition* condition() const { return condition_.get(); }

    // The same error with what was being done put in front: "recover segment 42: bad magic 7".
    Error with(std::string_view context) const;
    // "corrupt: recover segment 42: bad magic 7", for logs.
    std::string to_string() const;

private:
    Code code_;
    std::string message_;
    std::shared_ptr<const Condition> condition_;
};

template <class T>
using Result = std::expected<T, Error>;

template <class... Args>
std::unexpected<Error> fail(Code code, fmt::format_string<Args...> format, Args&&... args) {
    return std::unexpected(Error(code, fmt::format(format, std::forward<Args>(args)...)));
}
inline std::unexpected<Error> fail(Error error) {
    return std::unexpected(std::move(error));
}

// The error of a failed system call, with the words of `error_number` and ENOSPC as kNoSpace.
Error system_error(int error_number, std::string_view what);

}  // namespace millrace::base

#define MR_CONCAT_INNER(a, b) a##b
#define MR_CONCAT(a, b) MR_CONCAT_INNER(a, b)
#define MR_TRY_INNER(temporary, declaration, ...)                         \
    auto temporary = (__VA_ARGS__);                                       \
    if (!temporary) return std::unexpected(std::move(temporary).error()); \
    declaration = std::move(*temporary)
#define MR_CO_TRY_INNER(temporary, declaration, ...)                         \
    auto temporary = (__VA_ARGS__);                                          \
    if (!temporary) co_return std::unexpected(std::move(temporary).error()); \
    declaration = std::move(*temporary)

// MR_TRY(const auto entry, index.find(offset)); binds the value or returns the error to the caller.
#define MR_TRY(declaration, ...) \
    MR_TRY_INNER(MR_CONCAT(mr_result_, __COUNTER__), declaration, __VA_ARGS__)
// The same inside a coroutine.
#define MR_CO_TRY(declaration, ...) \
    MR_CO_TRY_INNER(MR_CONCAT(mr_result_, __COUNTER__), declaration, __VA_ARGS__)
// For Result<void>, or where the value is not wanted.
#define MR_TRY_VOID(...)                                                        \
    do {                                                                        \
        auto mr_outcome = (__VA_ARGS__);                                        \
        if (!mr_outcome) return std::unexpected(std::move(mr_outcome).error()); \
    } while (false)
#define MR_CO_TRY_VOID(...)                                                        \
    do {                                                                           \
        auto mr_outcome = (__VA_ARGS__);                                           \
        if (!mr_outcome) co_return std::unexpected(std::move(mr_outcome).error()); \
    } while (false)
