package app

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/alert"
	"github.com/tidemark/tidemark/sink/alert/notify"
	"github.com/tidemark/tidemark/sink/api"
	"github.com/tidemark/tidemark/sink/page"
	"github.com/tidemark/tidemark/sink/topic"
	"github.com/tidemark/tidemark/stream"
	"github.com/tidemark/tidemark/stream/telemetry"
)

// serveFlags are what serve and demo share, and serve's own.
type serveFlags struct {
	listen, admin, data, format string
	insecure, rebuild           bool
	commitEvery                 time.Duration
	memory                      string
	topic                       string
	noTopic                     bool
	baseURL                     string
	allowHTTP                   bool
	allowNetworks               []string
	kafka                       kafkaFlags
}

func serveCommand(t terminal) *cobra.Command {
	var f serveFlags
	var sources []string
	c := &cobra.Command{
		Use:   "serve DIR",
		Short: "Read the sources, serve results on a page and over HTTP, send alerts",
		Example: `  tidemark serve definitions/ --brokers kafka:9092 --data /var/lib/tidemark
  tidemark serve definitions/ --brokers kafka:9093 --tls --sasl SCRAM-SHA-512 --sasl-user tidemark --sasl-password-file /run/secrets/kafka
  tidemark serve definitions/ --data state/ --rebuild      definitions changed their meaning: build the new state from the log`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkLoopback(f.insecure, f.listen, f.admin); err != nil {
				return err
			}
			set, err := loadDefinitions(t, args[0])
			if err != nil {
				return err
			}
			opt := stream.Options{Dir: f.data, KeepOpen: true, Rebuild: f.rebuild, CommitEvery: f.commitEvery, Logger: logger(t, f.format, false)}
			if opt.Files, err = sourceFiles(sources, set); err != nil {
				return err
			}
			if err := f.limitMemory(&opt); err != nil {
				return err
			}
			if err := f.kafka.apply(&opt); err != nil {
				return err
			}
			if err := needBrokers(set, opt); err != nil {
				return err
			}
			policy, err := f.policy()
			if err != nil {
				return err
			}
			p, a, err := listen(f.listen, f.admin)
			if err != nil {
				return err
			}
			s, err := build(set, args[0], opt, f, alert.Options{BaseURL: f.baseURL, Policy: policy}, nil)
			if err != nil {
				return err
			}
			fmt.Fprintf(t.err, "tidemark: page and API on http://%s, admin on http://%s\n", p.Addr(), a.Addr())
			return s.run(cmd.Context(), p, a)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8080", "`ADDR` of the page and the API")
	flags.StringVar(&f.admin, "admin", "127.0.0.1:8081", "`ADDR` of health, metrics and profiles")
	flags.StringVar(&f.data, "data", "tidemark-data", "the data `DIR`ectory")
	flags.StringVar(&f.format, "log-format", "auto", "text, json, or auto: text on a terminal")
	flags.BoolVar(&f.insecure, "insecure-listen", false, "allow addresses that other machines reach")
	flags.BoolVar(&f.rebuild, "rebuild", false, "build a new state from the log, beside the old, where definitions changed their meaning")
	flags.StringVar(&f.memory, "memory", "", "plan with so many `BYTES` of memory, such as 4GiB (default: 2GiB for the state, and no bound)")
	flags.DurationVar(&f.commitEvery, "commit-every", time.Second, "how often state is committed")
	flags.StringArrayVar(&sources, "source", nil, "`ID=FILE`: read this source from a file instead; may be repeated")
	flags.StringVar(&f.topic, "results-topic", "tidemark.results", "the compacted topic that results are published to")
	flags.BoolVar(&f.noTopic, "no-results-topic", false, "do not publish results to a topic")
	flags.StringVar(&f.baseURL, "base-url", "", "the page's `URL` as people reach it, for links in alerts")
	flags.BoolVar(&f.allowHTTP, "allow-http-receivers", false, "allow receivers with plain http URLs")
	flags.StringSliceVar(&f.allowNetworks, "allow-receiver-networks", nil, "private `NETWORK`s (CIDR) that receivers may be in")
	f.kafka.register(flags)
	return c
}

// needBrokers refuses a start that could only wait for ever.
func needBrokers(set *catalog.Set, opt stream.Options) error {
	for _, s := range set.Sources {
		if len(s.Topics) > 0 && len(opt.Files[s.ID]) == 0 && len(opt.Brokers) == 0 {
			return usage("source %s reads the Kafka topic %s: say where Kafka is with --brokers", s.ID, s.Topics[0])
		}
	}
	return nil
}

// limitMemory plans with --memory, and lets the collector work harder before the process takes more.
func (f *serveFlags) limitMemory(opt *stream.Options) error {
	if f.memory == "" {
		return nil
	}
	n, err := humanize.ParseBytes(f.memory)
	if err != nil || n < 128<<20 || n > math.MaxInt64 {
		return usage("--memory %s: want at least 128MiB, such as 4GiB", f.memory)
	}
	opt.Memory = int64(n)
	debug.SetMemoryLimit(int64(n) - int64(n)/20 - opt.OffHeap())
	return nil
}

func (f *serveFlags) policy() (notify.Policy, error) {
	policy := notify.Policy{AllowHTTP: f.allowHTTP}
	for _, text := range f.allowNetworks {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return policy, usage("--allow-receiver-networks %s: want a network such as 10.1.0.0/16", text)
		}
		policy.AllowNetworks = append(policy.AllowNetworks, prefix)
	}
	return policy, nil
}

