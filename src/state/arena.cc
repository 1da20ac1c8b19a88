#include "state/arena.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace millrace::state {

void* Arena::allocate(std::size_t bytes) {
    const std::size_t size = (bytes + kStep - 1) / kStep * kStep;
    if (size > kLargestClass) {
        void* block = std::malloc(size);
        if (block == nullptr) throw std::bad_alloc();
        memory_bytes_ += size;
        ++large_blocks_;
        return block;
    }
    Free*& head = free_[size / kStep];
    if (head != nullptr) {
        void* block = head;
        head = head->next;
        return block;
    }
    if (left_ < size) {
        // Not `new char[n]()`: zeroing a chunk would touch all of it at once.
        chunks_.emplace_back(new char[next_chunk_]);
        at_ = chunks_.back().get();
        left_ = next_chunk_;
        memory_bytes_ += next_chunk_;
        next_chunk_ = std::min(next_chunk_ * 2, kLargestChunk);
    }
    void* block = at_;
    at_ += size;
    left_ -= size;
    return block;
}

void Arena::free(void* block, std::size_t bytes) {
    const std::size_t size = (bytes + kStep - 1) / kStep * kStep;
    if (size > kLargestClass) {
        std::free(block);
        memory_bytes_ -= size;
        --large_blocks_;
        return;
    }
    Free* freed = static_cast<Free*>(block);
    freed->next = free_[size / kStep];
    free_[size / kStep] = freed;
}

}  // namespace millrace::state
