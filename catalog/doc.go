// Package catalog holds what may be asked: sources, events, metrics, experiments, alerts and receivers, and the plans compiled from them.
package catalog
