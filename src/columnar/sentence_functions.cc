// sentences: a text as an array of sentences, each an array of its words, cut where Unicode's rules
// for the language cut them.
#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/ustring.h>

#include <memory>

#include "columnar/functions_internal.h"

namespace millrace::columnar {

namespace {

using Breaks = std::unique_ptr<UBreakIterator, decltype(&ubrk_close)>;

Breaks breaks(UBreakIteratorType type, const std::string& locale) {
    UErrorCode status = U_ZERO_ERROR;
    return {ubrk_open(type, locale.c_str(), nullptr, 0, &status), &ubrk_close};
}

std::u16string wide(std::string_view text) {
    std::u16string result(text.size(), u'\0');
    std::int32_t length = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strFromUTF8WithSub(result.data(), static_cast<std::int32_t>(result.size()), &length,
                         text.data(), static_cast<std::int32_t>(text.size()), 0xFFFD, nullptr,
                         &status);
    result.resize(static_cast<std::size_t>(length));
    return result;
}

std::string narrow(std::u16string_view text) {
    std::string result(text.size() * 3, '\0');
    std::int32_t length = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strToUTF8WithSub(result.data(), static_cast<std::int32_t>(result.size()), &length,
                       text.data(), static_cast<std::int32_t>(text.size()), 0xFFFD, nullptr,
                       &status);
    result.resize(static_cast<std::size_t>(length));
    return result;
}

// Calls `each` with every piece of the text.
template <class Each>
void pieces(UBreakIterator* iterator, std::u16string_view text, Each each) {
    UErrorCode status = U_ZERO_ERROR;
    ubrk_setText(iterator, text.data(), static_cast<std::int32_t>(text.size()), &status);
    std::int32_t from = 0;
    for (std::int32_t to = ubrk_next(iterator); to != UBRK_DONE; to = ubrk_next(iterator)) {
        each(text.substr(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from)));
        from = to;
    }
}

// Appends to a list vector, whose child's memory moves when it grows.
class List {
public:
    explicit List(duckdb_vector vector) : vector_(vector) {}
    idx_t add() {
        if (size_ == capacity_) {
            capacity_ = std::max<idx_t>(2048, 2 * capacity_);
            duckdb_list_vector_reserve(vector_, capacity_);
        }
        return size_++;
    }
    duckdb_vector child() const { return duckdb_list_vector_get_child(vector_); }
    idx_t size() const { return size_; }
    void close(idx_t row, idx_t from) const {
        static_cast<duckdb_list_entry*>(duckdb_vector_get_data(vector_))[row] = {
            .offset = from, .length = size_ - from};
    }
    void finish() const { duckdb_list_vector_set_size(vector_, size_); }

private:
    duckdb_vector vector_;
    idx_t size_ = 0;
    idx_t capacity_ = 0;
};

// (text, language, country); an unknown locale cuts as the root does.
void sentences(Call& call) {
    Row row(call);
    std::vector<std::vector<std::vector<std::string>>> all(call.rows());
    std::string last_locale = "none";
    Breaks sentence_breaks{nullptr, &ubrk_close};
    Breaks word_breaks{nullptr, &ubrk_close};
    const auto is_null = [&](idx_t argument, idx_t at) {
        return vector_is_null(duckdb_vector_get_validity(call.argument(argument)), at);
    };
    idx_t sentence_count = 0;
    for (idx_t i = 0; i < call.rows(); ++i) {
        if (is_null(0, i)) continue;
        row.at(i);
        // Without both of them it is the American way.
        std::string locale = "en_US";
        if (!is_null(1, i) && !is_null(2, i) && !row.text(1).empty()) {
            locale = std::string(row.text(1));
            if (!row.text(2).empty()) locale += "_" + std::string(row.text(2));
        }
        if (locale != last_locale) {
            sentence_breaks = breaks(UBRK_SENTENCE, locale);
            word_breaks = breaks(UBRK_WORD, locale);
            last_locale = locale;
        }
        if (!sentence_breaks || !word_breaks) {
            call.fail_with("no rules for sentences of the locale " + locale);
            return;
        }
        const std::u16string text = wide(row.text(0));
        pieces(sentence_breaks.get(), text, [&](std::u16string_view sentence) {
            std::vector<std::string>& words = all[i].emplace_back();
            pieces(word_breaks.get(), sentence, [&](std::u16string_view word) {
                if (u_isalnum(word[0]) || (word.size() > 1 && U16_IS_LEAD(word[0]) &&
                                           u_isalnum(U16_GET_SUPPLEMENTARY(word[0], word[1])))) {
                    words.push_back(narrow(word));
                }
            });
        });
        sentence_count += all[i].size();
    }
    // The outer list first: growing it would move the inner ones.
    List outer(call.output());
    for (idx_t i = 0; i < sentence_count; ++i) outer.add();
    List inner(outer.child());
    idx_t next = 0;
    for (idx_t i = 0; i < call.rows(); ++i) {
        static_cast<duckdb_list_entry*>(duckdb_vector_get_data(call.output()))[i] = {
            .offset = next, .length = all[i].size()};
        if (is_null(0, i)) call.set_null(i);
        for (const std::vector<std::string>& words : all[i]) {
            const idx_t from = inner.size();
            for (const std::string& word : words) {
                const idx_t at = inner.add();
                duckdb_unsafe_vector_assign_string_element_len(inner.child(), at, word.data(),
                                                               word.size());
            }
            inner.close(next++, from);
        }
    }
    inner.finish();
    outer.finish();
}

}  // namespace

void add_sentence_functions(FunctionList& list) {
    constexpr auto kText = DUCKDB_TYPE_VARCHAR;
    list.add("mr_sentences", {.arguments = {kText, kText, kText},
                              .result = kText,
                              .body = sentences,
                              .sees_nulls = true,
                              .lists_result = true,
                              .lists_of_lists = true});
}

}  // namespace millrace::columnar
