package tidemark.peers;

import java.io.IOException;
import java.math.BigInteger;

/**
 * The sums of one cell over its subjects: their number, clicks, impressions, purchases and cents, and the products of these
 * that the three metrics need. Σcents² passes 2⁶³ (one subject of a Zipf log has 4·10⁹ cents), so it is kept as three sums
 * of h = cents/2¹⁶ and l = cents mod 2¹⁶: Σcents² = 2³²·Σh² + 2¹⁷·Σhl + Σl². That is far cheaper than decimals or big
 * integers in engines that have no wider integer.
 */
final class Cell {
  /** The names of the sums, in the order in which every peer keeps them. */
  static final String[] SUMS = {
    "n", "clicks", "impressions", "purchases", "cents", "clicks2", "impressions2", "purchases2", "cents_hh", "cents_hl", "cents_ll",
    "clicks_impressions", "purchases_clicks",
  };

  private Cell() {}

  /** Adds sign times the contribution of a subject with these totals, its presence included. */
  static void add(long[] sums, long clicks, long impressions, long purchases, long cents, int sign) {
    long h = cents >>> 16;
    long l = cents & 0xffff;
    sums[0] += sign;
    sums[1] += sign * clicks;
    sums[2] += sign * impressions;
    sums[3] += sign * purchases;
    sums[4] += sign * cents;
    sums[5] += sign * clicks * clicks;
    sums[6] += sign * impressions * impressions;
    sums[7] += sign * purchases * purchases;
    sums[8] += sign * h * h;
    sums[9] += sign * h * l;
    sums[10] += sign * l * l;
    sums[11] += sign * clicks * impressions;
    sums[12] += sign * purchases * clicks;
  }

  /** Writes the cell's three lines, or none for a cell without subjects. A dimension that is not fixed is null. */
  static void write(Appendable out, String variant, String platform, String country, String plan, long[] s) throws IOException {
    if (s[0] == 0) {
      return;
    }
    StringBuilder slice = new StringBuilder();
    dimension(slice, "platform", platform);
    dimension(slice, "country", country);
    dimension(slice, "plan", plan);
    BigInteger cents2 = big(s[8]).shiftLeft(32).add(big(s[9]).shiftLeft(17)).add(big(s[10]));
    metric(out, variant, slice, "ctr", s[0], s[1], s[2], big(s[5]), s[6], s[11]);
    metric(out, variant, slice, "revenue", s[0], s[4], s[0], cents2, s[0], s[4]); // y is 1: Σy = Σy² = n, Σxy = Σx
    metric(out, variant, slice, "order_rate", s[0], s[3], s[1], big(s[7]), s[5], s[12]);
  }

  private static BigInteger big(long x) {
    return BigInteger.valueOf(x);
  }

  private static void dimension(StringBuilder slice, String name, String value) {
    if (value != null) {
      slice.append(slice.length() > 0 ? "," : "").append('"').append(name).append("\":\"").append(value).append('"');
    }
  }

  private static void metric(Appendable out, String variant, CharSequence slice, String metric, long n, long x, long y, BigInteger xx, long yy, long xy)
      throws IOException {
    out.append(String.format(
        "{\"variant\":\"%s\",\"slice\":{%s},\"metric\":\"%s\",\"n\":%d,\"sum_x\":\"%d\",\"sum_y\":\"%d\",\"sum_xx\":\"%d\",\"sum_yy\":\"%d\",\"sum_xy\":\"%d\"}%n",
        variant, slice, metric, n, x, y, xx, yy, xy));
  }
}
