import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.DataInputStream;
import java.io.InputStreamReader;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.record.internal.Record;

/** Sends requests that are written as JSON to a broker, one a line, and prints each answer as JSON.
 *
 *  A line: {"api": "FETCH", "version": 12, "connection": "a", "body": {...}}. Fields that are left out of the body have
 *  Kafka's defaults. Records are written {"values": ["x"], "producerId": 1, "producerEpoch": 0, "sequence": 0,
 *  "transactional": true}, and answered as a list of batches. Argument: host:port. */
public class JsonWire {
    static final ObjectMapper JSON = new ObjectMapper();

    record Connection(Socket socket, DataInputStream in) {}

    public static void main(String[] args) throws Exception {
        String[] at = args[0].split(":");
        Map<String, Connection> connections = new HashMap<>();
        int correlation = 0;
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null;) {
            JsonNode asked = JSON.readTree(line);
            String name = asked.path("connection").asText("");
            if (asked.has("close")) {
                Connection closed = connections.remove(name);
                if (closed != null) closed.socket.close();
                System.out.println("{}");
                continue;
            }
            if (!connections.containsKey(name)) {
                Socket socket = new Socket(at[0], Integer.parseInt(at[1]));
                socket.setSoTimeout(60_000);
                connections.put(name, new Connection(socket, new DataInputStream(socket.getInputStream())));
            }
            ObjectNode answer;
            try {
                answer = exchange(connections.get(name), asked, ++correlation);
            } catch (Exception failure) {
                answer = JSON.createObjectNode().put("failure", failure.toString());
                connections.remove(name).socket.close();
            }
            System.out.println(JSON.writeValueAsString(answer));
            System.out.flush();
        }
    }

    static ObjectNode exchange(Connection connection, JsonNode asked, int correlation) throws Exception {
        ApiKeys api = ApiKeys.valueOf(asked.get("api").asText());
        short version = (short) asked.get("version").asInt();
        ApiMessage body = api.messageType.newRequest();
        fill(body, asked.get("body"));
        RequestHeaderData header = new RequestHeaderData().setRequestApiKey(api.id).setRequestApiVersion(version)
            .setCorrelationId(correlation).setClientId("wire");
        ByteBuffer front = MessageUtil.toByteBufferAccessor(header, api.requestHeaderVersion(version)).buffer();
        ByteBuffer back = MessageUtil.toByteBufferAccessor(body, version).buffer();
        ByteBuffer frame = ByteBuffer.allocate(4 + front.remaining() + back.remaining());
        frame.putInt(front.remaining() + back.remaining()).put(front).put(back);
        connection.socket.getOutputStream().write(frame.array());

        byte[] bytes = new byte[connection.in.readInt()];
        connection.in.readFully(bytes);
        ByteBufferAccessor readable = new ByteBufferAccessor(ByteBuffer.wrap(bytes));
        ResponseHeaderData head = new ResponseHeaderData(readable, api.responseHeaderVersion(version));
        if (head.correlationId() != correlation) throw new IllegalStateException("answer of another request");
        ApiMessage answer = api.messageType.newResponse();
        answer.read(readable, version);
        if (readable.remaining() > 0) throw new IllegalStateException(readable.remaining() + " bytes too many");
        return (ObjectNode) toJson(answer, version);
    }

    static JsonNode toJson(Message message, short version) throws Exception {
        Class<?> converter = Class.forName(message.getClass().getName() + "JsonConverter");
        for (Method write : converter.getMethods()) {
            if (!write.getName().equals("write") || write.getParameterCount() != 3) continue;
            JsonNode node = (JsonNode) write.invoke(null, message, version, false);
            tellRecords(message, node);
            return node;
        }
        throw new IllegalStateException("no converter for " + message.getClass());
    }

    /** Puts what the batches hold in the place of their size, wherever a message has records. */
    static void tellRecords(Object message, JsonNode node) throws Exception {
        if (message instanceof Collection<?> all) {
            Iterator<?> one = all.iterator();
            for (JsonNode child : node) {
                Object element = one.next();
                if (element instanceof Message) tellRecords(element, child);
            }
            return;
        }
        if (node.has("recordsSizeInBytes")) {
            Object records = message.getClass().getMethod("records").invoke(message);
            ((ObjectNode) node).remove("recordsSizeInBytes");
            ((ObjectNode) node).set("records", batches((MemoryRecords) records));
        }
        for (Iterator<String> names = node.fieldNames(); names.hasNext();) {
            String name = names.next();
            JsonNode child = node.get(name);
            if (name.equals("records") || !(child instanceof ArrayNode)) continue;
            Object value = message.getClass().getMethod(name).invoke(message);
            if (value instanceof Collection<?>) tellRecords(value, child);
        }
    }

    static JsonNode batches(MemoryRecords records) {
        ArrayNode all = JSON.createArrayNode();
        if (records == null) return all;
        for (RecordBatch batch : records.batches()) {
            ObjectNode one = all.addObject().put("offset", batch.baseOffset()).put("producerId", batch.producerId())
                .put("producerEpoch", batch.producerEpoch()).put("sequence", batch.baseSequence())
                .put("transactional", batch.isTransactional()).put("control", batch.isControlBatch())
                .put("leaderEpoch", batch.partitionLeaderEpoch());
            ArrayNode values = one.putArray("values");
            boolean control = batch.isControlBatch();
            for (Record record : batch) values.add(bytes(control ? record.key() : record.value(), control));
        }
        return all;
    }

    static String bytes(ByteBuffer buffer, boolean binary) {
        if (buffer == null) return null;
        byte[] copy = new byte[buffer.remaining()];
        buffer.duplicate().get(copy);
        if (!binary) return new String(copy, StandardCharsets.UTF_8);
        StringBuilder hex = new StringBuilder();
        for (byte one : copy) hex.append(String.format("%02x", one));
        return hex.toString();
    }

    @SuppressWarnings("unchecked")
    static void fill(Object message, JsonNode fields) throws Exception {
        for (Iterator<String> names = fields.fieldNames(); names.hasNext();) {
            String name = names.next();
            Method getter = message.getClass().getMethod(name);
            Object value = value(getter.getGenericReturnType(), fields.get(name));
            Method setter = null;
            String wanted = "set" + Character.toUpperCase(name.charAt(0)) + name.substring(1);
            for (Method one : message.getClass().getMethods()) if (one.getName().equals(wanted)) setter = one;
            setter.invoke(message, value);
        }
    }

    static Object value(Type type, JsonNode node) throws Exception {
        if (node.isNull()) return null;
        if (type == boolean.class) return node.asBoolean();
        if (type == byte.class) return (byte) node.asInt();
        if (type == short.class) return (short) node.asInt();
        if (type == int.class || type == Integer.class) return node.asInt();
        if (type == long.class || type == Long.class) return node.asLong();
        if (type == double.class || type == Double.class) return node.asDouble();
        if (type == Short.class) return (short) node.asInt();
        if (type == Byte.class) return (byte) node.asInt();
        if (type == String.class) return node.asText();
        if (type == Uuid.class) return Uuid.fromString(node.asText());
        if (type == byte[].class) return node.asText().getBytes(StandardCharsets.UTF_8);
        if (type == ByteBuffer.class) return ByteBuffer.wrap(node.asText().getBytes(StandardCharsets.UTF_8));
        if (type.getTypeName().endsWith("BaseRecords")) return records(node);
        if (type instanceof ParameterizedType list) {
            List<Object> all = new ArrayList<>();
            for (JsonNode one : node) all.add(value(list.getActualTypeArguments()[0], one));
            return all;
        }
        Class<?> struct = (Class<?>) type;
        if (Collection.class.isAssignableFrom(struct)) {
            Type element = ((ParameterizedType) struct.getGenericSuperclass()).getActualTypeArguments()[0];
            Object all = struct.getConstructor().newInstance();
            for (JsonNode one : node) ((Collection<Object>) all).add(value(element, one));
            return all;
        }
        Object made = struct.getConstructor().newInstance();
        fill(made, node);
        return made;
    }

    static MemoryRecords records(JsonNode node) {
        long time = node.path("time").asLong(System.currentTimeMillis());
        MemoryRecordsBuilder builder = new MemoryRecordsBuilder(ByteBuffer.allocate(1 << 16),
            RecordBatch.MAGIC_VALUE_V2, Compression.NONE, TimestampType.CREATE_TIME, 0, time,
            node.path("producerId").asLong(-1), (short) node.path("producerEpoch").asInt(-1),
            node.path("sequence").asInt(-1), node.path("transactional").asBoolean(false), false,
            RecordBatch.NO_PARTITION_LEADER_EPOCH, 1 << 16);
        for (JsonNode one : node.get("values")) {
            byte[] key = node.has("key") ? node.get("key").asText().getBytes(StandardCharsets.UTF_8) : null;
            builder.append(time, key, one.isNull() ? null : one.asText().getBytes(StandardCharsets.UTF_8));
        }
        return builder.build();
    }
}
