package tidemark.peers;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.processor.StateStoreContext;
import org.apache.kafka.streams.processor.internals.InternalProcessorContext;
import org.apache.kafka.streams.query.Position;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.internals.CacheFlushListener;
import org.apache.kafka.streams.state.internals.CachedStateStore;

/**
 * The subjects of one partition in memory, as an expert would keep them: rows of primitive numbers under open addressing,
 * no object and no serialisation for an event. Like the library's own caches it writes what changed to its changelog topic
 * right before offsets are committed, so that a subject is logged once a commit however many events it has, and is
 * restored from there. Base cells are not logged: they follow from the rows.
 */
final class Subjects implements StateStore, CachedStateStore<Bytes, byte[]> {
  private static final int HASH = 0;
  private static final int KEY = 1; // offset in the arena << 16 | length
  private static final int CELL = 2; // number of the cell, and DIRTY
  private static final int CLICKS = 3;
  private static final int IMPRESSIONS = 4;
  private static final int PURCHASES = 5;
  private static final int CENTS = 6;
  private static final int WIDTH = 7;
  private static final long DIRTY = 1L << 32;
  private static final byte SEPARATOR = 0; // between subject and cell in a changelog key; the last one counts

  final Cells cells = new Cells();
  private final String name;
  private InternalProcessorContext<?, ?> context;
  private boolean open;
  private long[] rows = new long[1024 * WIDTH];
  private int count;
  private int[] slots = new int[4096]; // row + 1
  private byte[] arena = new byte[1 << 16];
  private int used;
  private int[] dirty = new int[1024];
  private int dirtyCount;

  Subjects(String name) {
    this.name = name;
  }

  /** Counts one event of a subject in a cell. */
  void apply(byte[] subject, int cell, int type, long cents) {
    int row = find(subject, subject.length, cell);
    long clicks = rows[row + CLICKS];
    long impressions = rows[row + IMPRESSIONS];
    long purchases = rows[row + PURCHASES];
    long sum = rows[row + CENTS];
    if (rows[row + KEY] >= 0) { // a negative key is a row that was made just now
      cells.add(cell, clicks, impressions, purchases, sum, -1);
    } else {
      rows[row + KEY] = ~rows[row + KEY];
    }
    rows[row + CLICKS] = clicks += type == Scan.CLICK ? 1 : 0;
    rows[row + IMPRESSIONS] = impressions += type == Scan.IMPRESSION ? 1 : 0;
    rows[row + PURCHASES] = purchases += type == Scan.PURCHASE ? 1 : 0;
    rows[row + CENTS] = sum += cents;
    cells.add(cell, clicks, impressions, purchases, sum, 1);
    if ((rows[row + CELL] & DIRTY) == 0) {
      rows[row + CELL] |= DIRTY;
      if (dirtyCount == dirty.length) {
        dirty = Arrays.copyOf(dirty, 2 * dirtyCount);
      }
      dirty[dirtyCount++] = row;
    }
  }

  /** Where the row of the subject in the cell begins; made, with its key negated, if there was none. */
  private int find(byte[] subject, int length, int cell) {
    long hash = 0xcbf29ce484222325L ^ cell;
    for (int i = 0; i < length; i++) {
      hash = (hash ^ subject[i]) * 0x100000001b3L;
    }
    hash ^= hash >>> 32;
    hash *= 0x9E3779B97F4A7C15L;
    int mask = slots.length - 1;
    for (int i = (int) (hash >>> 32) & mask; ; i = i + 1 & mask) {
      int row = (slots[i] - 1) * WIDTH;
      if (row < 0) {
        slots[i] = ++count;
        return make(subject, length, cell, hash);
      }
      if (rows[row + HASH] == hash && (int) rows[row + CELL] == cell) {
        long key = rows[row + KEY];
        int start = (int) (key >>> 16);
        if ((key & 0xffff) == length && Arrays.equals(arena, start, start + length, subject, 0, length)) {
          return row;
        }
      }
    }
  }

