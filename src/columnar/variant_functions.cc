// Functions over variants: parse_json, their schema, their members.
#include "columnar/json_internal.h"
#include "columnar/variant_internal.h"

namespace millrace::columnar {

using plan::DataType;

namespace {

// A vector of variants.
class Variants {
public:
    explicit Variants(duckdb_vector vector)
        : vector_(vector),
          values_(duckdb_struct_vector_get_child(vector, 0)),
          metadata_(duckdb_struct_vector_get_child(vector, 1)) {}

    bool is_null(idx_t row) const {
        return vector_is_null(duckdb_vector_get_validity(vector_), row) ||
               vector_is_null(duckdb_vector_get_validity(values_), row) ||
               vector_is_null(duckdb_vector_get_validity(metadata_), row);
    }
    VariantView operator[](idx_t row) const { return {bytes(values_, row), bytes(metadata_, row)}; }

private:
    static std::string_view bytes(duckdb_vector vector, idx_t row) {
        return text_of(static_cast<const duckdb_string_t*>(duckdb_vector_get_data(vector))[row]);
    }
    duckdb_vector vector_;
    duckdb_vector values_;
    duckdb_vector metadata_;
};

void fail_malformed(Call& call) {
    call.fail("MALFORMED_VARIANT");
}

// (text, mode)
void parse_json(Call& call) {
    const auto texts = call.column<duckdb_string_t>(0);
    const bool raise = raises(call, 1);
    VariantBuilder builder;
    for (idx_t row = 0; row < call.rows() && !call.failed(); ++row) {
        if (texts.is_null(row)) {
            put_null_variant(call.output(), row);
            continue;
        }
        builder.clear();
        if (const auto failure = builder.parse_json(text_of(texts[row]))) {
            if (raise) call.fail(failure->condition, failure->parameters);
            put_null_variant(call.output(), row);
            continue;
        }
        put_variant(call.output(), row, builder.value(), builder.metadata());
    }
}

void is_variant_null(Call& call) {
    const Variants variants(call.argument(0));
    auto* out = call.results<bool>();
    for (idx_t row = 0; row < call.rows(); ++row) {
        out[row] = !variants.is_null(row) && variants[row].kind() == VariantKind::kNull;
    }
}

void is_valid_variant(Call& call) {
    const Variants variants(call.argument(0));
    auto* out = call.results<bool>();
    std::string text;
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (variants.is_null(row)) {
            call.set_null(row);
            continue;
        }
        text.clear();
        out[row] = variants[row].append_json(text, nullptr);
    }
}

void schema_of_variant(Call& call) {
    const Variants variants(call.argument(0));
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (variants.is_null(row)) {
            call.set_null(row);
            continue;
        }
        const auto type = variants[row].schema();
        if (!type) return fail_malformed(call);
        call.set_text(row, variant_schema_text(*type));
    }
}

// Of an array of variants: what schema_of_variant_agg collects.
void schema_of_variants(Call& call) {
    const duckdb_vector lists = call.argument(0);
    const Variants variants(duckdb_list_vector_get_child(lists));
    const auto entries = call.column<duckdb_list_entry>(0);
    for (idx_t row = 0; row < call.rows(); ++row) {
        DataType all = DataType::null();
        if (!entries.is_null(row)) {
            const duckdb_list_entry entry = entries[row];
            for (idx_t i = entry.offset; i < entry.offset + entry.length; ++i) {
                if (variants.is_null(i)) continue;
                const auto type = variants[i].schema();
                if (!type) return fail_malformed(call);
                all = merged_variant_schema(all, *type);
            }
        }
        call.set_text(row, variant_schema_text(all));
    }
}

