package app

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidemark/tidemark/stream/results"
)

func resultsCommand(t terminal) *cobra.Command {
	var address, slices, output string
	var watch bool
	c := &cobra.Command{
		Use:   "results EXPERIMENT",
		Short: "Print an experiment's results from a running server",
		Example: `  tidemark results search_rerank
  tidemark results search_rerank --slices platform,country -o csv
  tidemark results search_rerank --watch         changed rows as JSON lines, until interrupted`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			base := strings.TrimRight(address, "/") + "/api/v1/experiments/" + url.PathEscape(args[0])
			if watch {
				return watchRows(cmd.Context(), base+"/live", t.out)
			}
			body, err := get(cmd.Context(), base+"/results?slices="+url.QueryEscape(slices))
			if err != nil {
				return err
			}
			defer body.Close()
			if output == "json" {
				_, err := io.Copy(t.out, body)
				return err
			}
			r := new(results.Result)
			if err := json.NewDecoder(body).Decode(r); err != nil {
				return fmt.Errorf("%s: %w; is it a Tidemark server?", address, err)
			}
			return writeResults(t.out, []*results.Result{r}, output)
		},
	}
	c.Flags().StringVar(&address, "server", "http://127.0.0.1:8080", "the server's `URL`")
	c.Flags().StringVar(&slices, "slices", "none", "all, none, or dimensions by comma")
	c.Flags().StringVarP(&output, "output", "o", "table", "table, json or csv")
	c.Flags().BoolVar(&watch, "watch", false, "follow the live stream: one JSON object per change")
	return c
}

// get opens a URL of the server; its problem document becomes the error.
func get(ctx context.Context, address string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, usage("--server: %v", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &coded{code: exitUnreachable, err: fmt.Errorf("no server: %w; start one with 'tidemark serve' or 'tidemark demo', or name it with --server", err)}
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, nil
	}
	defer response.Body.Close()
	var problem struct{ Title, Detail, Hint string }
	text, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if json.Unmarshal(text, &problem) == nil && problem.Title != "" {
		return nil, fmt.Errorf("%s", strings.Join(nonEmpty(problem.Title, problem.Detail, problem.Hint), ": "))
	}
	return nil, fmt.Errorf("%s answered %s", address, response.Status)
}

func nonEmpty(list ...string) []string {
	var out []string
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// watchRows prints the data of each server-sent event on a line.
func watchRows(ctx context.Context, address string, w io.Writer) error {
	body, err := get(ctx, address)
	if err != nil {
		return err
	}
	defer body.Close()
	lines := bufio.NewReader(body)
	for {
		line, err := lines.ReadString('\n')
		if data, ok := strings.CutPrefix(line, "data:"); ok {
			fmt.Fprintln(w, strings.TrimSpace(data))
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == io.EOF:
			return &coded{code: exitUnreachable, err: fmt.Errorf("the server closed the stream")}
		case err != nil:
			return &coded{code: exitUnreachable, err: err}
		}
	}
}
