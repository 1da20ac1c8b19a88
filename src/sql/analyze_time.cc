// Time: windows, extract, conversions and the clock.
#include <fmt/ranges.h>

#include <algorithm>

#include "sql/analyzer_internal.h"
#include "sql/parser.h"
#include "sql/parser_internal.h"
#include "sql/result_rules_internal.h"
#include "sql/spark_text.h"

namespace millrace::sql {

using base::fail;
using plan::TypeKind;

namespace {

const std::string* text_literal(const TypedExprPtr& expression) {
    const auto* literal = expression->as<Literal>();
    return literal == nullptr ? nullptr : std::get_if<std::string>(&literal->value);
}

std::string list_text(const std::string& name, const std::vector<TypedExprPtr>& args) {
    std::vector<std::string> texts;
    for (const TypedExprPtr& arg : args) texts.push_back(arg->sql_text);
    return fmt::format("{}({})", name, fmt::join(texts, ", "));
}

std::vector<const FunctionRow*> rows_of(std::string_view name) {
    const auto found = functions_named(name);
    return {found.begin(), found.end()};
}

TypedExprPtr renamed(const TypedExprPtr& expression, std::string text) {
    TypedExpr copy = *expression;
    copy.sql_text = std::move(text);
    return std::make_shared<const TypedExpr>(std::move(copy));
}

}  // namespace

// to_date(x), to_timestamp(x): a cast; with a format, the parsing function.
Result<TypedExprPtr> Analyzer::conversion(Call& call) {
    MR_TRY_VOID(arguments(call));
    std::string text = list_text(call.name, call.args);
    const DataType target = call.name == "to_date"            ? DataType::date()
                            : call.name == "to_timestamp_ntz" ? DataType::timestamp_ntz()
                                                              : DataType::timestamp();
    const bool passes_as_is = call.args.size() == 2 && !call.args[0]->type.is_string() &&
                              (is_temporal(call.args[0]->type) || call.args[0]->type.is_numeric());
    if (call.args.size() == 1 || passes_as_is) {
        MR_TRY(TypedExprPtr result, explicit_cast(call.args[0], target, mode(), site(call.at)));
        return renamed(result, std::move(text));
    }
    return generic_call(call);
}

Result<TypedExprPtr> Analyzer::try_function(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.empty() || call.args.size() > 2)
        return fail(wrong_count(call, rows_of(call.name)));
    std::string text = list_text(call.name, call.args);
    const std::string plain = call.name.substr(4);
    const DataType target = plain == "to_date" ? DataType::date() : DataType::timestamp();
    if (call.args.size() == 1) {
        MR_TRY(TypedExprPtr result,
               explicit_cast(call.args[0], target, EvalMode::kTry, site(call.at)));
        return renamed(result, std::move(text));
    }
    call.name = plain;
    MR_TRY(TypedExprPtr result, generic_call(call));
    TypedExpr copy = *result;
    if (auto* made = std::get_if<plan::FunctionCall>(&copy.node)) made->mode = EvalMode::kTry;
    copy.nullable = true;
    copy.sql_text = std::move(text);
    return std::make_shared<const TypedExpr>(std::move(copy));
}

Result<TypedExprPtr> Analyzer::timestamp_literal(Call& call) {
    MR_TRY_VOID(arguments(call));
    const std::string* text = text_literal(call.args[0]);
    const auto parsed = text == nullptr ? std::nullopt : parse_timestamp(*text);
    const auto* type = call.args[0]->as<Literal>();
    if (!parsed || type == nullptr) {
        return fail(spark_error("INVALID_TYPED_LITERAL",
                                {{"valueType", "\"TIMESTAMP\""}, {"value", "''"}}, site(call.at)));
    }
    std::string shown = fmt::format("TIMESTAMP '{}'", timestamp_text(parsed->microseconds));
    const auto ntz = context_.conf.get("spark.sql.timestampType");
    if (!parsed->has_zone && ntz && *ntz == "TIMESTAMP_NTZ") {
        return typed(Literal{DataType::timestamp_ntz(), parsed->microseconds},
                     DataType::timestamp_ntz(), false, "TIMESTAMP_NTZ" + shown.substr(9),
                     call.at.origin);
    }
    if (parsed->zone.empty() && (time_zone_ == "UTC" || time_zone_ == "Etc/UTC")) {
        return typed(Literal{DataType::timestamp(), parsed->microseconds}, DataType::timestamp(),
                     false, std::move(shown), call.at.origin);
    }
    plan::TypedCast cast;
    cast.child = call.args[0];
    cast.session_time_zone = time_zone_;
    return typed(std::move(cast), DataType::timestamp(), false, std::move(shown), call.at.origin);
}

