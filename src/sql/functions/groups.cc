#include <array>

#include "sql/functions/tables.h"

namespace millrace::sql::functions {

std::span<const Group> groups() {
    static const std::array all = {
        Group{"operator", operator_rows()},
        Group{"math", math_rows()},
        Group{"string", string_rows()},
        Group{"string", text_format_rows()},
        Group{"url", url_rows()},
        Group{"datetime", datetime_rows()},
        Group{"datetime", clock_rows()},
        Group{"aggregate", aggregate_rows()},
        Group{"aggregate", ordered_aggregate_rows()},
        Group{"sketch", distinct_sketch_rows()},
        Group{"sketch", tuple_sketch_rows()},
        Group{"sketch", quantile_sketch_rows()},
        Group{"window", window_rows()},
        Group{"conditional", conditional_rows()},
        Group{"collection", collection_rows()},
        Group{"json", json_rows()},
        Group{"generator", generator_rows()},
        Group{"hash", hash_rows()},
        Group{"variant", variant_rows()},
        Group{"vector", vector_rows()},
        Group{"xml", xml_rows()},
        Group{"misc", crypto_rows()},
        Group{"misc", misc_rows()},
    };
    return all;
}

}  // namespace millrace::sql::functions
