#include "cli/kafka/input_source.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "cli/interrupt.h"
#include "runtime/disk.h"

namespace millrace::cli {

using base::Result;

ByteSource standard_input(const Interrupt& interrupt) {
    return [&interrupt](char* into, std::size_t length) -> Result<std::size_t> {
        constexpr int kStepMs = 100;  // How late an interrupt may be noticed.
        while (!interrupt.happened()) {
            pollfd waiting{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
            const int ready = poll(&waiting, 1, kStepMs);
            if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
            // tidy: standard input is no file of a Disk's
            const ssize_t count = ::read(STDIN_FILENO, into, length);
            if (count >= 0) return static_cast<std::size_t>(count);
            if (errno != EINTR) return base::fail(base::system_error(errno, "read standard input"));
        }
        return 0;
    };
}

Result<FileInput> file_input(runtime::Disk& disk, const std::string& path) {
    MR_TRY(auto opened, disk.open(path, runtime::OpenMode::kRead));
    MR_TRY(const std::uint64_t size, opened->size_bytes());
    const std::shared_ptr<runtime::File> file = std::move(opened);
    return FileInput{.source = [file, at = std::uint64_t{0}](
                                   char* into, std::size_t length) mutable -> Result<std::size_t> {
                         MR_TRY(const std::size_t count, file->read_at(at, into, length));
                         at += count;
                         return count;
                     },
                     .size_bytes = size};
}

}  // namespace millrace::cli
