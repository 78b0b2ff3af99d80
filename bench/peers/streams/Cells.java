package tidemark.peers;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The base cells of one partition: a number for each combination of values, its sums, and which have changed. One thread's. */
final class Cells {
  /** Bytes to small numbers and back: the values of a dimension. */
  private static final class Dictionary {
    private final List<byte[]> texts = new ArrayList<>();
    private int[] slots = new int[64];

    int code(byte[] b, int from, int to) {
      int hash = 0;
      for (int i = from; i < to; i++) {
        hash = 31 * hash + b[i];
      }
      hash *= 0x9E3779B9;
      int mask = slots.length - 1;
      for (int i = hash >>> 16 & mask; ; i = i + 1 & mask) {
        int code = slots[i] - 1;
        if (code < 0) {
          texts.add(Arrays.copyOfRange(b, from, to));
          slots[i] = texts.size();
          if (2 * texts.size() > slots.length) {
            grow();
          }
          return texts.size() - 1;
        }
        byte[] text = texts.get(code);
        if (Arrays.equals(b, from, to, text, 0, text.length)) {
          return code;
        }
      }
    }

    private void grow() {
      List<byte[]> all = new ArrayList<>(texts);
      texts.clear();
      slots = new int[2 * slots.length];
      all.forEach(text -> code(text, 0, text.length));
    }
  }

  private final Dictionary[] dictionaries = {new Dictionary(), new Dictionary(), new Dictionary(), new Dictionary()};
  private final List<String> names = new ArrayList<>();
  private final List<long[]> sums = new ArrayList<>();
  private final List<int[]> changed = new ArrayList<>(); // of each cell: 0, or 1 since it was last published
  private long[] keys = new long[64];
  private int[] cells = new int[64];

  /** The number of the cell of the record that was scanned. */
  int of(Scan r) {
    long key = 1; // never 0, which is a free slot
    for (int d = 0; d < 4; d++) {
      key = key << 15 | dictionaries[d].code(r.bytes, r.from[d], r.to[d]);
    }
    int mask = keys.length - 1;
    for (int i = (int) ((key * 0x9E3779B97F4A7C15L) >>> 40) & mask; ; i = i + 1 & mask) {
      if (keys[i] == key) {
        return cells[i];
      }
      if (keys[i] == 0) {
        StringBuilder name = new StringBuilder();
        for (int d = 0; d < 4; d++) {
          name.append(d > 0 ? "|" : "").append(new String(r.bytes, r.from[d], r.to[d] - r.from[d], StandardCharsets.UTF_8));
        }
        names.add(name.toString());
        sums.add(new long[Cell.SUMS.length]);
        changed.add(new int[1]);
        keys[i] = key;
        cells[i] = names.size() - 1;
        if (2 * names.size() > keys.length) {
          grow();
        }
        return names.size() - 1;
      }
    }
  }

  /** The number of the cell with this name, as a changelog has it. */
  int of(String name) {
    Scan r = new Scan();
    r.bytes = name.getBytes(StandardCharsets.UTF_8);
    int start = 0;
    int d = 0;
    for (int i = 0; i <= r.bytes.length; i++) {
      if (i == r.bytes.length || r.bytes[i] == '|') {
        r.from[d] = start;
        r.to[d++] = i;
        start = i + 1;
      }
    }
    return of(r);
  }

  private void grow() {
    long[] oldKeys = keys;
    int[] oldCells = cells;
    keys = new long[2 * oldKeys.length];
    cells = new int[keys.length];
    int mask = keys.length - 1;
    for (int j = 0; j < oldKeys.length; j++) {
      if (oldKeys[j] != 0) {
        int i = (int) ((oldKeys[j] * 0x9E3779B97F4A7C15L) >>> 40) & mask;
        while (keys[i] != 0) {
          i = i + 1 & mask;
        }
        keys[i] = oldKeys[j];
        cells[i] = oldCells[j];
      }
    }
  }

  String name(int cell) {
    return names.get(cell);
  }

  /** Adds sign times a subject's contribution. */
  void add(int cell, long clicks, long impressions, long purchases, long cents, int sign) {
    Cell.add(sums.get(cell), clicks, impressions, purchases, cents, sign);
    changed.get(cell)[0] = 1;
  }

  interface Out {
    void cell(String name, long[] sums);
  }

  /** Gives the cells that changed since the last call. */
  void drain(Out out) {
    for (int cell = 0; cell < names.size(); cell++) {
      if (changed.get(cell)[0] != 0) {
        changed.get(cell)[0] = 0;
        out.cell(names.get(cell), sums.get(cell));
      }
    }
  }
}
