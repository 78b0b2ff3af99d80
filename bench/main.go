// Command bench measures Tidemark and others on one job, over one log, on one machine, and compares every answer with an
// exact oracle:
//
//	go run ./bench list                                the scenarios
//	go run ./bench run SCENARIO [--runs 5] [--engines tidemark,null,naive] [--broker kfake|kafka] [--out DIR]
//	go run ./bench fill SCENARIO --broker kafka        fill the topic, start no engine, print where it is, wait for Ctrl-C
//	go run ./bench answer SCENARIO --semantics bare    the oracle's cells as NDJSON
//	go run ./bench compare SCENARIO FILE --semantics bare   hold a file of cells against the oracle
//	go run ./bench render DIR                          write Markdown and plots again from a report.json
//	go run ./bench targets DIR…                        one table of all targets, from all reports in or below the folders
//	go run ./bench publish DIR… [--page FILE]          that table, every report's tables and its plots, as a page
//
// Scenarios are in bench/speed/scenarios.go, traffic, definitions and oracle in bench/traffic. How runs are made and what
// the figures mean is in docs/benchmarks.md.
//
// # The log
//
// One topic, keyed by the subject (partition = murmur2 of the key, as Kafka's own clients), 8 partitions unless the
// scenario says otherwise, no compression unless it says so. A record's value is one JSON object without spaces, always
// with these keys in this order, of about 250 bytes (agent is padded to that):
//
//	{"id":"e00000000123456","ts":1767225600123,"type":"click","user":{"id":"u00001234567","plan":"plus"},
//	 "device":{"platform":"ios","country":"DE","agent":"…"},"experiment":{"id":"ranking","variant":"treatment"},"cents":0}
//
//	id       what duplicates have in common; a duplicate is the same bytes again, up to 10,000 records later
//	ts       event time, milliseconds. Kafka's record timestamp is event time as well: that of the append, never falling
//	type     exposure, impression, click, purchase
//	user     the subject (also the record's key) and its plan: free, plus, pro
//	device   platform: ios, android, web; country: 20 codes; agent: nobody reads it
//	experiment   always "ranking"; control or treatment
//	cents    an integer: of a purchase 1 to 20000, else 0
//
// plan, platform and country never change for a subject, and every record carries them, so that an engine without joins
// can slice too. The variant does not change either, save for the exposures of a few crossovers (0.05 % of the subjects).
//
// # The job
//
// Three metrics for each variant in each of the 8 groupings of platform, country and plan:
//
//	metric       x of a subject            y of a subject
//	ctr          clicks                    impressions
//	revenue      Σ cents of purchases      1
//	order_rate   purchases                 clicks
//
// A cell is (variant, values of the fixed dimensions, metric) with n, Σx, Σy, Σx², Σy², Σxy over its subjects, exactly.
// Which events count is said by the semantics:
//
//	bare     Every record counts, duplicates too. Subjects are groups of equal (variant, platform, country, plan, user.id)
//	         over all records, exposures included; n is their number, whether they have clicks or not.
//	full     As Tidemark does without event ids (DESIGN §5): a record more than the scenario's lateness behind the largest
//	         Kafka timestamp so far in its partition does not count, an exposure not if it is more than 10 minutes behind. t₀ is
//	         the earliest counted exposure of the subject; only what lies at or after t₀ counts; a subject with exposures of two
//	         variants is left out; a click counts for ctr only if an impression that counts lies at or before it, a purchase for
//	         order_rate only if a click at or after t₀ does; revenue takes every purchase from t₀ on. n is the exposed subjects.
//	dedupe   full, and of the records with one id and user only the first that is not late counts.
//
// # Peers
//
// A peer is a folder bench/peers/NAME/ with an executable file named "peer" (any language), started by the harness with that
// folder as working directory, in a process group of its own:
//
//	./peer prepare       once, not measured: fetch and build. May take minutes; exit 0 when "run" needs no network
//	./peer run           one run, described by the environment; ends by itself with exit 0
//	./peer describe      prints its versions and its whole configuration as text, for the report
//
// The harness ends a run early with SIGTERM to the group, and SIGKILL 30 s later; nothing may be started outside the group
// (no setsid). The environment of a run:
//
//	BENCH_BROKERS      host:port
//	BENCH_TOPIC        the filled topic; it does not grow
//	BENCH_PARTITIONS   its partitions
//	BENCH_EVENTS       its records: a run reads all, from the start to the ends as they are, and then stops
//	BENCH_SUBJECTS     how many subjects there may be
//	BENCH_LATENESS_MS  the scenario's lateness
//	BENCH_CORES        2: what parallelism to use
//	BENCH_MEMORY_MB    what the peer may take for heap and native state together; 6144 unless the scenario says otherwise
//	BENCH_DIR          an empty folder on the same disk, removed after the run: state, checkpoints, everything
//	BENCH_CELLS        the file to write the cells to
//	BENCH_WARM         a topic of the same kind with 1/10 of the records, to warm up on in the same process before the clock starts
//	BENCH_WARM_EVENTS  its records; 0 if there is none
//
// Topics of its own (repartition, output) a peer creates on the same broker with names that begin with the value of
// BENCH_OWN, which is new in each run, and deletes at the end.
//
// On standard output a peer prints one line of JSON as its last line (other lines before it are kept as its log):
//
//	{"peer":"flink-rocksdb","semantics":"bare","events":20000000,"wall_ns":…,"cpu_ns":…,"rss_bytes":…,"disk_bytes":…,
//	 "written_bytes":…,"version":"2.2.1","notes":["…"],"extra":{"checkpoint_ms":…}}
//
//	events          records consumed by the clock
//	wall_ns         from just before the first record is asked for to when the last cell is final and handed out
//	cpu_ns          user + system time of all the peer's processes in that time (/proc/PID/stat; not the broker's, not the
//	                warm-up's, not the start of the JVM)
//	rss_bytes       largest VmHWM, added up over its processes
//	disk_bytes      of its state at the end; 0 if it has none
//	written_bytes   write_bytes of /proc/PID/io in that time
//
// A batch engine that computes everything again at each refresh prints one such line for each measurement as
// {"peer":"duckdb","measurement":"refresh","events":…,…}; the last line is the one that its cells belong to. The harness
// itself samples the process group's CPU and RSS and reports both.
//
// Cells are NDJSON, in any order, one line for each cell with n > 0, for all 8 groupings; a dimension that is not fixed is
// left out of slice; sums are integers, as JSON numbers or as strings of decimal digits (they pass 2⁵³):
//
//	{"variant":"control","slice":{"platform":"ios","country":"DE"},"metric":"ctr","n":1201,"sum_x":"3310","sum_y":"8122",
//	 "sum_xx":"…","sum_yy":"…","sum_xy":"…"}
//
// They are compared with the oracle's cells of the semantics that the peer states, both ways: a missing, extra or different
// cell fails the run, and the report says so beside the figure. `go run ./bench compare` does the same by hand, on any
// scenario; `smoke` (20,000 events) is the one to begin with.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/tidemark/tidemark/bench/speed"
	"github.com/tidemark/tidemark/bench/traffic"
)

