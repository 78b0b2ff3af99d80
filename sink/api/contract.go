package api

import (
	"time"
)

// Experiment is one entry of GET /api/v1/experiments. What has no result yet has no as_of and no subjects.
type Experiment struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	Owner       string           `json:"owner"`
	Team        string           `json:"team,omitempty"`
	Description string           `json:"description,omitempty"`
	State       string           `json:"state"` // draft, running, ended, stopped
	Subject     string           `json:"subject"`
	Control     string           `json:"control"`
	Variants    []Variant        `json:"variants"`
	Dimensions  []string         `json:"dimensions"`
	Start       time.Time        `json:"start"`
	End         *time.Time       `json:"end"`
	Stop        *time.Time       `json:"stop"`
	Definition  string           `json:"definition"`
	AsOf        *time.Time       `json:"as_of"`
	Watermark   *time.Time       `json:"watermark"`
	Complete    bool             `json:"complete"`
	Subjects    map[string]int64 `json:"subjects"`
	Crossovers  int64            `json:"crossovers"`
	SRM         string           `json:"srm"` // ok, failed, collecting
	Metrics     []Outcome        `json:"metrics"`
	Results     string           `json:"results"` // where the numbers are
	Live        string           `json:"live"`    // where they change
}

// Variant is an arm and its planned weight.
type Variant struct {
	ID     string  `json:"id"`
	Weight float64 `json:"weight"`
}

// Outcome is the word for one metric and treatment on the whole population.
type Outcome struct {
	Metric    string `json:"metric"`
	Role      string `json:"role"`
	Variant   string `json:"variant"`
	State     string `json:"state"`
	Guardrail string `json:"guardrail,omitempty"` // within, near, crossed
}
