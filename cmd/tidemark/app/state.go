package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/spf13/cobra"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/state"
	"github.com/tidemark/tidemark/stream"
)

func stateCommand(t terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "state",
		Short: "Look into a data directory, check it, list what was rejected, resolve halts",
		Example: `  tidemark state verify tidemark-data/ --definitions definitions/
  tidemark state inspect tidemark-data/ --definitions definitions/ --subject u0000123
  tidemark state rejects tidemark-data/ --definitions definitions/ | jq .reason | sort | uniq -c
  tidemark state accept tidemark-data/ orders 3 --state HALTED_GAP --why "retention was too short"`,
	}
	var definitions, subject string
	inspect := &cobra.Command{
		Use:   "inspect DATA",
		Short: "Print positions, ledger and subjects of every shard, readable and in a fixed order",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return eachStore(cmd.Context(), t, args[0], definitions, func(_ *catalog.Plan, dir string, s *state.Store) error {
				fmt.Fprintf(t.out, "# %s\n", dir)
				var only []byte
				if subject != "" {
					only = []byte(subject)
				}
				return s.Inspect(cmd.Context(), t.out, only)
			})
		},
	}
	inspect.Flags().StringVar(&subject, "subject", "", "only this subject")
	verify := &cobra.Command{
		Use:   "verify DATA",
		Short: "Check the digest, every record, the ledger, and every cell against the subjects; exit 12 if damaged",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return eachStore(cmd.Context(), t, args[0], definitions, func(plan *catalog.Plan, dir string, s *state.Store) error {
				if err := verifyStore(cmd.Context(), plan, s); err != nil {
					return &coded{code: exitCorrupt, err: fmt.Errorf("%s: %w", dir, err)}
				}
				fmt.Fprintf(t.out, "%s: ok, %d subjects\n", dir, s.Subjects())
				return nil
			})
		},
	}
	rejects := &cobra.Command{
		Use:   "rejects DATA",
		Short: "Print rejected and late records with reason, place and original bytes, one JSON object a line",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			encoder := json.NewEncoder(t.out)
			return eachStore(cmd.Context(), t, args[0], definitions, func(plan *catalog.Plan, _ string, s *state.Store) error {
				return s.Rejects(func(k state.Kept) error { return encoder.Encode(rejected(plan, k)) })
			})
		},
	}
	for _, sub := range []*cobra.Command{inspect, verify, rejects} {
		sub.Flags().StringVar(&definitions, "definitions", "", "the directory of definitions that the state was built from (required)")
		if err := sub.MarkFlagRequired("definitions"); err != nil {
			panic(err)
		}
	}
	c.AddCommand(inspect, verify, rejects, acceptCommand(t))
	return c
}

// eachStore opens the stores of a data directory, read-only, one after the other.
func eachStore(ctx context.Context, t terminal, data, definitions string, f func(*catalog.Plan, string, *state.Store) error) error {
	set, err := loadDefinitions(t, definitions)
	if err != nil {
		return err
	}
	plans, err := set.Plans()
	if err != nil {
		return err
	}
	var failed error
	for _, plan := range plans {
		dirs, err := stream.Stores(vfs.Default, data, plan)
		if err != nil {
			return err
		}
		for _, dir := range dirs {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			failed = errors.Join(failed, oneStore(plan, dir, f))
		}
	}
	return failed
}

func oneStore(plan *catalog.Plan, dir string, f func(*catalog.Plan, string, *state.Store) error) error {
	var changed *state.DefinitionsChangedError
	s, err := state.Open(dir, plan, state.Options{ReadOnly: true, VerifyLater: true})
	switch {
	case errors.Is(err, state.ErrCorrupt):
		return &coded{code: exitCorrupt, err: fmt.Errorf("%s: %w", dir, err)}
	case errors.Is(err, state.ErrFormat):
		return &coded{code: exitFormat, err: fmt.Errorf("%s: %w", dir, err)}
	case errors.As(err, &changed):
		return err
	case err != nil:
		return fmt.Errorf("%s: %w; a running engine holds its state: copy the directory, or stop it", dir, err)
	}
	return errors.Join(f(plan, dir, s), s.Close())
}

