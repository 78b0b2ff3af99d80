package tidemark.peers;

import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;

/** How far a pass is. The peer's own threads write, the thread that waits for its end reads; one pass at a time. */
final class Progress {
  private static final AtomicReference<Meter> METER = new AtomicReference<>();
  private static final LongAdder READ = new LongAdder();
  private static final ThreadLocal<boolean[]> SEEN = ThreadLocal.withInitial(() -> new boolean[1]);

  /** Set when all records are read: what is batched is to be handed on and committed now. */
  static volatile boolean draining;

  private Progress() {}

  static void reset() {
    METER.set(null);
    READ.reset();
    draining = false;
  }

  /** Starts the clock, once: when all tasks are assigned and restored, or with the first record. */
  static void begin() {
    if (METER.get() == null) {
      METER.compareAndSet(null, new Meter());
    }
  }

  static void read() {
    boolean[] seen = SEEN.get();
    if (!seen[0]) { // a thread's first record; threads don't outlive a pass
      seen[0] = true;
      begin();
    }
    READ.increment();
  }

  static long count() {
    return READ.sum();
  }

  static Meter meter() {
    return METER.get();
  }
}
