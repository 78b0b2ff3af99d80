package app

import (
	"log/slog"
)

// logger writes to standard error: text for people, JSON where a program reads it.
func logger(t terminal, format string, quiet bool) *slog.Logger {
	opt := &slog.HandlerOptions{Level: slog.LevelInfo}
	if quiet {
		opt.Level = slog.LevelWarn
	}
	if format == "json" || format == "auto" && !isTerminal(t.err) {
		return slog.New(slog.NewJSONHandler(t.err, opt))
	}
	return slog.New(slog.NewTextHandler(t.err, opt))
}
