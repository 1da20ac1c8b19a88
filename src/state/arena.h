// Arena: memory for rows of many sizes that never move, reused by size after they are freed.
//
// Blocks are rounded up to 16 bytes; blocks above kLargestClass come from malloc. Chunks are given
// back only when the arena dies. Not thread-safe.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace millrace::state {

class Arena {
public:
    Arena() = default;
    Arena(Arena&&) = default;
    Arena& operator=(Arena&&) = default;

    void* allocate(std::size_t bytes);
    void free(void* block, std::size_t bytes);
    std::size_t memory_bytes() const { return memory_bytes_; }
    // Blocks from malloc that are not freed yet: the owner frees each before the arena dies.
    std::size_t large_blocks() const { return large_blocks_; }

private:
    static constexpr std::size_t kStep = 16;
    static constexpr std::size_t kLargestClass = 2048;
    static constexpr std::size_t kFirstChunk = 4096;
    static constexpr std::size_t kLargestChunk = 1 << 20;
    struct Free {
        Free* next;
    };

    std::vector<std::unique_ptr<char[]>> chunks_;
    std::vector<Free*> free_ = std::vector<Free*>(kLargestClass / kStep + 1);
    char* at_ = nullptr;
    std::size_t left_ = 0;
    std::size_t next_chunk_ = kFirstChunk;
    std::size_t memory_bytes_ = 0;
    std::size_t large_blocks_ = 0;
};

}  // namespace millrace::state
