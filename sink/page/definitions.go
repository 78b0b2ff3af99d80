package page

import (
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/api"
)

func nearest(id string, known []string) string { return api.Nearest(id, known) }

// maxDefinition bounds the text of one definition that is kept and shown.
const maxDefinition = 64 << 10

// readDefinitions reads the text of every definition of the set: the YAML document that its position lies in, without
// the comments above its first key's document mark. What cannot be read is left out: the page then shows the place alone.
func readDefinitions(set *catalog.Set, files fs.FS) map[string]string {
	texts := map[string]string{}
	if files == nil {
		return texts
	}
	lines := map[string][]string{}
	read := func(pos catalog.Position) {
		if pos.File == "" {
			return
		}
		if _, ok := lines[pos.File]; !ok {
			lines[pos.File] = readLines(files, pos.File)
		}
		if text := document(lines[pos.File], pos.Line); text != "" {
			texts[textKey(pos)] = text
		}
	}
	for _, d := range set.Sources {
		read(d.Pos)
	}
	for _, d := range set.Events {
		read(d.Pos)
	}
	for _, d := range set.Metrics {
		read(d.Pos)
	}
	for _, d := range set.Experiments {
		read(d.Pos)
	}
	for _, d := range set.Alerts {
		read(d.Pos)
	}
	return texts
}

func textKey(pos catalog.Position) string { return pos.File + ":" + strconv.Itoa(pos.Line) }

// readLines reads a file whose name may be written from the directory of definitions or from further up.
func readLines(files fs.FS, name string) []string {
	name = strings.TrimPrefix(filepath.ToSlash(filepath.Clean(name)), "/")
	for {
		if text, err := fs.ReadFile(files, name); err == nil {
			return strings.Split(string(text), "\n")
		}
		_, rest, ok := strings.Cut(name, "/")
		if !ok {
			return nil
		}
		name = rest
	}
}

// document is the YAML document around a line (from 1).
func document(lines []string, line int) string {
	if line < 1 || line > len(lines) {
		return ""
	}
	from, to := line-1, line-1
	for from > 0 && !strings.HasPrefix(lines[from], "---") {
		from--
	}
	if strings.HasPrefix(lines[from], "---") {
		from++
	}
	for to < len(lines) && (to <= line-1 || !strings.HasPrefix(lines[to], "---")) {
		to++
	}
	if from > to {
		return ""
	}
	text := strings.Trim(strings.Join(lines[from:to], "\n"), "\n")
	if len(text) > maxDefinition {
		text = text[:maxDefinition] + "\n…"
	}
	return text
}
