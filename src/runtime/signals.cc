#include "runtime/signals.h"

#include <boost/asio/signal_set.hpp>
#include <csignal>

#include "runtime/system_loop_internal.h"

namespace millrace::runtime {

Task<int> wait_for_stop_signal() {
    asio::signal_set signals(SystemLoop::current_system().context(), SIGTERM, SIGINT);
    OneShot<int> arrived;
    signals.async_wait([arrived](const boost::system::error_code& error, int number) mutable {
        if (!error) arrived.set(number);
    });
    co_return co_await arrived.wait();
}

}  // namespace millrace::runtime
