#include "config/option.h"

#include <gtest/gtest.h>

namespace millrace::config {
namespace {

struct Machine {
    bool on = false;
    std::int32_t wheels = 4;
    std::int64_t load_bytes = 10 * kGiB;
    double fill = 0.5;
    std::string colour = "red";
    std::string tools = "saw";
};

const OptionTable<Machine>& table() {
    static const OptionTable<Machine> kTable{
        {"on", &Machine::on, Reload::kLive, "Whether it runs."},
        {"wheels", &Machine::wheels, 1, 8, Reload::kRestart, "How many wheels it has."},
        {"load.bytes", &Machine::load_bytes, -1, 100 * kGiB, Reload::kLive, "What it carries."},
        {"fill", &Machine::fill, 0.0, 1.0, Reload::kLive, "How full it is."},
        {"colour", &Machine::colour, Kind::kString, {"red", "blue"}, Reload::kLive, "Its paint."},
        {"tools", &Machine::tools, Kind::kList, {"saw", "axe"}, Reload::kLive, "What hangs on it."},
    };
    return kTable;
}

// "value" after setting option `name` to `text`, or the error's words.
std::string set(std::string_view name, std::string_view text) {
    Machine machine;
    const Result<void> outcome = table().set(machine, name, text);
    if (!outcome) return outcome.error().message();
    for (const OptionView& view : table().view(machine)) {
        if (view.name == name) return view.value;
    }
    return "not in the view";
}

TEST(OptionTable, takes_values_of_every_kind) {
    EXPECT_EQ(set("on", "true"), "true");
    EXPECT_EQ(set("wheels", "8"), "8");
    EXPECT_EQ(set("load.bytes", "-1"), "-1");
    EXPECT_EQ(set("fill", "0.25"), "0.25");
    EXPECT_EQ(set("fill", "1"), "1.0");
    EXPECT_EQ(set("colour", "blue"), "blue");
    EXPECT_EQ(set("tools", "axe, saw"), "axe,saw");
    EXPECT_EQ(set("tools", ""), "");
}

TEST(OptionTable, refuses_what_is_out_of_range_or_no_value) {
    EXPECT_EQ(set("on", "yes"), "on: 'yes' is neither true nor false");
    EXPECT_EQ(set("wheels", "9"), "wheels: 9 is not between 1 and 8");
    EXPECT_EQ(set("wheels", "0"), "wheels: 0 is not between 1 and 8");
    EXPECT_EQ(set("wheels", "4x"), "wheels: '4x' is not a whole number");
    EXPECT_EQ(set("wheels", ""), "wheels: '' is not a whole number");
    EXPECT_EQ(set("wheels", "99999999999999999999"),
              "wheels: 99999999999999999999 is not between 1 and 8");
    EXPECT_EQ(set("fill", "1.5"), "fill: '1.5' is not a number from 0.0 to 1.0");
    EXPECT_EQ(set("fill", "nan"), "fill: 'nan' is not a number from 0.0 to 1.0");
    EXPECT_EQ(set("fill", "0.5x"), "fill: '0.5x' is not a number from 0.0 to 1.0");
    EXPECT_EQ(set("colour", "green"), "colour: 'green' is not one of red, blue");
    EXPECT_EQ(set("tools", "saw,,axe"), "tools: '' is not one of saw, axe");
}

TEST(OptionTable, names_the_nearest_option) {
    EXPECT_EQ(set("weels", "4"), "unknown option 'weels'; did you mean 'wheels'?");
    EXPECT_EQ(set("load.byte", "4"), "unknown option 'load.byte'; did you mean 'load.bytes'?");
    EXPECT_EQ(set("entirely.different", "4"), "unknown option 'entirely.different'");
}

TEST(OptionTable, applies_all_settings_or_none) {
    Machine machine;
    EXPECT_FALSE(table().apply(machine, {{"colour", "blue"}, {"wheels", "99"}}));
    EXPECT_EQ(machine.colour, "red");
    EXPECT_TRUE(table().apply(machine, {{"colour", "blue"}, {"wheels", "3"}}));
    EXPECT_EQ(machine.colour, "blue");
    EXPECT_EQ(machine.wheels, 3);
}

TEST(OptionTable, shows_each_option_with_its_default) {
    Machine machine;
    machine.wheels = 2;
    const std::vector<OptionView> views = table().view(machine);
    ASSERT_EQ(views.size(), 6u);
    EXPECT_EQ(views[0].name, "colour");
    EXPECT_TRUE(views[0].is_default);
    EXPECT_EQ(views[5].name, "wheels");
    EXPECT_EQ(views[5].value, "2");
    EXPECT_EQ(views[5].default_value, "4");
    EXPECT_EQ(views[5].allowed, "1..8");
    EXPECT_EQ(views[5].reload, Reload::kRestart);
    EXPECT_FALSE(views[5].is_default);
}

TEST(OptionTable, writes_fractions_as_java_does) {
    EXPECT_EQ(format_double(0.5), "0.5");
    EXPECT_EQ(format_double(3), "3.0");
    EXPECT_EQ(format_double(std::numeric_limits<double>::max()), "1.7976931348623157E308");
    EXPECT_EQ(format_double(1e-7), "1.0E-7");
}

TEST(OptionTable, documents_itself_in_markdown) {
    const std::string page = to_markdown(table().view({}));
    EXPECT_NE(page.find("| `wheels` | 4 | 1..8 | restart | How many wheels it has. |\n"),
              std::string::npos)
        << page;
    EXPECT_NE(page.find("| `colour` | red | red\\|blue | live | Its paint. |\n"), std::string::npos)
        << page;
}

}  // namespace
}  // namespace millrace::config
