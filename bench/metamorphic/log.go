package metamorphic

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/tidemark/tidemark/bench/oracle"
)

func isoTime(us int64) string { return time.UnixMicro(us).UTC().Format(time.RFC3339) }

// log draws the records: a few subjects whose events collide in time, come in any order around the bounds of lateness,
// and come twice.
func (g *generator) log() {
	subjects := 1 + g.IntN(4)
	n := 3 + g.IntN(45)
	if g.chance(0.2) {
		n *= 3
	}
	span := choose(g, 2*hour, day, 3*day)
	grain := choose(g, 1, second, minute, hour) // how often times are equal
	now := begin + g.Int64N(day)
	type partition struct {
		source string
		number int
	}
	offsets := map[partition]int64{}
	made := map[string]oracle.Record{} // by def, subject and id: an id comes again with the same content
	for range n {
		// Kafka's timestamps are milliseconds: so is now, that bounds are met exactly.
		now = (now + g.Int64N(span/int64(n)*2)) / 1000 * 1000
		subject := fmt.Sprintf("s%d", g.IntN(subjects))
		def := choose(g, "EXPOSE", "ALPHA", "ALPHA", "BETA", "BETA", "PERSON")
		r := oracle.Record{Def: def, Subject: subject, Time: g.time(now, def) / grain * grain, HasID: g.withID[def], ID: fmt.Sprintf("id%d", g.IntN(60)),
			Source:    map[string]string{"EXPOSE": "expose", "ALPHA": "alpha", "BETA": "beta", "PERSON": "people"}[def],
			Timestamp: now, Fields: map[string]string{"user": subject}}
		g.fields(&r)
		identity := def + subject + r.ID
		if was, ok := made[identity]; ok && r.HasID {
			stamp := r.Timestamp
			r = was
			r.Timestamp = stamp
		} else {
			made[identity] = r
		}
		r.Partition = int(Partition(subject, g.c.Partitions))
		at := partition{r.Source, r.Partition}
		r.Offset = offsets[at]
		offsets[at]++
		if r.Time > r.Timestamp+5*minute {
			r.Time = r.Timestamp
			if r.HasID {
				made[identity] = r
			}
		}
		g.c.Log = append(g.c.Log, r)
	}
	byPartition(g.c.Log)
	g.collide()
}

// time draws an event time around now: mostly recent, often just inside or outside a bound.
func (g *generator) time(now int64, def string) int64 {
	switch x := g.Float64(); {
	case x < 0.5:
		return now - g.Int64N(minute)
	case x < 0.75:
		return now - g.Int64N(hour)
	case x < 0.88:
		bound := choose(g, minute, 10*minute, 20*minute, hour, 3*hour)
		return now - bound + choose(g, int64(-1), 0, 1)
	case x < 0.95:
		return now - g.Int64N(4*hour)
	}
	return now + g.Int64N(4*minute)
}

func (g *generator) fields(r *oracle.Record) {
	set := func(name, value string, missing float64) {
		if !g.chance(missing) {
			r.Fields[name] = value
		}
	}
	switch r.Def {
	case "EXPOSE":
		r.Fields["experiment"] = choose(g, "e0", "e0", "e1", "e2")
		r.Variant = choose(g, "a", "b")
		if g.chance(0.6) {
			r.Variant = []string{"a", "b"}[r.Subject[1]%2] // mostly one variant a subject
		}
		if g.chance(0.05) {
			r.Variant = choose(g, "c", "x")
		}
		r.Fields["variant"] = r.Variant
		set("platform", choose(g, "ios", "web"), 0.1)
		set("country", choose(g, "DE", "KR", "US"), 0.2)
	case "PERSON":
		set("tier", choose(g, "free", "paid"), 0.15)
		set("region", "eu", 0.5)
	default:
		set("amount", choose(g, "1", "5", "5.01", "-3.5", "12.345", "0.005", "-0.005", "900000.99"), 0.1)
		set("item", choose(g, "i1", "i2", "i3"), 0.1)
		set("category", choose(g, "books", "music"), 0.15)
	}
}

