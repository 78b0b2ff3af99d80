package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/alert"
	"github.com/tidemark/tidemark/stream"
)

// server is an engine and every way out of it, for serve and demo.
type server struct {
	set    *catalog.Set
	engine *stream.Engine
	alerts *alert.Manager
	public http.Handler // page and API
	admin  http.Handler // health, metrics, pprof
	// extra run beside them until ctx ends; closers are called when all has stopped.
	extra   []func(context.Context) error
	closers []func() error
	log     *slog.Logger
}

// run serves until ctx ends or something fails; whatever is started is stopped and waited for.
func (s *server) run(ctx context.Context, public, admin net.Listener) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return s.engine.Run(ctx)
	})
	group.Go(func() error { return s.alerts.Run(ctx) })
	group.Go(func() error { return s.alerts.Follow(ctx, s.engine.Hub()) })
	group.Go(func() error { return serveHTTP(ctx, public, s.public) })
	group.Go(func() error { return serveHTTP(ctx, admin, s.admin) })
	for _, f := range s.extra {
		group.Go(func() error { return f(ctx) })
	}
	err := group.Wait()
	for _, stop := range s.closers {
		err = errors.Join(err, stop())
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// serveHTTP serves on l until ctx ends. Streams of server-sent events have no write timeout; their handler sets
// deadlines of its own.
func serveHTTP(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := srv.Shutdown(last); err != nil {
		return srv.Close()
	}
	return nil
}

// listen opens the two listeners. The admin port shows profiles, so only the operator should reach it.
func listen(public, admin string) (p, a net.Listener, err error) {
	if p, err = net.Listen("tcp", public); err != nil {
		return nil, nil, fmt.Errorf("listen for the page: %w; choose another address with --listen", err)
	}
	if a, err = net.Listen("tcp", admin); err != nil {
		p.Close()
		return nil, nil, fmt.Errorf("listen for the admin port: %w; choose another address with --admin", err)
	}
	return p, a, nil
}

// checkLoopback refuses to show results or profiles to a network without anybody having said so: Tidemark has no
// authentication of its own yet.
func checkLoopback(insecure bool, addresses ...string) error {
	for _, address := range addresses {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return usage("%s: want HOST:PORT", address)
		}
		ip := net.ParseIP(host)
		if loopback := host == "localhost" || ip != nil && ip.IsLoopback(); !loopback && !insecure {
			return usage("%s is reachable from other machines and Tidemark has no authentication of its own: put a proxy that has before it and say --insecure-listen, or listen on 127.0.0.1", address)
		}
	}
	return nil
}

// adminHandler serves health, metrics, profiles and what an operator does with alerts: dead letters, replay, enable.
func adminHandler(status func() stream.Status, metrics, alerts http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.Handle("/alerts", alerts)
	mux.Handle("/alerts/", alerts)
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) {
		if st := status(); !st.Healthy {
			http.Error(w, string(st.State), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "healthy")
	})
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, _ *http.Request) {
		st := status()
		if !st.Ready {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintln(w, st.State)
			for _, reason := range st.Reasons {
				fmt.Fprintln(w, "-", reason)
			}
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}
