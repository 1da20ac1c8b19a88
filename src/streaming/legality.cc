#include "streaming/legality.h"

#include "sql/parser.h"
#include "sql/streaming_rules.h"

namespace millrace::streaming {

using base::Code;
using base::fail;

Result<void> check_legality(const QuerySpec& spec) {
    return sql::check_streaming(*spec.plan, output_mode_name(spec.mode));
}

Result<std::int64_t> trigger_interval_ms(const plan::Trigger& trigger) {
    switch (trigger.kind) {
        case plan::TriggerKind::kProcessingTime: {
            MR_TRY(const std::int64_t us, sql::parse_interval_us(trigger.interval));
            if (us < 0) {
                return fail(Code::kInvalidArgument,
                            "the interval of a trigger should not be negative");
            }
            return us / 1000;
        }
        case plan::TriggerKind::kContinuous:
            return fail(Code::kUnsupported,
                        "Trigger.Continuous is not supported; use processingTime or availableNow");
        case plan::TriggerKind::kRealTime:
            return fail(Code::kUnsupported,
                        "Trigger.RealTime is not supported; use processingTime or availableNow");
        default: return 0;
    }
}

}  // namespace millrace::streaming