// The members of an object or an array as (position, key, value); null for everything else.
void variant_entries(Call& call) {
    const Variants variants(call.argument(0));
    const duckdb_vector output = call.output();
    idx_t size = 0;
    idx_t capacity = 0;
    for (idx_t row = 0; row < call.rows(); ++row) {
        auto* entries = call.results<duckdb_list_entry>();
        entries[row] = {.offset = size, .length = 0};
        const VariantKind kind = variants.is_null(row) ? VariantKind::kNull : variants[row].kind();
        const bool object = kind == VariantKind::kObject;
        if (!object && kind != VariantKind::kArray) {
            call.set_null(row);
            continue;
        }
        const VariantView view = variants[row];
        const std::size_t count = view.size();
        if (size + count > capacity) {
            capacity = std::max<idx_t>(2 * capacity, size + count + 2048);
            duckdb_list_vector_reserve(output, capacity);
        }
        const duckdb_vector members = duckdb_list_vector_get_child(output);
        const duckdb_vector positions = duckdb_struct_vector_get_child(members, 0);
        const duckdb_vector keys = duckdb_struct_vector_get_child(members, 1);
        const duckdb_vector values = duckdb_struct_vector_get_child(members, 2);
        for (std::size_t i = 0; i < count; ++i) {
            const idx_t at = size + i;
            static_cast<std::int32_t*>(duckdb_vector_get_data(positions))[at] =
                static_cast<std::int32_t>(i);
            if (object) {
                const std::string_view key = view.key(i);
                duckdb_unsafe_vector_assign_string_element_len(keys, at, key.data(), key.size());
            } else {
                duckdb_vector_ensure_validity_writable(keys);
                duckdb_validity_set_row_invalid(duckdb_vector_get_validity(keys), at);
            }
            const VariantView member = view.element(i);
            put_variant(values, at, member.bytes(), view.metadata());
        }
        entries[row].length = count;
        size += count;
    }
    duckdb_list_vector_set_size(output, size);
}

}  // namespace

void put_variant(duckdb_vector vector, idx_t row, std::string_view value,
                 std::string_view metadata) {
    duckdb_unsafe_vector_assign_string_element_len(duckdb_struct_vector_get_child(vector, 0), row,
                                                   value.data(), value.size());
    duckdb_unsafe_vector_assign_string_element_len(duckdb_struct_vector_get_child(vector, 1), row,
                                                   metadata.data(), metadata.size());
}

void put_null_variant(duckdb_vector vector, idx_t row) {
    for (const duckdb_vector part : {vector, duckdb_struct_vector_get_child(vector, 0),
                                     duckdb_struct_vector_get_child(vector, 1)}) {
        duckdb_vector_ensure_validity_writable(part);
        duckdb_validity_set_row_invalid(duckdb_vector_get_validity(part), row);
    }
}

Result<void> register_variant_functions(duckdb_connection connection) {
    const DuckType text(duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR));
    const DuckType boolean(duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN));
    const DuckType variant = duck_type(DataType::variant());
    const DuckType list = duck_type(DataType::array(DataType::variant()));
    const DuckType members = duck_type(
        DataType::array(DataType::structure({{.name = "pos", .type = DataType::integer()},
                                             {.name = "key", .type = DataType::string()},
                                             {.name = "value", .type = DataType::variant()}})));
    const auto add = [&](const char* name, const DuckType& argument, const DuckType& result,
                         FunctionBody body, const DuckType* second = nullptr) {
        return register_typed(connection, name,
                              {.argument = argument.get(),
                               .second = second == nullptr ? nullptr : second->get(),
                               .result = result.get(),
                               .body = body,
                               .sees_nulls = true});
    };
    MR_TRY_VOID(add("mr_parse_json", text, variant, parse_json, &text));
    MR_TRY_VOID(add("mr_is_variant_null", variant, boolean, is_variant_null));
    MR_TRY_VOID(add("mr_is_valid_variant", variant, boolean, is_valid_variant));
    MR_TRY_VOID(add("mr_schema_of_variant", variant, text, schema_of_variant));
    MR_TRY_VOID(add("mr_schema_of_variants", list, text, schema_of_variants));
    return add("mr_variant_entries", variant, members, variant_entries);
}

void run_to_variant(Call& call) {
    const auto& form = *static_cast<const TextForm*>(call.extra());
    ColumnBuilder rows(form.type);
    read_vector(call.argument(0), 0, call.rows(), rows);
    const auto array = rows.finish();
    if (!array) {
        call.fail_with(array.error().message());
        return;
    }
    const ColumnView column = view_of(**array, form.type);
    VariantBuilder builder;
    for (idx_t row = 0; row < call.rows(); ++row) {
        const auto at = static_cast<std::int64_t>(row);
        if (column.is_null(at)) {
            put_null_variant(call.output(), row);
            continue;
        }
        builder.clear();
        builder.append(column, at);
        put_variant(call.output(), row, builder.value(), builder.metadata());
    }
}

}  // namespace millrace::columnar
