package app

import (
	"github.com/spf13/cobra"
)

func stateCommand(t terminal) *cobra.Command {
	return &cobra.Command{Use: "state"}
}
