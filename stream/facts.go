package stream

import "time"

// Fact is something that depends on when somebody looked, stored once and shown with its date: the tuned
// information v* of one metric and treatment.
type Fact struct {
	Experiment string    `json:"experiment"`
	Metric     string    `json:"metric"`
	Variant    string    `json:"variant"`
	V          float64   `json:"v"`
	Set        time.Time `json:"set"`
}
