package catalog

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"
	"testing/fstest"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestSchemaIsCurrent holds the schema in the tree to the keys that the reader accepts: both come from the shapes.
func TestSchemaIsCurrent(t *testing.T) {
	got := Schema()
	if *update {
		if err := os.WriteFile("schema.json", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("schema.json is not what the shapes say; run go test ./catalog -run TestSchemaIsCurrent -update and read the difference")
	}
	if !json.Valid(got) {
		t.Error("the schema is not JSON")
	}
}

// TestShapesAreRead asks every getter for every key it is declared for, by loading a definition that has them all, and
// reports keys that no reader asked for: such a key would be accepted and ignored in silence.
func TestShapesAreRead(t *testing.T) {
	asked := map[string]bool{}
	for _, text := range []string{designDefinitions, everyKey} {
		l := newLoader(fstest.MapFS{"test.yaml": {Data: []byte(text)}}, "")
		l.report.asked = func(s *shape, key string) { asked[s.name+"."+key] = true }
		l.walk()
		if r := l.finish(""); r.Set == nil {
			t.Fatalf("not valid:\n%s", rendered(r.Findings))
		}
	}
	for _, s := range allShapes() {
		for _, k := range s.keys {
			if k.alias == "" && !asked[s.name+"."+k.name] {
				t.Errorf("nothing reads %q of %s", k.name, s.name)
			}
		}
	}
}

func allShapes() []*shape {
	var out []*shape
	seen := map[*shape]bool{}
	var walk func(s *shape)
	walk = func(s *shape) {
		if seen[s] {
			return
		}
		seen[s] = true
		out = append(out, s)
		for _, k := range s.keys {
			if k.shape != nil {
				walk(k.shape)
			}
		}
	}
	walk(fileShape)
	walk(experimentMatchShape)
	return out
}
