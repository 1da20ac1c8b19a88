#include "broker/quota/request_time.h"

#include "broker/call.h"
#include "broker/quota/client_throttle.h"
#include "broker/services.h"

namespace millrace::broker {

std::int64_t request_pause_ms(const Call& call) {
    ClientThrottle& throttle = call.services.throttle;
    // A quota that came while the request was served holds from the next one on.
    if (!throttle.active() || call.time.began_ns == 0) return 0;
    const std::int64_t now_ns = runtime::Loop::current()->now_ns();
    return throttle.record(QuotaKind::kRequest, call.client_id(), call.time.percent(now_ns),
                           now_ns / 1'000'000);
}

}  // namespace millrace::broker