// collide takes the id from some records of a third of the cases, and gives exposures and profiles the time of another of their
// subject: of events of one definition and one instant some have an id and some have none. What it draws, it draws for itself.
func (g *generator) collide() {
	r := rand.New(rand.NewPCG(g.c.Seed, 113))
	if r.IntN(3) > 0 {
		return
	}
	share := r.Float64()
	last, made := map[string]int64{}, map[string]int64{} // times by def and subject, and by identity: a copy is a copy still
	for i := range g.c.Log {
		l := &g.c.Log[i]
		if l.HasID && r.Float64() < share {
			l.HasID, l.ID = false, ""
		}
		of, identity := l.Def+l.Subject, l.Def+l.Subject+l.ID
		if t, ok := made[identity]; ok && l.HasID {
			l.Time = t
		} else if t, ok := last[of]; ok && (l.Def == "EXPOSE" || l.Def == "PERSON") && r.IntN(2) == 0 && t <= l.Timestamp+5*minute {
			l.Time = t
		}
		last[of], made[identity] = l.Time, l.Time
	}
}

// Scatter returns a case whose subjects are in any partition of their topics, as in a topic that something else keys, or in
// files: what a subject did arrives interleaved in any way. Copies of an event stay together: the first of them in its
// partition stands.
func (c *Case) Scatter() *Case {
	r := rand.New(rand.NewPCG(c.Seed, 127))
	scattered := *c
	scattered.Partitions = 2 + r.IntN(2)
	scattered.Log = slices.Clone(c.Log)
	log := scattered.Log
	slices.SortStableFunc(log, func(a, b oracle.Record) int { return cmp.Compare(a.Timestamp, b.Timestamp) })
	offsets := map[string]int64{}
	for i := range log {
		l := &log[i]
		l.Partition = r.IntN(scattered.Partitions)
		if l.HasID {
			l.Partition = int(Partition(l.Def+l.Subject+l.ID, scattered.Partitions))
		}
		at := name(l.Source, l.Partition)
		l.Offset = offsets[at]
		offsets[at]++
	}
	byPartition(log)
	return &scattered
}

// byPartition puts records into the order of their source partitions.
func byPartition(log []oracle.Record) {
	slices.SortStableFunc(log, func(a, b oracle.Record) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
}

// Partition of a subject: Kafka's murmur2, as Java's default partitioner has it.
func Partition(subject string, partitions int) int32 {
	data := []byte(subject)
	const m, r = uint32(0x5bd1e995), 24
	h := uint32(0x9747b28c) ^ uint32(len(data))
	i := 0
	for ; i+4 <= len(data); i += 4 {
		k := uint32(data[i]) | uint32(data[i+1])<<8 | uint32(data[i+2])<<16 | uint32(data[i+3])<<24
		k *= m
		k ^= k >> r
		k *= m
		h *= m
		h ^= k
	}
	switch len(data) - i {
	case 3:
		h ^= uint32(data[i+2]) << 16
		fallthrough
	case 2:
		h ^= uint32(data[i+1]) << 8
		fallthrough
	case 1:
		h ^= uint32(data[i])
		h *= m
	}
	h ^= h >> 13
	h *= m
	h ^= h >> 15
	return int32(h&0x7fffffff) % int32(partitions)
}

// JSON is a record as it stands in its topic.
func JSON(r oracle.Record) []byte {
	out := fmt.Appendf(nil, `{"user":%q,"at":%q`, r.Subject, time.UnixMicro(r.Time).UTC().Format("2006-01-02 15:04:05.000000"))
	switch {
	case r.ID != "":
		out = fmt.Appendf(out, `,"id":%q`, r.ID)
	case r.Offset%2 == 0:
		out = append(out, `,"id":null`...)
	}
	for _, name := range []string{"experiment", "variant", "platform", "country", "tier", "region", "item", "category"} {
		if v, ok := r.Fields[name]; ok {
			out = fmt.Appendf(out, `,%q:%q`, name, v)
		}
	}
	if v, ok := r.Fields["amount"]; ok {
		out = fmt.Appendf(out, `,"amount":%s`, v)
	}
	return append(out, '}')
}
