#include "runtime/socket.h"

namespace millrace::runtime {

using base::ByteView;
using base::Code;
using base::Result;

Task<Result<void>> Stream::read_exactly(char* into, std::size_t length) {
    std::size_t done = 0;
    while (done < length) {
        MR_CO_TRY(const std::size_t count, co_await read_some(into + done, length - done));
        if (count == 0) {
            co_return base::fail(Code::kUnavailable,
                                 "{} closed the connection after {} of {} bytes", peer(), done,
                                 length);
        }
        done += count;
    }
    co_return Result<void>();
}

Task<Result<void>> Stream::write(ByteView bytes) {
    const ByteView pieces[] = {bytes};
    co_return co_await write_pieces(pieces);
}

}  // namespace millrace::runtime