// window(time, duration[, slide[, start]]): the rows go through a TimeWindowNode below; the call
// itself is that node's column.
Result<TypedExprPtr> Analyzer::time_window(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.empty() || call.args.size() > 4)
        return fail(wrong_count(call, rows_of("window")));
    if (call.scope.pending == nullptr) {
        return fail(unsupported("window() outside of a select list or a grouping.", site(call.at)));
    }
    TypedExprPtr time = call.args[0];
    std::optional<std::int64_t> watermark;
    std::string metadata;
    if (const auto* ref = time->as<plan::AttributeRef>(); ref != nullptr && call.scope.input) {
        for (const Attribute& column : call.scope.input->columns) {
            if (column.id == ref->id) {
                watermark = column.watermark_delay_ms;
                metadata = column.metadata_json;
            }
        }
    }
    // A window of windows: by the inner window's own time. window(struct) alone is that column.
    if (time->type.is(TypeKind::kStruct)) {
        const TypedExprPtr inner = time;
        time = function_call("window_time", {inner}, DataType::timestamp(), inner->nullable,
                             fmt::format("window_time({})", inner->sql_text));
    }
    if (call.args.size() == 1) return fail(wrong_count(call, rows_of("window")));
    if (time->type.is_string() || time->type.is(TypeKind::kDate) ||
        time->type.is(TypeKind::kNull)) {
        time = cast_to(time, DataType::timestamp());
    }
    if (!time->type.is(TypeKind::kTimestamp) && !time->type.is(TypeKind::kTimestampNtz)) {
        return fail(
            spark_error("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                        {{"sqlExpr", quoted_expr(list_text("window", call.args))},
                         {"paramIndex", "first"},
                         {"requiredType", "(\"TIMESTAMP\" or \"TIMESTAMP WITHOUT TIME ZONE\")"},
                         {"inputSql", quoted_expr(time->sql_text)},
                         {"inputType", quoted_type(time->type)}},
                        site(call.at)));
    }
    plan::TimeWindowNode window;
    std::int64_t* const values[] = {&window.duration_us, &window.slide_us, &window.start_us};
    for (std::size_t i = 1; i < call.args.size(); ++i) {
        const auto* literal = call.args[i]->as<Literal>();
        const auto* number =
            literal == nullptr ? nullptr : std::get_if<std::int64_t>(&literal->value);
        if (const std::string* text = text_literal(call.args[i])) {
            auto parsed = parse_interval_us(*text);
            if (!parsed) {
                return fail(spark_error("CANNOT_PARSE_INTERVAL", {{"intervalString", *text}},
                                        site(call.at)));
            }
            *values[i - 1] = *parsed;
        } else if (number != nullptr && call.args[i]->type.is(TypeKind::kDayTimeInterval)) {
            *values[i - 1] = *number;
        } else {
            return fail(spark_error("CANNOT_PARSE_INTERVAL",
                                    {{"intervalString", call.args[i]->sql_text}}, site(call.at)));
        }
    }
    if (call.args.size() < 3) window.slide_us = window.duration_us;
    const auto out_of_range = [&](std::string_view name, std::int64_t value) {
        return fail(spark_error("DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
                                {{"sqlExpr", quoted_expr(list_text("window", call.args))},
                                 {"exprName", quoted_id(name)},
                                 {"valueRange", "(0, 9223372036854775807]"},
                                 {"currentValue", fmt::format("{}L", value)}},
                                site(call.at)));
    };
    if (window.duration_us <= 0) return out_of_range("window_duration", window.duration_us);
    if (window.slide_us <= 0) return out_of_range("slide_duration", window.slide_us);
    if (window.slide_us > window.duration_us) {
        return fail(spark_error("DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION",
                                {{"sqlExpr", quoted_expr(list_text("window", call.args))},
                                 {"leftExprName", "`slide_duration`"},
                                 {"leftExprValue", fmt::format("{}L", window.slide_us)},
                                 {"constraint", "<="},
                                 {"rightExprName", "`window_duration`"},
                                 {"rightExprValue", fmt::format("{}L", window.duration_us)}},
                                site(call.at)));
    }
    if (std::abs(window.start_us) >= window.slide_us) {
        return fail(spark_error("DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION",
                                {{"sqlExpr", quoted_expr(list_text("window", call.args))},
                                 {"leftExprName", "`abs(start_time)`"},
                                 {"leftExprValue", fmt::format("{}L", std::abs(window.start_us))},
                                 {"constraint", "<"},
                                 {"rightExprName", "`slide_duration`"},
                                 {"rightExprValue", fmt::format("{}L", window.slide_us)}},
                                site(call.at)));
    }
    for (const plan::TimeWindowNode& known : call.scope.pending->time_windows) {
        if (same_expr(*known.time, *time) && known.duration_us == window.duration_us &&
            known.slide_us == window.slide_us && known.start_us == window.start_us) {
            return reference(known.window);
        }
    }
    if (!call.scope.pending->time_windows.empty() || !call.scope.pending->session_windows.empty()) {
        return fail(legacy_error("_LEGACY_ERROR_TEMP_1039",
                                 "Multiple time/session window expressions would result in a "
                                 "cartesian product of rows, therefore they are currently not "
                                 "supported."));
    }
    const DataType type =
        DataType::structure({{"start", time->type, true, {}}, {"end", time->type, true, {}}});
    window.time = std::move(time);
    window.window = attribute("window", type, false);
    window.window.watermark_delay_ms = watermark;
    window.window.metadata_json = metadata;
    call.scope.pending->time_windows.push_back(std::move(window));
    return reference(call.scope.pending->time_windows.back().window);
}