  private int make(byte[] subject, int length, int cell, long hash) {
    if (length > 0xffff) {
      throw new IllegalArgumentException("a subject's id has more than 65,535 bytes");
    }
    int row = (count - 1) * WIDTH;
    if (row == rows.length) {
      rows = Arrays.copyOf(rows, 2 * rows.length);
    }
    if (used + length > arena.length) {
      arena = Arrays.copyOf(arena, Math.max(2 * arena.length, used + length));
    }
    System.arraycopy(subject, 0, arena, used, length);
    rows[row + HASH] = hash;
    rows[row + KEY] = ~((long) used << 16 | length);
    rows[row + CELL] = cell;
    used += length;
    if (5L * count > 3L * slots.length) {
      int mask = 2 * slots.length - 1;
      slots = new int[2 * slots.length];
      for (int r = 0; r < count; r++) {
        int i = (int) (rows[r * WIDTH + HASH] >>> 32) & mask;
        while (slots[i] != 0) {
          i = i + 1 & mask;
        }
        slots[i] = r + 1;
      }
    }
    return row;
  }

  @Override
  public void init(StateStoreContext context, StateStore root) {
    this.context = (InternalProcessorContext<?, ?>) context;
    context.register(root, this::restore);
    open = true;
  }

  /** Takes a row from the changelog, in place of what was there. */
  private void restore(byte[] key, byte[] value) {
    int length = key.length - 1;
    while (key[length] != SEPARATOR) {
      length--;
    }
    int cell = cells.of(new String(key, length + 1, key.length - length - 1, StandardCharsets.UTF_8));
    int row = find(key, length, cell);
    if (rows[row + KEY] >= 0) {
      cells.add(cell, rows[row + CLICKS], rows[row + IMPRESSIONS], rows[row + PURCHASES], rows[row + CENTS], -1);
    } else {
      rows[row + KEY] = ~rows[row + KEY];
    }
    ByteBuffer in = ByteBuffer.wrap(value);
    for (int i = CLICKS; i <= CENTS; i++) {
      rows[row + i] = in.getLong();
    }
    cells.add(cell, rows[row + CLICKS], rows[row + IMPRESSIONS], rows[row + PURCHASES], rows[row + CENTS], 1);
  }

  /** Logs what changed since the last time. Streams calls it before it flushes the producer and commits offsets. */
  @Override
  public void flushCache() {
    for (int i = 0; i < dirtyCount; i++) {
      int row = dirty[i];
      int start = (int) (rows[row + KEY] >>> 16);
      int length = (int) (rows[row + KEY] & 0xffff);
      byte[] cell = cells.name((int) rows[row + CELL]).getBytes(StandardCharsets.UTF_8);
      ByteBuffer key = ByteBuffer.allocate(length + 1 + cell.length).put(arena, start, length).put(SEPARATOR).put(cell);
      ByteBuffer value = ByteBuffer.allocate(32);
      for (int j = CLICKS; j <= CENTS; j++) {
        value.putLong(rows[row + j]);
      }
      context.logChange(name, Bytes.wrap(key.array()), value.array(), context.currentSystemTimeMs(), new RecordHeaders(), Position.emptyPosition());
      rows[row + CELL] &= ~DIRTY;
    }
    dirtyCount = 0;
  }

  @Override
  public boolean setFlushListener(CacheFlushListener<Bytes, byte[]> listener, boolean sendOldValues) {
    return false;
  }

  @Override
  public void clearCache() {
    dirtyCount = 0;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void close() {
    open = false;
  }

  @Override
  public boolean persistent() {
    return false;
  }

  @Override
  public boolean isOpen() {
    return open;
  }

  /** Builds the store with its changelog. */
  static StoreBuilder<Subjects> builder(String name) {
    return new StoreBuilder<>() {
      @Override
      public StoreBuilder<Subjects> withCachingEnabled() {
        return this;
      }

      @Override
      public StoreBuilder<Subjects> withCachingDisabled() {
        return this;
      }

      @Override
      public StoreBuilder<Subjects> withLoggingEnabled(Map<String, String> config) {
        return this;
      }

      @Override
      public StoreBuilder<Subjects> withLoggingDisabled() {
        throw new UnsupportedOperationException("without a changelog the store would be lost with the process");
      }

      @Override
      public Subjects build() {
        return new Subjects(name);
      }

      @Override
      public Map<String, String> logConfig() {
        return Map.of();
      }

      @Override
      public boolean loggingEnabled() {
        return true;
      }

      @Override
      public String name() {
        return name;
      }
    };
  }
}
