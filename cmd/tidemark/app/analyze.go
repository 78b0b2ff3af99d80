package app

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream"
	"github.com/tidemark/tidemark/stream/results"
)

func analyzeCommand(t terminal) *cobra.Command {
	var sources []string
	var experiment, slices, output, factsFile, asOf string
	var quiet bool
	c := &cobra.Command{
		Use:   "analyze DIR",
		Short: "Compute results from files, by the same path as the live engine",
		Example: `  tidemark analyze definitions/ --source orders=orders.csv.gz
  tidemark analyze definitions/ --experiment landing_page --slices all -o json
  tidemark analyze definitions/ --source orders='orders-*.ndjson.gz' -o csv > results.csv`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			want, err := results.ParseSlices(slices)
			if err != nil {
				return usage("--slices: %v", err)
			}
			set, err := loadDefinitions(t, args[0])
			if err != nil {
				return err
			}
			files, err := sourceFiles(sources, set)
			if err != nil {
				return err
			}
			opt := stream.AnalyzeOptions{Options: stream.Options{Files: files, Logger: logger(t, "text", quiet)}, Experiment: experiment, Slices: want}
			if asOf != "" {
				var ok bool
				if opt.AsOf, ok = catalog.ParseTime(asOf); !ok {
					return usage("--as-of %s: want a time, such as 2026-03-16T00:00:00Z", asOf)
				}
			}
			if factsFile != "" {
				text, err := os.ReadFile(factsFile)
				if err != nil {
					return err
				}
				if opt.Facts, err = results.ParseFacts(text); err != nil {
					return fmt.Errorf("--facts %s: %w", factsFile, err)
				}
			}
			report, finish := progressBar(t.err, quiet)
			opt.Progress = report
			list, err := stream.Analyze(cmd.Context(), set, opt)
			finish()
			if err != nil {
				return err
			}
			warnOfLosses(t.err, list)
			return writeResults(t.out, list, output)
		},
	}
	c.Flags().StringArrayVar(&sources, "source", nil, "`ID=FILE`: read this source from a file (glob; gz and zst are unpacked); may be repeated")
	c.Flags().StringVar(&experiment, "experiment", "", "only this experiment")
	c.Flags().StringVar(&slices, "slices", "none", "all, none, or dimensions by comma")
	c.Flags().StringVarP(&output, "output", "o", "table", "table, json or csv")
	c.Flags().StringVar(&factsFile, "facts", "", "use the dated facts (tunings, frozen percentiles) of this JSON `FILE` instead of the data's own: a result as -o json prints it")
	c.Flags().StringVar(&asOf, "as-of", "", "the `TIME` up to which the files are complete, if it is later than their latest event: a final look planned at it or before is then due, and strict windows that end by then are over")
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "no progress, only warnings and errors")
	return c
}

func checkOutput(output string) error {
	if output != "table" && output != "json" && output != "csv" {
		return usage("-o %s: want table, json or csv", output)
	}
	return nil
}

// writeResults writes results in the format asked for; JSON is one object for one experiment, a list for several.
func writeResults(w io.Writer, list []*results.Result, output string) error {
	switch output {
	case "json":
		return results.WriteJSON(w, list)
	case "csv":
		return results.WriteCSV(w, list)
	}
	return results.Table(w, list, width(w))
}

// width of the terminal behind w; 0 where there is none: no line is cut then.
func width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}
