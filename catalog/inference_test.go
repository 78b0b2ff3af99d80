package catalog

import "testing"

// How results are tested is read from both places, and changes no hash: no sum depends on it.
func TestHowResultsAreTested(t *testing.T) {
	experiment := func(more string) *Experiment {
		t.Helper()
		return mustLoad(t, designDefinitions+"---\nexperiment:\n  id: other\n  exposure: {event: EXPOSURE, variant: variant}\n  variants: {a: 1, b: 1}\n  control: a\n"+
			"  start: 2026-03-02\n  end: 2026-04-02\n  goals: [CTR]\n"+more).Experiments[1]
	}
	plain := experiment("")
	if plain.Correction != NoCorrection || plain.Fixed || plain.Lift != "" || plain.SRMDeviation != 0 || plain.Sequential.Student || plain.Sequential.FinalLook {
		t.Errorf("defaults: %+v", plain)
	}
	e := experiment("  correction: bonferroni\n  stats: {lift: delta, mde: 2%}\n  sequential: {mixture: student, final_look: true}\n  srm: {min_deviation: 0.5%}\n")
	if e.Correction != Bonferroni || e.Lift != Delta || e.MDE != 0.02 || !e.Sequential.Student || !e.Sequential.FinalLook || e.SRMDeviation != 0.005 {
		t.Errorf("read %+v", e)
	}
	if e.Sequential.Subjects != DefaultSequentialSubjects {
		t.Errorf("tightest at %d subjects, want the default", e.Sequential.Subjects)
	}
	if e = experiment("  stats: {interval: fixed, correction: bh}\n"); !e.Fixed || e.Correction != BH {
		t.Errorf("read %+v", e)
	}
	if e = experiment("  correction: e-bh\n  stats: {lift: delta}\n"); e.Correction != EBH {
		t.Errorf("read %+v", e)
	}
	if e.Hash() != plain.Hash() {
		t.Error("the hash depends on how results are tested")
	}
}
