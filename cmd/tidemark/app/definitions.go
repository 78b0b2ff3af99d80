package app

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/tidemark/tidemark/catalog"
)

// loadDefinitions loads a directory for a command that needs it to be right; the findings are printed otherwise.
func loadDefinitions(t terminal, dir string) (*catalog.Set, error) {
	began := time.Now()
	report := catalog.Check(dir)
	if report.Set != nil {
		return report.Set, nil
	}
	if err := renderFindings(t.err, report.Findings, report.Files, "text", time.Since(began)); err != nil {
		return nil, err
	}
	return nil, findings(exitFailure)
}

// sourceFiles parses --source ID=FILE flags and makes the sources read those files; several files for one id, by commas or by repeating the flag.
func sourceFiles(flags []string, set *catalog.Set) (map[string][]string, error) {
	out := map[string][]string{}
	for _, flag := range flags {
		id, list, ok := strings.Cut(flag, "=")
		if !ok || id == "" || list == "" {
			return nil, usage("--source %s: want ID=FILE", flag)
		}
		if !hasSource(set, id) {
			var known []string
			for _, s := range set.Sources {
				known = append(known, s.ID)
			}
			return nil, usage("--source %s: no source %q in the definitions (there are: %s)", flag, id, strings.Join(known, ", "))
		}
		for _, pattern := range strings.Split(list, ",") {
			files, err := filepath.Glob(pattern)
			if err != nil {
				return nil, usage("--source %s: %v", flag, err)
			}
			if len(files) == 0 {
				return nil, fmt.Errorf("--source %s: no file matches %s", id, pattern)
			}
			out[id] = append(out[id], files...)
		}
	}
	for id, files := range out {
		if err := set.UseFiles(id, files); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func hasSource(set *catalog.Set, id string) bool {
	for _, s := range set.Sources {
		if s.ID == id {
			return true
		}
	}
	return false
}
