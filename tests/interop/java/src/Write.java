import com.databricks.zerobus.NonRetriableException;
import com.databricks.zerobus.StreamConfigurationOptions;
import com.databricks.zerobus.ZerobusException;
import com.databricks.zerobus.ZerobusJsonStream;
import com.databricks.zerobus.ZerobusProtoStream;
import com.databricks.zerobus.ZerobusSdk;
import com.google.protobuf.ByteString;
import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DynamicMessage;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;

/**
 * Writes rows through the official SDK. Arguments: one address for endpoint and workspace, "proto" or "json", the first id,
 * how many rows, and the file with the descriptor of the message. Prints the rows as `read-delta` prints them.
 */
public final class Write {
  private static final String TABLE = "main.default.java";

  record Row(long id) {
    /** A row in three has the NOT NULL columns alone. */
    boolean full() {
      return id % 3 != 0;
    }

    String name() {
      return "Größe " + id;
    }

    int temp() {
      return (int) (id % 2 == 0 ? -id : id);
    }

    double humidity() {
      return id + 0.5;
    }

    String price() {
      return (id % 2 == 0 ? "-" : "") + "12345678." + (10 + id % 90);
    }

    long at() {
      return 1_732_000_000_000_000L + id;
    }

    List<String> tags() {
      return List.of("a" + id, "b");
    }

    byte[] raw() {
      return ("raw " + id).getBytes(StandardCharsets.UTF_8);
    }

    String shown() {
      if (!full()) {
        return "| " + id + " | " + name() + " | NULL".repeat(7) + " |";
      }
      String at = "2024-11-19T07:06:40." + String.format("%06d", id) + "Z";
      return "| " + String.join(" | ", "" + id, name(), "" + temp(), "" + humidity(), price(), at, "2024-10-04",
          "[" + String.join(", ", tags()) + "]", HexFormat.of().formatHex(raw())) + " |";
    }

    String json() {
      String must = "{\"id\": " + id + ", \"name\": \"" + name() + "\"";
      if (!full()) {
        return must + "}";
      }
      return must + ", \"temp\": " + temp() + ", \"humidity\": " + humidity() + ", \"price\": \"" + price() + "\", \"at\": "
          + at() + ", \"day\": 20000, \"tags\": [\"" + String.join("\", \"", tags()) + "\"], \"raw\": \""
          + Base64.getEncoder().encodeToString(raw()) + "\"}";
    }

    DynamicMessage message(Descriptor type) {
      DynamicMessage.Builder message = DynamicMessage.newBuilder(type);
      message.setField(type.findFieldByName("id"), id);
      message.setField(type.findFieldByName("name"), name());
      if (full()) {
        message.setField(type.findFieldByName("temp"), temp());
        message.setField(type.findFieldByName("humidity"), humidity());
        message.setField(type.findFieldByName("price"), price());
        message.setField(type.findFieldByName("at"), at());
        message.setField(type.findFieldByName("day"), 20_000);
        message.setField(type.findFieldByName("tags"), tags());
        message.setField(type.findFieldByName("raw"), ByteString.copyFrom(raw()));
      }
      return message.build();
    }
  }

  public static void main(String[] args) throws Exception {
    long first = Long.parseLong(args[2]);
    List<Row> rows = new ArrayList<>();
    for (long id = first; id < first + Long.parseLong(args[3]); id++) {
      rows.add(new Row(id));
    }
    List<Row> single = rows.subList(0, rows.size() / 2);
    List<Row> batched = rows.subList(rows.size() / 2, rows.size());
    StreamConfigurationOptions options =
        StreamConfigurationOptions.builder().setRecoveryRetries(1).setRecoveryBackoffMs(100).build();
    try (ZerobusSdk sdk = new ZerobusSdk(args[0], args[0])) {
      if (args[1].equals("json")) {
        writeJson(sdk.createJsonStream(TABLE, "interop", "local", options).join(), single, batched);
        refused(sdk.createJsonStream(TABLE, "interop", "local", options).join());
      } else {
        byte[] descriptor = Files.readAllBytes(Path.of(args[4]));
        writeProto(sdk.createProtoStream(TABLE, DescriptorProto.parseFrom(descriptor), "interop", "local", options).join(),
            type(descriptor), single, batched);
      }
    }
    rows.forEach(row -> System.out.println(row.shown()));
  }

  private static Descriptor type(byte[] descriptor) throws Exception {
    FileDescriptorProto file = FileDescriptorProto.newBuilder()
        .setName("interop.proto")
        .setSyntax("proto2")
        .addMessageType(DescriptorProto.parseFrom(descriptor))
        .build();
    return FileDescriptor.buildFrom(file, new FileDescriptor[0]).getMessageTypes().get(0);
  }

  private static void writeProto(ZerobusProtoStream stream, Descriptor type, List<Row> single, List<Row> batched)
      throws ZerobusException {
    for (Row row : single) {
      stream.waitForOffset(stream.ingestRecordOffset(row.message(type)));
    }
    List<DynamicMessage> messages = new ArrayList<>();
    batched.forEach(row -> messages.add(row.message(type)));
    stream.ingestRecordsOffset((Iterable<DynamicMessage>) messages);
    stream.flush();
    stream.close();
  }

  private static void writeJson(ZerobusJsonStream stream, List<Row> single, List<Row> batched) throws ZerobusException {
    for (Row row : single) {
      stream.waitForOffset(stream.ingestRecordOffset(row.json()));
    }
    stream.ingestRecordsOffset(batched.stream().map(Row::json).toList());
    stream.flush();
    stream.close();
  }

  /** What is no column is refused, and for good. */
  private static void refused(ZerobusJsonStream stream) {
    try {
      stream.waitForOffset(stream.ingestRecordOffset("{\"id\": 1, \"name\": \"refused\", \"wind\": 3}"));
      throw new AssertionError("a key that is no column was taken");
    } catch (NonRetriableException error) {
      if (!error.getMessage().contains("wind")) {
        throw new AssertionError("refused without a word on the key", error);
      }
    } catch (ZerobusException error) {
      throw new AssertionError("refused as if a retry could help", error);
    }
  }
}
