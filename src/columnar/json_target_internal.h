// Where from_json puts what it reads: the schema as a tree of nodes, and the vectors of one chunk
// in the same shape.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "columnar/json_internal.h"
#include "columnar/time_format_internal.h"

namespace millrace::columnar {

struct JsonReader::Impl {
    struct Node {
        plan::DataType type;
        plan::TypeKind kind = plan::TypeKind::kNull;
        std::vector<std::string> keys;  // Struct: names of the fields.
        std::vector<Node> children;     // Struct: fields; array: element; map: key, value.
        bool wanted = true;             // Else: walked over, and null.
        std::uint64_t awaited = 0;      // Struct: bits of the wanted fields among the first 64.
    };
    Node root;
    int corrupt_field = -1;  // Of the root struct.
    bool fail_fast = false;
    bool borrows = false;
    bool drop_malformed = false;
    bool allow_non_numeric = true;
    std::string time_zone;
    std::optional<TimeFormat> timestamp_format;
    std::optional<TimeFormat> timestamp_ntz_format;
    std::optional<TimeFormat> date_format;
};

// Where one Node's values go in this chunk. Lists grow while they are written, which moves their
// children's memory: attach() is called again after each growth.
struct JsonTarget {
    const JsonReader::Impl::Node* node = nullptr;
    duckdb_vector vector = nullptr;
    void* data = nullptr;
    std::uint64_t* validity = nullptr;
    idx_t list_rows = 0;
    idx_t list_capacity = 0;
    std::size_t expected_key = 0;  // Index of the field that the next key is likely to name.
    std::vector<JsonTarget> children;

    void attach(const JsonReader::Impl::Node& what, duckdb_vector to) {
        node = &what;
        vector = to;
        data = duckdb_vector_get_data(to);
        duckdb_vector_ensure_validity_writable(to);
        validity = duckdb_vector_get_validity(to);
        children.resize(what.children.size());
        if (what.kind == plan::TypeKind::kStruct) {
            for (std::size_t i = 0; i < children.size(); ++i) {
                children[i].attach(what.children[i], duckdb_struct_vector_get_child(to, i));
            }
        } else if (what.kind == plan::TypeKind::kArray) {
            children[0].attach(what.children[0], duckdb_list_vector_get_child(to));
        } else if (what.kind == plan::TypeKind::kMap) {
            const duckdb_vector pairs = duckdb_list_vector_get_child(to);
            for (std::size_t i = 0; i < 2; ++i) {
                children[i].attach(what.children[i], duckdb_struct_vector_get_child(pairs, i));
            }
        }
    }
    // Room for one more list element; its row.
    idx_t add_element() {
        if (list_rows == list_capacity) {
            list_capacity = std::max<idx_t>(2048, list_capacity * 2);
            duckdb_list_vector_reserve(vector, list_capacity);
            data = duckdb_vector_get_data(vector);
            if (node->kind == plan::TypeKind::kArray) {
                children[0].attach(node->children[0], duckdb_list_vector_get_child(vector));
            } else {
                const duckdb_vector pairs = duckdb_list_vector_get_child(vector);
                for (std::size_t i = 0; i < 2; ++i) {
                    children[i].attach(node->children[i], duckdb_struct_vector_get_child(pairs, i));
                }
            }
        }
        return list_rows++;
    }
    void finish() {
        if (node->kind == plan::TypeKind::kArray || node->kind == plan::TypeKind::kMap) {
            duckdb_list_vector_set_size(vector, list_rows);
        }
        for (JsonTarget& child : children) child.finish();
    }
    // Of a whole chunk, before its first row.
    void set_all_null(idx_t rows) {
        for (idx_t row = 0; row < rows; ++row) set_null(row);
    }
    void set_valid(idx_t row) { validity[row >> 6] |= std::uint64_t{1} << (row & 63); }
    void set_null(idx_t row) {
        validity[row >> 6] &= ~(std::uint64_t{1} << (row & 63));
        if (node->kind == plan::TypeKind::kStruct) {
            for (JsonTarget& child : children) child.set_null(row);
        } else if (node->kind == plan::TypeKind::kVariant) {
            for (const idx_t part : {0, 1}) {
                const duckdb_vector bytes = duckdb_struct_vector_get_child(vector, part);
                duckdb_vector_ensure_validity_writable(bytes);
                duckdb_validity_set_row_invalid(duckdb_vector_get_validity(bytes), row);
            }
        } else if (node->kind == plan::TypeKind::kArray || node->kind == plan::TypeKind::kMap) {
            static_cast<duckdb_list_entry*>(data)[row] = {.offset = list_rows, .length = 0};
        }
    }
    template <class T>
    void put(idx_t row, T value) {
        static_cast<T*>(data)[row] = value;
        set_valid(row);
    }
    // `stays`: the text's memory outlives the run.
    void put_text(idx_t row, std::string_view text, bool stays = false) {
        if (text.size() <= 12 || stays) {
            static_cast<duckdb_string_t*>(data)[row] = duck_string(text);
        } else {
            duckdb_unsafe_vector_assign_string_element_len(vector, row, text.data(), text.size());
        }
        set_valid(row);
    }
};

}  // namespace millrace::columnar
