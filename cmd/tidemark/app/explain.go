package app

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidemark/tidemark/catalog"
)

func explainCommand(t terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "explain CODE",
		Short: "Explain a finding's code, or where a definition's hash comes from",
		Example: `  tidemark explain E012
  tidemark explain hash CTR --definitions definitions/`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			text, ok := catalog.Explanation(strings.ToUpper(args[0]))
			if !ok {
				return usage("no finding has the code %s; there are %s", args[0], strings.Join(catalog.Codes(), ", "))
			}
			fmt.Fprintln(t.out, text)
			return nil
		},
	}
	var dir string
	hash := &cobra.Command{
		Use:     "hash METRIC",
		Short:   "Print the canonical form that a metric's definition hash is over",
		Example: "  tidemark explain hash CTR --definitions definitions/",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := loadDefinitions(t, dir)
			if err != nil {
				return err
			}
			text, err := catalog.Explain(set, args[0])
			if err != nil {
				return err
			}
			fmt.Fprintln(t.out, text)
			return nil
		},
	}
	hash.Flags().StringVar(&dir, "definitions", ".", "the directory of definitions")
	c.AddCommand(hash)
	return c
}

func schemaCommand(t terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of definition files, for editors",
		Example: "  tidemark schema > .tidemark/schema.json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := t.out.Write(catalog.Schema())
			return err
		},
	}
}
