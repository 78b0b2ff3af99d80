package stream

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
)

// Stores returns the folders of a subject type's shards in a data directory, in the order of the shards: those of the
// generation whose results are published. The tools that look at a state from outside open them read-only.
func Stores(fsys vfs.FS, dir string, plan *catalog.Plan) ([]string, error) {
	base := fsys.PathJoin(dir, folderName(plan.Subject))
	text, err := readFile(fsys, fsys.PathJoin(base, "current"))
	if err != nil {
		return nil, fmt.Errorf("stream: no state of subject %s in %s: %w", plan.Subject, dir, err)
	}
	home := fsys.PathJoin(base, strings.TrimSpace(string(text)))
	names, err := fsys.List(home)
	if err != nil {
		return nil, fmt.Errorf("stream: list the shards of subject %s: %w", plan.Subject, err)
	}
	slices.Sort(names)
	var out []string
	for _, name := range names {
		if len(name) == 4 && strings.Trim(name, "0123456789") == "" {
			out = append(out, fsys.PathJoin(home, name))
		}
	}
	return out, nil
}