// A gap that is one of several texts becomes one of several lengths; any other text is cast.
TypedExprPtr Analyzer::gap_of_texts(const TypedExprPtr& gap) const {
    const DataType length = DataType::day_time_interval();
    const auto parsed = [&](const TypedExprPtr& text) -> TypedExprPtr {
        const std::string* literal = text_literal(text);
        if (literal == nullptr) return nullptr;
        const auto us = parse_interval_us(*literal);
        return us ? typed(Literal{length, *us}, length, false, *literal) : nullptr;
    };
    if (const auto* choice = gap->as<plan::CaseWhen>()) {
        plan::CaseWhen lengths = *choice;
        bool all = true;
        for (auto& [_, value] : lengths.branches) all = all && (value = parsed(value)) != nullptr;
        if (lengths.otherwise) all = all && (lengths.otherwise = parsed(lengths.otherwise));
        if (all) return typed(std::move(lengths), length, true, gap->sql_text);
    }
    return cast_to(gap, DataType::calendar_interval());
}

Result<TypedExprPtr> Analyzer::session_window(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() != 2) return fail(wrong_count(call, rows_of("session_window")));
    if (call.scope.pending == nullptr) {
        return fail(unsupported("session_window() outside of a grouping.", site(call.at)));
    }
    plan::SessionWindowNode window;
    window.time = call.args[0];
    std::optional<std::int64_t> watermark;
    if (const auto* ref = window.time->as<plan::AttributeRef>();
        ref != nullptr && call.scope.input) {
        for (const Attribute& column : call.scope.input->columns) {
            if (column.id == ref->id) watermark = column.watermark_delay_ms;
        }
    }
    if (window.time->type.is_string() || window.time->type.is(TypeKind::kDate)) {
        window.time = cast_to(window.time, DataType::timestamp());
    }
    if (const std::string* text = text_literal(call.args[1])) {
        auto parsed = parse_interval_us(*text);
        if (!parsed) {
            return fail(
                spark_error("CANNOT_PARSE_INTERVAL", {{"intervalString", *text}}, site(call.at)));
        }
        window.gap = typed(Literal{DataType::day_time_interval(), *parsed},
                           DataType::day_time_interval(), false, *text);
    } else {
        window.gap = call.args[1];
        if (window.gap->type.is_string()) window.gap = gap_of_texts(window.gap);
    }
    for (const auto& known : call.scope.pending->session_windows) {
        if (same_expr(*known.time, *window.time) && same_expr(*known.gap, *window.gap)) {
            return reference(known.window);
        }
    }
    const DataType type = DataType::structure(
        {{"start", window.time->type, true, {}}, {"end", window.time->type, true, {}}});
    window.window = attribute("session_window", type, false);
    window.window.watermark_delay_ms = watermark;
    call.scope.pending->session_windows.push_back(std::move(window));
    return reference(call.scope.pending->session_windows.back().window);
}

