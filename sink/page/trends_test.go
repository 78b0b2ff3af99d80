package page

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tidemark/tidemark/sink/api"
	"github.com/tidemark/tidemark/sink/page/sample"
	"github.com/tidemark/tidemark/stream/results"
)

// past answers with the sample's present as the past; days is how many points of it there are.
type past struct {
	world *sample.World
	days  int
	asked []string
}

func (p *past) Trend(_ context.Context, id, metric string, slice map[string]string, by string) (*results.Trend, error) {
	p.asked = append(p.asked, metric+" "+by)
	if p.days < 0 {
		return nil, errors.New("no")
	}
	t := &results.Trend{Experiment: id, Metric: metric, Slice: slice, By: by}
	for i := p.days; i > 0; i-- {
		point := results.TrendPoint{Time: p.world.Now().Add(-time.Duration(i) * 24 * time.Hour)}
		for _, row := range p.world.Result(id, results.Slices{Mode: results.NoSlices}).Rows {
			if row.Metric == metric {
				point.Rows = append(point.Rows, row)
			}
		}
		t.Points = append(t.Points, point)
	}
	return t, nil
}

func (p *past) Days(context.Context, string) (*results.Days, error) { return nil, errors.New("no") }

// An open row shows how it came about, without a script and with its numbers; where there is no history it shows nothing more.
func TestTrendOfAnOpenRow(t *testing.T) {
	const open = rerank + "?open=CTR%2Fall%2Frerank_v2&open=LATENCY_P95%2Fall%2Frerank_v2"
	w := sample.New(1)
	hub := results.NewHub()
	for _, r := range w.Results(results.Slices{}) {
		hub.Publish(r)
	}
	body := func(target string, trends api.Trends) string {
		server := api.New(api.Options{Set: w.Set(), Hub: hub, Evaluator: evaluator{w}, Trends: trends, Status: w.Status, Now: w.Now})
		defer server.Close()
		pages, err := New(server, Options{})
		if err != nil {
			t.Fatal(err)
		}
		get(t, pages, target)
		return get(t, pages, target).Body.String() // the second from what is kept
	}
	p := &past{world: w, days: 6}
	text := body(open, p)
	for _, want := range []string{`<title id="trend-CTR-B-title">Lift of CTR up to each day</title>`, `aria-labelledby="trend-LATENCY_P95-B-title trend-LATENCY_P95-B-desc"`, `<path class="band" d="M0 `, `<path class="limit" d="M0 `, "State then"} {
		if !strings.Contains(text, want) {
			t.Errorf("the open rows have no %s", want)
		}
	}
	if got := strings.Join(p.asked, ", "); got != "CTR day, LATENCY_P95 day" {
		t.Errorf("asked for %s", got)
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		if ids[m[1]] {
			t.Errorf("two elements are called %s", m[1])
		}
		ids[m[1]] = true
	}
	young := &past{world: w, days: 2}
	if text := body(open, young); !strings.Contains(text, "Lift of CTR up to each hour") {
		t.Errorf("two days are not drawn by hour: asked for %v", young.asked)
	}
	for name, trends := range map[string]api.Trends{"off": nil, "empty": &past{world: w}, "not to be had": &past{world: w, days: -1}} {
		if text := body(open, trends); strings.Contains(text, "<figure") {
			t.Errorf("history %s: there is a drawing", name)
		}
	}
	closed := &past{world: w, days: 6}
	if text := body(rerank, closed); strings.Contains(text, "<figure") || len(closed.asked) > 0 {
		t.Error("a closed row is drawn")
	}
}
