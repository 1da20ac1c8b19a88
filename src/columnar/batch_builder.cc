#include <arrow/array/data.h>

#include "base/check.h"
#include "columnar/column_builder_internal.h"

namespace millrace::columnar {

struct BatchBuilder::Impl {
    std::vector<plan::Field> fields;
    std::vector<std::unique_ptr<ColumnBuilder>> columns;
};

BatchBuilder::BatchBuilder(std::vector<plan::Field> fields) : impl_(std::make_unique<Impl>()) {
    for (const plan::Field& field : fields) {
        impl_->columns.push_back(std::make_unique<ColumnBuilder>(field.type));
    }
    impl_->fields = std::move(fields);
}
BatchBuilder::~BatchBuilder() = default;
BatchBuilder::BatchBuilder(BatchBuilder&&) noexcept = default;

BatchBuilder::Column& BatchBuilder::column(std::size_t index) {
    MR_CHECK(index < impl_->columns.size());
    return *impl_->columns[index];
}

Result<void> BatchBuilder::set_text_column(std::size_t index, std::string data,
                                           std::vector<std::uint64_t> offsets,
                                           std::vector<std::uint8_t> nulls) {
    MR_CHECK(index < impl_->columns.size());
    return impl_->columns[index]->take_text(std::move(data), std::move(offsets), nulls);
}

Result<Batch> BatchBuilder::finish() {
    const std::int64_t rows = impl_->columns.empty() ? 0 : impl_->columns.front()->rows();
    std::vector<ArrayPtr> columns;
    columns.reserve(impl_->columns.size());
    for (std::size_t i = 0; i < impl_->columns.size(); ++i) {
        if (impl_->columns[i]->rows() != rows) {
            return fail(Code::kInternal, "build a batch: column {} has {} rows, the first has {}",
                        impl_->fields[i].name, impl_->columns[i]->rows(), rows);
        }
        MR_TRY(ArrayPtr array, impl_->columns[i]->finish());
        columns.push_back(std::move(array));
    }
    return make_batch(impl_->fields, std::move(columns), rows);
}

}  // namespace millrace::columnar