void Analyzer::carry_event_time(NamedExpr& column, const Analyzed* input, const Pending* pending) {
    const TypedExpr* source = column.expression.get();
    if (const auto* call = source->as<plan::FunctionCall>();
        call != nullptr && call->name == "window_time" && !call->args.empty()) {
        source = call->args[0].get();
    }
    const auto* ref = source->as<plan::AttributeRef>();
    if (ref == nullptr || column.output.watermark_delay_ms) return;
    const auto carry = [&](const Attribute& from) {
        if (from.id == ref->id) column.output.watermark_delay_ms = from.watermark_delay_ms;
    };
    if (input != nullptr) std::ranges::for_each(input->columns, carry);
    if (pending == nullptr) return;
    for (const auto& window : pending->time_windows) carry(window.window);
    for (const auto& window : pending->session_windows) carry(window.window);
}

Result<TypedExprPtr> Analyzer::window_time(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() != 1) return fail(wrong_count(call, rows_of("window_time")));
    const DataType& type = call.args[0]->type;
    const bool is_window = type.is(TypeKind::kStruct) && type.fields().size() == 2 &&
                           is_temporal(type.fields()[1].type);
    if (!is_window) return fail(mismatch(call, rows_of("window_time")));
    const DataType result = type.fields()[1].type;
    return typed(plan::FunctionCall{"window_time", call.args, mode(), {}}, result,
                 call.args[0]->nullable, list_text("window_time", call.args), call.at.origin);
}

Result<TypedExprPtr> Analyzer::extract_field(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() != 2) return fail(wrong_count(call, rows_of("extract")));
    const std::string* given = text_literal(call.args[0]);
    TypedExprPtr source = call.args[1];
    std::string text =
        call.name == "extract" || call.name == "datepart"
            ? fmt::format("{}({} FROM {})", call.name, call.args[0]->sql_text, source->sql_text)
            : list_text(call.name, call.args);
    const auto invalid = [&] {
        return fail(spark_error("INVALID_EXTRACT_FIELD",
                                {{"field", quoted_expr(call.args[0]->sql_text)},
                                 {"expr", quoted_expr(source->sql_text)}},
                                site(call.at)));
    };
    if (given == nullptr) return invalid();
    std::string field;
    for (const char c : *given)
        field += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    struct Unit {
        std::string_view names;
        std::string_view id;
    };
    static constexpr Unit kUnits[] = {
        {" year y years yr yrs ", "year"},
        {" yearofweek ", "year_of_week"},
        {" quarter qtr ", "quarter"},
        {" month mon mons months ", "month"},
        {" week w weeks ", "weekofyear"},
        {" day d days ", "day"},
        {" dayofweek dow ", "dayofweek"},
        {" dayofweek_iso dow_iso ", "weekday"},
        {" doy ", "dayofyear"},
        {" hour h hours hr hrs ", "hour"},
        {" minute m min mins minutes ", "minute"},
        {" second s sec seconds secs ", "second_with_fraction"},
    };
    const auto* unit = std::ranges::find_if(kUnits, [&](const Unit& u) {
        return u.names.find(" " + field + " ") != std::string_view::npos;
    });
    if (unit == std::end(kUnits)) return invalid();
    if (is_interval(source->type)) {
        const std::string canonical =
            unit->id == "second_with_fraction" ? "second" : std::string(unit->id);
        const bool months = source->type.is(TypeKind::kYearMonthInterval);
        const bool is_month_field = canonical == "year" || canonical == "month";
        const bool known = is_month_field || canonical == "day" || canonical == "hour" ||
                           canonical == "minute" || canonical == "second";
        if (!known || (!source->type.is(TypeKind::kCalendarInterval) && months != is_month_field)) {
            return invalid();
        }
        TypedExprPtr name = typed(Literal::string(canonical), DataType::string(), false, canonical);
        const DataType type =
            *rule_type("extract_interval", std::vector<DataType>{DataType::string(), source->type},
                       {false, false}, std::vector<TypedExprPtr>{name}, ansi_);
        const bool nullable = source->nullable;
        return typed(plan::FunctionCall{"extract_interval", {name, source}, mode(), {}}, type,
                     nullable, std::move(text), call.at.origin);
    }
    const bool of_date =
        unit->id != "hour" && unit->id != "minute" && unit->id != "second_with_fraction";
    if (!is_temporal(source->type) && !source->type.is_string() &&
        !source->type.is(TypeKind::kTime)) {
        return invalid();
    }
    if (of_date) {
        source = cast_to(source, DataType::date());
    } else if (!source->type.is(TypeKind::kTimestampNtz) && !source->type.is(TypeKind::kTime)) {
        source = cast_to(source, DataType::timestamp());
    }
    const bool nullable = source->nullable;
    const DataType type =
        unit->id == "second_with_fraction" ? DataType::decimal(8, 6) : DataType::integer();
    TypedExprPtr result =
        typed(plan::FunctionCall{std::string(unit->id), {std::move(source)}, mode(), time_zone_},
              type, nullable, text, call.at.origin);
    if (unit->id == "weekday") {
        // ISO counts from Monday = 1.
        result = typed(plan::FunctionCall{"+",
                                          {result, typed(Literal::integer(1), DataType::integer(),
                                                         false, "1")},
                                          mode(),
                                          {}},
                       DataType::integer(), nullable, std::move(text), call.at.origin);
    }
    return result;
}

