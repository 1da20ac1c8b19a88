#include "state/row.h"

#include <cstdlib>
#include <new>

#include "base/varint.h"

namespace millrace::state {

namespace {

// A text outside its row: its length, then its bytes.
struct Blob {
    std::uint32_t bytes = 0;
    std::uint32_t capacity = 0;
    char* data() { return reinterpret_cast<char*>(this + 1); }
};

Blob* make_blob(std::size_t capacity) {
    void* memory = std::malloc(sizeof(Blob) + capacity);
    if (memory == nullptr) throw std::bad_alloc();
    return new (memory) Blob{0, static_cast<std::uint32_t>(capacity)};
}

}  // namespace

Layout::Layout(const Schema& schema) : kinds_(schema.values), timed_(schema.timed) {
    std::size_t at = sizeof(Row) + (kinds_.size() + 63) / 64 * 8;
    for (const CellKind kind : kinds_) {
        offsets_.push_back(static_cast<std::uint32_t>(at));
        at += kind == CellKind::kInt128 ? 16 : 8;
        has_text_ = has_text_ || kind == CellKind::kText;
    }
    key_offset_ = at;
}

std::string_view Layout::text(const Row& row, std::size_t column) const {
    Blob* blob = cell<Blob*>(row, column);
    return blob == nullptr ? std::string_view() : std::string_view(blob->data(), blob->bytes);
}

void Layout::set_text(Row& row, std::size_t column, std::string_view text) const {
    Blob*& blob = cell<Blob*>(row, column);
    if (blob == nullptr || blob->capacity < text.size()) {
        std::free(blob);
        blob = make_blob(text.size());
    }
    blob->bytes = static_cast<std::uint32_t>(text.size());
    std::memcpy(blob->data(), text.data(), text.size());
    set_null(row, column, false);
}

void Layout::free_texts(Row& row) const {
    if (!has_text_) return;
    for (std::size_t column = 0; column < kinds_.size(); ++column) {
        if (kinds_[column] != CellKind::kText) continue;
        std::free(cell<Blob*>(row, column));
        cell<Blob*>(row, column) = nullptr;
    }
}

std::size_t Layout::text_bytes(const Row& row) const {
    std::size_t total = 0;
    for (std::size_t column = 0; column < kinds_.size(); ++column) {
        if (kinds_[column] != CellKind::kText) continue;
        const Blob* blob = cell<Blob*>(row, column);
        if (blob != nullptr) total += sizeof(Blob) + blob->capacity;
    }
    return total;
}

void Layout::clear_values(Row& row) const {
    const std::size_t words = (kinds_.size() + 63) / 64;
    for (std::size_t i = 0; i < words; ++i) nulls(row)[i] = ~std::uint64_t{0};
    char* cells = reinterpret_cast<char*>(&row) + sizeof(Row) + words * 8;
    std::memset(cells, 0, key_offset_ - sizeof(Row) - words * 8);
}

void Layout::append_values(const Row& row, std::string& to) const {
    if (timed_) to.append(reinterpret_cast<const char*>(&row.time_us), 8);
    const std::size_t words = (kinds_.size() + 63) / 64;
    if (!has_text_) {
        to.append(reinterpret_cast<const char*>(&row) + sizeof(Row), key_offset_ - sizeof(Row));
        return;
    }
    to.append(reinterpret_cast<const char*>(nulls(row)), words * 8);
    for (std::size_t column = 0; column < kinds_.size(); ++column) {
        if (kinds_[column] == CellKind::kText) {
            const std::string_view bytes = text(row, column);
            base::append_varint(to, bytes.size());
            to.append(bytes);
        } else {
            to.append(reinterpret_cast<const char*>(&row) + offsets_[column],
                      kinds_[column] == CellKind::kInt128 ? 16 : 8);
        }
    }
}

bool Layout::read_values(std::string_view bytes, Row& row) const {
    const char* at = bytes.data();
    const char* end = at + bytes.size();
    const auto take = [&](void* into, std::size_t size) {
        if (static_cast<std::size_t>(end - at) < size) return false;
        std::memcpy(into, at, size);
        at += size;
        return true;
    };
    if (timed_ && !take(&row.time_us, 8)) return false;
    const std::size_t words = (kinds_.size() + 63) / 64;
    if (!has_text_) {
        return take(reinterpret_cast<char*>(&row) + sizeof(Row), key_offset_ - sizeof(Row)) &&
               at == end;
    }
    if (!take(nulls(row), words * 8)) return false;
    for (std::size_t column = 0; column < kinds_.size(); ++column) {
        if (kinds_[column] == CellKind::kText) {
            std::uint64_t size = 0;
            at = base::read_varint_u64(at, end, size);
            if (at == nullptr || size > static_cast<std::uint64_t>(end - at)) return false;
            const bool null = is_null(row, column);
            if (!null) set_text(row, column, {at, static_cast<std::size_t>(size)});
            at += size;
        } else if (!take(reinterpret_cast<char*>(&row) + offsets_[column],
                         kinds_[column] == CellKind::kInt128 ? 16 : 8)) {
            return false;
        }
    }
    return at == end;
}

}  // namespace millrace::state