// verifyStore checks the store and that its cells are those that follow from its subjects.
func verifyStore(ctx context.Context, plan *catalog.Plan, s *state.Store) error {
	kept := cube.New(plan)
	if err := kept.Load(s.Reader()); err != nil {
		return err
	}
	for _, f := range s.Frozen() {
		kept.Freeze(f.Experiment, f.Metric)
	}
	// Where the definitions' ramps are others than when the cells were written, their counts by epoch are not compared.
	computed := kept.Twin()
	if err := s.Verify(ctx, computed.Change); err != nil {
		return err
	}
	return kept.Compare(computed, s.Name)
}

// rejectedRecord is a line of `state rejects`. Bytes that are not text come as base64.
type rejectedRecord struct {
	Reason    string    `json:"reason"`
	Detail    string    `json:"detail,omitempty"`
	Event     string    `json:"event,omitempty"`
	Source    string    `json:"source,omitempty"`
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	Timestamp time.Time `json:"timestamp"`
	Key       string    `json:"key,omitempty"`
	Value     string    `json:"value"`
	Base64    []byte    `json:"base64,omitempty"`
}

func rejected(plan *catalog.Plan, k state.Kept) rejectedRecord {
	r := rejectedRecord{Reason: k.Reason, Detail: k.Detail, Source: k.Name.Source, Topic: k.Name.Topic, Partition: k.Name.Partition, Offset: k.Offset,
		Timestamp: time.UnixMicro(k.Timestamp).UTC(), Key: string(k.Key), Value: string(k.Value)}
	if k.Event >= 0 {
		r.Event = plan.Events[k.Event].ID
	}
	if strconv.Quote(r.Value) != `"`+r.Value+`"` && !json.Valid(k.Value) {
		r.Base64 = k.Value
	}
	return r
}

// onlySubject is the subject type of a data directory that has one.
func onlySubject(data string) (string, error) {
	folders, err := filepath.Glob(filepath.Join(data, "s-*"))
	if err != nil {
		return "", err
	}
	if len(folders) != 1 {
		return "", usage("%s has the state of %d subject types: name one with --subject", data, len(folders))
	}
	return url.PathUnescape(strings.TrimPrefix(filepath.Base(folders[0]), "s-"))
}

func acceptCommand(t terminal) *cobra.Command {
	var halt, why, subject string
	var to int64
	var rebuild bool
	c := &cobra.Command{
		Use:   "accept DATA TOPIC PARTITION",
		Short: "Let a halted partition go on, knowing what is lost; the decision is kept and results say so",
		Args:  cobra.ExactArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			partition, err := strconv.ParseInt(args[2], 10, 32)
			if err != nil {
				return usage("PARTITION %s: want a number", args[2])
			}
			if why == "" {
				return usage("--why is required: say why this may be accepted")
			}
			if subject == "" {
				if subject, err = onlySubject(args[0]); err != nil {
					return err
				}
			}
			a := stream.Acceptance{Subject: subject, Topic: args[1], Partition: int32(partition), State: stream.State(halt), Rebuild: rebuild, Why: why, By: "unknown", At: time.Now().UTC()}
			if u, err := user.Current(); err == nil {
				a.By = u.Username
			}
			if cmd.Flags().Changed("to") {
				a.To = &to
			}
			if err := stream.Accept(vfs.Default, args[0], a); err != nil {
				return err
			}
			fmt.Fprintf(t.out, "accepted; a running engine goes on within a second, a stopped one when it starts\n")
			return nil
		},
	}
	c.Flags().StringVar(&halt, "state", "HALTED_GAP", "the halt that is accepted; another one in the meantime is not")
	c.Flags().StringVar(&subject, "subject", "", "the subject type; needed where the data directory has several")
	c.Flags().StringVar(&why, "why", "", "the reason, for the audit")
	c.Flags().Int64Var(&to, "to", 0, "go on from this offset instead of where the halt says")
	c.Flags().BoolVar(&rebuild, "rebuild", false, "accept a rebuilt state that is only partial, instead of a halt")
	return c
}
