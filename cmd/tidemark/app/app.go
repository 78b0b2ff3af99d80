// Package app is the command line: flags, wiring, signals and exit codes. Each command is a file. Standard output
// carries data only; progress and logs go to standard error.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/tidemark/tidemark/state"
	"github.com/tidemark/tidemark/stream"
)

// Exit codes, as `tidemark --help` lists them.
const (
	exitOK          = 0
	exitFailure     = 1
	exitWarnings    = 3
	exitDiskFull    = 10
	exitDisk        = 11
	exitCorrupt     = 12
	exitFormat      = 13
	exitUsage       = 64
	exitUnreachable = 69
	exitInterrupted = 130
)

// coded is an error with an exit code of its own. A silent one has printed what there is to say.
type coded struct {
	code   int
	err    error
	silent bool
}

func (c *coded) Error() string { return c.err.Error() }
func (c *coded) Unwrap() error { return c.err }

// usage marks a mistake on the command line.
func usage(format string, args ...any) error {
	return &coded{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// findings is the exit of a command whose findings are printed already.
func findings(code int) error { return &coded{code: code, err: errors.New("findings"), silent: true} }

// terminal is what a command talks to.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

// Main runs one command and returns its exit code.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, args, terminal{in: in, out: out, err: errOut})
}

func run(ctx context.Context, args []string, t terminal) int {
	root := rootCommand(t)
	root.SetArgs(args)
	root.SetIn(t.in)
	root.SetOut(t.out)
	root.SetErr(t.err)
	err := root.ExecuteContext(ctx)
	var c *coded
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &c) && c.silent:
		return c.code
	case errors.As(err, &c):
		fmt.Fprintln(t.err, "tidemark:", c.err)
		return c.code
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return exitInterrupted
	case isUsage(err):
		fmt.Fprintln(t.err, "tidemark:", err)
		fmt.Fprintln(t.err, "Run 'tidemark --help' for the commands, 'tidemark COMMAND --help' for one.")
		return exitUsage
	}
	fmt.Fprintln(t.err, "tidemark:", err)
	return failure(err)
}

// failure is the exit code of an error that a command did not code itself.
func failure(err error) int {
	var deadline *stream.DeadlineError
	switch {
	case errors.Is(err, state.ErrCorrupt):
		return exitCorrupt
	case errors.Is(err, state.ErrFormat):
		return exitFormat
	case errors.Is(err, syscall.ENOSPC):
		return exitDiskFull
	case errors.As(err, &deadline), errors.Is(err, syscall.EIO):
		return exitDisk
	}
	return exitFailure
}

// isUsage recognises cobra's own complaints about flags and arguments, which have no type.
func isUsage(err error) bool {
	text := err.Error()
	for _, start := range []string{"unknown command", "unknown flag", "unknown shorthand", "accepts ", "requires ", "invalid argument", "flag needs", "required flag", "bad flag"} {
		if strings.HasPrefix(text, start) {
			return true
		}
	}
	return false
}

func rootCommand(t terminal) *cobra.Command {
	root := &cobra.Command{
		Use:   "tidemark",
		Short: "Experiment results while the events flow: exact, valid under looking, within seconds.",
		Example: `  tidemark demo                                  a broker, a shop's traffic and the live page: nothing to install
  tidemark check definitions/                    are the definitions right?
  tidemark analyze definitions/ --source orders=orders.csv.gz
  tidemark serve definitions/ --brokers kafka:9092 --data /var/lib/tidemark`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
	}
	root.CompletionOptions.HiddenDefaultCmd = false
	root.SuggestionsMinimumDistance = 2
	root.AddCommand(demoCommand(t), serveCommand(t), analyzeCommand(t), checkCommand(t), resultsCommand(t),
		calcCommand(t), powerCommand(t), simulateCommand(t), stateCommand(t), explainCommand(t), schemaCommand(t), versionCommand(t))
	root.SetHelpTemplate(helpTemplate)
	return root
}

// helpTemplate puts what the command does first, then examples to copy, then the rest.
const helpTemplate = `{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}
{{end}}{{if .HasExample}}
Examples:
{{.Example}}
{{end}}
Usage:
  {{if .Runnable}}{{.UseLine}}{{else}}{{.CommandPath}} COMMAND{{end}}
{{if .HasAvailableSubCommands}}
Commands:{{range .Commands}}{{if (or .IsAvailableCommand (eq .Name "help"))}}
  {{rpad .Name .NamePadding }} {{.Short}}{{end}}{{end}}
{{end}}{{if .HasAvailableLocalFlags}}
Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}{{if not .HasParent}}
Exit codes: 0 ok · 1 failure or findings · 3 warnings with --fatal-warnings · 10 disk full · 11 disk does not answer
12 state damaged · 13 unknown state format · 64 usage · 69 server unreachable · 130 interrupted
{{end}}`
