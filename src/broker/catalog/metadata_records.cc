#include "broker/catalog/metadata_records.h"

#include <utility>

#include "kafka/messages/catalog_log.h"
#include "kafka/reader.h"
#include "kafka/writer.h"

namespace millrace::broker {
namespace {

constexpr std::int16_t kTopicKeyVersion = 0;
constexpr std::int16_t kClusterKeyVersion = 1;
constexpr std::int16_t kConfigKeyVersion = 2;
constexpr std::int16_t kQuotaKeyVersion = 3;
constexpr std::int16_t kFeatureKeyVersion = 4;
constexpr std::int16_t kScramKeyVersion = 5;

template <class Message>
base::Bytes encode(std::int16_t leading_version, const Message* message) {
    kafka::Writer writer;
    writer.i16(leading_version);
    if (message) message->encode(writer, 0);
    return writer.take_all();
}

base::Bytes topic_key(const std::string& name) {
    kafka::TopicKey key;
    key.name = name;
    return encode(kTopicKeyVersion, &key);
}

base::Bytes key_of(const ConfigResource& resource) {
    kafka::ConfigKey key;
    key.resource_type = static_cast<std::int8_t>(resource.type);
    key.resource_name = resource.name;
    return encode(kConfigKeyVersion, &key);
}

base::Bytes value_of(const config::Settings& settings) {
    kafka::ConfigValue value;
    for (const auto& [name, text] : settings) value.settings.push_back({name, text});
    return encode(0, &value);
}

base::Bytes key_of(const QuotaEntity& entity) {
    kafka::QuotaKey key;
    for (const auto& [type, name] : entity) key.entity.push_back({type, name});
    return encode(kQuotaKeyVersion, &key);
}

base::Bytes value_of(const QuotaValues& quotas) {
    kafka::QuotaValue value;
    for (const auto& [name, limit] : quotas) value.quotas.push_back({name, limit});
    return encode(0, &value);
}

base::Bytes key_of(const std::string& feature) {
    kafka::FeatureKey key;
    key.name = feature;
    return encode(kFeatureKeyVersion, &key);
}

base::Bytes value_of(std::int16_t level) {
    kafka::FeatureValue value;
    value.level = level;
    return encode(0, &value);
}

base::Bytes key_of(const ScramName& name) {
    kafka::ScramKey key;
    key.user = name.user;
    key.mechanism = static_cast<std::int8_t>(name.mechanism);
    return encode(kScramKeyVersion, &key);
}

base::Bytes value_of(const ScramCredential& credential) {
    kafka::ScramValue value;
    value.salt = credential.salt;
    value.stored_key = credential.stored_key;
    value.server_key = credential.server_key;
    value.iterations = credential.iterations;
    return encode(0, &value);
}

template <class Map>
void add_changes(const Map& from, const Map& to, std::vector<KeyedRecord>& records) {
    for (const auto& [key, value] : from) {
        if (!to.contains(key)) records.push_back({key_of(key), std::nullopt});
    }
    for (const auto& [key, value] : to) {
        const auto before = from.find(key);
        if (before != from.end() && before->second == value) continue;
        records.push_back({key_of(key), value_of(value)});
    }
}

// The message behind the version 0 in front of a value; false when it is none.
template <class Message>
bool decode(base::ByteView value, Message& message) {
    kafka::Reader reader(value);
    const bool known = reader.i16() == 0;
    message.decode(reader, 0);
    return known && reader.ok();
}

}  // namespace

KeyedRecord topic_record(const TopicRecord& record) {
    kafka::TopicValue value;
    value.id = record.id;
    value.partitions = record.partitions;
    for (const auto& [name, text] : record.settings) value.settings.push_back({name, text});
    return {topic_key(record.name), encode(0, &value)};
}

KeyedRecord topic_gone_record(const std::string& name) {
    return {topic_key(name), std::nullopt};
}

KeyedRecord cluster_record(const std::string& cluster_id, std::int64_t next_producer_id) {
    kafka::ClusterValue value;
    value.cluster_id = cluster_id;
    value.next_producer_id = next_producer_id;
    return {encode<kafka::ClusterValue>(kClusterKeyVersion, nullptr), encode(0, &value)};
}

std::vector<KeyedRecord> change_records(const ClusterState& from, const ClusterState& to) {
    std::vector<KeyedRecord> records;
    add_changes(from.configs, to.configs, records);
    add_changes(from.quotas, to.quotas, records);
    add_changes(from.features, to.features, records);
    add_changes(from.scram, to.scram, records);
    return records;
}

void LoadedMetadata::apply(base::ByteView key, std::optional<base::ByteView> value) {
    kafka::Reader reader(key);
    switch (reader.i16()) {
        case kTopicKeyVersion: {
            kafka::TopicKey topic;
            topic.decode(reader, 0);
            understood = understood && reader.ok();
            if (!value) {
                topics.erase(topic.name);
                return;
            }
            kafka::TopicValue read;
            understood = decode(*value, read) && understood;
            TopicRecord record{topic.name, read.id, read.partitions, {}};
            for (auto& setting : read.settings) record.settings[setting.name] = setting.value;
            topics.insert_or_assign(topic.name, std::move(record));
            return;
        }
        case kClusterKeyVersion: {
            kafka::ClusterValue read;
            understood = value && decode(*value, read) && understood;
            cluster_id = read.cluster_id;
            next_producer_id = read.next_producer_id;
            return;
        }
        case kConfigKeyVersion: {
            kafka::ConfigKey config;
            config.decode(reader, 0);
            kafka::ConfigValue read;
            understood = reader.ok() && (!value || decode(*value, read)) && understood;
            const ConfigResource resource{ConfigType{config.resource_type}, config.resource_name};
            cluster.configs.erase(resource);
            if (!value) return;
            auto& settings = cluster.configs[resource];
            for (auto& setting : read.settings) settings[setting.name] = setting.value;
            return;
        }
        case kQuotaKeyVersion: {
            kafka::QuotaKey quota;
            quota.decode(reader, 0);
            kafka::QuotaValue read;
            understood = reader.ok() && (!value || decode(*value, read)) && understood;
            QuotaEntity entity;
            for (auto& part : quota.entity) entity[part.entity_type] = part.entity_name;
            cluster.quotas.erase(entity);
            if (!value) return;
            auto& quotas = cluster.quotas[entity];
            for (auto& one : read.quotas) quotas[one.name] = one.value;
            return;
        }
        case kFeatureKeyVersion: {
            kafka::FeatureKey feature;
            feature.decode(reader, 0);
            kafka::FeatureValue read;
            understood = reader.ok() && (!value || decode(*value, read)) && understood;
            cluster.features.erase(feature.name);
            if (value) cluster.features[feature.name] = read.level;
            return;
        }
        case kScramKeyVersion: {
            kafka::ScramKey scram;
            scram.decode(reader, 0);
            kafka::ScramValue read;
            understood = reader.ok() && (!value || decode(*value, read)) && understood;
            const ScramName name{scram.user, ScramMechanism{scram.mechanism}};
            cluster.scram.erase(name);
            if (!value) return;
            cluster.scram[name] = {std::move(read.salt), std::move(read.stored_key),
                                   std::move(read.server_key), read.iterations};
            return;
        }
        default: understood = false;
    }
}

}  // namespace millrace::broker