func main() {
	if speed.Child() {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := &cobra.Command{Use: "bench", Short: "Measure Tidemark and others on one job", SilenceUsage: true}
	root.AddCommand(list(), run(), fill(), answer(), compare(), render(), targets(), publish())
	if root.ExecuteContext(ctx) != nil {
		os.Exit(1)
	}
}

func find(name string) (speed.Scenario, error) {
	if s, ok := speed.Find(name); ok {
		return s, nil
	}
	var names []string
	for _, s := range speed.Scenarios {
		names = append(names, s.Name)
	}
	return speed.Scenario{}, fmt.Errorf("no scenario %q; there are %s", name, strings.Join(names, ", "))
}

func list() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "The scenarios", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		for _, s := range speed.Scenarios {
			fmt.Printf("%-20s %-11s %s\n", s.Name, s.Kind, s.About)
		}
		return nil
	}}
}

// options are the flags that say what is run and where things are.
func options(c *cobra.Command, opt *speed.Options) {
	f := c.Flags()
	f.StringVar(&opt.Broker, "broker", "kfake", "kfake, or kafka: the real one from bench/kafka")
	f.StringVar(&opt.Cache, "cache", "", "`DIR` that keeps filled topics (default: in the user's cache folder)")
	f.Int64Var(&opt.Events, "events", 0, "records instead of the scenario's")
	f.Int64Var(&opt.Subjects, "subjects", 0, "subjects instead of the scenario's")
	f.DurationVar(&opt.Span, "span", 0, "event time that the log covers instead of the scenario's")
	opt.Say = func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
}

