// CSV in expressions: from_csv, to_csv, schema_of_csv.
#pragma once

#include "columnar/functions_internal.h"
#include "plan/relation.h"

namespace millrace::columnar {

// VARCHAR -> VARCHAR[]: the fields of a record; Call::extra() is the CsvOptions.
struct CsvOptions {
    plan::Options options;  // Keys in lower case.
};
void run_csv_fields(Call& call);
// VARCHAR -> VARCHAR: the type of a record as DDL.
void run_csv_schema(Call& call);

}  // namespace millrace::columnar
