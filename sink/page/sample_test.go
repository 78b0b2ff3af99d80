package page

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/api"
	"github.com/tidemark/tidemark/sink/page/sample"
	"github.com/tidemark/tidemark/stream/results"
)

// evaluator lets the sample's world answer for slices that the hub does not hold.
type evaluator struct{ world *sample.World }

func (e evaluator) Results(_ context.Context, id string, s results.Slices) (*results.Result, error) {
	return e.world.Result(id, s), nil
}

// serve returns the API and the pages over a world, as cmd/tidemark wires them.
func serve(t testing.TB, world *sample.World) (http.Handler, *api.Server, *results.Hub) {
	t.Helper()
	hub := results.NewHub()
	for _, r := range world.Results(results.Slices{}) {
		hub.Publish(r)
	}
	server := api.New(api.Options{Set: world.Set(), Hub: hub, Evaluator: evaluator{world}, Status: world.Status, Alerts: world.Alerts, Now: world.Now})
	pages, err := New(server, Options{Version: "test", Definitions: sample.Files()})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/api/", server)
	mux.Handle("/", pages)
	t.Cleanup(server.Close)
	return mux, server, hub
}

func get(t testing.TB, h http.Handler, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestLookAtIt serves the sample to a browser: TIDEMARK_PAGE_ADDR=127.0.0.1:8090 go test -run TestLookAtIt -timeout 0
func TestLookAtIt(t *testing.T) {
	addr := os.Getenv("TIDEMARK_PAGE_ADDR")
	if addr == "" {
		t.Skip("TIDEMARK_PAGE_ADDR is not set")
	}
	world := sample.New(1)
	if os.Getenv("TIDEMARK_PAGE_EMPTY") != "" {
		*world.Set() = catalog.Set{}
	}
	h, _, hub := serve(t, world)
	go func() {
		for range time.Tick(time.Second) {
			world.Step(1)
			for _, r := range world.Results(results.Slices{}) {
				hub.Publish(r)
			}
		}
	}()
	t.Log(http.ListenAndServe(addr, h))
}
