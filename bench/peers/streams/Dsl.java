package tidemark.peers;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * The job in the DSL: a table of subjects, and a table of cells with an adder and a subtractor over it. The subject is the
 * topic's key, so a branch for each variant keeps the first step free of a repartition topic, which a key made of subject
 * and variant would need. With plan rollup, cells are base cells and their readers add them up into the eight groupings;
 * with plan cube, every grouping is a table of its own over the subjects.
 */
final class Dsl {
  /** The experiment's arms, as its definition would name them. */
  static final List<String> VARIANTS = List.of("control", "treatment");

  private Dsl() {}

  /** A subject's totals; slice is its platform, country and plan, joined by "|". */
  record Totals(String slice, long clicks, long impressions, long purchases, long cents) {
    Totals plus(Event e) {
      return new Totals(
          slice.isEmpty() ? e.platform() + "|" + e.country() + "|" + e.plan() : slice,
          clicks + (e.type().equals("click") ? 1 : 0), impressions + (e.type().equals("impression") ? 1 : 0),
          purchases + (e.type().equals("purchase") ? 1 : 0), cents + e.cents());
    }
  }

  static void build(StreamsBuilder builder, String topic, boolean cube) {
    KStream<Bytes, Event> events = builder.stream(topic, Consumed.with(Serdes.Bytes(), new Event.FromJson()));
    for (String variant : VARIANTS) {
      KTable<Bytes, Totals> subjects = events
          .filter((subject, event) -> event.variant().equals(variant))
          .groupByKey(Grouped.with(Serdes.Bytes(), new Event.FromJson()))
          .aggregate(() -> new Totals("", 0, 0, 0, 0), (subject, event, totals) -> totals.plus(event),
              Materialized.<Bytes, Totals, KeyValueStore<Bytes, byte[]>>as("subjects-" + variant).withKeySerde(Serdes.Bytes()).withValueSerde(TOTALS));
      for (int fixed : masks(cube)) {
        subjects
            .groupBy((subject, totals) -> KeyValue.pair(variant + "|" + coarsen(totals.slice(), fixed), totals), Grouped.with(Serdes.String(), TOTALS))
            .aggregate(() -> new long[Cell.SUMS.length], (cell, totals, sums) -> changed(sums, totals, 1), (cell, totals, sums) -> changed(sums, totals, -1),
                Materialized.<String, long[], KeyValueStore<Bytes, byte[]>>as(store(variant, fixed)).withKeySerde(Serdes.String()).withValueSerde(SUMS));
      }
    }
  }

  /** Gives each cell that is kept, with its name and sums. */
  static void cells(KafkaStreams streams, boolean cube, BiConsumer<String, long[]> out) {
    for (String variant : VARIANTS) {
      for (int fixed : masks(cube)) {
        var store = streams.store(StoreQueryParameters.fromNameAndType(store(variant, fixed), QueryableStoreTypes.<String, long[]>keyValueStore()));
        try (KeyValueIterator<String, long[]> all = store.all()) {
          all.forEachRemaining(cell -> out.accept(cell.key, cell.value));
        }
      }
    }
  }

  private static String store(String variant, int fixed) {
    return "cells-" + variant + "-" + fixed;
  }

  /** The groupings to keep a table for, as bits of the fixed dimensions. */
  private static List<Integer> masks(boolean cube) {
    List<Integer> out = new ArrayList<>();
    for (int fixed = cube ? 0 : 7; fixed < 8; fixed++) {
      out.add(fixed);
    }
    return out;
  }

  /** Leaves a slice's values out whose bit is not set. */
  static String coarsen(String slice, int fixed) {
    if (fixed == 7) {
      return slice;
    }
    String[] values = slice.split("\\|", -1);
    return pick(values[0], fixed & 1) + "|" + pick(values[1], fixed & 2) + "|" + pick(values[2], fixed & 4);
  }

  private static String pick(String value, int fixed) {
    return fixed != 0 ? value : "";
  }

  private static long[] changed(long[] sums, Totals t, int sign) {
    long[] out = sums.clone(); // the old value may still be on its way downstream
    Cell.add(out, t.clicks, t.impressions, t.purchases, t.cents, sign);
    return out;
  }

  private static final Serde<Totals> TOTALS = Serdes.serdeFrom(
      (topic, t) -> {
        if (t == null) {
          return null;
        }
        byte[] slice = t.slice.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(32 + slice.length).putLong(t.clicks).putLong(t.impressions).putLong(t.purchases).putLong(t.cents).put(slice).array();
      },
      (topic, bytes) -> {
        if (bytes == null) {
          return null;
        }
        ByteBuffer in = ByteBuffer.wrap(bytes);
        long clicks = in.getLong();
        long impressions = in.getLong();
        long purchases = in.getLong();
        long cents = in.getLong();
        return new Totals(new String(bytes, 32, bytes.length - 32, StandardCharsets.UTF_8), clicks, impressions, purchases, cents);
      });

  /** Sums as thirteen big-endian longs. */
  static final Serde<long[]> SUMS = Serdes.serdeFrom(
      (topic, sums) -> {
        if (sums == null) {
          return null;
        }
        ByteBuffer out = ByteBuffer.allocate(8 * sums.length);
        out.asLongBuffer().put(sums);
        return out.array();
      },
      (topic, bytes) -> {
        if (bytes == null) {
          return null;
        }
        long[] sums = new long[bytes.length / 8];
        ByteBuffer.wrap(bytes).asLongBuffer().get(sums);
        return sums;
      });
}
