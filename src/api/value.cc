#include "millrace/value.h"

#include <fmt/format.h>

#include <algorithm>

#include "columnar/batch.h"

namespace millrace {

namespace {

template <class... Ts>
struct Overloaded : Ts... {
    using Ts::operator()...;
};

// One value through the engine's own text form, so that there is one rule for doubles and times.
template <class Append>
std::string shown(plan::DataType type, Append append) {
    std::vector<plan::Field> fields;
    fields.push_back({"value", std::move(type), true, {}});
    columnar::BatchBuilder builder(std::move(fields));
    append(builder.column(0));
    const auto batch = builder.finish();
    return batch ? columnar::to_display(batch->column(0), 0, "UTC") : std::string();
}

}  // namespace

bool Struct::operator==(const Struct&) const = default;

std::string Value::to_string() const {
    return std::visit(Overloaded{
                          [](std::monostate) { return std::string("NULL"); },
                          [](bool flag) { return std::string(flag ? "true" : "false"); },
                          [](std::int64_t number) { return fmt::format("{}", number); },
                          [](double number) {
                              return shown(plan::DataType::double_(),
                                           [&](auto& column) { column.append_double(number); });
                          },
                          [](const std::string& text) { return text; },
                          [](const Timestamp& time) {
                              return shown(plan::DataType::timestamp(), [&](auto& column) {
                                  column.append_int(time.microseconds);
                              });
                          },
                          [](const Date& date) {
                              return shown(plan::DataType::date(),
                                           [&](auto& column) { column.append_int(date.days); });
                          },
                          [](const Decimal& decimal) { return decimal.text; },
                          [](const Binary& binary) { return binary.bytes; },
                          [](const Array& array) {
                              std::string result = "[";
                              for (const Value& element : array) {
                                  if (result.size() > 1) result += ", ";
                                  result += element.to_string();
                              }
                              return result + "]";
                          },
                          [](const Map& map) {
                              std::string result = "{";
                              for (const auto& [key, item] : map) {
                                  if (result.size() > 1) result += ", ";
                                  result += key.to_string() + " -> " + item.to_string();
                              }
                              return result + "}";
                          },
                          [](const Struct& structure) {
                              std::string result = "{";
                              for (const auto& [name, field] : structure.fields) {
                                  if (result.size() > 1) result += ", ";
                                  result += field.to_string();
                              }
                              return result + "}";
                          },
                      },
                      value_);
}

namespace {
const Value kNullValue;
}

const Value& Row::operator[](std::size_t index) const {
    return index < values_.size() ? values_[index] : kNullValue;
}

const Value& Row::operator[](std::string_view name) const {
    const auto found = std::ranges::find(*names_, name);
    if (found == names_->end()) return kNullValue;
    return values_[static_cast<std::size_t>(found - names_->begin())];
}

}  // namespace millrace
