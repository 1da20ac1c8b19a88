#include "streaming/topic_offsets.h"

#include <algorithm>
#include <charconv>
#include <regex>
#include <set>

#include "streaming/json.h"

namespace millrace::streaming {

using base::Code;
using base::fail;
using topic::TopicPartition;

namespace {

std::optional<std::int64_t> parse_number(std::string_view text) {
    std::int64_t value = 0;
    const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc() || stop != text.data() + text.size()) return std::nullopt;
    return value;
}

std::string trim(std::string_view text) {
    const auto from = text.find_first_not_of(" \t\n");
    if (from == std::string_view::npos) return {};
    return std::string(text.substr(from, text.find_last_not_of(" \t\n") - from + 1));
}

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

const std::string* find_option(const plan::Options& options, const std::string& key) {
    const auto entry = options.find(key);
    return entry == options.end() ? nullptr : &entry->second;
}

// {"topic":[0,1]}
Result<std::vector<TopicPartition>> parse_assignment(const std::string& text) {
    MR_TRY(const Json json, parse_json(text));
    std::vector<TopicPartition> partitions;
    for (const auto& [name, list] : json.members) {
        for (const Json& element : list.elements) {
            const auto number = element.integer();
            if (!number) break;
            partitions.push_back({name, static_cast<std::int32_t>(*number)});
        }
    }
    if (partitions.empty()) {
        return fail(Code::kInvalidArgument,
                    "Expected e.g. {{\"topicA\":[0,1],\"topicB\":[0,1]}}, got {}", text);
    }
    std::ranges::sort(partitions);
    return partitions;
}

}  // namespace

std::string option_or(const plan::Options& options, const std::string& key, std::string fallback) {
    const std::string* value = find_option(options, key);
    return value == nullptr ? std::move(fallback) : *value;
}

Result<std::optional<std::int64_t>> number_option(const plan::Options& options,
                                                  const std::string& key) {
    const std::string* text = find_option(options, key);
    if (text == nullptr) return std::nullopt;
    const auto number = parse_number(trim(*text));
    if (!number) {
        return fail(Code::kInvalidArgument, "Option {} must be a number, got '{}'", key, *text);
    }
    return number;
}

std::string offsets_to_json(const PartitionOffsets& offsets) {
    std::string json = "{";
    const std::string* topic = nullptr;
    for (const auto& [partition, offset] : offsets) {
        if (topic == nullptr || *topic != partition.topic) {
            if (topic != nullptr) json += "},";
            json += json_quote(partition.topic) + ":{";
            topic = &partition.topic;
        } else {
            json.push_back(',');
        }
        json += fmt::format("\"{}\":{}", partition.partition, offset);
    }
    return json + (topic == nullptr ? "}" : "}}");
}

Result<PartitionOffsets> offsets_from_json(std::string_view text) {
    const auto wrong = [&] {
        return fail(
            Code::kInvalidArgument,
            "Expected e.g. {{\"topicA\":{{\"0\":23,\"1\":-1}},\"topicB\":{{\"0\":-2}}}}, got {}",
            text);
    };
    const auto json = parse_json(text);
    if (!json || json->kind != Json::Kind::kObject) return wrong();
    PartitionOffsets offsets;
    for (const auto& [name, partitions] : json->members) {
        if (partitions.kind != Json::Kind::kObject) return wrong();
        for (const auto& [partition, offset] : partitions.members) {
            const auto number = parse_number(partition);
            const auto value = offset.integer();
            if (!number || !value) return wrong();
            offsets[{name, static_cast<std::int32_t>(*number)}] = *value;
        }
    }
    return offsets;
}

std::vector<std::string> subscribed_topics(const plan::Options& options) {
    std::vector<std::string> names;
    if (const std::string* list = find_option(options, "subscribe")) {
        std::string_view rest = *list;
        while (!rest.empty()) {
            const auto comma = rest.find(',');
            if (std::string name = trim(rest.substr(0, comma)); !name.empty()) {
                names.push_back(std::move(name));
            }
            if (comma == std::string_view::npos) break;
            rest.remove_prefix(comma + 1);
        }
    } else if (const std::string* assign = find_option(options, "assign")) {
        if (const auto partitions = parse_assignment(*assign)) {
            for (const auto& partition : *partitions) {
                if (names.empty() || names.back() != partition.topic)
                    names.push_back(partition.topic);
            }
        }
    }
    return names;
}