// build wires the engine to its ways out. extra are further handlers of the public address, by pattern.
func build(set *catalog.Set, dir string, opt stream.Options, f serveFlags, alerts alert.Options, extra map[string]http.Handler) (*server, error) {
	metrics := telemetry.New(version)
	opt.Hooks = metrics.Hooks()
	engine, err := stream.New(set, opt)
	if err != nil {
		return nil, err
	}
	metrics.Watch(engine.Status)
	alerts.Logger = opt.Logger
	counted := newNotifications(metrics.Register)
	alerts.OnTransition, alerts.OnAttempt = counted.transition, counted.attempt
	if err := os.MkdirAll(opt.Dir, 0o700); err != nil {
		return nil, err
	}
	manager, err := alert.Open(filepath.Join(opt.Dir, "alerts"), set, alerts)
	if err != nil {
		return nil, err
	}
	server := &server{set: set, engine: engine, alerts: manager, log: opt.Logger}
	server.extra = append(server.extra, func(ctx context.Context) error { paceCollector(ctx); return nil })
	web := api.New(api.Options{Set: set, Hub: engine.Hub(), Evaluator: engine, Trends: engine, Status: engine.Status, Alerts: manager.Alerts})
	links := []page.Link{}
	mux := http.NewServeMux()
	for pattern, h := range extra {
		mux.Handle(pattern, h)
		if pattern == "/inbox/" {
			links = append(links, page.Link{Text: "Inbox", Href: "/inbox/"})
		}
	}
	pages, err := page.New(web, page.Options{Definitions: os.DirFS(dir), Links: links, Version: version})
	if err != nil {
		return nil, err
	}
	mux.Handle("/api/", web)
	mux.Handle("/", pages)
	server.public = mux
	server.admin = adminHandler(engine.Status, metrics.Handler(), manager.Admin("/alerts"))
	server.closers = append(server.closers, func() error { web.Close(); return nil }, manager.Close)
	if len(opt.Brokers) > 0 && !f.noTopic {
		client, err := engine.ClientOptions()
		if err != nil {
			return nil, err
		}
		publisher, err := topic.New(engine.Hub(), topic.Options{Client: client, Topic: f.topic, Logger: opt.Logger})
		if err != nil {
			return nil, err
		}
		server.extra = append(server.extra, func(ctx context.Context) error { return publisher.Run(ctx) })
	}
	return server, nil
}