// current_time([precision]): the clock of the query in the session's zone.
Result<TypedExprPtr> Analyzer::current_time(Call& call) {
    if (call.args.size() > 1) return fail(wrong_count(call, rows_of("current_time")));
    constexpr std::int64_t kMost = 6;
    std::int64_t precision = kMost;
    if (!call.args.empty()) {
        const auto* literal = call.args[0]->as<Literal>();
        const auto* number =
            literal == nullptr ? nullptr : std::get_if<std::int64_t>(&literal->value);
        if (number == nullptr) return fail(mismatch(call, rows_of("current_time")));
        precision = *number;
    }
    MR_TRY(const DataType type, parse_type(fmt::format("time({})", precision)));
    plan::TypedCast wall_clock;
    wall_clock.child =
        typed(Literal{DataType::timestamp(), context_.now_us}, DataType::timestamp(), false, "now");
    wall_clock.session_time_zone = time_zone_;
    plan::TypedCast clock;
    clock.child = typed(std::move(wall_clock), DataType::timestamp_ntz(), false, "now");
    clock.session_time_zone = time_zone_;
    return typed(std::move(clock), type, false, fmt::format("current_time({})", precision),
                 call.at.origin);
}

// timestampadd(unit, n, ts) and timestampdiff(unit, a, b).
Result<TypedExprPtr> Analyzer::timestamp_add(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() != 3) {
        return fail(spark_error("WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
                                {{"functionName", quoted_id(call.name)},
                                 {"expectedNum", "3"},
                                 {"actualNum", std::to_string(call.args.size())}},
                                site(call.at)));
    }
    std::string unit = call.args[0]->sql_text;
    for (char& c : unit) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    std::string text = fmt::format("{}({}, {}, {})", call.name, unit, call.args[1]->sql_text,
                                   call.args[2]->sql_text);
    TypedExprPtr name = typed(Literal::string(unit), DataType::string(), false, unit);
    const bool add = call.name == "timestampadd";
    TypedExprPtr last = call.args[2];
    if (!last->type.is(TypeKind::kTimestampNtz)) last = cast_to(last, DataType::timestamp());
    TypedExprPtr middle =
        add ? cast_to(call.args[1], DataType::long_()) : cast_to(call.args[1], last->type);
    const DataType type = add ? last->type : DataType::long_();
    const bool nullable = middle->nullable || last->nullable;
    return typed(
        plan::FunctionCall{
            call.name, {std::move(name), std::move(middle), std::move(last)}, mode(), time_zone_},
        type, nullable, std::move(text), call.at.origin);
}

}  // namespace millrace::sql
