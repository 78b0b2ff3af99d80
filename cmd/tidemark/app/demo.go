package app

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemark/tidemark/cmd/tidemark/demo"
	"github.com/tidemark/tidemark/sink/alert"
	"github.com/tidemark/tidemark/sink/alert/notify"
	"github.com/tidemark/tidemark/sink/inbox"
	"github.com/tidemark/tidemark/stream"
)

// demoMemory is what the demo plans with: it shares its machine with a browser.
const demoMemory = 384 << 20

func demoCommand(t terminal) *cobra.Command {
	f := serveFlags{topic: "tidemark.results"}
	var dir string
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show it all: a broker in the process, a shop's traffic, the live page, alerts",
		Long: `Show it all: a broker in the process, a shop's traffic with known effects, the live page, alerts.
The event clock starts 14 days back, runs through them in half a minute, then goes on in real time. After 40 seconds a
guardrail breaks; its alert arrives at the built-in inbox. Ctrl-C stops it and leaves nothing behind.`,
		Example: `  tidemark demo
  tidemark demo --listen 127.0.0.1:9000`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkLoopback(f.insecure, f.listen, f.admin); err != nil {
				return err
			}
			return runDemo(cmd.Context(), t, f, dir)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8080", "`ADDR` of the page and the API")
	flags.StringVar(&f.admin, "admin", "127.0.0.1:8081", "`ADDR` of health, metrics and profiles")
	flags.BoolVar(&f.insecure, "insecure-listen", false, "allow addresses that other machines reach")
	flags.StringVar(&dir, "dir", filepath.Join(os.TempDir(), "tidemark-demo"), "where the demo keeps its things until it stops")
	return c
}

func runDemo(ctx context.Context, t terminal, f serveFlags, dir string) error {
	p, a, err := listen(f.listen, f.admin)
	if err != nil {
		return err
	}
	d, err := demo.Start(dir, time.Now)
	if err != nil {
		return err
	}
	base := "http://" + p.Addr().String()
	box, err := writeReceivers(d.Definitions, base)
	if err != nil {
		return errors.Join(err, d.Close(!d.Resumed))
	}
	set, err := loadDefinitions(t, d.Definitions)
	if err != nil {
		return errors.Join(err, d.Close(!d.Resumed))
	}
	quiet := slog.New(slog.NewTextHandler(t.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	opt := stream.Options{Dir: d.State, Brokers: d.Brokers, Logger: quiet, SessionTimeout: 6 * time.Second, Memory: demoMemory}
	loopback := notify.Policy{AllowHTTP: true, AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
	s, err := build(set, d.Definitions, opt, f, alert.Options{BaseURL: base, Policy: loopback}, map[string]http.Handler{"/inbox/": box})
	if err != nil {
		return errors.Join(err, d.Close(!d.Resumed))
	}
	s.extra = append(s.extra, func(ctx context.Context) error { return d.Run(ctx, time.Now) })
	fmt.Fprintf(t.out, "Tidemark demo: a broker in this process (for demonstrations only) and a shop's traffic.\n\n%s\n", demo.Truth)
	fmt.Fprintf(t.out, "  page    %s\n  inbox   %s/inbox/   what Slack, PagerDuty and a webhook receive\n  admin   http://%s   health, metrics, profiles\n", base, base, a.Addr())
	if d.Resumed {
		fmt.Fprintf(t.out, "\nGoing on from the demo in %s.\n", d.Dir)
	}
	fmt.Fprintf(t.out, "\nCtrl-C stops it and leaves nothing behind.\n")
	err = s.run(ctx, p, a)
	return errors.Join(err, d.Close(err == nil))
}

// writeReceivers adds the receivers of the demo's alerts, which are all the inbox, with fresh secrets.
func writeReceivers(dir, base string) (http.Handler, error) {
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	files := map[string]string{
		"webhook.secret": "whsec_" + base64.StdEncoding.EncodeToString(secret),
		"pagerduty.key":  strings.Repeat("0123456789abcdef", 2),
		"slack.url":      base + "/inbox/slack",
		"receivers.yaml": fmt.Sprintf(`# Written by the demo: all three receivers are its own inbox.
receiver: {id: slack, slack: {url_file: slack.url}}
---
receiver: {id: oncall, pagerduty: {routing_key_file: pagerduty.key, url: %[1]q}}
---
receiver: {id: hook, webhook: {url: %[2]q, secret_file: webhook.secret}}
`, base+"/inbox/pagerduty/v2/enqueue", base+"/inbox/webhook"),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return inbox.New(inbox.Options{
		Secrets: []string{files["webhook.secret"]},
		Note:    "The first alert comes when the split of free_shipping is seen to be broken; the guardrail of one_click breaks after 40 seconds.",
	}), nil
}
