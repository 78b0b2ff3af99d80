package api_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/sink/alert"
	"github.com/tidemark/tidemark/sink/api"
	engine "github.com/tidemark/tidemark/stream" // stream is a helper of these tests
)

// docs/api.md names every path, every code of an error with its status, and every field of what only it describes.
func TestContractIsWhole(t *testing.T) {
	page, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	statuses := map[string]string{"BadRequest": "400", "NotFound": "404", "MethodNotAllowed": "405", "InternalServerError": "500", "NotImplemented": "501", "ServiceUnavailable": "503"}
	codes, paths := map[string]bool{}, 0
	for _, name := range sources {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`Status: http\.Status(\w+), Code: "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
			codes[m[2]] = true
			if !regexp.MustCompile("(?m)^\\|[^|]*`" + m[2] + "`[^|]*\\| " + statuses[m[1]] + " \\|").MatchString(text) {
				t.Errorf("docs/api.md has no line for %s with status %s", m[2], statuses[m[1]])
			}
		}
		if all := strings.Count(string(source), `Code: "`); all != len(regexp.MustCompile(`Status: http\.Status\w+, Code: "`).FindAllString(string(source), -1)) {
			t.Errorf("%s has a code that does not stand behind its status", name)
		}
		for _, m := range regexp.MustCompile(`HandleFunc\("GET ([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
			if paths++; !strings.Contains(text, "| `"+m[1]+"` |") {
				t.Errorf("docs/api.md has no line for %s", m[1])
			}
		}
	}
	if len(codes) < 15 || paths != 7 {
		t.Errorf("%d codes and %d paths were found: the test looks at the wrong text", len(codes), paths)
	}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[api.Experiment](), reflect.TypeFor[alert.Alert](), reflect.TypeFor[alert.Delivery](), reflect.TypeFor[engine.Status](),
		reflect.TypeFor[engine.SourceStatus](), reflect.TypeFor[engine.PartitionStatus](), reflect.TypeFor[engine.ShardStatus](),
		reflect.TypeFor[engine.DiskStatus](), reflect.TypeFor[engine.RebuildStatus](), reflect.TypeFor[engine.Halt](),
	} {
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if name != "" && name != "-" && !strings.Contains(text, "`"+name+"`") {
				t.Errorf("docs/api.md does not know %s of %s", name, typ)
			}
		}
	}
}

// An experiment that does not run has no result, now or later: not found, and no invitation to ask again.
func TestNotActiveIsNotFound(t *testing.T) {
	r := newRig(t, nil)
	r.eval.fail = fmt.Errorf("stream: there is no experiment: %w", engine.ErrUnknownExperiment)
	w := r.get("/api/v1/experiments/spring_theme/results")
	if w.Code != http.StatusNotFound || w.Header().Get("Retry-After") != "" || !strings.Contains(w.Body.String(), `"code":"not_active"`) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	r.eval.fail = errors.New("stream: shard 3 is not open yet")
	if w := r.get("/api/v1/experiments/spring_theme/results"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}
