package workload

import (
	"time"

	"github.com/tidemark/tidemark/bench/oracle"
)

func micros(d time.Duration) int64 { return d.Microseconds() }

// Spec is Definitions as the oracle takes it.
func Spec() oracle.Spec {
	term := func(event, agg, value string) oracle.Term { return oracle.Term{Event: event, Agg: agg, Value: value} }
	den := func(t oracle.Term) *oracle.Term { return &t }
	is := func(experiment string) func(oracle.Record) bool {
		return func(r oracle.Record) bool { return r.Fields["experiment"] == experiment }
	}
	dear := term("PURCHASE", "EXISTS", "user_id")
	dear.Where = func(r oracle.Record) bool { return oracle.Scaled(r.Fields["revenue"], 2).Int64() > 1000 }
	clicks, shown := term("CLICK", "COUNT", "user_id"), den(term("IMPRESSION", "COUNT", "user_id"))
	money := term("PURCHASE", "SUM", "revenue")
	revenue := oracle.Metric{ID: "revenue", Numerator: money, NumScale: 2}
	perOrder := oracle.Metric{ID: "per_order", Numerator: money, NumScale: 2, Denominator: den(term("PURCHASE", "COUNT", "user_id"))}
	items := oracle.Metric{ID: "items", Numerator: term("PURCHASE", "COUNT_DISTINCT", "item")}
	start := Start.UnixMicro()
	return oracle.Spec{
		Events: []oracle.EventDef{
			{ID: "EXPOSURE", Source: "exposures", Lateness: micros(time.Hour), OnlyExposure: true},
			{ID: "IMPRESSION", Source: "pages", Lateness: micros(time.Hour)},
			{ID: "CLICK", Source: "pages", Lateness: micros(time.Hour)},
			{ID: "PURCHASE", Source: "orders", Lateness: micros(time.Hour)},
		},
		Experiments: []oracle.Experiment{{
			ID: "ranking", Exposure: "EXPOSURE", Where: is("ranking"), Variants: []string{"control", "treatment"},
			Start: start, Lateness: micros(10 * time.Minute), PrePeriod: micros(72 * time.Hour),
			Dimensions: []oracle.Dimension{{Name: "platform"}, {Name: "country"}},
			Metrics: []oracle.Metric{
				{ID: "ctr", Numerator: clicks, Denominator: shown, Ordered: true},
				revenue,
				{ID: "ctr_5m", Numerator: clicks, Denominator: shown, Ordered: true, Window: micros(5 * time.Minute)},
				{ID: "revenue_1h", Numerator: money, NumScale: 2, Window: micros(time.Hour)},
				items,
				{ID: "dearest", Numerator: term("PURCHASE", "MAX", "revenue"), NumScale: 2},
				{ID: "cheapest", Numerator: term("PURCHASE", "MIN", "revenue"), NumScale: 2},
				{ID: "buyers", Numerator: dear},
				perOrder,
			},
		}, {
			ID: "pricing", Exposure: "EXPOSURE", Where: is("pricing"), Variants: []string{"a", "b", "c"},
			Start: start, Lateness: micros(10 * time.Minute), First: true,
			Dimensions: []oracle.Dimension{{Name: "platform"}, {Name: "category", Kind: oracle.Event}},
			Metrics:    []oracle.Metric{revenue, perOrder, items},
		}},
	}
}
