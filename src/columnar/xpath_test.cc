#include <gtest/gtest.h>

#include "columnar/xml_internal.h"

namespace millrace::columnar {
namespace {

std::string eval(std::string_view xml, std::string_view path) {
    std::string error;
    const auto document = parse_xml(xml, error);
    if (!document) return "bad XML";
    const auto compiled = XPath::make(path, error);
    if (!compiled) return "bad path";
    return compiled->evaluate(*document).as_text();
}

constexpr auto kBooks =
    "<?xml version=\"1.0\"?><!-- x --><books><book id=\"1\"><title>One &amp; only</title>"
    "<price>10</price></book><book id=\"2\"><title><![CDATA[T<wo]]></title><price>5.5</price>"
    "</book></books>";

TEST(XPath, walks_paths) {
    EXPECT_EQ(eval(kBooks, "books/book/title"), "One & only");
    EXPECT_EQ(eval(kBooks, "/books/book[2]/title/text()"), "T<wo");
    EXPECT_EQ(eval(kBooks, "//book[@id='2']/title"), "T<wo");
    EXPECT_EQ(eval(kBooks, "//book[price < 6]/@id"), "2");
    EXPECT_EQ(eval(kBooks, "//title[last()]"), "One & only");
    EXPECT_EQ(eval(kBooks, "(//title)[last()]"), "T<wo");
    EXPECT_EQ(eval(kBooks, "//price[. = 5.5]/../title"), "T<wo");
    EXPECT_EQ(eval(kBooks, "books/*[1]/@*"), "1");
    EXPECT_EQ(eval(kBooks, "//book[1]/following-sibling::book/@id"), "2");
    EXPECT_EQ(eval(kBooks, "name(/*)"), "books");
    EXPECT_EQ(eval(kBooks, "books/none"), "");
}

TEST(XPath, computes) {
    EXPECT_EQ(eval(kBooks, "sum(//price)"), "15.5");
    EXPECT_EQ(eval(kBooks, "count(//book | //title)"), "4");
    EXPECT_EQ(eval(kBooks, "1 + 2 * 3 - -1"), "8");
    EXPECT_EQ(eval(kBooks, "7 div 2"), "3.5");
    EXPECT_EQ(eval(kBooks, "7 mod 4 = 3 and not(false())"), "true");
    EXPECT_EQ(eval(kBooks, "concat('a', 1, true())"), "a1true");
    EXPECT_EQ(eval(kBooks, "substring('12345', 2, 3)"), "234");
    EXPECT_EQ(eval(kBooks, "normalize-space('  a  b ')"), "a b");
    EXPECT_EQ(eval(kBooks, "translate('bar', 'abc', 'AB')"), "BAr");
    EXPECT_EQ(eval(kBooks, "string-length('h\u00e9')"), "2");
    EXPECT_EQ(eval(kBooks, "number('x')"), "NaN");
    EXPECT_EQ(eval(kBooks, "contains(//title, 'only')"), "true");
}

TEST(XPath, refuses_what_is_malformed) {
    EXPECT_EQ(eval("<a><b></a>", "a"), "bad XML");
    EXPECT_EQ(eval("<a>&nope;</a>", "a"), "bad XML");
    EXPECT_EQ(eval("<a/><b/>", "a"), "bad XML");
    EXPECT_EQ(eval("<a x=1/>", "a"), "bad XML");
    EXPECT_EQ(eval(kBooks, "books["), "bad path");
    EXPECT_EQ(eval(kBooks, ""), "bad path");
    EXPECT_EQ(eval(kBooks, "a b"), "bad path");
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += "<a>";
    EXPECT_EQ(eval(deep, "a"), "bad XML");
    EXPECT_EQ(eval(kBooks, std::string(100'000, '(')), "bad path");
    EXPECT_EQ(eval(kBooks, std::string(100'000, '-') + "1"), "bad path");
}

}  // namespace
}  // namespace millrace::columnar
