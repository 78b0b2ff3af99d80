package alert

import (
	"encoding/json"
	"net/http"
)

// Admin serves what an operator does about alerts, for the admin port; responses of receivers are in what it shows.
//
//	GET                                  every alert, with what receivers answered
//	GET  receivers                       where every receiver stands
//	GET  progress                        how far alerts have seen each experiment, and what holds them back
//	GET  transitions                     the last 1,000 changes of state, newest first
//	GET  dead                            dead letters with bodies and attempts, oldest first
//	POST replay?receiver=ID[&id=EVT]…    queue dead letters again, with their ids
//	POST enable?receiver=ID              let a receiver that answered 410 receive again
//	POST accept?experiment=ID            evaluate the next result wherever it stands
//
// prefix is where it is mounted ("/alerts").
func (m *Manager) Admin(prefix string) http.Handler {
	mux := http.NewServeMux()
	get := func(path string, f func() (any, error)) {
		mux.HandleFunc("GET "+prefix+path, func(w http.ResponseWriter, r *http.Request) { answer(w, http.StatusInternalServerError, f) })
	}
	post := func(path string, f func(r *http.Request) (any, error)) {
		mux.HandleFunc("POST "+prefix+path, func(w http.ResponseWriter, r *http.Request) {
			answer(w, http.StatusBadRequest, func() (any, error) { return f(r) })
		})
	}
	get("", func() (any, error) { return map[string]any{"alerts": m.alerts()}, nil })
	get("/receivers", func() (any, error) { return map[string]any{"receivers": m.Receivers()}, nil })
	get("/progress", func() (any, error) { return map[string]any{"progress": m.Progress()}, nil })
	get("/transitions", func() (any, error) { return map[string]any{"transitions": m.Transitions(1000)}, nil })
	get("/dead", func() (any, error) {
		dead, err := m.DeadLetters()
		type letter struct {
			Delivery
			Body string `json:"body"`
		}
		letters := make([]letter, 0, len(dead))
		for _, d := range dead {
			letters = append(letters, letter{d, string(d.Body)})
		}
		return map[string]any{"dead": letters}, err
	})
	post("/replay", func(r *http.Request) (any, error) {
		n, err := m.Replay(r.FormValue("receiver"), r.Form["id"]...)
		return map[string]any{"replayed": n}, err
	})
	post("/enable", func(r *http.Request) (any, error) { return map[string]any{}, m.Enable(r.FormValue("receiver")) })
	post("/accept", func(r *http.Request) (any, error) {
		return map[string]any{}, m.AcceptPositions(r.FormValue("experiment"))
	})
	// A page elsewhere must not make an operator's browser do these.
	return http.NewCrossOriginProtection().Handler(mux)
}

func answer(w http.ResponseWriter, failed int, f func() (any, error)) {
	v, err := f()
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(failed)
		v = map[string]string{"error": err.Error()}
	}
	json.NewEncoder(w).Encode(v)
}
