// Command tidemark counts experiments as their events flow: it reads Kafka topics or files, keeps exact per-subject
// records, and serves statistically valid results on a page, over HTTP, as a topic and as alerts.
package main

import (
	"os"

	"github.com/tidemark/tidemark/cmd/tidemark/app"
)

func main() { os.Exit(app.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
