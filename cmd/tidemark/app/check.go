package app

import (
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemark/tidemark/catalog"
)

func checkCommand(t terminal) *cobra.Command {
	var output string
	var fatal bool
	c := &cobra.Command{
		Use:   "check DIR",
		Short: "Check definitions: every error at once, each with file, line and column",
		Example: `  tidemark check definitions/
  tidemark check definitions/ -o github          annotations in a pull request
  tidemark check definitions/ --fatal-warnings   exit 3 if there are warnings`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if output != "text" && output != "json" && output != "github" {
				return usage("-o %s: want text, json or github", output)
			}
			began := time.Now()
			report := catalog.Check(args[0])
			if err := renderFindings(t.out, report.Findings, report.Files, output, time.Since(began)); err != nil {
				return err
			}
			switch {
			case catalog.HasErrors(report.Findings):
				return findings(exitFailure)
			case fatal && len(report.Findings) > 0:
				return findings(exitWarnings)
			}
			return nil
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "text", "text, json or github")
	c.Flags().BoolVar(&fatal, "fatal-warnings", false, "exit 3 if there are warnings")
	return c
}

// renderFindings writes the findings in the format asked for.
func renderFindings(w io.Writer, list []catalog.Diagnostic, files int, output string, took time.Duration) error {
	switch output {
	case "json":
		return catalog.RenderJSON(w, list, files)
	case "github":
		return catalog.RenderGitHub(w, list)
	}
	colour := isTerminal(w) && os.Getenv("NO_COLOR") == "" || os.Getenv("CLICOLOR_FORCE") != ""
	return catalog.RenderText(w, list, catalog.RenderOptions{Color: colour, Files: files, Elapsed: took})
}
