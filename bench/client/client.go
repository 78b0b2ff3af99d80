// Package client asks a running program over HTTP, for the tests and benchmarks that look at it from outside.
package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Open returns the body of a URL that answers 200. The caller closes it. Any other status is an error with what the program
// said.
func Open(ctx context.Context, url string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1000))
		response.Body.Close()
		return nil, fmt.Errorf("%s: %s: %s", url, response.Status, bytes.TrimSpace(text))
	}
	return response.Body, nil
}

// Read returns what a URL answers.
func Read(ctx context.Context, url string) ([]byte, error) {
	body, err := Open(ctx, url)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

// JSON decodes what a URL answers.
func JSON(ctx context.Context, url string, into any) error {
	text, err := Read(ctx, url)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// Follow reads a live stream of results until ctx ends, connecting again while the program starts. seen gets the
// positions that a message stands on, and when its line had come.
func Follow(ctx context.Context, url string, seen func(positions map[string]int64, at time.Time)) {
	const again = 20 * time.Millisecond
	for ctx.Err() == nil {
		body, err := Open(ctx, url)
		if err != nil {
			time.Sleep(again)
			continue
		}
		lines := bufio.NewReaderSize(body, 1<<20)
		for err == nil {
			var line string
			line, err = lines.ReadString('\n')
			at := time.Now()
			if data, ok := strings.CutPrefix(line, "data:"); ok {
				var m struct{ Positions map[string]int64 }
				if json.Unmarshal([]byte(data), &m) == nil && m.Positions != nil {
					seen(m.Positions, at)
				}
			}
		}
		body.Close()
	}
}