func run() *cobra.Command {
	opt := speed.Options{Command: "go run ./bench " + strings.Join(os.Args[1:], " ")}
	c := &cobra.Command{Use: "run SCENARIO…", Short: "Measure, compare with the oracle, write a report; all means all scenarios", Args: cobra.MinimumNArgs(1)}
	options(c, &opt)
	f := c.Flags()
	f.IntVar(&opt.Runs, "runs", 0, "runs of each engine, in turns (default 5; growth 3; paced scenarios 1)")
	f.StringSliceVar(&opt.Engines, "engines", nil, "tidemark, tidemark@FILE (another build), null, naive, peers (default: the scenario's)")
	f.StringVar(&opt.Peers, "peers", "", "`DIR` of the peers (default bench/peers)")
	f.StringVar(&opt.Out, "out", "", "`DIR` for the report (default bench-results/SCENARIO-TIME)")
	f.StringVar(&opt.Program, "program", "", "a built tidemark (default: built from this tree)")
	f.StringArrayVar(&opt.Flags, "flag", nil, "a flag for tidemark serve; may be repeated")
	f.IntVar(&opt.Seconds, "seconds", 0, "how long paced scenarios measure")
	f.StringVar(&opt.Axis, "axis", "", "only the axes of a growth with this in their name")
	f.Int64Var(&opt.MostRecords, "most-records", 0, "leave out points of a growth whose logs have more records")
	f.DurationVar(&opt.Profile, "profile", 0, "keep a CPU profile of the first so many seconds of each of Tidemark's runs")
	c.RunE = func(c *cobra.Command, names []string) error {
		var list []speed.Scenario
		for _, name := range names {
			if name == "all" {
				list = append(list, speed.Scenarios...)
				continue
			}
			s, err := find(name)
			if err != nil {
				return err
			}
			list = append(list, s)
		}
		var failed []error
		for _, s := range list {
			own := opt
			if len(list) > 1 && opt.Out != "" {
				own.Out = filepath.Join(opt.Out, s.Name)
			}
			opt.Say("%s: %s", s.Name, s.About)
			// One scenario that fails does not keep the others from being measured.
			if _, err := speed.Run(c.Context(), s, own); err != nil {
				failed = append(failed, fmt.Errorf("%s: %w", s.Name, err))
			}
			if c.Context().Err() != nil {
				break
			}
		}
		return errors.Join(failed...)
	}
	return c
}

func fill() *cobra.Command {
	var opt speed.Options
	c := &cobra.Command{Use: "fill SCENARIO", Short: "Fill the topics, say where they are, wait for Ctrl-C", Args: cobra.ExactArgs(1)}
	options(c, &opt)
	c.RunE = func(c *cobra.Command, args []string) error {
		s, err := find(args[0])
		if err != nil {
			return err
		}
		return speed.Fill(c.Context(), s, opt, func(environment []string) { fmt.Println(strings.Join(environment, "\n")) })
	}
	return c
}

func answer() *cobra.Command {
	var opt speed.Options
	c := &cobra.Command{Use: "answer SCENARIO", Short: "The oracle's cells as NDJSON", Args: cobra.ExactArgs(1)}
	options(c, &opt)
	semantics := c.Flags().String("semantics", "bare", "bare, full or dedupe")
	c.RunE = func(_ *cobra.Command, args []string) error {
		cells, err := oracle(args[0], opt, *semantics)
		if err != nil {
			return err
		}
		return cells.Write(os.Stdout)
	}
	return c
}

func compare() *cobra.Command {
	var opt speed.Options
	c := &cobra.Command{Use: "compare SCENARIO FILE", Short: "Hold a file of cells against the oracle", Args: cobra.ExactArgs(2)}
	options(c, &opt)
	semantics := c.Flags().String("semantics", "bare", "bare, full or dedupe")
	c.RunE = func(_ *cobra.Command, args []string) error {
		want, err := oracle(args[0], opt, *semantics)
		if err != nil {
			return err
		}
		file, err := os.Open(args[1])
		if err != nil {
			return err
		}
		defer file.Close()
		got, err := traffic.Read(file, traffic.Dimensions(3))
		if err != nil {
			return err
		}
		differences := want.Differences(got)
		for i, d := range differences {
			if i == 20 {
				break
			}
			fmt.Println(d)
		}
		if len(differences) > 0 {
			return fmt.Errorf("%d of %d cells differ", len(differences), len(want))
		}
		fmt.Printf("all %d cells are the oracle's\n", len(want))
		return nil
	}
	return c
}

func oracle(scenario string, opt speed.Options, semantics string) (traffic.Cells, error) {
	s, err := find(scenario)
	if err != nil {
		return nil, err
	}
	word, err := traffic.ParseSemantics(semantics)
	if err != nil {
		return nil, err
	}
	return speed.Answer(s, opt, word)
}

func render() *cobra.Command {
	return &cobra.Command{Use: "render DIR", Short: "Write Markdown and plots again from a report.json", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
		report, err := speed.Load(filepath.Join(args[0], "report.json"))
		if err != nil {
			return err
		}
		return report.Render(args[0])
	}}
}

func targets() *cobra.Command {
	return &cobra.Command{Use: "targets DIR…", Short: "One table of all targets from all reports in or below the folders", Args: cobra.MinimumNArgs(1), RunE: func(_ *cobra.Command, dirs []string) error {
		reports, err := speed.LoadAll(dirs...)
		if err != nil {
			return err
		}
		reports.Targets(func(format string, args ...any) { fmt.Printf(format+"\n", args...) })
		return nil
	}}
}

func publish() *cobra.Command {
	c := &cobra.Command{Use: "publish DIR…", Short: "A page of all reports in or below the folders: targets, tables, plots", Args: cobra.MinimumNArgs(1)}
	page := c.Flags().String("page", filepath.Join("docs", "benchmarks-results.md"), "`FILE` to write; plots go to the folder images beside it")
	c.RunE = func(_ *cobra.Command, dirs []string) error {
		reports, err := speed.LoadAll(dirs...)
		if err != nil {
			return err
		}
		return reports.Publish(*page)
	}
	return c
}
