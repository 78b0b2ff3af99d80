package tidemark.peers;

import org.apache.kafka.common.errors.SerializationException;

/**
 * Finds what the job reads straight in a record's bytes, in one pass and without making an object: keys in any order, any
 * white space, unknown members skipped. A wanted text with an escape in it goes the slow way, through {@link Event}.
 * Belongs to one thread.
 */
final class Scan {
  static final int CLICK = 1;
  static final int IMPRESSION = 2;
  static final int PURCHASE = 3;

  /** The wanted texts, as [from, to) in the bytes. */
  static final int VARIANT = 0;
  static final int PLATFORM = 1;
  static final int COUNTRY = 2;
  static final int PLAN = 3;
  private static final int TYPE = 4;

  private static final byte[][] NAMES = {
    "variant".getBytes(), "platform".getBytes(), "country".getBytes(), "plan".getBytes(), "type".getBytes(),
  };
  private static final byte[] CENTS = "cents".getBytes();
  private static final byte[] USER = "user".getBytes();
  private static final byte[] DEVICE = "device".getBytes();
  private static final byte[] EXPERIMENT = "experiment".getBytes();

  byte[] bytes;
  final int[] from = new int[5];
  final int[] to = new int[5];
  int type;
  long cents;
  private int at;
  private boolean escaped;

  /** Reads a record; afterwards the fields hold what was found, of bytes that may be another array than was given. */
  void read(byte[] json) {
    bytes = json;
    at = 0;
    escaped = false;
    cents = 0;
    java.util.Arrays.fill(to, 0);
    java.util.Arrays.fill(from, 0);
    object(true);
    if (escaped) {
      slowly(json);
      return;
    }
    type = kind(bytes, from[TYPE], to[TYPE]);
  }

  private static int kind(byte[] b, int from, int to) {
    switch (to - from) {
      case 5:
        return b[from] == 'c' ? CLICK : 0;
      case 10:
        return b[from] == 'i' ? IMPRESSION : 0;
      case 8:
        return b[from] == 'p' ? PURCHASE : 0; // the other word of eight letters is exposure
      default:
        return 0;
    }
  }

  private void slowly(byte[] json) {
    Event e = Event.parse(json);
    byte[][] texts = {e.variant().getBytes(), e.platform().getBytes(), e.country().getBytes(), e.plan().getBytes(), e.type().getBytes()};
    int length = 0;
    for (byte[] text : texts) {
      length += text.length;
    }
    bytes = new byte[length];
    int end = 0;
    for (int i = 0; i < texts.length; i++) {
      System.arraycopy(texts[i], 0, bytes, end, texts[i].length);
      from[i] = end;
      end += texts[i].length;
      to[i] = end;
    }
    cents = e.cents();
    type = kind(bytes, from[TYPE], to[TYPE]);
  }

  private void object(boolean top) {
    expect('{');
    if (next() == '}') {
      at++;
      return;
    }
    while (true) {
      if (next() != '"') {
        throw malformed();
      }
      int start = ++at;
      string();
      int length = at - 1 - start;
      expect(':');
      byte first = next();
      int wanted = top ? (is(start, length, NAMES[TYPE]) ? TYPE : -1) : member(start, length);
      if (wanted >= 0 && first == '"') {
        from[wanted] = ++at;
        string();
        to[wanted] = at - 1;
      } else if (top && first == '{' && (is(start, length, USER) || is(start, length, DEVICE) || is(start, length, EXPERIMENT))) {
        object(false);
      } else if (top && is(start, length, CENTS)) {
        number();
      } else {
        skip(first);
      }
      switch (next()) {
        case ',':
          at++;
          break;
        case '}':
          at++;
          return;
        default:
          throw malformed();
      }
    }
  }

  private int member(int start, int length) {
    for (int i = VARIANT; i <= PLAN; i++) {
      if (is(start, length, NAMES[i])) {
        return i;
      }
    }
    return -1;
  }

  private boolean is(int start, int length, byte[] name) {
    return length == name.length && java.util.Arrays.equals(bytes, start, start + length, name, 0, length);
  }

  /** Moves behind the closing quote of the string whose first byte is at. */
  private void string() {
    byte[] b = bytes;
    int i = at;
    while (true) {
      byte c = b[i++];
      if (c == '"') {
        at = i;
        return;
      }
      if (c == '\\') {
        escaped = true; // even in a text that nobody wants: rare enough
        i++;
      }
    }
  }

  private void number() {
    boolean minus = bytes[at] == '-';
    if (minus) {
      at++;
    }
    long x = 0;
    for (; at < bytes.length && bytes[at] >= '0' && bytes[at] <= '9'; at++) {
      x = Math.addExact(Math.multiplyExact(x, 10L), bytes[at] - '0');
    }
    cents = minus ? -x : x;
  }

  private void skip(byte first) {
    if (first == '"') {
      at++;
      string();
      return;
    }
    int depth = 0;
    while (at < bytes.length) {
      byte c = bytes[at];
      if (c == '"') {
        at++;
        string();
        continue;
      }
      if (c == '{' || c == '[') {
        depth++;
      } else if (c == '}' || c == ']') {
        if (depth == 0) {
          return;
        }
        depth--;
      } else if (c == ',' && depth == 0) {
        return;
      }
      at++;
    }
    throw malformed();
  }

  private byte next() {
    while (at < bytes.length) {
      byte c = bytes[at];
      if (c > ' ') {
        return c;
      }
      at++;
    }
    throw malformed();
  }

  private void expect(char c) {
    if (next() != c) {
      throw malformed();
    }
    at++;
  }

  private static SerializationException malformed() {
    return new SerializationException("not a record of the benchmark's log");
  }
}
