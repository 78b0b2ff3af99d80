package catalog

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"
	"testing/fstest"

	"github.com/goccy/go-yaml"
	"github.com/google/jsonschema-go/jsonschema"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestGeneratedFilesAreCurrent holds the schema and the reference in the tree to the keys that the reader accepts: all
// come from the shapes.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	for name, got := range map[string][]byte{"schema.json": Schema(), "DEFINITIONS.md": Reference()} {
		if *update {
			if err := os.WriteFile(name, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the shapes say; run go test ./catalog -run Generated -update and read the difference", name)
		}
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

// TestSchemaAgreesWithTheReader validates definitions by the schema with an independent library: it accepts what the
// reader accepts, and refuses the unknown keys, words and shapes that the reader refuses.
func TestSchemaAgreesWithTheReader(t *testing.T) {
	var s jsonschema.Schema
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	validate := func(text string) error {
		for _, doc := range splitDocuments(text) {
			var v any
			if err := yaml.Unmarshal([]byte(doc.text), &v); err != nil {
				t.Fatal(err)
			}
			if v == nil {
				continue
			}
			raw, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			var instance any
			if err := json.Unmarshal(raw, &instance); err != nil {
				t.Fatal(err)
			}
			if err := resolved.Validate(instance); err != nil {
				return err
			}
		}
		return nil
	}
	base, err := os.ReadFile("testdata/base.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{designDefinitions, everyKey, planDefinitions, string(base)} {
		if err := validate(text); err != nil {
			t.Errorf("the schema refuses definitions that load: %v\n%s", err, text[:100])
		}
	}
	for _, name := range []string{"key_unknown", "key_nested", "key_top_level", "key_missing_subject", "key_list_for_mapping", "metric_agg", "metric_direction", "source_format",
		"source_lateness", "alert_severity", "guardrail_limit", "id_with_slash", "metric_window", "experiment_variants_list", "receiver_secret_inline"} {
		text, err := os.ReadFile("testdata/broken/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		if validate(string(text)) == nil {
			t.Errorf("the schema accepts %s", name)
		}
	}
}
