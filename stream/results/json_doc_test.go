package results

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// JSON.md names every field and every reason.
func TestDocumentNamesEverything(t *testing.T) {
	b, err := os.ReadFile("JSON.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]() || seen[typ] {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			f := typ.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if !f.IsExported() || name == "-" {
				continue
			}
			if !strings.Contains(doc, "`"+name+"`") {
				t.Errorf("%s.%s is not documented", typ.Name(), name)
			}
			walk(f.Type)
		}
	}
	walk(reflect.TypeFor[Result]())
	for reason, text := range reasonTexts {
		if !strings.Contains(doc, "| `"+reason+"` | "+text+" |") {
			t.Errorf("reason | `%s` | %s | is not documented", reason, text)
		}
	}
	for line := range strings.Lines(doc[strings.Index(doc, "## Reasons"):]) {
		if reason, ok := strings.CutPrefix(line, "| `"); ok {
			reason, _, _ = strings.Cut(reason, "`")
			if !slices.Contains(reasonNames(), reason) {
				t.Errorf("reason %s is documented and does not exist", reason)
			}
		}
	}
}

// What stats and the engine say has a text.
func TestEveryReasonHasAText(t *testing.T) {
	for file, pattern := range map[string]string{
		"../../stats/result.go": `Reason = "(\w+)"`,
		"../evaluate.go":        `return "(halted_\w+|waiting)"`,
	} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(pattern).FindAllSubmatch(b, -1)
		if len(found) < 4 {
			t.Errorf("%s: only %d reasons found", file, len(found))
		}
		for _, m := range found {
			if _, ok := reasonTexts[string(m[1])]; !ok {
				t.Errorf("%s: reason %s has no text", file, m[1])
			}
		}
	}
}

func reasonNames() []string {
	var names []string
	for r := range reasonTexts {
		names = append(names, r)
	}
	return names
}
