package tidemark.peers;

/**
 * The sums of one cell: of its subjects' clicks, impressions, purchases and cents, and of those products that the three
 * metrics need. The names of {@link #SUMS} are its columns, in this order, wherever a peer has them as columns.
 */
final class Cell {
  static final String[] SUMS = {
    "n", "clicks", "impressions", "purchases", "cents", "clicks2", "impressions2", "purchases2", "cents2", "clicks_impressions", "purchases_clicks",
  };

  private Cell() {}

  /** Writes the cell's three lines. A dimension that is not fixed is null. */
  static void write(Appendable out, String variant, String platform, String country, String plan, long[] s) throws java.io.IOException {
    if (s[0] == 0) {
      return;
    }
    StringBuilder slice = new StringBuilder();
    dimension(slice, "platform", platform);
    dimension(slice, "country", country);
    dimension(slice, "plan", plan);
    metric(out, variant, slice, "ctr", s[0], s[1], s[2], s[5], s[6], s[9]);
    metric(out, variant, slice, "revenue", s[0], s[4], s[0], s[8], s[0], s[4]); // y is 1: Σy = Σy² = n, Σxy = Σx
    metric(out, variant, slice, "order_rate", s[0], s[3], s[1], s[7], s[5], s[10]);
  }

  private static void dimension(StringBuilder slice, String name, String value) {
    if (value != null) {
      slice.append(slice.length() > 0 ? "," : "").append('"').append(name).append("\":\"").append(value).append('"');
    }
  }

  private static void metric(Appendable out, String variant, CharSequence slice, String metric, long n, long x, long y, long xx, long yy, long xy)
      throws java.io.IOException {
    out.append(String.format(
        "{\"variant\":\"%s\",\"slice\":{%s},\"metric\":\"%s\",\"n\":%d,\"sum_x\":\"%d\",\"sum_y\":\"%d\",\"sum_xx\":\"%d\",\"sum_yy\":\"%d\",\"sum_xy\":\"%d\"}\n",
        variant, slice, metric, n, x, y, xx, yy, xy));
  }
}