std::string subscription_text(const plan::Options& options) {
    if (const std::string* pattern = find_option(options, "subscribepattern")) {
        return "SubscribePattern[" + *pattern + "]";
    }
    if (const std::string* assign = find_option(options, "assign"))
        return "Assign[" + *assign + "]";
    std::string names;
    for (const auto& name : subscribed_topics(options)) {
        names += (names.empty() ? "" : ", ") + name;
    }
    return "Subscribe[" + names + "]";
}

Result<std::vector<TopicPartition>> subscribed_partitions(const plan::Options& options,
                                                          topic::Topics& topics,
                                                          MissingTopics missing) {
    const bool subscribe = options.contains("subscribe");
    const std::string* pattern = find_option(options, "subscribepattern");
    const std::string* assign = find_option(options, "assign");
    if (int(subscribe) + int(pattern != nullptr) + int(assign != nullptr) != 1) {
        return fail(Code::kInvalidArgument,
                    "One of the following options must be specified for Kafka source: "
                    "subscribe, subscribePattern, assign. See the docs for more details.");
    }
    if (assign != nullptr) return parse_assignment(*assign);
    std::vector<std::string> names = subscribed_topics(options);
    if (pattern != nullptr) {
        MR_TRY(const auto all, topics.list());
        try {
            // tidy: topic names have 249 characters at most, and PCRE2 lives in another room.
            const std::regex matcher(*pattern);
            for (const auto& name : all) {
                if (std::regex_match(name, matcher)) names.push_back(name);
            }
        } catch (const std::regex_error&) {
            return fail(Code::kInvalidArgument, "Illegal value for option subscribePattern: '{}'",
                        *pattern);
        }
    } else if (names.empty()) {
        return fail(Code::kInvalidArgument, "No topics to subscribe to: option subscribe is empty");
    }
    std::vector<TopicPartition> partitions;
    for (const auto& name : names) {
        const auto description = topics.describe(name);
        if (!description) {
            if (description.error().code() != Code::kNotFound) return fail(description.error());
            if (missing == MissingTopics::kHaveNoPartitions) continue;
            return fail(Code::kNotFound,
                        "org.apache.kafka.common.errors.UnknownTopicOrPartitionException: This "
                        "server does not host this topic-partition: {}",
                        name);
        }
        for (std::int32_t i = 0; i < description->partitions; ++i) partitions.push_back({name, i});
    }
    std::ranges::sort(partitions);
    return partitions;
}

Result<PartitionOffsets> bound_offsets(const plan::Options& options, const std::string& which,
                                       std::int64_t otherwise,
                                       const std::vector<TopicPartition>& partitions,
                                       topic::Topics& topics) {
    PartitionOffsets wanted;
    std::map<TopicPartition, std::int64_t> at_time;
    MR_TRY(const auto timestamp, number_option(options, which + "timestamp"));
    const std::string* by_timestamp = find_option(options, which + "offsetsbytimestamp");
    const std::string* offsets = find_option(options, which + "offsets");
    if (timestamp) {
        for (const auto& partition : partitions) at_time[partition] = *timestamp;
    } else if (by_timestamp != nullptr) {
        MR_TRY(at_time, offsets_from_json(*by_timestamp));
    } else if (offsets != nullptr) {
        const std::string word = lower(trim(*offsets));
        if (word == "earliest") {
            otherwise = kEarliestOffset;
        } else if (word == "latest") {
            otherwise = kLatestOffset;
        } else {
            MR_TRY(wanted, offsets_from_json(*offsets));
            for (const auto& partition : partitions) {
                if (wanted.contains(partition)) continue;
                return fail(Code::kInvalidArgument,
                            "If {}Offsets contains specific offsets, you must specify all "
                            "TopicPartitions. Use -1 for latest, -2 for earliest. Missing: {}-{}",
                            which, partition.topic, partition.partition);
            }
        }
    }
    PartitionOffsets result;
    for (const auto& partition : partitions) {
        MR_TRY(const auto range, topics.offsets(partition));
        std::int64_t offset = wanted.contains(partition) ? wanted[partition] : otherwise;
        if (const auto time = at_time.find(partition); time != at_time.end()) {
            MR_TRY(const auto found, topics.offset_at(partition, time->second));
            if (!found && which == "starting" &&
                lower(option_or(options, "startingoffsetsbytimestampstrategy", "error")) ==
                    "error") {
                return fail(Code::kInvalidArgument,
                            "No offset matched from request of topic-partition {}-{} and timestamp "
                            "{}.",
                            partition.topic, partition.partition, time->second);
            }
            offset = found.value_or(range.next);
        }
        if (offset == kEarliestOffset) offset = range.first;
        if (offset == kLatestOffset) offset = range.next;
        result[partition] = offset;
    }
    return result;
}

}  // namespace millrace::streaming
