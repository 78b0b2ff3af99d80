package stream

import "context"

// endFiles tells every shard of a subject type that is read from files that all have ended, and by what time: that of the
// latest event of any shard, or a later one up to which they are said to be complete. It is by the data's own time, and not by one shard's part of it, that strict windows are over,
// or the numbers would depend on how many shards there are. It is told again after a restart, which changes nothing.
func (t *subjectType) endFiles(ctx context.Context, shards []*shard) error {
	latest, err := latestOf(ctx, shards)
	if err != nil {
		return err
	}
	latest = min(max(latest, t.engine.vouched), t.engine.until)
	for _, s := range shards {
		err := s.do(ctx, func() {
			if s.store == nil || s.halt != nil {
				return
			}
			if err := s.store.End(latest, s.cube); err != nil {
				s.broken("end", err)
				return
			}
			s.changed = true
			t.dirty()
			s.commit()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// strict says whether the plan has a strict metric.
func (t *subjectType) strict() bool {
	for i := range t.plan.Experiments {
		for j := range t.plan.Experiments[i].Metrics {
			if t.plan.Experiments[i].Metrics[j].Strict {
				return true
			}
		}
	}
	return false
}
