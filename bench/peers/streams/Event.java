package tidemark.peers;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.Map;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;

/** What the job reads of a record's value; the subject is the record's key. Read by Jackson's streaming parser, no tree, no binding. */
record Event(String type, String variant, String platform, String country, String plan, long cents) {
  private static final JsonFactory FACTORY = new JsonFactory();

  static Event parse(byte[] json) {
    try (JsonParser p = FACTORY.createParser(json)) {
      String type = null;
      String variant = null;
      String platform = null;
      String country = null;
      String plan = null;
      long cents = 0;
      p.nextToken();
      for (String name = p.nextFieldName(); name != null; name = p.nextFieldName()) {
        switch (name) {
          case "type" -> type = p.nextTextValue();
          case "cents" -> cents = p.nextLongValue(0);
          case "user", "device", "experiment" -> {
            if (p.nextToken() != JsonToken.START_OBJECT) {
              throw new SerializationException(name + " is not an object");
            }
            for (String inner = p.nextFieldName(); inner != null; inner = p.nextFieldName()) {
              switch (inner) {
                case "plan" -> plan = p.nextTextValue();
                case "platform" -> platform = p.nextTextValue();
                case "country" -> country = p.nextTextValue();
                case "variant" -> variant = p.nextTextValue();
                default -> skip(p);
              }
            }
          }
          default -> skip(p);
        }
      }
      return new Event(type, variant, platform, country, plan, cents);
    } catch (IOException e) {
      throw new SerializationException("not a record of the benchmark's log", e);
    }
  }

  private static void skip(JsonParser p) throws IOException {
    p.nextToken();
    p.skipChildren();
  }

  /** Reads events and counts them; they are never written. */
  static final class FromJson implements Serde<Event> {
    @Override
    public Serializer<Event> serializer() {
      return (topic, event) -> {
        throw new UnsupportedOperationException("events are read only");
      };
    }

    @Override
    public Deserializer<Event> deserializer() {
      return new Deserializer<>() {
        @Override
        public void configure(Map<String, ?> configs, boolean isKey) {}

        @Override
        public Event deserialize(String topic, byte[] value) {
          Progress.read();
          return parse(value);
        }
      };
    }
  }
}
