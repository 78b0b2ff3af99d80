package alert

import (
	"fmt"
	"time"

	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stream/results"
)

// The few texts that messages need beyond those of a row; numbers themselves are written by results.

// levelText is the level of the interval: "95%", "99.9%".
func levelText(alpha float64) string { return results.FormatLevel(alpha) }

// srmText is the p of the split, rounded on its own side of the level at which the split counts as broken.
func srmText(p *float64) string {
	if p == nil {
		return ""
	}
	return results.FormatP(p, srmAlpha)
}

// srmAlpha is the level of stats.SRMOptions' default.
const srmAlpha = 0.001

// ageText is how long ago something was, in at most two units.
func ageText(d time.Duration) string {
	d = max(0, d)
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d d %d h", int(d.Hours())/24, int(d.Hours())%24)
}

// interval gives the always-valid interval as stats takes it.
func interval(i results.Interval) (stats.Interval, bool) {
	if i == nil {
		return stats.Interval{}, false
	}
	return stats.Interval{Low: i[0], High: i[1], OK: true}, true
}
